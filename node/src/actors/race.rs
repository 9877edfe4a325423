//! Which shard of a segment to ask whom for, so that one slow or dead peer costs no time.
//!
//! The k most promising shards are asked for at once; when the slowest takes longer than usual,
//! a quarter more are asked for and whoever is last is dropped (hedged requests: Dean and Barroso,
//! "The Tail at Scale", CACM 2013).

use crate::types::{Code, PeerId};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// How long peers took lately; decides whom to ask first and when to stop waiting.
#[derive(Debug, Default)]
pub(crate) struct Speeds {
    seconds: BTreeMap<PeerId, f64>,
}

/// Weight of the newest observation in a peer's running mean.
const NEWEST: f64 = 0.3;
/// What a peer without an observation is expected to take, in seconds.
const UNKNOWN: f64 = 0.25;
/// What a failed peer is expected to take, in seconds: it is asked last.
const FAILED: f64 = 30.0;

impl Speeds {
    /// A shard came from this peer after `took`.
    pub(crate) fn observe(&mut self, peer: PeerId, took: Duration) {
        let took = took.as_secs_f64();
        let mean = self.seconds.entry(peer).or_insert(took);
        *mean += NEWEST * (took - *mean);
    }

    /// This peer failed.
    pub(crate) fn failed(&mut self, peer: PeerId) {
        self.seconds.insert(peer, FAILED);
    }

    fn expected(&self, peer: &PeerId) -> f64 {
        self.seconds.get(peer).copied().unwrap_or(UNKNOWN)
    }

    /// After how long without the last of its shards a segment asks more peers: three times the
    /// median of what peers take, within bounds.
    pub(crate) fn patience(&self) -> Duration {
        let mut known: Vec<f64> = self.seconds.values().copied().filter(|&s| s < FAILED).collect();
        known.sort_by(f64::total_cmp);
        let median = known.get(known.len() / 2).copied().unwrap_or(UNKNOWN);
        Duration::from_secs_f64((3.0 * median).clamp(0.1, 10.0))
    }
}

/// One segment's race.
#[derive(Debug)]
pub(crate) struct Race {
    code: Code,
    /// Whom to ask for what, the most promising last.
    waiting: Vec<(u16, PeerId)>,
    in_flight: BTreeSet<u16>,
    arrived: BTreeSet<u16>,
    hedged: usize,
}

impl Race {
    /// Lines up everyone who holds a shard.
    pub(crate) fn new(code: Code, sources: BTreeMap<u16, Vec<PeerId>>, speeds: &Speeds) -> Self {
        let mut waiting: Vec<(u16, PeerId)> = sources
            .into_iter()
            .flat_map(|(slot, peers)| peers.into_iter().map(move |peer| (slot, peer)))
            .collect();
        let rank = |&(slot, ref peer): &(u16, PeerId)| {
            // A parity shard costs a decode: take it only from a peer that is clearly faster.
            let penalty = if usize::from(slot) < code.k() { 1.0 } else { 1.5 };
            speeds.expected(peer) * penalty
        };
        waiting.sort_by(|a, b| rank(b).total_cmp(&rank(a)).then(b.cmp(a)));
        Self { code, waiting, in_flight: BTreeSet::new(), arrived: BTreeSet::new(), hedged: 0 }
    }

    /// Whom to ask next; `None` if enough are asked for now, or nobody is left.
    pub(crate) fn next(&mut self) -> Option<(u16, PeerId)> {
        if self.arrived.len() + self.in_flight.len() >= self.code.k() + self.hedged {
            return None;
        }
        let busy = |slot: &u16| self.in_flight.contains(slot) || self.arrived.contains(slot);
        let at = self.waiting.iter().rposition(|(slot, _)| !busy(slot))?;
        let (slot, peer) = self.waiting.remove(at);
        self.in_flight.insert(slot);
        Some((slot, peer))
    }

    /// The slowest take too long: ask for a quarter more.
    pub(crate) fn hedge(&mut self) {
        self.hedged += self.code.k().div_ceil(4);
    }

    /// A whole shard came; true if now there are enough.
    pub(crate) fn arrived(&mut self, slot: u16) -> bool {
        self.in_flight.remove(&slot);
        self.arrived.insert(slot);
        self.arrived.len() >= self.code.k()
    }

    /// A shard did not come, or not whole.
    pub(crate) fn failed(&mut self, slot: u16) {
        self.in_flight.remove(&slot);
    }

    /// How many came.
    pub(crate) fn count(&self) -> usize {
        self.arrived.len()
    }
}
