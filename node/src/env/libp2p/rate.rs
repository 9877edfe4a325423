//! How many requests a peer may send: a token bucket a peer. Pure.

use crate::{
    limits,
    types::{PeerId, Timestamp},
};
use std::collections::BTreeMap;

/// Tokens of every peer that asked lately. A peer that is not listed has a full bucket.
#[derive(Debug, Default)]
pub(super) struct Rates {
    buckets: BTreeMap<PeerId, Bucket>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    filled: Timestamp,
}

const RATE: f64 = limits::MAX_REQUEST_RATE_PER_PEER as f64;

impl Bucket {
    fn fill(self, now: Timestamp) -> Self {
        let tokens = self.tokens + now.since(self.filled).as_secs_f64() * RATE;
        Self { tokens: tokens.min(RATE), filled: now }
    }
}

impl Rates {
    /// Takes a token of `peer`; `false` if it has none left.
    pub fn allow(&mut self, peer: PeerId, now: Timestamp) -> bool {
        if self.buckets.len() >= limits::MAX_KNOWN_PEERS {
            // A full bucket says no more than an absent one, and a second fills it.
            self.buckets.retain(|_, bucket| bucket.fill(now).tokens < RATE);
        }
        let full = Bucket { tokens: RATE, filled: now };
        let mut bucket = self.buckets.get(&peer).copied().unwrap_or(full).fill(now);
        let allowed = bucket.tokens >= 1.0;
        if allowed {
            bucket.tokens -= 1.0;
        }
        self.buckets.insert(peer, bucket);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Identity;
    use std::time::Duration;

    fn peer(number: u8) -> PeerId {
        Identity::from_secret(&mut [number + 1; 32]).unwrap().peer()
    }

    #[test]
    fn a_burst_is_taken_and_then_the_rate_is_kept() {
        let mut rates = Rates::default();
        let mut now = Timestamp(1_000_000_000);
        let busy = peer(1);
        let burst = (0..3 * limits::MAX_REQUEST_RATE_PER_PEER).filter(|_| rates.allow(busy, now)).count();
        assert_eq!(burst, limits::MAX_REQUEST_RATE_PER_PEER as usize);
        assert!(rates.allow(peer(2), now), "another peer pays for the first");
        let mut taken = 0;
        for _ in 0..1_000 {
            now = now + Duration::from_millis(10);
            taken += (0..1_000).filter(|_| rates.allow(busy, now)).count();
        }
        assert_eq!(taken, 10 * limits::MAX_REQUEST_RATE_PER_PEER as usize);
    }

    #[test]
    fn peers_that_have_long_been_silent_are_forgotten() {
        let mut rates = Rates::default();
        let now = Timestamp(0);
        for number in 0..limits::MAX_KNOWN_PEERS as u32 {
            let mut secret = [3; 32];
            secret[..4].copy_from_slice(&(number + 1).to_be_bytes());
            rates.allow(Identity::from_secret(&mut secret).unwrap().peer(), now);
        }
        rates.allow(peer(1), now + Duration::from_secs(2));
        assert_eq!(rates.buckets.len(), 1);
    }
}
