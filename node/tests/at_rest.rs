//! What a provider with 10,000 shards takes at rest, on a real disk: at most 128 MiB of memory.
//!
//! Each shard belongs to a placement of its own, which is the worst case: so many records are held,
//! announced and signed for. It takes a minute or two:
//!
//! ```text
//! cargo test -p holdfast --test at_rest -- --ignored --nocapture
//! ```
// The test stands outside every world: it has the system's own clock.
#![allow(clippy::disallowed_methods)]

use actix::{Actor, Addr, Context, Handler};
use bytes::Bytes;
use futures::StreamExt;
use holdfast::{
    actors::storage::{
        PlacementDropped, PlacementHeld, ServeRequest, StorageActor, StorageStatusQuery, Subscribe,
    },
    env::{Common, live},
    settings::Settings,
    types::{
        Answer, Ask, Code, Identity, PlacementRecord, Policy, Request, Response, ShardHash, ShardKey, Signed,
        Timestamp,
    },
};
use std::{cell::Cell, path::Path, rc::Rc, sync::Arc, time::Instant};

const SHARDS: u32 = 10_000;
const SHARD_LEN: u32 = 16 << 10;
const LIMIT_MIB: u64 = 128;
/// Stores under way at a time.
const AT_ONCE: usize = 32;

fn identity(byte: u8) -> Identity {
    Identity::from_secret(&mut [byte; 32]).expect("a key that is not zero")
}

async fn open(dir: &Path) -> Addr<StorageActor> {
    let common = Common {
        clock: Rc::new(live::LiveClock::new()),
        rng: Rc::new(live::LiveRng),
        spawn: Rc::new(live::LiveSpawn::new()),
        record: Rc::new(live::LiveRecord::default()),
    };
    let disk = Arc::new(live::LiveDisk::open(dir).expect("a directory that can be written"));
    StorageActor::start(common, disk, identity(1), Settings::default()).await.expect("a readable directory")
}

async fn ask(storage: &Addr<StorageActor>, ask: Ask, body: Bytes) -> Response {
    let request = Request { ask, body };
    storage.send(ServeRequest { from: identity(2).peer(), request }).await.expect("the actor runs")
}

async fn store(storage: &Addr<StorageActor>, owner: &Identity, number: u32) {
    let body = Bytes::from(number.to_le_bytes().repeat(SHARD_LEN as usize / 4));
    let hash = ShardHash::of(&body);
    let mut nonce = [0; 32];
    nonce[..4].copy_from_slice(&number.to_le_bytes());
    let record = PlacementRecord {
        owner: owner.peer(),
        nonce,
        code: Code::new(4, 8, 6).expect("a valid code"),
        policy: Policy::default(),
        segment_len: 4 * SHARD_LEN,
        last_segment_len: 4 * SHARD_LEN,
        shard_hashes: vec![hash; 8],
        sealed_manifest: Bytes::from(vec![0; 200]),
        created: Timestamp(1),
        access: None,
    };
    let key = ShardKey { placement: record.id(), segment: 0, slot: 0 };
    let stored = ask(storage, Ask::StoreShard { key, hash }, body).await;
    assert!(matches!(stored.answer, Answer::ShardStored(_)), "{stored:?}");
    let kept = ask(storage, Ask::StorePlacement { record: Signed::new(owner, &record) }, Bytes::new()).await;
    assert!(matches!(kept.answer, Answer::Holdings(_)), "{kept:?}");
}

struct Counter(Rc<Cell<u32>>);

impl Actor for Counter {
    type Context = Context<Self>;
}

impl Handler<PlacementHeld> for Counter {
    type Result = ();
    fn handle(&mut self, _: PlacementHeld, _: &mut Context<Self>) {
        self.0.set(self.0.get() + 1);
    }
}

impl Handler<PlacementDropped> for Counter {
    type Result = ();
    fn handle(&mut self, _: PlacementDropped, _: &mut Context<Self>) {}
}

/// Resident memory of this process in KiB.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells what a process takes");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("and this among it");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
#[ignore = "it writes 10,000 shards and records to disk"]
fn a_provider_with_ten_thousand_shards_at_rest_stays_small() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let (storage, owner, started) = (open(root.path()).await, identity(3), Instant::now());
        let stores = futures::stream::iter((0..SHARDS).map(|number| store(&storage, &owner, number)));
        stores.buffer_unordered(AT_ONCE).for_each(|()| async {}).await;
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "{SHARDS} shards of {SHARD_LEN} bytes, each with a placement record, in {seconds:.1} s; \
             {} MiB resident",
            resident_kib() >> 10
        );
    });
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let (started, before) = (Instant::now(), resident_kib());
        let storage = open(root.path()).await;
        let opened = started.elapsed().as_secs_f64();
        let held = Rc::new(Cell::new(0));
        let counter = Counter(held.clone()).start();
        let subscribe = Subscribe { held: counter.clone().recipient(), dropped: counter.recipient() };
        storage.send(subscribe).await.expect("the actor runs");
        let status = storage.send(StorageStatusQuery).await.expect("the actor runs").expect("the disk works");
        assert_eq!((status.shards, status.placements), (u64::from(SHARDS), u64::from(SHARDS)));
        tokio::task::yield_now().await;
        assert_eq!(held.get(), SHARDS, "all that is held is told at the start");
        let after = resident_kib();
        println!(
            "opened again in {opened:.2} s; {} MiB resident, {} KiB more than before",
            after >> 10,
            after.saturating_sub(before)
        );
        assert!(after >> 10 <= LIMIT_MIB, "{} MiB resident, the limit is {LIMIT_MIB}", after >> 10);
    });
}
