//! The owner's side of slot roots while a file is uploaded: the cell root of each slot, and the hashes of the cells
//! that its provider will be asked for.
//!
//! A slot's bytes must pass in order, and segments become ready out of order. Each waits until it is its turn, so that
//! no more of them wait than are in flight.

use super::actor::Client;
use crate::{
    actors::{ask, proof::TreeLevels},
    env::{Work, blocking},
    types::{CellRoot, Code},
};
use bytes::Bytes;
use futures::channel::oneshot;
use holdfast_proofs::{
    spot_check::{DEFAULT_CELLS, OwnSlot, SpotCheck},
    tree::TreeError,
};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

/// The slots of an upload under way.
pub(super) struct Cells {
    levels: usize,
    length: u64,
    /// `None` while a segment's turn lasts.
    slots: RefCell<Option<Vec<OwnSlot>>>,
    next: Cell<u32>,
    waiting: RefCell<BTreeMap<u32, oneshot::Sender<()>>>,
}

/// What is known when all segments have passed.
pub(super) struct OwnRoots {
    pub(super) levels: usize,
    /// Bytes of each slot.
    pub(super) length: u64,
    /// One a slot.
    pub(super) slots: Vec<(CellRoot, SpotCheck)>,
}

impl Cells {
    /// Begins with slots of `length` bytes; `None` if this network builds no trees, or none so large.
    pub(super) async fn begin(client: &Client, code: Code, length: u64) -> Option<Self> {
        let levels = ask(&client.ask.levels, TreeLevels).await?;
        let mut draw = client.common.rng.generator();
        let slots: Result<Vec<OwnSlot>, TreeError> =
            code.slots().map(|_| OwnSlot::draw(&mut draw, DEFAULT_CELLS, levels, length)).collect();
        match slots {
            Ok(slots) => Some(Self {
                levels,
                length,
                slots: RefCell::new(Some(slots)),
                next: Cell::new(0),
                waiting: RefCell::default(),
            }),
            Err(why) => {
                tracing::warn!(%why, "the slots of this file get no roots: put it in several files");
                None
            }
        }
    }

    /// Takes the shards of a segment in, one a slot, when all segments before it were.
    pub(super) async fn take(&self, client: &Client, segment: u32, shards: Vec<Bytes>) {
        if self.next.get() != segment {
            let (turn, wait) = oneshot::channel();
            self.waiting.borrow_mut().insert(segment, turn);
            if wait.await.is_err() {
                return;
            }
        }
        let Some(mut slots) = self.slots.take() else { return };
        let work = Work::Compute { bytes: shards.iter().map(|shard| shard.len() as u64).sum() };
        let hash = move || {
            for (slot, shard) in slots.iter_mut().zip(&shards) {
                slot.push(shard).expect("the length of all shards of a slot was checked");
            }
            slots
        };
        let slots = blocking(&*client.common.spawn, work, hash).await;
        self.slots.replace(Some(slots));
        self.next.set(segment + 1);
        if let Some(turn) = self.waiting.borrow_mut().remove(&(segment + 1)) {
            // A segment that is given up takes the whole upload with it.
            let _ = turn.send(());
        }
    }

    /// The roots; `None` unless all segments were taken in.
    pub(super) fn finish(self) -> Option<OwnRoots> {
        let finished = |slot: OwnSlot| slot.finish().map(|(root, check)| (CellRoot(root), check));
        let slots = self.slots.into_inner()?.into_iter().map(finished).collect::<Option<_>>()?;
        Some(OwnRoots { levels: self.levels, length: self.length, slots })
    }
}
