//! The nodes of a simulated world: makes, starts, breaks and ends them.

mod faults;
mod node;

pub use node::{ClusterError, NodeSpec, NodeState};

use crate::{
    NodeNumber,
    env::{
        Machine, Network, ProverKeys, SimChain, SimClock, SimDisk, SimProver, SimRecord, SimRng, SimSpawn,
        Stop, Time, chain::wallet, rng,
    },
    links::Host,
    trace::{Counters, Life, Recorder},
    world::{WorldPlan, set_timers},
};
use futures::{
    StreamExt,
    channel::{mpsc, oneshot},
    future::LocalBoxFuture,
};
use holdfast::{
    actors::storage::StorageError,
    env::{Chain, Common, Env, Prover},
    node::{Keys, Node},
    settings::Settings,
    types::{PeerId, chain::Contracts},
};
use madsim::{runtime::Handle, task::JoinHandle, task::NodeId};
use rand_distr::{Distribution, LogNormal};
use std::{
    cell::{RefCell, RefMut},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

/// Starts what runs on a node; [`Node::start`] unless a test says otherwise.
pub type Boot<H> = Rc<dyn Fn(Env, Keys, Settings) -> LocalBoxFuture<'static, Result<H, StorageError>>>;

struct Member<H> {
    spec: NodeSpec,
    keys: Keys,
    state: NodeState,
    life: u32,
    handles: Option<H>,
    disk: SimDisk,
    machine: Rc<Machine>,
    /// Its madsim node, once it was started.
    process: Option<NodeId>,
}

struct Inner<H> {
    seed: u64,
    plan: WorldPlan,
    time: Time,
    recorder: Recorder,
    network: Network,
    boot: Boot<H>,
    prover: Option<Rc<ProverKeys>>,
    chain: Option<SimChain>,
    contracts: RefCell<Option<Contracts>>,
    members: RefCell<Vec<Member<H>>>,
    drivers: RefCell<Vec<JoinHandle<()>>>,
    power_cuts: mpsc::UnboundedSender<NodeNumber>,
}

/// All nodes of a world. Clones are the same cluster. To be made and used inside [`run`](crate::world::run).
pub struct Cluster<H: Clone + 'static = Node>(Rc<Inner<H>>);

impl<H: Clone + 'static> Clone for Cluster<H> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

thread_local! {
    /// The main future of the process that is being started: madsim takes a `Send` function only.
    static STARTING: RefCell<Option<LocalBoxFuture<'static, ()>>> = const { RefCell::new(None) };
}

impl Cluster<Node> {
    /// A world without nodes, for Holdfast nodes.
    pub fn new(plan: WorldPlan, seed: u64) -> Self {
        Self::with_boot(plan, seed, Rc::new(|env, keys, settings| Box::pin(Node::start(env, keys, settings))))
    }
}

impl<H: Clone + 'static> Cluster<H> {
    /// A world without nodes, for nodes that `boot` starts.
    pub fn with_boot(plan: WorldPlan, seed: u64, boot: Boot<H>) -> Self {
        let (time, recorder) = (Time::current(), Recorder::default());
        set_timers(&time);
        let network = Network::new(plan.net, time.clone(), recorder.clone(), plan.links, seed);
        let (power_cuts, cut) = mpsc::unbounded();
        let prover = plan.prover.map(|plan| Rc::new(ProverKeys::new(plan)));
        let chain = plan.chain.map(|plan| SimChain::new(plan, time.clone(), recorder.clone(), seed));
        let inner = Inner {
            seed,
            plan,
            time: time.clone(),
            recorder,
            network: network.clone(),
            boot,
            prover,
            chain: chain.clone(),
            contracts: RefCell::default(),
            members: RefCell::default(),
            drivers: RefCell::default(),
            power_cuts,
        };
        let cluster = Self(Rc::new(inner));
        let mut drivers = vec![
            madsim::task::spawn_local(time.drive()),
            madsim::task::spawn_local(network.drive()),
            madsim::task::spawn_local(cluster.clone().crash_when_power_fails(cut)),
        ];
        drivers.extend(chain.map(|chain| madsim::task::spawn_local(chain.drive())));
        *cluster.0.drivers.borrow_mut() = drivers;
        cluster
    }

    /// Adds a node, which is down.
    pub fn add_node(&self, spec: NodeSpec) -> NodeNumber {
        let number = u64::from(self.0.members.borrow().len() as u32);
        let links = &self.0.plan.links;
        let bytes_per_s = |mbit: f64| mbit * 1e6 / 8.0;
        let host = Host {
            region: spec.region.unwrap_or((number % u64::from(links.regions)) as u16),
            up: bytes_per_s(spec.up_mbit_per_s.unwrap_or(links.up_mbit_per_s)),
            down: bytes_per_s(spec.down_mbit_per_s.unwrap_or(links.down_mbit_per_s)),
        };
        let keys = self.new_keys(number);
        let spread = LogNormal::new(0.0, self.0.plan.compute.speed_sigma).expect("sigma is finite");
        let speed = spread.sample(&mut rng::stream(self.0.seed, "speed", number));
        let disk_rng = rng::stream(self.0.seed, "disk", number);
        let node = self.0.network.add(keys.peer.peer(), host);
        self.0.members.borrow_mut().push(Member {
            spec,
            keys,
            state: NodeState::Down,
            life: 0,
            handles: None,
            disk: SimDisk::new(self.0.plan.disk.capacity_bytes, disk_rng),
            machine: Rc::new(Machine::new(self.0.plan.compute, self.0.plan.disk, speed)),
            process: None,
        });
        node
    }

    /// Starts a node and waits until it is ready.
    ///
    /// # Errors
    /// [`ClusterError`] if it is not down, or does not become ready.
    pub async fn start(&self, node: NodeNumber) -> Result<H, ClusterError> {
        match self.begin(node)?.await {
            Ok(Ok(handles)) => Ok(handles),
            Ok(Err(why)) => Err(ClusterError::Start { node, why }),
            Err(oneshot::Canceled) => Err(ClusterError::Stopped(node)),
        }
    }

    /// Starts a node without waiting; the receiver tells when it is ready.
    ///
    /// # Errors
    /// [`ClusterError`] if it is not down.
    pub fn begin(
        &self,
        node: NodeNumber,
    ) -> Result<oneshot::Receiver<Result<H, StorageError>>, ClusterError> {
        let (ready, receiver) = oneshot::channel();
        let mut member = self.member_in(node, &[NodeState::Down])?;
        member.life += 1;
        member.state = NodeState::Starting;
        member.machine.reset();
        let (life, process) = (member.life, member.process);
        let (keys, settings) = (member.keys.clone(), member.spec.settings.clone());
        let (common, disk) = (self.common(node, &member), Arc::new(member.disk.next_life()));
        drop(member);
        let prover = self.prover(node, life);
        let chain = self.0.chain.as_ref().map(|chain| Rc::new(chain.link(node, life)) as Rc<dyn Chain>);
        let contracts = self.0.contracts.borrow().clone();
        let cluster = self.clone();
        let main = async move {
            let net = cluster.0.network.start(node, life, common.clone(), &keys.peer).await;
            let env = Env { common, net, disk, prover, chain, contracts };
            let outcome = (cluster.0.boot)(env, keys, settings).await;
            cluster.started(node, life, &outcome);
            // Nobody may be waiting.
            let _ = ready.send(outcome);
            std::future::pending::<()>().await;
        };
        let process = run_process(process, async move {
            tokio::task::LocalSet::new().run_until(main).await;
        });
        self.member(node)?.process = Some(process);
        self.0.recorder.life(self.0.time.now(), node, Life::Started);
        Ok(receiver)
    }

    /// Cuts a host's power: un-synced bytes are lost or torn. Nothing happens to a node that is down.
    ///
    /// # Errors
    /// [`ClusterError::Unknown`].
    pub fn crash(&self, node: NodeNumber) -> Result<(), ClusterError> {
        self.stop(node, Stop::Dark, SimDisk::crash)
    }

    /// Kills a process: its disk keeps what was written. Nothing happens to a node that is down.
    ///
    /// # Errors
    /// [`ClusterError::Unknown`].
    pub fn kill(&self, node: NodeNumber) -> Result<(), ClusterError> {
        self.stop(node, Stop::Killed, SimDisk::kill)
    }

    /// Takes a node and its disk away for good.
    ///
    /// # Errors
    /// [`ClusterError::Unknown`].
    pub fn depart(&self, node: NodeNumber) -> Result<(), ClusterError> {
        self.stop(node, Stop::Dark, SimDisk::kill)?;
        let mut member = self.member(node)?;
        if member.state != NodeState::Departed {
            member.disk.wipe();
            member.state = NodeState::Departed;
            self.0.recorder.life(self.0.time.now(), node, Life::Departed);
        }
        Ok(())
    }

    /// Lets a process stand still; its links go on.
    ///
    /// # Errors
    /// [`ClusterError::State`] if it is not up.
    pub fn pause(&self, node: NodeNumber) -> Result<(), ClusterError> {
        let mut member = self.member_in(node, &[NodeState::Up])?;
        member.state = NodeState::Paused;
        Handle::current().pause(member.process.expect("a node that is up has a process"));
        self.0.recorder.life(self.0.time.now(), node, Life::Paused);
        Ok(())
    }

    /// Lets a paused process go on. Nothing happens to one that is not paused.
    ///
    /// # Errors
    /// [`ClusterError::Unknown`].
    pub fn resume(&self, node: NodeNumber) -> Result<(), ClusterError> {
        let mut member = self.member(node)?;
        if member.state == NodeState::Paused {
            member.state = NodeState::Up;
            Handle::current().resume(member.process.expect("a paused node has a process"));
            self.0.recorder.life(self.0.time.now(), node, Life::Resumed);
        }
        Ok(())
    }

    /// What one may say to a node; `None` unless it is up (paused counts as up).
    pub fn handles(&self, node: NodeNumber) -> Option<H> {
        self.0.members.borrow().get(node.index())?.handles.clone()
    }

    /// How a node is; `None` if there is no such node.
    pub fn state(&self, node: NodeNumber) -> Option<NodeState> {
        Some(self.0.members.borrow().get(node.index())?.state)
    }

    /// True if a node is up.
    pub fn is_up(&self, node: NodeNumber) -> bool {
        self.state(node) == Some(NodeState::Up)
    }

    /// All nodes that are up, in order.
    pub fn up(&self) -> Vec<NodeNumber> {
        let members = self.0.members.borrow();
        (0..members.len() as u32)
            .map(NodeNumber)
            .filter(|n| members[n.index()].state == NodeState::Up)
            .collect()
    }

    /// Number of nodes ever added.
    pub fn len(&self) -> usize {
        self.0.members.borrow().len()
    }

    /// True if no node was added.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A node's peer id; `None` if there is no such node.
    pub fn peer(&self, node: NodeNumber) -> Option<PeerId> {
        Some(self.0.members.borrow().get(node.index())?.keys.peer.peer())
    }

    /// A node's keys; `None` if there is no such node.
    pub fn keys(&self, node: NodeNumber) -> Option<Keys> {
        Some(self.0.members.borrow().get(node.index())?.keys.clone())
    }

    /// A node's disk, for checks and faults.
    ///
    /// # Errors
    /// [`ClusterError::Unknown`].
    pub fn disk(&self, node: NodeNumber) -> Result<SimDisk, ClusterError> {
        Ok(self.member(node)?.disk.clone())
    }

    /// The key that all nodes prove with; `None` if they cannot.
    pub fn prover_keys(&self) -> Option<Rc<ProverKeys>> {
        self.0.prover.clone()
    }

    /// The chain that all nodes share; `None` if there is none.
    pub fn chain(&self) -> Option<SimChain> {
        self.0.chain.clone()
    }

    /// Changes a node's settings, from its next start on.
    ///
    /// # Errors
    /// [`ClusterError::Unknown`].
    pub fn set_settings(&self, node: NodeNumber, settings: Settings) -> Result<(), ClusterError> {
        self.member(node)?.spec.settings = settings;
        Ok(())
    }

    /// Tells nodes that start from now on where the market stands on the chain.
    pub fn set_contracts(&self, contracts: Contracts) {
        self.0.contracts.replace(Some(contracts));
    }

    /// The world's clock.
    pub fn time(&self) -> Time {
        self.0.time.clone()
    }

    /// The run's recorder.
    pub fn recorder(&self) -> Recorder {
        self.0.recorder.clone()
    }

    /// How much happened so far.
    pub fn counters(&self) -> Counters {
        self.0.recorder.counters()
    }

    /// Ends the world: all processes die and everything they hold is freed.
    pub async fn shut_down(self) {
        for node in 0..self.len() as u32 {
            // Every number below the length is a node.
            let _ = self.kill(NodeNumber(node));
        }
        // Long enough for madsim to drop the tasks of the killed nodes.
        self.0.time.sleep(Duration::from_secs(1)).await;
        for driver in self.0.drivers.take() {
            driver.abort();
        }
        self.0.time.end();
        madsim::task::yield_now().await;
    }

    async fn crash_when_power_fails(self, mut cut: mpsc::UnboundedReceiver<NodeNumber>) {
        while let Some(node) = cut.next().await {
            // Only nodes that exist have disks whose power fails.
            let _ = self.crash(node);
        }
    }

    fn stop(&self, node: NodeNumber, how: Stop, disk: impl FnOnce(&SimDisk)) -> Result<(), ClusterError> {
        let mut member = self.member(node)?;
        if matches!(member.state, NodeState::Down | NodeState::Departed) {
            return Ok(());
        }
        member.state = NodeState::Down;
        let handles = member.handles.take();
        disk(&member.disk);
        let process = member.process.expect("a node that runs has a process");
        drop(member);
        drop(handles);
        self.0.network.stop(node, how);
        Handle::current().kill(process);
        self.0.recorder.life(self.0.time.now(), node, Life::Stopped);
        Ok(())
    }

    /// Notes how the start of a node in its `life` ended.
    fn started(&self, node: NodeNumber, life: u32, outcome: &Result<H, StorageError>) {
        let Ok(mut member) = self.member(node) else { return };
        if member.life != life || member.state != NodeState::Starting {
            return;
        }
        if let Ok(handles) = outcome {
            member.state = NodeState::Up;
            member.handles = Some(handles.clone());
            return;
        }
        drop(member);
        // The node exists; it has no process worth keeping.
        let _ = self.kill(node);
    }

    fn common(&self, node: NodeNumber, member: &Member<H>) -> Common {
        let time = self.0.time.clone();
        Common {
            clock: Rc::new(SimClock(time.clone())),
            rng: Rc::new(SimRng::new(self.0.seed, node, member.life)),
            spawn: Rc::new(SimSpawn { time: time.clone(), machine: Rc::clone(&member.machine) }),
            record: Rc::new(SimRecord { node, time, recorder: self.0.recorder.clone() }),
        }
    }

    fn prover(&self, node: NodeNumber, life: u32) -> Option<Rc<dyn Prover>> {
        let keys = self.prover_keys()?;
        let stream = u64::from(node.0) << 32 | u64::from(life);
        Some(Rc::new(SimProver::new(keys, self.time(), self.0.seed, stream)))
    }

    fn new_keys(&self, number: u64) -> Keys {
        let secret = |purpose, attempt| rng::derive(self.0.seed, purpose, number, attempt);
        let mut attempts =
            (0..).filter_map(|i| Keys::from_secrets(&mut secret("peer key", i), &mut secret("owner key", i)));
        let keys = attempts.next().expect("all but one in 2^128 secrets are keys");
        if self.0.chain.is_some() { keys.with_wallet(wallet(self.0.seed, number)) } else { keys }
    }

    fn member(&self, node: NodeNumber) -> Result<RefMut<'_, Member<H>>, ClusterError> {
        let members = self.0.members.borrow_mut();
        RefMut::filter_map(members, |members| members.get_mut(node.index()))
            .map_err(|_| ClusterError::Unknown(node))
    }

    fn member_in(
        &self,
        node: NodeNumber,
        states: &[NodeState],
    ) -> Result<RefMut<'_, Member<H>>, ClusterError> {
        let member = self.member(node)?;
        if states.contains(&member.state) {
            Ok(member)
        } else {
            Err(ClusterError::State { node, state: member.state })
        }
    }
}

/// Runs `main` as a madsim node, the one given or a new one.
fn run_process(process: Option<NodeId>, main: impl Future<Output = ()> + 'static) -> NodeId {
    STARTING.set(Some(Box::pin(main)));
    let handle = Handle::current();
    match process {
        Some(process) => {
            handle.restart(process);
            process
        }
        None => {
            let main = || STARTING.take().expect("a process is started with its main future in place");
            handle.create_node().init(main).build().id()
        }
    }
}
