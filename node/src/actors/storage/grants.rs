//! Who may read protected placements. Pure: no clock.

use crate::{
    limits,
    types::{PeerId, PlacementId, Timestamp},
};
use std::collections::BTreeSet;

/// The peers that were admitted in this epoch. A restart begins another, and so does a full memory: whoever still reads
/// then shows a new pass.
#[derive(Debug, Default)]
pub(super) struct Grants {
    epoch: u64,
    began: Timestamp,
    admitted: BTreeSet<(PlacementId, PeerId)>,
}

impl Grants {
    /// The epoch at this time. Its number is the second it began in, or more: no two are the same, whatever was
    /// restarted, as long as the clock goes on.
    pub(super) fn epoch(&mut self, now: Timestamp) -> u64 {
        let over = self.epoch == 0 || now.since(self.began) > limits::ACCESS_EPOCH;
        if over || self.admitted.len() >= limits::MAX_GRANTS {
            self.epoch = now.as_secs().max(self.epoch + 1);
            self.began = now;
            self.admitted.clear();
        }
        self.epoch
    }

    /// Admits a peer whose pass was for this epoch; false if that is over.
    pub(super) fn admit(&mut self, id: PlacementId, peer: PeerId, epoch: u64, now: Timestamp) -> bool {
        let current = self.epoch(now) == epoch;
        if current {
            self.admitted.insert((id, peer));
        }
        current
    }

    /// True if a peer was admitted in this epoch.
    pub(super) fn is_admitted(&mut self, id: PlacementId, peer: PeerId, now: Timestamp) -> bool {
        self.epoch(now);
        self.admitted.contains(&(id, peer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Identity;

    #[test]
    fn a_peer_is_admitted_to_one_placement_until_the_epoch_is_over() {
        let peer = |number| Identity::from_secret(&mut [number; 32]).expect("a secret").peer();
        let [one, other] = [1, 2].map(|byte| PlacementId::from_bytes([byte; 32]));
        let (mut grants, now) = (Grants::default(), Timestamp(1_000_000_000_000));
        let epoch = grants.epoch(now);
        assert_eq!(epoch, 1_000);
        assert!(!grants.admit(one, peer(1), epoch - 1, now), "a pass of an earlier epoch");
        assert!(!grants.is_admitted(one, peer(1), now));
        assert!(grants.admit(one, peer(1), epoch, now));
        let end = now + limits::ACCESS_EPOCH;
        assert!(grants.is_admitted(one, peer(1), end));
        assert!(!grants.is_admitted(other, peer(1), end) && !grants.is_admitted(one, peer(2), end));
        let after = Timestamp(end.0 + 1);
        assert!(!grants.is_admitted(one, peer(1), after));
        assert!(!grants.admit(one, peer(1), epoch, after), "a pass of the epoch before");
        assert!(grants.epoch(after) > epoch);
    }

    #[test]
    fn a_full_memory_begins_another_epoch() {
        let identity = Identity::from_secret(&mut [1; 32]).expect("a secret").peer();
        let (mut grants, now) = (Grants::default(), Timestamp(1_000_000_000_000));
        let epoch = grants.epoch(now);
        let id = |number: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_le_bytes());
            PlacementId::from_bytes(bytes)
        };
        let admitted =
            (0..=limits::MAX_GRANTS).filter(|number| grants.admit(id(*number), identity, epoch, now));
        assert_eq!(admitted.count(), limits::MAX_GRANTS);
        assert_eq!(grants.epoch(now), epoch + 1);
        assert!(!grants.is_admitted(id(0), identity, now));
    }
}
