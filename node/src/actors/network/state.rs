//! What the network actor remembers of peers: who failed lately, and who asks too much.

use crate::{
    limits,
    types::{PeerId, Timestamp},
};
use std::collections::BTreeMap;

/// Peers that could not be reached lately, so that nobody waits for the same dead peer twice.
#[derive(Debug, Default)]
pub struct Absentees {
    peers: BTreeMap<PeerId, Absence>,
}

#[derive(Debug)]
struct Absence {
    strikes: u32,
    until: Timestamp,
}

impl Absentees {
    /// The peer could not be reached: leave it alone, twice as long as the last time.
    pub fn missed(&mut self, peer: PeerId, now: Timestamp) {
        if self.peers.len() >= limits::MAX_ABSENTEES {
            self.peers.retain(|_, absence| absence.until > now);
        }
        if self.peers.len() >= limits::MAX_ABSENTEES {
            return;
        }
        let absence = self.peers.entry(peer).or_insert(Absence { strikes: 0, until: now });
        let pause = limits::ABSENCE_MIN * 2u32.saturating_pow(absence.strikes);
        absence.strikes = (absence.strikes + 1).min(16);
        absence.until = now + pause.min(limits::ABSENCE_MAX);
    }

    /// The peer answered.
    pub fn seen(&mut self, peer: &PeerId) {
        self.peers.remove(peer);
    }

    /// True while the peer is not worth asking.
    pub fn is_absent(&self, peer: &PeerId, now: Timestamp) -> bool {
        self.peers.get(peer).is_some_and(|absence| absence.until > now)
    }
}

/// How often each peer may ask: a bucket of tokens a peer, refilled as time passes (token bucket,
/// RFC 2697 calls it a single-rate meter).
#[derive(Debug, Default)]
pub struct Meter {
    peers: BTreeMap<PeerId, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    /// Nanoseconds of asking that are used up; they wear off as time passes.
    used: u64,
    at: Timestamp,
}

/// What one request uses up, in nanoseconds.
const REQUEST_COST: u64 = 1_000_000_000 / limits::REQUESTS_PER_SECOND;
/// What may be used up at most, in nanoseconds.
const BURST: u64 = REQUEST_COST * limits::REQUEST_BURST;

impl Bucket {
    fn settle(&mut self, now: Timestamp) {
        let passed = u64::try_from(now.since(self.at).as_nanos()).unwrap_or(u64::MAX);
        self.used = self.used.saturating_sub(passed);
        self.at = now;
    }
}

impl Meter {
    /// True if the peer may ask once more now.
    pub fn allows(&mut self, peer: PeerId, now: Timestamp) -> bool {
        if self.peers.len() >= limits::MAX_METERED_PEERS && !self.peers.contains_key(&peer) {
            // Whoever has used nothing needs no bucket.
            self.peers.retain(|_, bucket| {
                bucket.settle(now);
                bucket.used > 0
            });
        }
        let bucket = self.peers.entry(peer).or_insert(Bucket { used: 0, at: now });
        bucket.settle(now);
        if bucket.used + REQUEST_COST > BURST {
            return false;
        }
        bucket.used += REQUEST_COST;
        true
    }
}
