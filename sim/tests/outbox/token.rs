//! Payments of HOLD.

use crate::storm::{
    NODES, Orders, SHARE, STORM, Summary, Transfer, Treasurer, account, ask, balanceOfCall, boot, calm,
    insist, intent, live, many, order, pay_behind_its_back, totalSupplyCall, transferCall,
};
use alloy::{
    primitives::{Address, B256, U256},
    sol_types::SolEvent,
};
use futures::future::join_all;
use holdfast::{
    actors::incentive::{SubmitTransaction, TransactionEnd, TransactionError},
    env::evm::EvmChain,
    types::{Timestamp, chain::LogFilter},
};
use holdfast_sim::{
    cluster::{Cluster, NodeSpec},
    env::rng,
    world::{WorldPlan, run},
};
use rand::RngExt;
use std::{collections::BTreeMap, time::Duration};

/// Payments of each node.
pub const PAYMENTS: u64 = 6;
/// Whom another program pays from nodes' wallets.
const OTHER: Address = Address::with_last_byte(0xee);

#[derive(Clone, Copy, Debug)]
pub struct Payment {
    pub node: u32,
    number: u64,
}

impl Payment {
    fn payee(self) -> Address {
        Address::from_word(B256::from(U256::from(0xbeef_0000 + u64::from(self.node) * 1_000 + self.number)))
    }

    fn amount(self) -> U256 {
        U256::from(1 + self.number)
    }

    pub fn order(self, token: Address) -> SubmitTransaction {
        let call = transferCall { to: self.payee(), amount: self.amount() };
        order(intent(self.node, self.number), token, &call)
    }

    /// Its payer, payee and amount.
    pub fn transfer(self, seed: u64) -> Transferred {
        (account(seed, self.node), self.payee(), self.amount())
    }
}

/// Who paid whom, and what.
type Transferred = (Address, Address, U256);

pub fn payments() -> impl Iterator<Item = Payment> {
    (0..NODES).flat_map(|node| (0..PAYMENTS).map(move |number| Payment { node, number }))
}

fn balance(evm: &EvmChain, token: Address, holder: Address) -> U256 {
    ask(evm, token, &balanceOfCall { holder })
}

/// No token is made or lost, whatever was taken back.
pub fn conserved(evm: &EvmChain, token: Address, seed: u64) {
    let holders = (0..NODES).map(|node| account(seed, node)).chain(payments().map(Payment::payee));
    let held: U256 = holders.map(|holder| balance(evm, token, holder)).sum();
    assert_eq!(held, ask(evm, token, &totalSupplyCall {}), "at block {}", evm.head().header.number);
}

/// A world in which everything goes wrong; `behind` is how often another program sends from each node's wallet.
fn pay(seed: u64, behind: u64) -> Summary {
    live(
        seed,
        |treasurer| treasurer.token(),
        conserved,
        async move |cluster, token| {
            let mut random = rng::stream(seed, "payments", 0);
            let begin = cluster.time().now();
            let paying = payments().map(|payment| {
                let at = begin + Duration::from_secs(random.random_range(0..STORM.as_secs()));
                let twice = random.random_bool(0.3);
                pay_one(cluster.clone(), payment, token, at, twice)
            });
            let paying: Vec<_> = paying.collect();
            let chain = cluster.chain().expect("the world has a chain");
            let others = (0..behind * u64::from(NODES)).map(async |number| {
                let mut random = rng::stream(seed, "others", number);
                cluster
                    .time()
                    .sleep_until(begin + Duration::from_secs(random.random_range(0..STORM.as_secs())))
                    .await;
                pay_behind_its_back(&chain, seed, (number % u64::from(NODES)) as u32, OTHER);
            });
            futures::join!(join_all(paying), join_all(others)).0
        },
        move |evm, token, ends| judge(evm, token, seed, &ends, behind == 0),
    )
}

/// Orders a payment, at times from two places at once.
async fn pay_one(
    cluster: Cluster<Orders>,
    payment: Payment,
    token: Address,
    at: Timestamp,
    twice: bool,
) -> TransactionEnd {
    cluster.time().sleep_until(at).await;
    let insist = || insist(cluster.clone(), payment.node, payment.order(token));
    if !twice {
        return insist().await;
    }
    let (one, other) = futures::join!(insist(), insist());
    assert_eq!(one, other, "{payment:?} ended in two ways");
    one
}

/// The transactions of all payments from the nodes' wallets.
pub fn transfers(evm: &EvmChain, token: Address, seed: u64) -> BTreeMap<Transferred, Vec<B256>> {
    let head = evm.head().header.number;
    let mut paid: BTreeMap<Transferred, Vec<B256>> = BTreeMap::new();
    for from in (0..=head).step_by(1_000) {
        let events = vec![Transfer::SIGNATURE_HASH];
        let filter = LogFilter { addresses: vec![token], events, blocks: from..=from + 999 };
        for log in evm.logs(&filter).expect("logs") {
            let transfer =
                Transfer::decode_raw_log(log.topics.iter().copied(), &log.data).expect("a transfer");
            paid.entry((transfer.from, transfer.to, transfer.amount)).or_default().push(log.transaction);
        }
    }
    paid.retain(|(from, _, _), _| (0..NODES).any(|node| account(seed, node) == *from));
    paid
}

/// Every payment is on the chain once, in the transaction that its end names, and no other payment is.
fn judge(evm: &EvmChain, token: Address, seed: u64, ends: &[TransactionEnd], alone: bool) {
    let mut paid = transfers(evm, token, seed);
    for (payment, end) in payments().zip(ends) {
        let found = paid.remove(&payment.transfer(seed)).unwrap_or_default();
        let TransactionEnd::Executed { transaction, .. } = end else {
            panic!("{payment:?} ended as {end:?}")
        };
        assert_eq!(found, [*transaction], "{payment:?} is on the chain {} times", found.len());
        assert_eq!(
            balance(evm, token, payment.payee()),
            payment.amount(),
            "{payment:?}: the payee's balance"
        );
    }
    assert!(paid.is_empty(), "nobody ordered {paid:?}");
    for node in (0..NODES).filter(|_| alone) {
        assert_eq!(evm.account(account(seed, node)).nonce, PAYMENTS, "transactions of node {node}");
    }
}

#[test]
fn every_payment_is_on_the_chain_exactly_once() {
    many("payments", |seed| pay(seed, 0));
}

#[test]
fn every_payment_is_on_the_chain_exactly_once_though_another_program_sends_from_the_wallet() {
    many("payments beside another program's", |seed| pay(seed, 3));
}

#[test]
fn a_seed_repeats() {
    assert_eq!(pay(7, 2), pay(7, 2));
}

#[test]
fn a_reverting_order_is_refused_with_its_reason() {
    let (refused, late) = run(1, || {
        Box::pin(async {
            let plan = WorldPlan { chain: Some(calm()), ..WorldPlan::default() };
            let cluster = Cluster::with_boot(plan, 1, boot());
            let chain = cluster.chain().expect("the world has a chain");
            let treasurer = Treasurer::new(&chain, 1);
            let token = treasurer.token();
            treasurer.done();
            let node = cluster.add_node(NodeSpec::default());
            let orders = cluster.start(node).await.expect("the node starts");
            let too_much = |number, gas| {
                let call = transferCall { to: token, amount: U256::from(SHARE) + U256::from(1) };
                let mut submit = order(intent(0, number), token, &call);
                submit.order.gas = gas;
                submit
            };
            let refused = orders.send(too_much(1, None)).await.expect("alive");
            // With gas given nobody asks before it is sent: it reverts in its block.
            let late = orders.send(too_much(2, Some(100_000))).await.expect("alive");
            let again = orders.send(too_much(2, Some(100_000))).await.expect("alive");
            assert_eq!(again, late, "an intent that ended is not done again");
            assert_eq!(chain.look(|evm| evm.account(account(1, 0)).nonce), 1);
            cluster.shut_down().await;
            (refused, late)
        })
    });
    let Err(TransactionError::WouldRevert { data, .. }) = refused else { panic!("{refused:?}") };
    // ERC20InsufficientBalance(address,uint256,uint256), ERC-6093
    assert_eq!(data[..4], [0xe4, 0x50, 0xd3, 0x8c]);
    let Ok(TransactionEnd::Reverted { why, .. }) = late else { panic!("{late:?}") };
    assert!(why.contains("e450d38c"), "{why}");
}
