//! A provider whose power fails at random operations, on a disk that loses and tears what was not
//! synced, loses no shard that it acknowledged. The same promise as `node/tests/crash_kill.rs`, on the
//! other side of the seam.
//!
//! `HOLDFAST_TORN_SEEDS` sets how many seeds run (200 by default; 1,000 take about a minute) and
//! `HOLDFAST_TORN_FIRST` which is the first:
//!
//! ```text
//! HOLDFAST_TORN_SEEDS=1000 cargo test -p holdfast-sim --test crash_torn -- --nocapture
//! ```

use actix::Addr;
use bytes::Bytes;
use futures::future::join_all;
use holdfast::{
    actors::storage::{Scrub, ServeRequest, StorageActor, StorageError},
    types::{
        Answer, Ask, Code, Identity, PlacementId, PlacementRecord, Policy, Request, Response, ShardHash,
        ShardKey, Signed, Timestamp,
    },
};
use holdfast_sim::{
    NodeNumber,
    cluster::{Boot, Cluster, NodeSpec},
    faults::Fault,
    world::{WorldPlan, run},
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use std::{collections::BTreeMap, rc::Rc, time::Duration};

const NODE: NodeNumber = NodeNumber(0);
const LIVES: u32 = 3;
const SEGMENTS: u32 = 8;
const SLOTS: u16 = 4;
/// Operations that one life does if its power does not fail: a little more than the test observed.
const OPERATIONS: u64 = 260;

type Acknowledged = BTreeMap<ShardKey, Bytes>;
type Storage = Addr<StorageActor>;

fn boot() -> Boot<Storage> {
    Rc::new(|env, keys, settings| Box::pin(StorageActor::start(env.common, env.disk, keys.peer, settings)))
}

/// A response, unless the node is gone.
async fn ask(storage: &Storage, ask: Ask, body: Bytes) -> Option<Response> {
    let from = identity().peer();
    storage.send(ServeRequest { from, request: Request { ask, body } }).await.ok()
}

fn identity() -> Identity {
    Identity::from_secret(&mut [3; 32]).expect("a key that is not zero")
}

/// A small file: its placement record, and the shards of one of its slots, one a segment.
fn file(random: &mut ChaCha8Rng) -> (PlacementRecord, Vec<(ShardKey, Bytes)>) {
    let shard_len = 64 * random.random_range(1..40_u32);
    let slot = random.random_range(0..SLOTS);
    let bodies: Vec<Bytes> = (0..SEGMENTS)
        .map(|_| (0..shard_len).map(|_| random.random::<u8>()).collect::<Vec<u8>>().into())
        .collect();
    let record = PlacementRecord {
        owner: identity().peer(),
        nonce: random.random(),
        code: Code::new(2, SLOTS, 2).expect("a valid code"),
        policy: Policy::default(),
        segment_len: 2 * shard_len,
        last_segment_len: 2 * shard_len,
        shard_hashes: bodies.iter().flat_map(|body| [ShardHash::of(body); SLOTS as usize]).collect(),
        sealed_manifest: Bytes::from_static(b"sealed"),
        created: Timestamp(1),
        access: None,
    };
    let placement: PlacementId = record.id();
    let shards = (0..).zip(bodies).map(|(segment, body)| (ShardKey { placement, segment, slot }, body));
    (record, shards.collect())
}

/// Stores three files at once, shards and record of each at once too; returns what was acknowledged.
async fn write(storage: &Storage, random: &mut ChaCha8Rng) -> Acknowledged {
    let files: Vec<_> = (0..3).map(|_| file(random)).collect();
    let stores = files.into_iter().map(|(record, shards)| async move {
        let (early, late) = shards.split_at(shards.len() / 2);
        let mut acknowledged = store(storage, early).await;
        let record = Signed::new(&identity(), &record);
        let (more, _) =
            futures::join!(store(storage, late), ask(storage, Ask::StorePlacement { record }, Bytes::new()));
        acknowledged.extend(more);
        acknowledged
    });
    join_all(stores).await.into_iter().flatten().collect()
}

async fn store(storage: &Storage, shards: &[(ShardKey, Bytes)]) -> Acknowledged {
    let stores = shards.iter().map(|(key, body)| async move {
        let store = Ask::StoreShard { key: *key, hash: ShardHash::of(body) };
        let response = ask(storage, store, body.clone()).await;
        let stored = response.is_some_and(|response| matches!(response.answer, Answer::ShardStored(_)));
        stored.then(|| (*key, body.clone()))
    });
    join_all(stores).await.into_iter().flatten().collect()
}

/// One life that a power failure ends, in its start or later.
async fn live(cluster: &Cluster<Storage>, random: &mut ChaCha8Rng) -> Acknowledged {
    let operations = random.random_range(0..OPERATIONS);
    cluster.apply(Fault::CrashInWrite { node: NODE, operations }).expect("the node exists");
    let mut acknowledged = Acknowledged::new();
    if let Ok(storage) = cluster.start(NODE).await {
        while cluster.is_up(NODE) {
            acknowledged.extend(write(&storage, random).await);
            // Lets the power failure reach the node.
            cluster.time().sleep(Duration::from_millis(1)).await;
        }
    }
    cluster.time().sleep(Duration::from_secs(1)).await;
    // A node whose start failed was killed; its power failed all the same.
    cluster.disk(NODE).expect("the node exists").crash();
    acknowledged
}

async fn check(storage: &Storage, acknowledged: &Acknowledged, seed: u64) -> Result<(), StorageError> {
    let report = storage.send(Scrub).await.expect("the node is up")?;
    assert_eq!((report.damaged, report.unreadable), (0, 0), "seed {seed}: an entry without its whole file");
    for (&key, body) in acknowledged {
        let read = ask(storage, Ask::ReadShard { key, offset: 0, len: 0 }, Bytes::new()).await;
        let response = read.expect("the node is up");
        assert_eq!(response.answer, Answer::Shard, "seed {seed}: acknowledged and lost: {key:?}");
        assert_eq!(&response.body, body, "seed {seed}: acknowledged and changed: {key:?}");
    }
    Ok(())
}

/// Runs one seed; returns how many shards were acknowledged.
fn lives(seed: u64) -> usize {
    run(seed, move || {
        Box::pin(async move {
            let cluster = Cluster::with_boot(WorldPlan::default(), seed, boot());
            cluster.add_node(NodeSpec::default());
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let mut acknowledged = Acknowledged::new();
            for _ in 0..LIVES {
                acknowledged.extend(live(&cluster, &mut random).await);
            }
            let storage = cluster.start(NODE).await.expect("a crash leaves a readable directory");
            check(&storage, &acknowledged, seed).await.expect("the disk works");
            drop(storage);
            cluster.shut_down().await;
            acknowledged.len()
        })
    })
}

#[test]
fn no_acknowledged_shard_is_lost_by_power_failures_at_random_operations() {
    let number = |name, default| std::env::var(name).map_or(default, |text| text.parse().expect("a number"));
    let (first, seeds) = (number("HOLDFAST_TORN_FIRST", 1), number("HOLDFAST_TORN_SEEDS", 200));
    let acknowledged: Vec<usize> = (first..first + seeds).map(lives).collect();
    let total: usize = acknowledged.iter().sum();
    println!(
        "{seeds} seeds, {} power failures: {total} shards acknowledged, 0 lost",
        seeds * u64::from(LIVES)
    );
    let barren = acknowledged.iter().filter(|count| **count == 0).count();
    assert!(barren * 10 < acknowledged.len(), "{barren} seeds acknowledged nothing worth losing");
}
