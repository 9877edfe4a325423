//! A world with the contracts on its chain, providers with stake, and a stored file whose roots are signed.

use crate::support::{Booted, DIRECT, Memory, roots};
use alloy::{
    primitives::{Address, B256, U256},
    sol_types::SolCall,
};
use futures::future::join_all;
use holdfast::{
    actors::client::PutFile,
    chain::{Sender, deploy, register},
    env::{Chain, Env},
    node::{Keys, Node},
    settings::{MarketSettings, Settings, Timing},
    types::{Code, PlacementId, Policy, Wallet, account, chain::Contracts},
};
use holdfast_contracts::{
    Amount,
    abi::{DevelopmentFaucet, HoldToken, Stake},
    deployment::{self, Addresses, Circuit, Plan},
};
use holdfast_sim::{
    NodeNumber,
    cluster::{Cluster, NodeSpec},
    env::{ChainPlan, ProverKind, ProverPlan, SimChain, SimClock, chain::wallet, rng},
    faults::Fault,
    world::WorldPlan,
};
use rand::RngExt;
use std::{cell::Cell, rc::Rc, sync::Arc, time::Duration};

pub const NODES: u32 = 7;
pub const OWNER: NodeNumber = NodeNumber(NODES - 1);
/// Slots of the file.
pub const SLOTS: u16 = 4;
/// Whose wallet deploys.
const DEPLOYER: u64 = 90;
/// HOLD that each provider stakes.
const STAKE: u64 = 1_000;

/// A chain that is calm.
pub fn calm() -> ChainPlan {
    ChainPlan { wallets: DEPLOYER as u32 + 1, ..ChainPlan::default() }
}

/// A chain on which much goes wrong.
pub fn wild() -> ChainPlan {
    ChainPlan {
        reorg_chance: 0.1,
        max_reorg: 6,
        loss_chance: 0.3,
        rush_chance: 0.05,
        rush_factor: 20.0,
        latency_ms: 300.0,
        outage_interval_s: 150.0,
        outage_s: 20.0,
        ..calm()
    }
}

/// Cuts the power of some of these nodes, one at a time and for less than a proof has time.
pub async fn crash(cluster: &Cluster, nodes: &[NodeNumber], seed: u64) -> ! {
    let (mut random, time) = (rng::stream(seed, "crashes", 0), cluster.time());
    loop {
        time.sleep(Duration::from_secs(random.random_range(30..300))).await;
        let node = nodes[random.random_range(0..nodes.len())];
        let fault = if random.random_bool(0.5) { Fault::Crash { node } } else { Fault::Kill { node } };
        cluster.apply(fault).expect("the node exists");
        time.sleep(Duration::from_secs(random.random_range(1..40))).await;
        cluster.start(node).await.expect("it starts again");
    }
}

/// A world in which something can happen.
pub struct Stage {
    pub cluster: Cluster,
    pub chain: SimChain,
    pub at: Addresses,
    pub placement: PlacementId,
    /// What finds and opens the file.
    #[allow(dead_code, reason = "not every test reads it")]
    pub link: String,
    /// Times that blocks were taken back.
    pub reorganised: Rc<Cell<u64>>,
    /// HOLD of each provider's pool when the story begins.
    pub staked: U256,
}

/// What worlds differ in.
pub struct Setup {
    /// Of each node.
    pub settings: Settings,
    /// Blocks that a lost slot is reserved for.
    pub reservation_blocks: u64,
    /// Of the file that is stored before the story begins.
    pub bytes: u32,
    pub segment_len: usize,
    /// Wait for the slots' roots: they must fit the small circuit.
    pub roots: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            settings: node_settings(),
            reservation_blocks: 60,
            bytes: 40_000,
            segment_len: 20_000,
            roots: true,
        }
    }
}

/// What is deployed: the circuit that proves in a moment, and windows of twenty minutes.
fn settings(deployer: Address, reservation_blocks: u64) -> deployment::Settings {
    let mut settings = deployment::Settings::local(deployer);
    settings.circuit = Circuit::Small;
    (settings.windows.blocks, settings.windows.open_blocks) = (100, 25);
    settings.parameters.response_blocks = 60;
    settings.parameters.reservation_blocks = reservation_blocks;
    settings
}

/// A node's settings when it is made.
pub fn node_settings() -> Settings {
    // A HOLD for a coin: a proof is worth more than three thousand gwei a unit of its gas.
    let market =
        MarketSettings { settle_windows: 2, hold_price: Amount::whole(1), ..MarketSettings::default() };
    let timing = Timing {
        probe_interval_s: 600.0,
        holder_grace_s: 3_600.0,
        announce_interval_s: 600.0,
        ..Timing::default()
    };
    Settings { timing, market, ..Settings::default() }
}

/// A node's peer key, as the cluster derives it, as the chain knows it.
fn peer_wallet(seed: u64, node: u32) -> Wallet {
    let mut secret = rng::derive(seed, "peer key", node.into(), 0);
    Wallet::from_secret(&mut secret).expect("all but one in 2^128 secrets are keys")
}

impl Stage {
    pub async fn set(seed: u64) -> Self {
        Self::set_as(seed, Setup::default()).await
    }

    pub async fn set_as(seed: u64, setup: Setup) -> Self {
        Self::with(seed, setup, |env, keys, settings| Box::pin(Node::start(env, keys, settings))).await
    }

    /// A stage with nodes that `boot` starts.
    pub async fn with(
        seed: u64,
        setup: Setup,
        boot: impl Fn(Env, Keys, Settings) -> Booted + 'static,
    ) -> Self {
        // Blocks come quickly until the story begins.
        let chain = ChainPlan { block_s: 1.0, ..calm() };
        let prover = ProverPlan {
            kind: ProverKind::Modelled,
            levels: 2,
            slots: 16,
            samples: 1,
            prove_s: 5.0,
            commit_mb_per_s: 5.0,
        };
        let plan =
            WorldPlan { net: DIRECT, prover: Some(prover), chain: Some(chain), ..WorldPlan::default() };
        let cluster = Cluster::with_boot(plan, seed, Rc::new(boot));
        let chain = cluster.chain().expect("the world has a chain");
        let link: Rc<dyn Chain> = Rc::new(chain.link(NodeNumber(1_000), 0));
        let sender = |wallet| Sender::new(link.clone(), Rc::new(SimClock(cluster.time())), wallet);
        let deployer = wallet(seed, DEPLOYER);
        let plan =
            Plan::new(settings(deployer.address(), setup.reservation_blocks), link.id(), deployer.address());
        let plan = plan.expect("a plan");
        let deployed = deploy(&plan, &sender(deployer), 0, |_| {}).await;
        let at = deployed.unwrap_or_else(|why| panic!("{why}")).record.addresses;
        let providers = (0..NODES).map(|node| enrol(sender(wallet(seed, node.into())), &at, seed, node));
        join_all(providers).await;
        cluster.set_contracts(Contracts { addresses: at.clone(), first_block: 0 });
        for _ in 0..NODES {
            cluster.add_node(NodeSpec { settings: setup.settings.clone(), ..NodeSpec::default() });
        }
        let starting = join_all((0..NODES).map(|node| cluster.start(NodeNumber(node))));
        starting.await.into_iter().for_each(|started| drop(started.expect("the node starts")));
        for node in 0..NODES {
            let peer = cluster.peer(NodeNumber(node)).expect("it exists");
            assert_eq!(account(&peer), Some(peer_wallet(seed, node).address()), "the account of a peer id");
        }
        cluster.time().sleep(Duration::from_secs(10)).await;
        let (placement, link) = store(&cluster, &setup).await;
        chain.set_plan(calm());
        let reorganised = count(&chain);
        Self { cluster, chain, at, placement, link, reorganised, staked: Amount::whole(STAKE).0 }
    }

    /// The newest block's height.
    pub fn height(&self) -> u64 {
        self.chain.look(|evm| evm.head().header.number)
    }
}

/// Takes test tokens, registers, and stakes; the owner takes tokens alone.
async fn enrol(sender: Sender, at: &Addresses, seed: u64, node: u32) {
    let faucet = at.faucet.expect("a local chain has a faucet");
    send(&sender, faucet, &DevelopmentFaucet::dripCall {}).await;
    if NodeNumber(node) == OWNER {
        return;
    }
    let peer = peer_wallet(seed, node);
    register(&sender, at.providers, &peer).await.unwrap_or_else(|why| panic!("{why}"));
    let amount = Amount::whole(STAKE).0;
    send(&sender, at.token, &HoldToken::approveCall { spender: at.stake, value: amount }).await;
    send(&sender, at.stake, &Stake::stakeCall { provider: peer.address(), amount }).await;
}

async fn send(sender: &Sender, to: Address, call: &impl SolCall) {
    sender.call(to, call).await.unwrap_or_else(|why| panic!("{why}"));
}

/// Stores a file, and waits for its roots if so asked; its placement and link.
async fn store(cluster: &Cluster, setup: &Setup) -> (PlacementId, String) {
    let put = PutFile {
        name: "file".into(),
        source: Arc::new(Memory(crate::support::pattern(setup.bytes))),
        code: Code::new(2, SLOTS, 3).expect("a code"),
        policy: Policy::default(),
        segment_len: setup.segment_len,
        access: None,
        progress: None,
    };
    let owner = cluster.handles(OWNER).expect("it is up");
    let report = owner.put.send(put).await.expect("alive").expect("the file is stored");
    if setup.roots {
        let state = roots(cluster, OWNER, report.placement).await;
        assert_eq!((state.slots, state.signed), (usize::from(SLOTS), usize::from(SLOTS)));
    }
    (report.placement, report.link)
}

/// Counts how often a block of another parent than the newest comes.
fn count(chain: &SimChain) -> Rc<Cell<u64>> {
    let (count, newest) = (Rc::new(Cell::new(0)), Cell::new(B256::ZERO));
    let counted = count.clone();
    chain.subscribe(Box::new(move |evm| {
        let head = evm.head();
        if newest.replace(head.hash) != head.header.parent_hash {
            counted.set(counted.get() + 1);
        }
    }));
    count
}
