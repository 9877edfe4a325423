//! Nodes order payments of real HOLD on a chain that reorganises, rushes and cannot be reached, and lose power
//! meanwhile: at the end each payment is on the chain exactly once.
//!
//! `HOLDFAST_OUTBOX_SEEDS` sets how many seeds run (30 by default) and `HOLDFAST_OUTBOX_FIRST` which is the first:
//!
//! ```text
//! HOLDFAST_OUTBOX_SEEDS=1000 cargo test -p holdfast-sim --test outbox -- --nocapture
//! ```

use actix::Recipient;
use alloy::{
    consensus::TxEip1559,
    primitives::{Address, B256, Bytes, TxKind, U256},
    sol,
    sol_types::{SolCall, SolEvent, SolValue},
};
use holdfast::{
    actors::{
        incentive::{
            IncentiveActor, Neighbours, SubmitTransaction, TransactionEnd, TransactionError, TransactionOrder,
        },
        storage::{StorageActor, StorageError},
    },
    env::evm::EvmChain,
    types::{IntentId, Timestamp, chain::LogFilter},
};
use holdfast_sim::{
    NodeNumber,
    cluster::{Boot, Cluster, NodeSpec},
    env::{ChainPlan, SimChain, chain::wallet, rng},
    faults::Fault,
    world::{WorldPlan, run},
};
use rand::RngExt;
use std::{cell::RefCell, collections::BTreeMap, rc::Rc, time::Duration};

sol! {
    function transfer(address to, uint256 amount) returns (bool);
    function balanceOf(address holder) returns (uint256);
    function totalSupply() returns (uint256);
    event Transfer(address indexed from, address indexed to, uint256 amount);
}

const NODES: u32 = 3;
/// Payments of each node.
const PAYMENTS: u64 = 6;
/// Whose wallet deploys the token and gives each node its share.
const TREASURER: u64 = 9;
const SHARE: u64 = 1_000_000;
/// While the chain is wild, and nodes lose power.
const STORM: Duration = Duration::from_secs(1_200);
/// Until when all must be final once it is calm.
const CALM: Duration = Duration::from_secs(3_600);

type Orders = Recipient<SubmitTransaction>;

fn storm() -> ChainPlan {
    ChainPlan {
        wallets: TREASURER as u32 + 1,
        reorg_chance: 0.15,
        max_reorg: 6,
        loss_chance: 0.5,
        rush_chance: 0.03,
        rush_factor: 30.0,
        latency_ms: 400.0,
        outage_interval_s: 90.0,
        outage_s: 40.0,
        ..ChainPlan::default()
    }
}

/// A node's storage and incentive actors: all that an outbox needs.
fn boot() -> Boot<Orders> {
    Rc::new(|env, keys, settings| {
        Box::pin(async move {
            let storage =
                StorageActor::start(env.common.clone(), env.disk, keys.peer.clone(), settings).await?;
            let notes = Neighbours {
                write_note: storage.clone().recipient(),
                read_note: storage.clone().recipient(),
                list_notes: storage.recipient(),
            };
            let incentive = IncentiveActor::start(&env.common, env.chain, keys.wallet, notes);
            Ok::<_, StorageError>(incentive.recipient())
        })
    })
}

/// One payment: what names it also says how much is paid to whom.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Payment {
    node: u32,
    number: u64,
}

impl Payment {
    fn intent(self) -> IntentId {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&self.node.to_be_bytes());
        bytes[24..].copy_from_slice(&self.number.to_be_bytes());
        IntentId::from_bytes(bytes)
    }

    fn payee(self) -> Address {
        Address::from_word(B256::from(U256::from(0xbeef_0000 + u64::from(self.node) * 1_000 + self.number)))
    }

    fn amount(self) -> U256 {
        U256::from(1 + self.number)
    }

    fn order(self, token: Address) -> SubmitTransaction {
        let data = transferCall { to: self.payee(), amount: self.amount() }.abi_encode().into();
        let order = TransactionOrder { to: Some(token), value: U256::ZERO, data, gas: None };
        SubmitTransaction { intent: self.intent(), order }
    }
}

fn payments() -> impl Iterator<Item = Payment> {
    (0..NODES).flat_map(|node| (0..PAYMENTS).map(move |number| Payment { node, number }))
}

/// Deploys the token and gives each node its share, before the world moves.
fn deploy(chain: &SimChain, seed: u64) -> Address {
    let artifact: serde_json::Value =
        serde_json::from_str(include_str!("../../contracts/artifacts/HoldToken.json")).expect("an artifact");
    let code = artifact["bytecode"].as_str().and_then(|it| it.strip_prefix("0x")).expect("bytecode");
    let treasurer = wallet(seed, TREASURER);
    let supply = U256::from(SHARE) * U256::from(NODES);
    let mut creation = hex::decode(code).expect("hexadecimal bytecode");
    creation.extend((treasurer.address(), treasurer.address(), supply).abi_encode_params());
    let send = |nonce, to, input: Vec<u8>| {
        let (hash, raw) = treasurer.sign(TxEip1559 {
            chain_id: chain.look(EvmChain::id),
            nonce,
            gas_limit: 5_000_000,
            max_fee_per_gas: 100_000_000_000,
            max_priority_fee_per_gas: 1,
            to,
            input: input.into(),
            ..TxEip1559::default()
        });
        chain.submit(raw).expect("the transaction is taken");
        hash
    };
    let mut sent = vec![send(0, TxKind::Create, creation)];
    let token = treasurer.address().create(0);
    for node in 0..NODES {
        let share = transferCall { to: wallet(seed, node.into()).address(), amount: U256::from(SHARE) };
        sent.push(send(1 + u64::from(node), TxKind::Call(token), share.abi_encode()));
    }
    chain.produce();
    let executed = |hash: &B256| chain.look(|evm| evm.receipt(*hash).is_some_and(|it| it.success));
    assert!(sent.iter().all(executed), "the token is deployed and dealt out");
    // No reorganisation reaches back to here.
    (0..storm().max_reorg).for_each(|_| chain.produce());
    token
}

fn balance(evm: &EvmChain, token: Address, holder: Address) -> U256 {
    ask(evm, token, balanceOfCall { holder }.abi_encode())
}

fn ask(evm: &EvmChain, token: Address, data: Vec<u8>) -> U256 {
    let call = holdfast::types::chain::Call { to: Some(token), data: data.into(), ..Default::default() };
    U256::from_be_slice(&evm.call(&call).expect("the token answers"))
}

/// What a run ends with.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Summary {
    reorganised: u64,
    crashes: u64,
    bumps: u64,
    trace: String,
}

/// Orders one payment until it ended, over as many lives of its node as that takes.
async fn pay(cluster: Cluster<Orders>, payment: Payment, token: Address, after: Duration) -> TransactionEnd {
    let time = cluster.time();
    time.sleep(after).await;
    loop {
        if let Some(orders) = cluster.handles(NodeNumber(payment.node)) {
            match orders.send(payment.order(token)).await {
                Ok(Ok(end)) => return end,
                // A node that stops does not answer; one whose disk just died cannot.
                Err(_) | Ok(Err(TransactionError::Storage(_))) => {}
                Ok(Err(why)) => panic!("{payment:?} was refused: {why}"),
            }
        }
        time.sleep(Duration::from_secs(5)).await;
    }
}

/// Cuts nodes' power while the storm lasts, and lets them start again.
async fn crash(cluster: Cluster<Orders>, seed: u64, end: Timestamp) -> u64 {
    let (mut random, time) = (rng::stream(seed, "crashes", 0), cluster.time());
    let mut crashes = 0;
    while time.now() < end {
        time.sleep(Duration::from_secs(random.random_range(10..240))).await;
        let node = NodeNumber(random.random_range(0..NODES));
        let fault = match random.random_range(0..3) {
            0 => Fault::Crash { node },
            1 => Fault::Kill { node },
            _ => Fault::CrashInWrite { node, operations: random.random_range(0..30) },
        };
        cluster.apply(fault).expect("the node exists");
        crashes += 1;
        time.sleep(Duration::from_secs(random.random_range(1..60))).await;
        cluster.apply(Fault::Restart { node }).expect("the node exists");
    }
    crashes
}

/// A crash in a write may come long after it was asked for.
async fn keep_up(cluster: Cluster<Orders>, end: Timestamp) {
    while cluster.time().now() < end {
        for node in (0..NODES).map(NodeNumber) {
            cluster.apply(Fault::Restart { node }).expect("the node exists");
        }
        cluster.time().sleep(Duration::from_secs(90)).await;
    }
}

/// Follows the head, counts what was taken back, and sees that no token is made or lost.
fn watch(chain: &SimChain, token: Address, seed: u64) -> Rc<RefCell<u64>> {
    let (taken_back, mut seen) = (Rc::new(RefCell::new(0)), BTreeMap::new());
    let count = taken_back.clone();
    chain.subscribe(Box::new(move |evm| {
        let head = evm.head();
        if let Some(before) = seen.insert(head.header.number, head.hash)
            && before != head.hash
        {
            *count.borrow_mut() += 1;
        }
        let nodes = (0..NODES).map(|node| wallet(seed, node.into()).address());
        let holders = nodes.chain(payments().map(Payment::payee)).chain([wallet(seed, TREASURER).address()]);
        let held: U256 = holders.map(|holder| balance(evm, token, holder)).sum();
        assert_eq!(held, ask(evm, token, totalSupplyCall {}.abi_encode()), "at block {}", head.header.number);
    }));
    taken_back
}

fn live(seed: u64) -> Summary {
    run(seed, move || {
        Box::pin(async move {
            let plan = WorldPlan { chain: Some(storm()), ..WorldPlan::default() };
            let cluster = Cluster::with_boot(plan, seed, boot());
            let chain = cluster.chain().expect("the world has a chain");
            let token = deploy(&chain, seed);
            let taken_back = watch(&chain, token, seed);
            let bumps = Rc::new(RefCell::new(0));
            let count = bumps.clone();
            cluster.recorder().subscribe(Box::new(move |_, _, event| {
                if matches!(event, holdfast::events::Event::TransactionSigned { bumps: 1.., .. }) {
                    *count.borrow_mut() += 1;
                }
            }));
            for node in (0..NODES).map(NodeNumber) {
                cluster.add_node(NodeSpec::default());
                cluster.start(node).await.expect("the node starts");
            }
            let (time, mut random) = (cluster.time(), rng::stream(seed, "payments", 0));
            let begin = time.now();
            let paying = payments().map(|payment| {
                let after = Duration::from_secs(random.random_range(0..STORM.as_secs()));
                pay(cluster.clone(), payment, token, after)
            });
            let paying = futures::future::join_all(paying.collect::<Vec<_>>());
            let calming = async {
                let crashes = crash(cluster.clone(), seed, begin + STORM).await;
                chain.set_plan(ChainPlan { wallets: TREASURER as u32 + 1, ..ChainPlan::default() });
                keep_up(cluster.clone(), begin + STORM + CALM).await;
                crashes
            };
            let (ends, crashes) = futures::join!(paying, calming);
            judge(&chain, token, seed, &ends);
            let trace = cluster.recorder().trace_hash().to_string();
            let (reorganised, bumps) = (*taken_back.borrow(), *bumps.borrow());
            cluster.shut_down().await;
            Summary { reorganised, crashes, bumps, trace }
        })
    })
}

/// Every payment is on the chain once, in the transaction that its end names, and no other payment is.
fn judge(chain: &SimChain, token: Address, seed: u64, ends: &[TransactionEnd]) {
    let head = chain.look(|evm| evm.head().header.number);
    let mut paid: BTreeMap<(Address, Address, U256), Vec<B256>> = BTreeMap::new();
    for from in (0..=head).step_by(1_000) {
        let events = vec![Transfer::SIGNATURE_HASH];
        let filter = LogFilter { addresses: vec![token], events, blocks: from..=from + 999 };
        for log in chain.look(|evm| evm.logs(&filter)).expect("logs") {
            let transfer =
                Transfer::decode_raw_log(log.topics.iter().copied(), &log.data).expect("a transfer");
            paid.entry((transfer.from, transfer.to, transfer.amount)).or_default().push(log.transaction);
        }
    }
    paid.retain(|(from, _, _), _| (0..NODES).any(|node| wallet(seed, node.into()).address() == *from));
    for (payment, end) in payments().zip(ends) {
        let from = wallet(seed, payment.node.into()).address();
        let found = paid.remove(&(from, payment.payee(), payment.amount())).unwrap_or_default();
        let TransactionEnd::Executed { transaction, .. } = end else {
            panic!("{payment:?} ended as {end:?}")
        };
        assert_eq!(found, [*transaction], "{payment:?} is on the chain {} times", found.len());
        let had = chain.look(|evm| balance(evm, token, payment.payee()));
        assert_eq!(had, payment.amount(), "{payment:?}: the payee's balance");
    }
    assert!(paid.is_empty(), "nobody ordered {paid:?}");
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .map_or(default, |it| it.parse().unwrap_or_else(|_| panic!("{name}={it} is no number")))
}

#[test]
fn every_payment_is_on_the_chain_exactly_once() {
    let first = number("HOLDFAST_OUTBOX_FIRST", 1);
    let seeds = number("HOLDFAST_OUTBOX_SEEDS", 30);
    let mut total = Summary::default();
    for seed in first..first + seeds {
        let panic = std::panic::catch_unwind(|| live(seed));
        let summary = panic.unwrap_or_else(|panic| {
            eprintln!("seed {seed} fails: HOLDFAST_OUTBOX_FIRST={seed} HOLDFAST_OUTBOX_SEEDS=1");
            std::panic::resume_unwind(panic)
        });
        total.reorganised += summary.reorganised;
        total.crashes += summary.crashes;
        total.bumps += summary.bumps;
    }
    eprintln!(
        "{seeds} seeds, {} payments: {} blocks were taken back, power failed {} times, {} bumps",
        seeds * u64::from(NODES) * PAYMENTS,
        total.reorganised,
        total.crashes,
        total.bumps
    );
    assert!(total.reorganised >= seeds && total.crashes >= seeds, "nothing went wrong: {total:?}");
}

#[test]
fn a_seed_repeats() {
    assert_eq!(live(7), live(7));
}

#[test]
fn a_reverting_order_is_refused_with_its_reason() {
    let (refused, late) = run(1, || {
        Box::pin(async {
            let chain = ChainPlan { wallets: TREASURER as u32 + 1, ..ChainPlan::default() };
            let plan = WorldPlan { chain: Some(chain), ..WorldPlan::default() };
            let cluster = Cluster::with_boot(plan, 1, boot());
            let token = deploy(&cluster.chain().expect("a chain"), 1);
            let node = cluster.add_node(NodeSpec::default());
            let orders = cluster.start(node).await.expect("the node starts");
            let too_much = |intent, gas| {
                let call = transferCall { to: token, amount: U256::from(SHARE) + U256::from(1) };
                let data = Bytes::from(call.abi_encode());
                let order = TransactionOrder { to: Some(token), value: U256::ZERO, data, gas };
                SubmitTransaction { intent: IntentId::from_bytes([intent; 32]), order }
            };
            let refused = orders.send(too_much(1, None)).await.expect("alive");
            // With gas given nobody asks before it is sent: it reverts in its block.
            let late = orders.send(too_much(2, Some(100_000))).await.expect("alive");
            let again = orders.send(too_much(2, Some(100_000))).await.expect("alive");
            assert_eq!(again, late, "an intent that ended is not done again");
            let nonce =
                cluster.chain().expect("a chain").look(|evm| evm.account(wallet(1, 0).address()).nonce);
            assert_eq!(nonce, 1);
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
