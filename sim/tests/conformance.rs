//! The conformance suites of the seam, on the simulated world: both networks, both ways to die.

use futures::{FutureExt, future::LocalBoxFuture};
use holdfast::{
    env::{
        Chain,
        conformance::{self, net::Peer, prover::Verifying},
    },
    events::Event,
};
use holdfast_sim::{
    NodeNumber,
    cluster::{Boot, Cluster, NodeSpec},
    env::{
        ChainPlan, DiskPlan, NetKind, ProverKeys, ProverKind, ProverPlan, SimChain, SimDisk, SimRecord,
        SimRng, chain::wallet, rng,
    },
    world::{WorldPlan, run},
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

const DIRECT: NetKind = NetKind::Direct { stale_peers: 0.0 };
const LIBP2P: NetKind = NetKind::Libp2p { bootstrap: 1 };

/// A peer that can be taken out of its node once.
type Slot = Rc<RefCell<Option<Peer>>>;

fn peer_boot() -> Boot<Slot> {
    Rc::new(|env, _, _| {
        async move { Ok(Rc::new(RefCell::new(Some(Peer::new(env.net, env.common))))) }.boxed_local()
    })
}

async fn start(cluster: &Cluster<Slot>) -> (NodeNumber, Peer) {
    let node = cluster.add_node(NodeSpec::default());
    let slot = cluster.start(node).await.expect("the node starts");
    (node, slot.take().expect("the peer is taken once"))
}

/// Runs `test` in a world of `count` nodes that each answer for a [`Peer`].
fn with_peers(net: NetKind, count: usize, test: impl AsyncFnOnce(Cluster<Slot>, Vec<Peer>) + Send + 'static) {
    run(1, move || {
        async move {
            let cluster = Cluster::with_boot(WorldPlan { net, ..WorldPlan::default() }, 1, peer_boot());
            let mut peers = Vec::new();
            for _ in 0..count {
                peers.push(start(&cluster).await.1);
            }
            test(cluster.clone(), peers).await;
            cluster.shut_down().await;
        }
        .boxed_local()
    });
}

fn network(net: NetKind) {
    with_peers(net, conformance::net::NODES, async |cluster, peers| {
        conformance::net::check(&peers).await;
        for crash in [true, false] {
            let (victim, _served) = start(&cluster).await;
            let peer = cluster.peer(victim).expect("the victim exists");
            while !conformance::net::answers(&peers[3], peer).await {
                cluster.time().sleep(Duration::from_millis(100)).await;
            }
            let kill = || if crash { cluster.crash(victim) } else { cluster.kill(victim) };
            conformance::net::check_death(&peers[3], peer, || kill().expect("the victim exists")).await;
        }
    });
}

#[test]
fn direct_network() {
    network(DIRECT);
}

#[test]
fn libp2p_network() {
    network(LIBP2P);
}

fn alone(net: NetKind) {
    with_peers(net, 1, async |_, peers| conformance::net::check_alone(&peers[0]).await);
}

#[test]
fn a_direct_node_alone_knows_it() {
    alone(DIRECT);
}

#[test]
fn a_libp2p_node_alone_knows_it() {
    alone(LIBP2P);
}

#[test]
fn clock_and_spawn() {
    run(1, || {
        async {
            let boot: Boot<()> = Rc::new(|env, _, _| {
                async move {
                    conformance::clock::check(&*env.common.clock).await;
                    // Durations are modelled: the job itself takes no time.
                    conformance::spawn::check(env.common.clock, env.common.spawn, || {}).await;
                    Ok(())
                }
                .boxed_local()
            });
            let cluster = Cluster::with_boot(WorldPlan::default(), 1, boot);
            let node = cluster.add_node(NodeSpec::default());
            cluster.start(node).await.expect("the suites pass");
            cluster.shut_down().await;
        }
        .boxed_local()
    });
}

fn prover(kind: ProverKind) {
    run(1, move || {
        async move {
            let (levels, slots, samples) = (2, 3, 2);
            let prover = ProverPlan { kind, levels, slots, samples, prove_s: 5.0, commit_mb_per_s: 0.1 };
            let boot: Boot<()> = Rc::new(move |env, _, _| {
                async move {
                    let keys = ProverKeys::new(prover);
                    let prover = env.prover.expect("the world has a prover");
                    let keys = Verifying { provider: keys.verifying_key(), opening: keys.opening_key() };
                    // A simulated disk takes no time, but a commit does.
                    conformance::prover::check(&*prover, keys, &*env.common.clock, || {}).await;
                    Ok(())
                }
                .boxed_local()
            });
            let plan = WorldPlan { prover: Some(prover), ..WorldPlan::default() };
            let cluster = Cluster::with_boot(plan, 1, boot);
            let node = cluster.add_node(NodeSpec::default());
            cluster.start(node).await.expect("the suite passes");
            cluster.shut_down().await;
        }
        .boxed_local()
    });
}

#[test]
fn a_real_prover() {
    prover(ProverKind::Inline);
}

#[test]
fn a_modelled_prover() {
    prover(ProverKind::Modelled);
}

struct ChainControl(SimChain);

impl conformance::chain::Control for ChainControl {
    fn produce(&self) -> LocalBoxFuture<'_, ()> {
        self.0.produce();
        async {}.boxed_local()
    }

    fn reorganise(&self, depth: u64) -> LocalBoxFuture<'_, ()> {
        self.0.reorganise(depth);
        async {}.boxed_local()
    }
}

#[test]
fn chain() {
    run(1, || {
        async {
            let boot: Boot<Rc<dyn Chain>> = Rc::new(|env, _, _| {
                async move { Ok(env.chain.expect("the world has a chain")) }.boxed_local()
            });
            // Blocks come when the suite asks for them, and what a reorganisation drops is forgotten.
            let chain = ChainPlan { block_s: 1e6, loss_chance: 1.0, ..ChainPlan::default() };
            let plan = WorldPlan { chain: Some(chain), ..WorldPlan::default() };
            let cluster = Cluster::with_boot(plan, 1, boot);
            let node = cluster.add_node(NodeSpec::default());
            let link = cluster.start(node).await.expect("the node starts");
            let control = ChainControl(cluster.chain().expect("the world has a chain"));
            conformance::chain::check(&*link, &control, &wallet(1, 0)).await;
            drop((link, control));
            cluster.shut_down().await;
        }
        .boxed_local()
    });
}

#[test]
fn randomness() {
    conformance::rng::check(&SimRng::new(1, NodeNumber(1), 1), &SimRng::new(1, NodeNumber(2), 1));
}

#[test]
fn record() {
    run(1, || {
        async {
            let cluster = Cluster::new(WorldPlan::default(), 1);
            let node = cluster.add_node(NodeSpec::default());
            let stored = Rc::new(Cell::new(0));
            let counted = stored.clone();
            cluster.recorder().subscribe(Box::new(move |_, _, event| {
                if matches!(event, Event::ShardStored { .. }) {
                    counted.set(counted.get() + 1);
                }
            }));
            let record = SimRecord { node, time: cluster.time(), recorder: cluster.recorder() };
            let peer = cluster.peer(node).expect("the node exists");
            conformance::record::check(&record, peer, &|| stored.get());
        }
        .boxed_local()
    });
}

fn new_disk(seed: u64) -> SimDisk {
    SimDisk::new(DiskPlan::default().capacity_bytes, rng::stream(seed, "disk", 0)).next_life()
}

#[test]
fn disk() {
    let disk = new_disk(1);
    conformance::disk::check(&disk);
    conformance::disk::check_large_offsets(&disk);
}

#[test]
fn disk_keeps_what_was_synced_in_every_crash() {
    for seed in 0..200 {
        let disk = new_disk(seed);
        conformance::disk::check_durability(|| {
            disk.crash();
            Arc::new(disk.next_life())
        });
    }
}

#[test]
fn disk_keeps_what_was_written_when_a_process_is_killed() {
    let disk = new_disk(1);
    conformance::disk::check_durability(|| {
        disk.kill();
        Arc::new(disk.next_life())
    });
}
