//! A small world for one storage actor: a clock that is set by hand, blocking work run in place, and
//! a [`MemDisk`].

use super::{super::*, disk::MemDisk};
use crate::{
    env::{Clock, Common, Record, Rng, Spawn, Work},
    events::Event,
    settings::Settings,
    types::{
        Answer, Ask, Code, Identity, PlacementId, PlacementRecord, Policy, Receipt, Refusal, Request,
        Response, ShardHash, ShardKey, Signed, Timestamp,
    },
};
use actix::Addr;
use bytes::Bytes;
use futures::future::LocalBoxFuture;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

pub(super) const CAPACITY: u64 = 1 << 20;

struct HandClock(Rc<Cell<u64>>);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.get())
    }
    fn sleep(&self, _: Duration) -> LocalBoxFuture<'static, ()> {
        Box::pin(futures::future::pending())
    }
}

struct SeededRng(RefCell<ChaCha8Rng>);

impl Rng for SeededRng {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.borrow_mut().fill_bytes(bytes);
    }
}

struct InPlace;

impl Spawn for InPlace {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is a world, and the test's LocalSet is its node's thread"
    )]
    fn local(&self, task: LocalBoxFuture<'static, ()>) {
        tokio::task::spawn_local(task);
    }
    fn run_blocking(&self, _: Work, job: Box<dyn FnOnce() + Send>) -> LocalBoxFuture<'static, ()> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            job();
        })
    }
}

struct Events(Rc<RefCell<Vec<Event>>>);

impl Record for Events {
    fn record(&self, event: Event) {
        self.0.borrow_mut().push(event);
    }
}

/// One running storage actor and what is around it.
pub(super) struct World {
    pub(super) actor: Addr<StorageActor>,
    pub(super) disk: MemDisk,
    pub(super) events: Rc<RefCell<Vec<Event>>>,
    now: Rc<Cell<u64>>,
    pub(super) me: Identity,
}

pub(super) fn identity(byte: u8) -> Identity {
    Identity::from_secret(&mut [byte; 32]).expect("not zero")
}

/// Runs a test inside a `LocalSet`, as a node runs.
pub(super) fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, test)
}

impl World {
    pub(super) async fn start(disk: MemDisk) -> Result<Self, StorageError> {
        Self::start_with(disk, CAPACITY, 1).await
    }

    pub(super) async fn start_with(
        disk: MemDisk,
        capacity_bytes: u64,
        seed: u64,
    ) -> Result<Self, StorageError> {
        let now = Rc::new(Cell::new(1_700_000_000_000_000_000));
        let events = Rc::new(RefCell::new(Vec::new()));
        let common = Common {
            clock: Rc::new(HandClock(now.clone())),
            rng: Rc::new(SeededRng(RefCell::new(ChaCha8Rng::seed_from_u64(seed)))),
            spawn: Rc::new(InPlace),
            record: Rc::new(Events(events.clone())),
        };
        let me = identity(7);
        let settings =
            Settings { capacity_bytes, operator: "op".into(), region: "here".into(), ..Settings::default() };
        let actor = StorageActor::start(common, Arc::new(disk.clone()), me.clone(), settings).await?;
        Ok(Self { actor, disk, events, now, me })
    }

    pub(super) fn pass(&self, time: Duration) {
        self.now.set(self.now.get() + time.as_nanos() as u64);
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp(self.now.get())
    }

    pub(super) async fn ask(&self, ask: Ask, body: Bytes) -> Response {
        let request = Request { ask, body };
        let from = identity(9).peer();
        self.actor.send(ServeRequest { from, request }).await.expect("the actor runs")
    }

    pub(super) async fn store(&self, key: ShardKey, body: &[u8]) -> Result<Receipt, Refusal> {
        let hash = ShardHash::of(body);
        match self.ask(Ask::StoreShard { key, hash }, Bytes::copy_from_slice(body)).await.answer {
            Answer::ShardStored(receipt) => Ok(receipt.verify().expect("its own signature")),
            Answer::Refused(refusal) => Err(refusal),
            other => panic!("{other:?} answers no store"),
        }
    }

    pub(super) async fn read(&self, key: ShardKey, offset: u32, len: u32) -> Result<Bytes, Refusal> {
        let response = self.ask(Ask::ReadShard { key, offset, len }, Bytes::new()).await;
        match response.answer {
            Answer::Shard => Ok(response.body),
            Answer::Refused(refusal) => Err(refusal),
            other => panic!("{other:?} answers no read"),
        }
    }

    pub(super) async fn status(&self) -> StorageStatus {
        self.actor.send(StorageStatusQuery).await.expect("the actor runs").expect("the disk works")
    }

    pub(super) async fn scrub(&self) -> ScrubReport {
        self.actor.send(Scrub).await.expect("the actor runs").expect("the disk works")
    }
}

/// The bytes of shard `slot` of segment `segment` of the test file.
pub(super) fn shard(segment: u32, slot: u16) -> Vec<u8> {
    vec![(segment * 16) as u8 + slot as u8; 64]
}

/// A record of two segments, 2 of 4, over [`shard`]'s bytes.
pub(super) fn placement(owner: &Identity, nonce: u8, created: u64) -> (PlacementId, Signed<PlacementRecord>) {
    let record = PlacementRecord {
        owner: owner.peer(),
        nonce: [nonce; 32],
        code: Code::new(2, 4, 2).expect("a valid code"),
        policy: Policy::default(),
        segment_len: 128,
        last_segment_len: 128,
        shard_hashes: (0..2).flat_map(|s| (0..4).map(move |slot| ShardHash::of(&shard(s, slot)))).collect(),
        sealed_manifest: Bytes::from_static(b"sealed"),
        created: Timestamp(created),
        access: None,
    };
    (record.id(), Signed::new(owner, &record))
}
