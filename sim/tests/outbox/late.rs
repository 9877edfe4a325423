//! Payments that are of use until a block: each is on the chain once or never, and its end says which.

use crate::{
    storm::{
        NODES, STORM, Summary, Treasurer, account, ask, balanceOfCall, boot, calm, insist, intent, live,
        many, order, transferCall,
    },
    token::{PAYMENTS, conserved, payments, transfers},
};
use alloy::primitives::{Address, U256};
use futures::future::{join, join_all};
use holdfast::{
    actors::incentive::{SubmitTransaction, TransactionEnd, TransactionError},
    env::evm::EvmChain,
};
use holdfast_sim::{
    NodeNumber,
    cluster::{Cluster, NodeSpec},
    env::{ChainPlan, SimChain, Time, rng},
    faults::Fault,
    world::{WorldPlan, run},
};
use rand::RngExt;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

const PAYEE: Address = Address::with_last_byte(0xaa);

/// Payments by how they ended, over all seeds.
#[derive(Debug, Default)]
struct Ends {
    executed: AtomicU64,
    expired: AtomicU64,
    /// Transactions that did nothing in place of those that expired.
    replaced: AtomicU64,
}

fn height(chain: &SimChain) -> u64 {
    chain.look(|evm| evm.head().header.number)
}

fn pay(seed: u64, ends: &Arc<Ends>) -> Summary {
    let counted = ends.clone();
    live(
        seed,
        |treasurer| treasurer.token(),
        conserved,
        async move |cluster, token| {
            let mut random = rng::stream(seed, "late payments", 0);
            let begin = cluster.time().now();
            let paying = payments().map(|payment| {
                let at = begin + Duration::from_secs(random.random_range(0..STORM.as_secs()));
                let blocks = random.random_range(0..20);
                async move {
                    cluster.time().sleep_until(at).await;
                    let chain = cluster.chain().expect("the world has a chain");
                    let mut submit = payment.order(token);
                    submit.order.last_block = Some(height(&chain) + blocks);
                    insist(cluster.clone(), payment.node, submit).await
                }
            });
            let paying: Vec<_> = paying.collect();
            join_all(paying).await
        },
        move |evm, token, told| judge(evm, token, seed, &told, &counted),
    )
}

/// What ended as executed is there once, in the transaction that its end names; nothing else is.
fn judge(evm: &EvmChain, token: Address, seed: u64, told: &[TransactionEnd], ends: &Ends) {
    let mut paid = transfers(evm, token, seed);
    let mut executed = [0; NODES as usize];
    for (payment, end) in payments().zip(told) {
        let found = paid.remove(&payment.transfer(seed)).unwrap_or_default();
        match end {
            TransactionEnd::Executed { transaction, .. } => {
                assert_eq!(found, [*transaction], "{payment:?}");
                executed[payment.node as usize] += 1;
            }
            TransactionEnd::Expired => {
                assert!(found.is_empty(), "{payment:?} expired, and is on the chain: {found:?}");
                ends.expired.fetch_add(1, Ordering::Relaxed);
            }
            other => panic!("{payment:?} ended as {other:?}"),
        }
    }
    assert!(paid.is_empty(), "nobody ordered {paid:?}");
    for (node, executed) in (0..NODES).zip(executed) {
        let nonce = evm.account(account(seed, node)).nonce;
        assert!((executed..=PAYMENTS).contains(&nonce), "{nonce} transactions of node {node}");
        ends.executed.fetch_add(executed, Ordering::Relaxed);
        ends.replaced.fetch_add(nonce - executed, Ordering::Relaxed);
    }
}

#[test]
fn every_payment_with_a_last_block_is_on_the_chain_once_or_never() {
    let ends = Arc::new(Ends::default());
    many("payments with a last block", |seed| pay(seed, &ends));
    println!("{ends:?}");
    let [executed, expired, replaced] =
        [&ends.executed, &ends.expired, &ends.replaced].map(|count| count.load(Ordering::Relaxed));
    assert!(executed > 0 && expired > replaced && replaced > 0, "nothing happened: {ends:?}");
}

/// Begins to ask 1,500 gwei for a unit of gas, for forty blocks; nobody here pays more than 500.
async fn rush(chain: &SimChain, time: &Time) {
    let rush =
        ChainPlan { rush_chance: 1.0, rush_blocks: 40, rush_factor: 1e6, peak_gwei: 1_500.0, ..calm() };
    chain.set_plan(rush);
    let before = height(chain);
    while height(chain) == before {
        time.sleep(Duration::from_secs(1)).await;
    }
    chain.set_plan(calm());
}

/// What waits behind it goes on, and the nonce costs a plain transaction's gas.
#[test]
fn what_is_late_gives_way_to_a_transaction_that_does_nothing() {
    run(1, || {
        Box::pin(async {
            let plan = WorldPlan { chain: Some(calm()), ..WorldPlan::default() };
            let cluster = Cluster::with_boot(plan, 1, boot());
            let chain = cluster.chain().expect("the world has a chain");
            let treasurer = Treasurer::new(&chain, 1);
            let token = treasurer.token();
            treasurer.done();
            let node = cluster.add_node(NodeSpec::default());
            cluster.start(node).await.expect("the node starts");
            rush(&chain, &cluster.time()).await;
            let pay = |number, last_block| -> SubmitTransaction {
                let amount = U256::from(number);
                let mut submit = order(intent(0, number), token, &transferCall { to: PAYEE, amount });
                submit.order.last_block = last_block;
                submit
            };
            let last = height(&chain) + 5;
            let [late, behind] = [pay(1, Some(last)), pay(2, None)].map(|it| insist(cluster.clone(), 0, it));
            let lose_power = async {
                while height(&chain) < last + 3 {
                    cluster.time().sleep(Duration::from_secs(1)).await;
                }
                cluster.apply(Fault::Crash { node }).expect("it exists");
                cluster.time().sleep(Duration::from_secs(20)).await;
                cluster.start(node).await.expect("it starts again");
            };
            let ((late, behind), _) = join(join(late, behind), lose_power).await;
            assert_eq!(late, TransactionEnd::Expired);
            assert!(matches!(behind, TransactionEnd::Executed { .. }), "{behind:?}");
            chain.look(|evm| {
                assert_eq!(ask(evm, token, &balanceOfCall { holder: PAYEE }), U256::from(2));
                let me = account(1, 0);
                assert_eq!(evm.account(me).nonce, 2);
                let blocks = (0..=evm.head().header.number).filter_map(|number| evm.block(number));
                let sent = blocks.flat_map(|block| block.transactions.iter().zip(&block.receipts));
                let mut mine = sent.filter(|(it, _)| it.sender == me);
                let (nothing, receipt) = mine.next().expect("its first");
                let to = nothing.tx().to.to().copied();
                assert_eq!((to, nothing.tx().input.len(), receipt.gas_used), (Some(me), 0, 21_000));
            });
            // What was never signed needs no nonce.
            let orders = cluster.handles(NodeNumber(0)).expect("it is up");
            let last = height(&chain);
            let refused = orders.send(pay(3, Some(last))).await.expect("alive");
            assert_eq!(refused, Err(TransactionError::Late(last)));
            assert_eq!(chain.look(|evm| evm.account(account(1, 0)).nonce), 2);
            cluster.shut_down().await;
        })
    });
}
