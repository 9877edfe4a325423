//! A world to run in: its settings, and the runtime that makes it deterministic.

use crate::{
    env::{ChainPlan, ComputePlan, DiskPlan, NetKind, ProverKind, ProverPlan, Time},
    links::LinkPlan,
};
use futures::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};

/// Bytes of stack of the thread that a world runs on.
const STACK: usize = 16 << 20;

/// What the world around the nodes is like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorldPlan {
    /// Which network nodes speak.
    pub net: NetKind,
    /// Links between them.
    pub links: LinkPlan,
    /// Their disks.
    pub disk: DiskPlan,
    /// Their processors.
    pub compute: ComputePlan,
    /// How they prove; by default they cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prover: Option<ProverPlan>,
    /// The chain that they share; by default there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<ChainPlan>,
}

impl WorldPlan {
    /// Checks what the types alone cannot.
    ///
    /// # Errors
    /// A sentence naming the first value that is out of its range.
    pub fn validate(&self) -> Result<(), String> {
        self.links.validate().map_err(|why| format!("links.{why}"))?;
        match self.net {
            NetKind::Direct { stale_peers } if !(0.0..=1.0).contains(&stale_peers) => {
                return Err(format!("net.direct.stale_peers is {stale_peers}, outside 0..=1"));
            }
            NetKind::Libp2p { bootstrap: 0 } => {
                return Err("net.libp2p.bootstrap is 0, it must be at least 1".into());
            }
            NetKind::Direct { .. } | NetKind::Libp2p { .. } => {}
        }
        if let Some(prover) = &self.prover {
            prover.validate().map_err(|why| format!("prover.{why}"))?;
        }
        if let Some(chain) = &self.chain {
            chain.validate().map_err(|why| format!("chain.{why}"))?;
        }
        let positive = [
            ("disk.read_mb_per_s", self.disk.read_mb_per_s),
            ("disk.write_mb_per_s", self.disk.write_mb_per_s),
            ("compute.mb_per_s", self.compute.mb_per_s),
        ];
        if let Some((name, value)) = positive.into_iter().find(|(_, value)| !(1e-3..=1e9).contains(value)) {
            return Err(format!("{name} is {value}, outside 0.001..=1000000000"));
        }
        let spans = [
            ("disk.access_ms", self.disk.access_ms),
            ("disk.sync_ms", self.disk.sync_ms),
            ("compute.speed_sigma", self.compute.speed_sigma),
        ];
        match spans.into_iter().find(|(_, value)| !(0.0..=1e6).contains(value)) {
            Some((name, value)) => Err(format!("{name} is {value}, outside 0..=1000000")),
            None => Ok(()),
        }
    }

    /// Which of the figures of a run come from a model and not from a measurement.
    pub fn modelled(&self) -> Vec<&'static str> {
        let mut modelled = vec!["link delay and bandwidth", "disk time", "compute time"];
        if matches!(self.net, NetKind::Direct { .. }) {
            modelled.push("dht lookups and storage");
        }
        match self.prover.map(|prover| prover.kind) {
            Some(ProverKind::Modelled) => modelled.push("proofs: forged, if every challenged cell is held"),
            Some(ProverKind::Inline) => modelled.push("proving time"),
            None => {}
        }
        if self.chain.is_some() {
            modelled.push("block times, reorganisations and rushes");
        }
        modelled
    }
}

/// Runs a world to its end, on a thread of its own, and returns what it made.
///
/// The thread is needed: the standard library draws the seed of a thread's hash maps once, and it
/// must follow from this run's seed. Inside, `std::time` tells virtual time and no thread can be
/// started; whoever shows progress in real time does so from outside.
///
/// # Panics
/// With the world's own panic, if it panics.
pub fn run<T: Send + 'static>(
    seed: u64,
    world: impl FnOnce() -> LocalBoxFuture<'static, T> + Send + 'static,
) -> T {
    let body = move || {
        let runtime = madsim::runtime::Runtime::with_seed_and_config(seed, madsim::Config::default());
        runtime.block_on(async { world().await })
    };
    crate::threads::start();
    let thread = std::thread::Builder::new().name("world".into()).stack_size(STACK).spawn(body);
    let thread = thread.expect("the system can start one thread");
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

thread_local! {
    static TIME: std::cell::RefCell<Option<Time>> = const { std::cell::RefCell::new(None) };
}

/// Makes `time` the clock that libp2p's timers of this thread follow.
pub(crate) fn set_timers(time: &Time) {
    TIME.with_borrow_mut(|current| *current = Some(time.clone()));
    let ours = futures_timer::set_source(|duration| {
        let time = TIME.with_borrow(Clone::clone);
        Box::pin(time.expect("timers are used inside a world").sleep(duration))
    });
    assert!(ours, "a process that simulates has no other source of timers");
}
