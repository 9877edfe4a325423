//! A server that lags: what it says of a transaction is of a block that was replaced.

use crate::storm::{
    SHARE, Treasurer, ask, balanceOfCall, boot_over, calm, insist, intent, order, transferCall,
};
use alloy::primitives::{Address, B256, Bytes, U256};
use futures::FutureExt;
use holdfast::{
    actors::incentive::TransactionEnd,
    env::{Chain, chain::Told},
    types::chain::{Account, Block, Call, Fees, Log, LogFilter, Receipt},
};
use holdfast_sim::{
    cluster::{Cluster, NodeSpec},
    env::{ChainPlan, SimChain, Time},
    world::{WorldPlan, run},
};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::Duration,
};

const PAYEE: Address = Address::with_last_byte(0xaa);

/// A link whose receipts are of a server that hears of no reorganisation, until it catches up.
#[derive(Clone)]
struct Lagging {
    link: Rc<dyn Chain>,
    told: Rc<RefCell<BTreeMap<B256, Receipt>>>,
    caught_up: Rc<Cell<bool>>,
}

impl Chain for Lagging {
    fn receipt(&self, transaction: B256) -> Told<Option<Receipt>> {
        let lagging = self.clone();
        let told = async move {
            let receipt = lagging.link.receipt(transaction).await?;
            if lagging.caught_up.get() {
                return Ok(receipt);
            }
            let mut told = lagging.told.borrow_mut();
            Ok(receipt.map(|now| told.entry(transaction).or_insert(now).clone()))
        };
        told.boxed_local()
    }

    fn id(&self) -> u64 {
        self.link.id()
    }

    fn head(&self) -> Told<Block> {
        self.link.head()
    }

    fn block(&self, number: u64) -> Told<Option<Block>> {
        self.link.block(number)
    }

    fn account(&self, address: Address) -> Told<Account> {
        self.link.account(address)
    }

    fn code(&self, address: Address) -> Told<Bytes> {
        self.link.code(address)
    }

    fn fees(&self) -> Told<Fees> {
        self.link.fees()
    }

    fn call(&self, call: Call) -> Told<Bytes> {
        self.link.call(call)
    }

    fn estimate_gas(&self, call: Call) -> Told<u64> {
        self.link.estimate_gas(call)
    }

    fn submit(&self, raw: Bytes) -> Told<B256> {
        self.link.submit(raw)
    }

    fn logs(&self, filter: LogFilter) -> Told<Vec<Log>> {
        self.link.logs(filter)
    }
}

/// Makes blocks, and after each leaves the node time to look.
async fn blocks(chain: &SimChain, time: &Time, number: u64) {
    for _ in 0..number {
        chain.produce();
        time.sleep(Duration::from_secs(10)).await;
    }
}

/// The payment's block is replaced and the payment comes into a later one, which is replaced as well before the payment is
/// final there, though it would be by the first block's height.
async fn replace_twice(chain: &SimChain, time: &Time, caught_up: &Cell<bool>) {
    time.sleep(Duration::from_secs(10)).await;
    blocks(chain, time, 1).await;
    chain.reorganise(2);
    (0..8).for_each(|_| chain.produce());
    time.sleep(Duration::from_secs(10)).await;
    blocks(chain, time, 2).await;
    chain.reorganise(2);
    time.sleep(Duration::from_secs(10)).await;
    blocks(chain, time, 1).await;
    caught_up.set(true);
    blocks(chain, time, 12).await;
}

#[test]
fn a_receipt_of_a_replaced_block_is_no_end() {
    run(1, || {
        Box::pin(async {
            // Blocks are made by hand, and what was in a replaced one is forgotten.
            let plan = ChainPlan { block_s: 1e6, loss_chance: 1.0, ..calm() };
            let plan = WorldPlan { chain: Some(plan), ..WorldPlan::default() };
            let (told, caught_up) = (Rc::default(), Rc::new(Cell::new(false)));
            let catch_up = caught_up.clone();
            let boot = boot_over(move |link| {
                let (told, caught_up) = (Rc::clone(&told), caught_up.clone());
                Rc::new(Lagging { link, told, caught_up })
            });
            let cluster = Cluster::with_boot(plan, 1, boot);
            let chain = cluster.chain().expect("the world has a chain");
            let treasurer = Treasurer::new(&chain, 1);
            let token = treasurer.token();
            treasurer.done();
            let node = cluster.add_node(NodeSpec::default());
            cluster.start(node).await.expect("the node starts");
            let call = transferCall { to: PAYEE, amount: U256::from(SHARE) };
            let paying = insist(cluster.clone(), 0, order(intent(0, 1), token, &call));
            let time = cluster.time();
            let (end, ()) = futures::join!(paying, replace_twice(&chain, &time, &catch_up));
            chain.look(|evm| {
                let TransactionEnd::Executed { transaction, block, .. } = end else { panic!("{end:?}") };
                assert_eq!(evm.receipt(transaction).map(|it| it.block), Some(block), "where it is");
                assert_eq!(ask(evm, token, &balanceOfCall { holder: PAYEE }), U256::from(SHARE));
            });
            cluster.shut_down().await;
        })
    });
}
