//! Whole nodes in a simulated world, and files in memory.
#![allow(dead_code, reason = "each test binary uses a part of this")]

mod tapped;

use futures::{
    FutureExt,
    future::{LocalBoxFuture, join_all},
};
use holdfast::{
    actors::{
        client::{AwaitRoots, ClientError, FileRef, GetFile, PutFile, PutReport, RootsState, Sink, Source},
        repair::RepairStatusQuery,
        storage::{HeldPlacements, StorageError},
    },
    env::Env,
    node::{Keys, Node},
    settings::{Settings, Timing},
    types::{Answer, Ask, Code, PlacementId, Policy, SlotRoots},
};
use holdfast_sim::{
    NodeNumber,
    cluster::{Cluster, NodeSpec},
    env::{NetKind, ProverKind, ProverPlan},
    world::{WorldPlan, run},
};
use std::{
    io,
    rc::Rc,
    sync::{Arc, Mutex},
    time::Duration,
};

#[allow(unused_imports, reason = "each test binary uses a part of this")]
pub use tapped::{ask_as, forget_nets, listed_boot, tapped_boot};

pub const DIRECT: NetKind = NetKind::Direct { stale_peers: 0.05 };
/// Slots of up to 254 kB.
pub const PROVER: ProverPlan = ProverPlan {
    kind: ProverKind::Modelled,
    levels: 3,
    slots: 4,
    samples: 2,
    prove_s: 1.0,
    commit_mb_per_s: 1.0,
};
pub const LIBP2P: NetKind = NetKind::Libp2p { bootstrap: 2 };

/// What a way to start a node returns.
pub type Booted = LocalBoxFuture<'static, Result<Node, StorageError>>;

/// A file to put.
#[derive(Debug)]
pub struct Memory(pub Vec<u8>);

impl Source for Memory {
    fn identity(&self) -> String {
        "memory".into()
    }
    fn version(&self) -> io::Result<u64> {
        Ok(0)
    }
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let from = self.0.get(offset as usize..).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(from.get(..buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// Where a file's bytes come back.
#[derive(Debug, Default)]
pub struct Collected(pub Mutex<Vec<u8>>);

impl Sink for Collected {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut all = self.0.lock().expect("no writer panicked");
        let end = offset as usize + bytes.len();
        if all.len() < end {
            all.resize(end, 0);
        }
        all[offset as usize..end].copy_from_slice(bytes);
        Ok(())
    }
    fn finish(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes that do not compress and do not repeat.
pub fn pattern(len: u32) -> Vec<u8> {
    (0..len).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// The signed roots that a node tells another that asks: its owner, which knows all holders, or the owner a holder.
pub async fn served_roots(
    cluster: &Cluster,
    asker: NodeNumber,
    node: NodeNumber,
    id: PlacementId,
) -> Option<SlotRoots> {
    let [asker, peer] = [asker, node].map(|node| cluster.peer(node).expect("it exists"));
    match ask_as(asker, peer, Ask::ReadRoots { id }).await {
        Answer::Roots(signed) => Some(signed.verify().expect("its owner signed it")),
        _ => None,
    }
}

/// Runs `test` in a world of `count` nodes that probe and repair within minutes.
pub fn in_world<T: Send + 'static>(
    net: NetKind,
    seed: u64,
    count: u32,
    test: impl AsyncFnOnce(Cluster) -> T + Send + 'static,
) -> T {
    in_world_of(net, seed, count, |env, keys, settings| Node::start(env, keys, settings).boxed_local(), test)
}

/// Like [`in_world`], with nodes that `boot` starts.
pub fn in_world_of<T: Send + 'static>(
    net: NetKind,
    seed: u64,
    count: u32,
    boot: impl Fn(Env, Keys, Settings) -> Booted + Send + 'static,
    test: impl AsyncFnOnce(Cluster) -> T + Send + 'static,
) -> T {
    in_world_with(WorldPlan { net, ..WorldPlan::default() }, seed, count, boot, test)
}

/// A direct world whose nodes build trees of `PROVER`'s levels, and sign slot roots.
pub fn proving() -> WorldPlan {
    WorldPlan { net: DIRECT, prover: Some(PROVER), ..WorldPlan::default() }
}

/// Like [`in_world_of`], in any world.
pub fn in_world_with<T: Send + 'static>(
    plan: WorldPlan,
    seed: u64,
    count: u32,
    boot: impl Fn(Env, Keys, Settings) -> Booted + Send + 'static,
    test: impl AsyncFnOnce(Cluster) -> T + Send + 'static,
) -> T {
    run(seed, move || {
        async move {
            let cluster = Cluster::with_boot(plan, seed, Rc::new(boot));
            populate(&cluster, count).await;
            let result = test(cluster.clone()).await;
            cluster.shut_down().await;
            result
        }
        .boxed_local()
    })
}

/// Adds nodes that probe and repair within minutes, and starts them.
pub async fn populate(cluster: &Cluster, count: u32) {
    let timing = Timing {
        probe_interval_s: 60.0,
        holder_grace_s: 120.0,
        repair_stagger_s: 30.0,
        announce_interval_s: 600.0,
        ..Timing::default()
    };
    for _ in 0..count {
        let settings = Settings { timing, ..Settings::default() };
        cluster.add_node(NodeSpec { settings, ..NodeSpec::default() });
    }
    let starting = join_all((0..count).map(|n| cluster.start(NodeNumber(n))));
    starting.await.into_iter().for_each(|started| drop(started.expect("the node starts")));
    cluster.time().sleep(Duration::from_secs(10)).await;
}

pub async fn put(cluster: &Cluster, node: NodeNumber, bytes: Vec<u8>) -> Result<PutReport, ClientError> {
    put_as(cluster, node, "file", bytes).await
}

pub async fn put_as(
    cluster: &Cluster,
    node: NodeNumber,
    name: &str,
    bytes: Vec<u8>,
) -> Result<PutReport, ClientError> {
    let message = PutFile {
        name: name.into(),
        source: Arc::new(Memory(bytes)),
        code: Code::new(2, 5, 3).expect("a code"),
        policy: Policy::default(),
        segment_len: 100_000,
        access: None,
        progress: None,
    };
    cluster.handles(node).expect("the node is up").put.send(message).await.expect("the client is alive")
}

pub async fn get(cluster: &Cluster, node: NodeNumber, link: &str) -> Result<Vec<u8>, ClientError> {
    let sink = Arc::new(Collected::default());
    let file = FileRef::Link(link.parse().expect("a link"));
    let message = GetFile { file, sink: sink.clone(), access: None, most: None, progress: None };
    let node = cluster.handles(node).expect("the node is up");
    node.get.send(message).await.expect("the client is alive")?;
    Ok(std::mem::take(&mut sink.0.lock().expect("no writer panicked")))
}

/// Waits until the slot roots of a placement are signed.
pub async fn roots(cluster: &Cluster, owner: NodeNumber, placement: PlacementId) -> RootsState {
    let node = cluster.handles(owner).expect("the node is up");
    let wait = AwaitRoots { placement, progress: None };
    let state = node.await_roots.send(wait).await.expect("the client is alive").expect("readable");
    state.expect("slots have roots in this world")
}

/// Nodes that are up and hold something.
pub async fn holders(cluster: &Cluster) -> Vec<NodeNumber> {
    let mut holders = Vec::new();
    for number in cluster.up() {
        let node = cluster.handles(number).expect("the node is up");
        let held = node.held.send(HeldPlacements).await.expect("the storage is alive").expect("readable");
        if !held.is_empty() {
            holders.push(number);
        }
    }
    holders
}

/// Shards that nodes that are up have rebuilt.
pub async fn rebuilt(cluster: &Cluster) -> u64 {
    let mut rebuilt = 0;
    for number in cluster.up() {
        let node = cluster.handles(number).expect("the node is up");
        rebuilt += node.repair_status.send(RepairStatusQuery).await.expect("the repair is alive").rebuilt;
    }
    rebuilt
}
