//! What a holder knows of the other holders of a placement, and what it does next.

use super::{
    memory::{Memory, Remembered},
    verdict::{Verdict, judge},
};
use crate::{
    actors::holders::Holders,
    types::{Code, PeerId, PlacementId, ProviderRecord, Timestamp},
};
use std::{collections::BTreeMap, time::Duration};

/// One watched placement.
#[derive(Debug)]
pub(super) struct Watch {
    since: Timestamp,
    seen: BTreeMap<PeerId, Seen>,
    holders: Holders,
    /// When this was last written down; `None` until it is known whether an earlier run did.
    written: Option<Timestamp>,
    /// When it is this node's turn to repair, once repair is needed.
    turn: Option<Timestamp>,
    /// Live shards when the turn was set: if there are more by then, someone is repairing.
    live: usize,
    /// This node's last repair left shards missing.
    unfinished: bool,
    looks: u32,
}

/// When a holder answered last.
#[derive(Clone, Copy, Debug)]
struct Seen {
    at: Timestamp,
    /// Looks since then in which it was silent.
    silent: u32,
}

/// What to do after a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Look again at the usual time.
    Rest,
    /// Look again then: others have the first turn.
    Wait(Timestamp),
    /// Repair now.
    Repair,
}

/// Every so many looks the DHT is asked for holders that nobody told of.
const LOOKS_PER_SEARCH: u32 = 6;

/// A holder counts as gone only if it was silent in so many looks: one that was away together with this
/// node has a second chance.
const SILENT_LOOKS: u32 = 2;

/// What is written down is never older than this part of the time after which a holder counts as gone.
const WRITES_PER_GRACE: u32 = 8;

impl Watch {
    /// Begins to watch.
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            since: now,
            seen: BTreeMap::new(),
            holders: Holders::default(),
            written: None,
            turn: None,
            live: 0,
            unfinished: false,
            looks: 0,
        }
    }

    /// True until [`Watch::recall`] was told what an earlier run of this node wrote down.
    pub(super) fn must_recall(&self) -> bool {
        self.written.is_none()
    }

    /// Goes on where an earlier run of this node ended: who was seen before counts until its grace is over.
    pub(super) fn recall(&mut self, memory: Option<Memory>, now: Timestamp) {
        self.written = Some(now);
        let Some(memory) = memory else { return };
        self.since = memory.since.min(now);
        for Remembered { record, seen } in memory.holders {
            self.seen.insert(record.provider, Seen { at: seen, silent: 0 });
            self.holders.insert(record);
        }
    }

    /// What to write down, now and then.
    pub(super) fn memory(&mut self, now: Timestamp, grace: Duration) -> Option<Memory> {
        if self.written.is_some_and(|written| now.since(written) < grace / WRITES_PER_GRACE) {
            return None;
        }
        self.written = Some(now);
        let remembered = |record: &ProviderRecord| {
            let seen = self.seen.get(&record.provider)?.at;
            Some(Remembered { record: record.clone(), seen })
        };
        Some(Memory { since: self.since, holders: self.holders.records().filter_map(remembered).collect() })
    }

    /// True if this look must begin with a search of the DHT: at first, now and then, and whenever
    /// a repair may follow.
    pub(super) fn must_search(&self) -> bool {
        self.looks.is_multiple_of(LOOKS_PER_SEARCH) || self.turn.is_some()
    }

    /// Who is to be asked.
    pub(super) fn known(&self) -> Vec<PeerId> {
        self.holders.records().map(|record| record.provider).collect()
    }

    /// A holder answered.
    pub(super) fn answered(&mut self, record: ProviderRecord, now: Timestamp) {
        self.seen.insert(record.provider, Seen { at: now, silent: 0 });
        self.holders.insert(record);
    }

    /// A peer says that it holds nothing.
    pub(super) fn denied(&mut self, peer: &PeerId) {
        self.holders.remove(peer);
        self.seen.remove(peer);
    }

    /// A holder did not answer: it counts as gone once it has been silent for `grace`.
    pub(super) fn silent(&mut self, peer: &PeerId, now: Timestamp, grace: Duration) {
        let gone = self.seen.get_mut(peer).is_none_or(|seen| {
            seen.silent += 1;
            seen.silent >= SILENT_LOOKS && now.since(seen.at) >= grace
        });
        if gone {
            self.denied(peer);
        }
    }

    /// A look is done.
    pub(super) fn looked(&mut self) {
        self.looks = self.looks.wrapping_add(1);
    }

    /// Who counts as live.
    pub(super) fn holders(&self) -> &Holders {
        &self.holders
    }

    /// Decides what follows from the present view. A node that began to watch less than `grace` ago
    /// cannot tell who is gone from who is away, and leaves the repair to others.
    pub(super) fn decide(&mut self, me: &PeerId, scene: &Scene) -> Next {
        let live = self.holders.min_live(scene.code, scene.segments);
        let ready = scene.now.since(self.since) >= scene.grace;
        let verdict = judge(scene.code, live);
        if verdict == Verdict::Healthy && self.unfinished && live < scene.code.n() {
            // The others see enough live shards: whoever began goes on by itself, until all n are back.
            return Next::Repair;
        }
        if verdict != Verdict::Repair || !ready {
            (self.turn, self.unfinished) = (None, false);
            return Next::Rest;
        }
        let rank = rank(me, &self.known(), scene.id);
        let live = self.holders.live_shards(scene.code, scene.segments);
        let turn = match self.turn {
            None => scene.now + scene.stagger * rank,
            Some(_) if live > self.live => scene.now + scene.stagger * (rank + 1),
            Some(turn) => turn,
        };
        (self.turn, self.live) = (Some(turn), live);
        if scene.now >= turn { Next::Repair } else { Next::Wait(turn) }
    }

    /// A repair was tried: the next one has a new order of turns.
    pub(super) fn repaired(&mut self, code: Code, segments: u32) {
        self.turn = None;
        self.unfinished = self.holders.min_live(code, segments) < code.n();
    }
}

/// What a decision depends on beside the view.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene {
    pub(super) id: PlacementId,
    pub(super) code: Code,
    pub(super) segments: u32,
    pub(super) now: Timestamp,
    pub(super) grace: Duration,
    pub(super) stagger: Duration,
}

/// This node's place among the live holders, by rendezvous hashing (Thaler and Ravishankar, 1998):
/// every holder comes to the same order without asking.
fn rank(me: &PeerId, live: &[PeerId], id: PlacementId) -> u32 {
    let weight = |peer: &PeerId| {
        let mut hasher = blake3::Hasher::new_derive_key("holdfast repair order v1");
        hasher.update(id.as_bytes());
        hasher.update(&peer.to_bytes());
        *hasher.finalize().as_bytes()
    };
    let mine = weight(me);
    live.iter().filter(|&peer| peer != me && weight(peer) < mine).count() as u32
}
