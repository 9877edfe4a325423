//! How large and how fast a simulated world is: bytes a node, actor round trips a CPU second.
//!
//! A round trip is a request that an actor on one node makes and an actor on another node answers,
//! through the seam and over simulated links. Time and memory are the process's own, read from the
//! system; everything else is virtual.

use crate::{
    NodeNumber,
    cluster::{Boot, Cluster, NodeSpec},
    world::{WorldPlan, run},
};
use actix::{Actor, AsyncContext, Context, Handler, Message, StreamHandler};
use holdfast::{
    env::{Common, Inbound, Net},
    types::{Answer, Ask, PeerId, ProviderStatus},
};
use rand::{RngExt, seq::IndexedRandom};
use rand_chacha::ChaCha12Rng;
use serde::Serialize;
use std::{cell::RefCell, rc::Rc, time::Duration};

/// What to measure.
#[derive(Clone, Debug)]
pub struct ScalePlan {
    /// The world around the nodes.
    pub world: WorldPlan,
    /// How many nodes.
    pub nodes: u32,
    /// What runs on each.
    pub load: Load,
    /// Virtual seconds after all nodes have started.
    pub seconds: f64,
    /// The run's seed.
    pub seed: u64,
}

/// What runs on a node.
#[derive(Clone, Copy, Debug)]
pub enum Load {
    /// Holdfast nodes that nobody asks for anything.
    Whole,
    /// One actor that answers, and one that has so many requests open at a time.
    Asking(u32),
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct ScaleReport {
    /// Nodes that ran.
    pub nodes: u32,
    /// Resident bytes that all nodes together added, by node.
    pub bytes_per_node: u64,
    /// Processor seconds from the first node to the last start.
    pub start_cpu_seconds: f64,
    /// Requests answered after the start.
    pub round_trips: u64,
    /// Processor seconds that they took.
    pub cpu_seconds: f64,
    /// The quotient of both.
    pub round_trips_per_cpu_second: f64,
    /// Hash of the trace.
    pub trace_hash: String,
}

/// Runs a world of nodes, and measures it.
pub fn measure(plan: ScalePlan) -> ScaleReport {
    run(plan.seed, move || {
        let peers = Rc::<RefCell<Vec<PeerId>>>::default();
        let world = plan.world.clone();
        match plan.load {
            Load::Whole => Box::pin(async move {
                let cluster = Cluster::new(world, plan.seed);
                measure_cluster(cluster, plan, peers).await
            }),
            Load::Asking(requests) => Box::pin(async move {
                let cluster = Cluster::with_boot(world, plan.seed, boot(peers.clone(), requests));
                measure_cluster(cluster, plan, peers).await
            }),
        }
    })
}

async fn measure_cluster<H: Clone>(
    cluster: Cluster<H>,
    plan: ScalePlan,
    peers: Rc<RefCell<Vec<PeerId>>>,
) -> ScaleReport {
    let (memory, begun) = (resident_bytes(), cpu_seconds());
    for _ in 0..plan.nodes {
        let node = cluster.add_node(NodeSpec::default());
        peers.borrow_mut().extend(cluster.peer(node));
    }
    let starting: Vec<_> = (0..plan.nodes).map(|n| cluster.start(NodeNumber(n))).collect();
    for started in futures::future::join_all(starting).await {
        drop(started.expect("an empty disk and a free network let a node start"));
    }
    let (started, before) = (cpu_seconds(), cluster.counters());
    cluster.time().sleep(Duration::from_secs_f64(plan.seconds)).await;
    let cpu = cpu_seconds() - started;
    let round_trips = cluster.counters().round_trips - before.round_trips;
    ScaleReport {
        nodes: plan.nodes,
        bytes_per_node: resident_bytes().saturating_sub(memory) / u64::from(plan.nodes),
        start_cpu_seconds: started - begun,
        round_trips,
        cpu_seconds: cpu,
        round_trips_per_cpu_second: round_trips as f64 / cpu,
        trace_hash: cluster.recorder().trace_hash().to_string(),
    }
}

/// Starts an actor that answers and one that asks.
fn boot(peers: Rc<RefCell<Vec<PeerId>>>, open_requests: u32) -> Boot<()> {
    Rc::new(move |env, _, _| {
        let peers = peers.clone();
        Box::pin(async move {
            Answerer(env.net.clone()).start();
            let rng = env.common.rng.generator();
            Asker { net: env.net, common: env.common, peers, rng, open_requests }.start();
            Ok(())
        })
    })
}

struct Answerer(Rc<dyn Net>);

impl Actor for Answerer {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.add_stream(self.0.inbound());
    }
}

impl StreamHandler<Inbound> for Answerer {
    fn handle(&mut self, inbound: Inbound, _: &mut Self::Context) {
        let status = ProviderStatus { free_bytes: 1, operator: String::new(), region: String::new() };
        // Whoever stopped waiting does not miss the answer.
        let _ = inbound.reply.send(Answer::Status(status).into());
    }
}

struct Asker {
    net: Rc<dyn Net>,
    common: Common,
    peers: Rc<RefCell<Vec<PeerId>>>,
    rng: ChaCha12Rng,
    open_requests: u32,
}

/// One more request, after a pause.
#[derive(Message)]
#[rtype(result = "()")]
struct AskOne(Duration);

impl Actor for Asker {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        for _ in 0..self.open_requests {
            // Nodes do not start in step.
            let pause = Duration::from_micros(self.rng.random_range(0..100_000));
            ctx.notify(AskOne(pause));
        }
    }
}

impl Handler<AskOne> for Asker {
    type Result = ();

    /// Asks a random peer, in a task as the network actor does, and then the next.
    fn handle(&mut self, AskOne(pause): AskOne, ctx: &mut Self::Context) {
        let peers = self.peers.borrow();
        let peer = *peers.choose(&mut self.rng).expect("the asker is one of the peers");
        drop(peers);
        let (clock, net, this) = (self.common.clock.clone(), self.net.clone(), ctx.address());
        self.common.spawn.local(Box::pin(async move {
            if !pause.is_zero() {
                clock.sleep(pause).await;
            }
            // A node that draws itself gets an error, and goes on.
            let _ = net.request(peer, Ask::Status.into()).await;
            this.do_send(AskOne(Duration::ZERO));
        }));
    }
}

/// Bytes of this process in memory.
fn resident_bytes() -> u64 {
    let pages = read_field("/proc/self/statm", 1);
    pages * 4_096
}

/// Processor seconds that this process has used, in user and kernel mode, to a hundredth.
fn cpu_seconds() -> f64 {
    (read_field("/proc/self/stat", 13) + read_field("/proc/self/stat", 14)) as f64 / 100.0
}

/// A field of one of the system's one-line tables.
fn read_field(path: &str, index: usize) -> u64 {
    let text = std::fs::read_to_string(path).expect("Linux tells a process about itself");
    // The second field of `stat` is a name in parentheses, which may hold spaces.
    let (skipped, fields) = text.rsplit_once(')').map_or((0, &text[..]), |(_, rest)| (2, rest));
    let field = fields.split_whitespace().nth(index - skipped).and_then(|field| field.parse().ok());
    field.expect("the table has this column, a number")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::NetKind;

    fn plan(net: NetKind, nodes: u32, seconds: f64) -> ScalePlan {
        let world = WorldPlan { net, ..WorldPlan::default() };
        ScalePlan { world, nodes, load: Load::Asking(2), seconds, seed: 1 }
    }

    #[test]
    fn direct_nodes_answer_each_other() {
        let report = measure(plan(NetKind::default(), 20, 5.0));
        // 20 nodes with 2 open requests of about 0.15 s each for 5 s.
        assert!((600..4_000).contains(&report.round_trips), "{report:?}");
    }

    #[test]
    fn libp2p_nodes_answer_each_other() {
        let report = measure(plan(NetKind::Libp2p { bootstrap: 2 }, 10, 30.0));
        assert!(report.round_trips > 500, "{report:?}");
    }
}
