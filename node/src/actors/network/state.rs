//! What the network actor remembers: peers that failed lately.

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
