//! A world to order transactions in: a wild chain, nodes that lose power, and contracts.

use actix::Recipient;
use alloy::{
    consensus::TxEip1559,
    primitives::{Address, B256, TxKind, U256},
    sol,
    sol_types::{SolCall, SolValue},
};
use futures::future::{Either, select};
use holdfast::{
    actors::{
        incentive::{
            IncentiveActor, Neighbours, SubmitTransaction, TransactionEnd, TransactionError, TransactionOrder,
        },
        storage::{StorageActor, StorageError},
    },
    env::{Chain, evm::EvmChain},
    events::Event,
    types::{IntentId, Timestamp, chain::Call},
};
use holdfast_sim::{
    NodeNumber,
    cluster::{Boot, Cluster, NodeSpec},
    env::{ChainPlan, SimChain, chain::wallet, rng},
    faults::Fault,
    world::{WorldPlan, run},
};
use rand::RngExt;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    mem,
    pin::pin,
    rc::Rc,
    time::Duration,
};

sol! {
    function approve(address spender, uint256 amount) returns (bool);
    function balanceOf(address holder) returns (uint256);
    function totalSupply() returns (uint256);
    function transfer(address to, uint256 amount) returns (bool);
    event Transfer(address indexed from, address indexed to, uint256 amount);
}

pub const NODES: u32 = 3;
/// Tokens that each node has in the beginning.
pub const SHARE: u64 = 1_000_000;
/// While the chain is wild, and nodes lose power.
pub const STORM: Duration = Duration::from_secs(1_200);
/// Until when all must be final once it is calm.
const CALM: Duration = Duration::from_secs(3_600);
/// For so long nothing more may happen once all is final: what was sent too often would come into a block.
const AFTERWARDS: Duration = Duration::from_secs(600);
/// Whose wallet deploys contracts and gives each node its share.
const TREASURER: u64 = 9;

pub type Orders = Recipient<SubmitTransaction>;

/// A chain that is calm.
pub fn calm() -> ChainPlan {
    ChainPlan { wallets: TREASURER as u32 + 1, ..ChainPlan::default() }
}

/// Rushes are no larger than that fees rise step by step: what waits is signed again and again, and any of it may be executed.
fn wild() -> ChainPlan {
    ChainPlan {
        reorg_chance: 0.15,
        max_reorg: 6,
        loss_chance: 0.5,
        rush_chance: 0.1,
        rush_factor: 4.0,
        latency_ms: 400.0,
        outage_interval_s: 90.0,
        outage_s: 40.0,
        ..calm()
    }
}

/// A node's storage and incentive actors: all that an outbox needs.
pub fn boot() -> Boot<Orders> {
    boot_over(|link| link)
}

/// The same, with something between the node and its link to the chain.
pub fn boot_over(over: impl Fn(Rc<dyn Chain>) -> Rc<dyn Chain> + 'static) -> Boot<Orders> {
    Rc::new(move |env, keys, settings| {
        let (chain, most_fee) = (env.chain.map(&over), settings.chain.most_fee());
        Box::pin(async move {
            let storage =
                StorageActor::start(env.common.clone(), env.disk, keys.peer.clone(), settings).await?;
            let notes = Neighbours {
                write_note: storage.clone().recipient(),
                read_note: storage.clone().recipient(),
                list_notes: storage.recipient(),
            };
            let incentive = IncentiveActor::start(&env.common, chain, keys.wallet, most_fee, notes);
            Ok::<_, StorageError>(incentive.recipient())
        })
    })
}

/// The address of a node's wallet.
pub fn account(seed: u64, node: u32) -> Address {
    wallet(seed, node.into()).address()
}

/// The intent of a node with a number of its own.
pub fn intent(node: u32, number: u64) -> IntentId {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&node.to_be_bytes());
    bytes[24..].copy_from_slice(&number.to_be_bytes());
    IntentId::from_bytes(bytes)
}

/// An order to call a contract.
pub fn order(intent: IntentId, to: Address, call: &impl SolCall) -> SubmitTransaction {
    let data = call.abi_encode().into();
    SubmitTransaction {
        intent,
        order: TransactionOrder { to: Some(to), data, ..TransactionOrder::default() },
    }
}

/// What a contract answers.
pub fn ask<C: SolCall>(evm: &EvmChain, to: Address, call: &C) -> C::Return {
    let call = Call { to: Some(to), data: call.abi_encode().into(), ..Call::default() };
    C::abi_decode_returns(&evm.call(&call).expect("the contract answers")).expect("as its interface says")
}

/// Sends past all links, before the world moves.
pub struct Treasurer<'a> {
    chain: &'a SimChain,
    seed: u64,
    nonce: Cell<u64>,
    sent: RefCell<Vec<B256>>,
}

impl<'a> Treasurer<'a> {
    pub fn new(chain: &'a SimChain, seed: u64) -> Self {
        Self { chain, seed, nonce: Cell::new(0), sent: RefCell::default() }
    }

    pub fn address(&self) -> Address {
        wallet(self.seed, TREASURER).address()
    }

    fn send(&self, to: TxKind, input: Vec<u8>) -> u64 {
        let nonce = self.nonce.replace(self.nonce.get() + 1);
        let (hash, raw) = wallet(self.seed, TREASURER).sign(TxEip1559 {
            chain_id: self.chain.look(EvmChain::id),
            nonce,
            gas_limit: 8_000_000,
            max_fee_per_gas: 100_000_000_000,
            max_priority_fee_per_gas: 1,
            to,
            input: input.into(),
            ..TxEip1559::default()
        });
        self.chain.submit(raw).expect("the transaction is taken");
        self.sent.borrow_mut().push(hash);
        nonce
    }

    /// Creates a contract of `contracts/artifacts`; the arguments are ABI-encoded.
    pub fn create(&self, artifact: &str, arguments: Vec<u8>) -> Address {
        let artifact: serde_json::Value = serde_json::from_str(artifact).expect("an artifact");
        let code = artifact["bytecode"].as_str().and_then(|it| it.strip_prefix("0x")).expect("bytecode");
        let creation = [hex::decode(code).expect("hexadecimal bytecode"), arguments].concat();
        self.address().create(self.send(TxKind::Create, creation))
    }

    pub fn call(&self, to: Address, call: &impl SolCall) {
        self.send(TxKind::Call(to), call.abi_encode());
    }

    /// Creates the token and gives each node its share.
    pub fn token(&self) -> Address {
        let supply = U256::from(SHARE) * U256::from(NODES);
        let arguments = (self.address(), self.address(), supply).abi_encode_params();
        let token = self.create(include_str!("../../../contracts/artifacts/HoldToken.json"), arguments);
        for node in 0..NODES {
            let share = transferCall { to: account(self.seed, node), amount: U256::from(SHARE) };
            self.call(token, &share);
        }
        token
    }

    /// Makes blocks until all was executed, and so many more that no reorganisation reaches it.
    pub fn done(self) {
        while self.chain.look(|evm| evm.waiting().next().is_some()) {
            self.chain.produce();
        }
        for hash in self.sent.take() {
            let receipt = self.chain.look(|evm| evm.receipt(hash).cloned()).expect("it is in a block");
            assert!(receipt.success, "the deployment reverts: {receipt:?}");
        }
        (0..wild().max_reorg).for_each(|_| self.chain.produce());
    }
}

/// Pays a wei to `to` from a node's wallet, as another program would that has its key.
pub fn pay_behind_its_back(chain: &SimChain, seed: u64, node: u32, to: Address) {
    let (_, raw) = wallet(seed, node.into()).sign(TxEip1559 {
        chain_id: chain.look(EvmChain::id),
        nonce: chain.look(|evm| evm.account(account(seed, node)).nonce),
        gas_limit: 21_000,
        max_fee_per_gas: 1_000_000_000_000,
        max_priority_fee_per_gas: 100_000_000_000,
        to: TxKind::Call(to),
        value: U256::from(1),
        ..TxEip1559::default()
    });
    // The node's own may be dearer, or have come first.
    let _ = chain.submit(raw);
}

/// Orders one thing until it ended, over as many lives of its node as that takes. An order that would revert is
/// repeated as well: its time has not come.
pub async fn insist(cluster: Cluster<Orders>, node: u32, submit: SubmitTransaction) -> TransactionEnd {
    let time = cluster.time();
    loop {
        if let Some(orders) = cluster.handles(NodeNumber(node)) {
            match orders.send(submit.clone()).await {
                Ok(Ok(end)) => return end,
                // Nothing of it was ever signed, by no life of the node.
                Ok(Err(TransactionError::Late(_))) => return TransactionEnd::Expired,
                // A node that stops does not answer; one whose disk just died cannot.
                Err(_) | Ok(Err(TransactionError::Storage(_) | TransactionError::WouldRevert { .. })) => {}
                Ok(Err(why)) => panic!("{:?} was refused: {why}", submit.intent),
            }
        }
        time.sleep(Duration::from_secs(5)).await;
    }
}

/// Cuts nodes' power while the storm lasts, and lets them start again.
async fn crash(cluster: &Cluster<Orders>, seed: u64, end: Timestamp, crashes: &Cell<u64>) {
    let (mut random, time) = (rng::stream(seed, "crashes", 0), cluster.time());
    while time.now() < end {
        time.sleep(Duration::from_secs(random.random_range(10..240))).await;
        let node = NodeNumber(random.random_range(0..NODES));
        let fault = match random.random_range(0..3) {
            0 => Fault::Crash { node },
            1 => Fault::Kill { node },
            _ => Fault::CrashInWrite { node, operations: random.random_range(0..30) },
        };
        cluster.apply(fault).expect("the node exists");
        crashes.set(crashes.get() + 1);
        time.sleep(Duration::from_secs(random.random_range(1..60))).await;
        cluster.apply(Fault::Restart { node }).expect("the node exists");
    }
}

/// A crash in a write may come long after it was asked for.
async fn keep_up(cluster: &Cluster<Orders>) -> ! {
    loop {
        for node in (0..NODES).map(NodeNumber) {
            cluster.apply(Fault::Restart { node }).expect("the node exists");
        }
        cluster.time().sleep(Duration::from_secs(90)).await;
    }
}

/// What went wrong in a run, and the trace's hash.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Summary {
    pub taken_back: u64,
    pub crashes: u64,
    pub bumps: u64,
    pub trace: String,
}

impl Summary {
    fn add(&mut self, other: &Summary) {
        self.taken_back += other.taken_back;
        self.crashes += other.crashes;
        self.bumps += other.bumps;
    }
}

/// Calls `check` whenever the chain's state may have changed, and counts the blocks that were replaced.
fn watch(chain: &SimChain, check: impl Fn(&EvmChain) + 'static) -> Rc<Cell<u64>> {
    let taken_back = Rc::new(Cell::new(0));
    let (count, mut seen, mut newest) = (taken_back.clone(), BTreeMap::new(), B256::ZERO);
    chain.subscribe(Box::new(move |evm| {
        let head = evm.head();
        let before = seen.insert(head.header.number, head.hash);
        count.set(count.get() + u64::from(before.is_some()));
        let replaced = mem::replace(&mut newest, head.hash) != head.header.parent_hash;
        if replaced || !head.transactions.is_empty() {
            check(evm);
        }
    }));
    taken_back
}

/// Runs a world of [`NODES`] nodes: deploys, lets `work` order while the storm lasts and after it, and judges what came of
/// it when nothing more may happen.
pub fn live<D: Copy + 'static, R: 'static>(
    seed: u64,
    deploy: fn(&Treasurer<'_>) -> D,
    check: fn(&EvmChain, D, u64),
    work: impl AsyncFnOnce(&Cluster<Orders>, D) -> R + Send + 'static,
    judge: impl FnOnce(&EvmChain, D, R) + Send + 'static,
) -> Summary {
    run(seed, move || {
        Box::pin(async move {
            let plan = WorldPlan { chain: Some(wild()), ..WorldPlan::default() };
            let cluster = Cluster::with_boot(plan, seed, boot());
            let chain = cluster.chain().expect("the world has a chain");
            let treasurer = Treasurer::new(&chain, seed);
            let deployed = deploy(&treasurer);
            treasurer.done();
            let taken_back = watch(&chain, move |evm| check(evm, deployed, seed));
            let (bumps, crashes) = (Rc::new(Cell::new(0)), Cell::new(0));
            let count = bumps.clone();
            cluster.recorder().subscribe(Box::new(move |_, _, event| {
                let bumped = matches!(event, Event::TransactionSigned { bumps: 1.., .. });
                count.set(count.get() + u64::from(bumped));
            }));
            for node in (0..NODES).map(NodeNumber) {
                cluster.add_node(NodeSpec::default());
                cluster.start(node).await.expect("the node starts");
            }
            let calm_at = cluster.time().now() + STORM;
            let calming = async {
                crash(&cluster, seed, calm_at, &crashes).await;
                chain.set_plan(calm());
                keep_up(&cluster).await
            };
            let working = async {
                let time = cluster.time();
                let work = pin!(work(&cluster, deployed));
                let Either::Left((done, _)) = select(work, pin!(time.sleep_until(calm_at + CALM))).await
                else {
                    panic!("something is not final {CALM:?} after the storm");
                };
                time.sleep_until(time.now().max(calm_at) + AFTERWARDS).await;
                done
            };
            let done = match select(pin!(calming), pin!(working)).await {
                Either::Left((never, _)) => never,
                Either::Right((done, _)) => done,
            };
            chain.look(|evm| judge(evm, deployed, done));
            let trace = cluster.recorder().trace_hash().to_string();
            let (taken_back, crashes, bumps) = (taken_back.get(), crashes.get(), bumps.get());
            let summary = Summary { taken_back, crashes, bumps, trace };
            cluster.shut_down().await;
            summary
        })
    })
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .map_or(default, |it| it.parse().unwrap_or_else(|_| panic!("{name}={it} is no number")))
}

/// Runs as many seeds as are asked for, and says what they went through.
pub fn many(what: &str, live: impl Fn(u64) -> Summary + std::panic::RefUnwindSafe) {
    let (first, seeds) = (number("HOLDFAST_OUTBOX_FIRST", 1), number("HOLDFAST_OUTBOX_SEEDS", 30));
    let mut total = Summary::default();
    for seed in first..first + seeds {
        let summary = std::panic::catch_unwind(|| live(seed)).unwrap_or_else(|panic| {
            eprintln!("to repeat: HOLDFAST_OUTBOX_FIRST={seed} HOLDFAST_OUTBOX_SEEDS=1");
            std::panic::resume_unwind(panic)
        });
        total.add(&summary);
    }
    let Summary { taken_back, crashes, bumps, .. } = total;
    eprintln!(
        "{what}: {seeds} seeds, {taken_back} blocks taken back, {crashes} power cuts and kills, {bumps} bumps"
    );
    assert!(taken_back >= seeds && crashes >= seeds, "nothing went wrong: {total:?}");
}
