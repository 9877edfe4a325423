//! Who holds which slots of one placement, as far as this node knows.

use crate::types::{Code, HeldSlot, PeerId, ProviderRecord};
use std::collections::{BTreeMap, BTreeSet};

/// The holders of one placement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holders {
    peers: BTreeMap<PeerId, ProviderRecord>,
}

impl Holders {
    /// A holder says what it holds; a newer record replaces its older one.
    pub(crate) fn insert(&mut self, record: ProviderRecord) {
        let newer = self.peers.get(&record.provider).is_none_or(|known| known.issued <= record.issued);
        if newer {
            self.peers.insert(record.provider, record);
        }
    }

    /// A holder is gone, or holds nothing any more.
    pub(crate) fn remove(&mut self, peer: &PeerId) {
        self.peers.remove(peer);
    }

    /// Every holder's record, in the order of their ids.
    pub(crate) fn records(&self) -> impl Iterator<Item = &ProviderRecord> {
        self.peers.values()
    }

    /// Everyone who holds a shard of this segment, slot by slot.
    pub(crate) fn sources(&self, segment: u32) -> BTreeMap<u16, Vec<PeerId>> {
        let mut sources = BTreeMap::<u16, Vec<PeerId>>::new();
        for (peer, record) in &self.peers {
            for held in record.slots.iter().filter(|held| holds(held, segment)) {
                sources.entry(held.slot).or_default().push(*peer);
            }
        }
        sources
    }

    /// Somebody who holds the whole of a slot.
    pub(crate) fn holder(&self, slot: u16) -> Option<PeerId> {
        let whole = |record: &&ProviderRecord| {
            record.slots.iter().any(|held| held.slot == slot && held.missing.is_empty())
        };
        self.peers.values().find(whole).map(|record| record.provider)
    }

    /// The slots of this segment that nobody holds.
    pub(crate) fn missing(&self, code: Code, segment: u32) -> Vec<u16> {
        let live = self.sources(segment);
        code.slots().filter(|slot| !live.contains_key(slot)).collect()
    }

    /// The fewest live shards of any segment.
    pub(crate) fn min_live(&self, code: Code, segments: u32) -> usize {
        let whole: BTreeSet<u16> =
            self.slots().filter(|held| held.missing.is_empty()).map(|h| h.slot).collect();
        let partial: BTreeSet<u16> =
            self.slots().map(|held| held.slot).filter(|s| !whole.contains(s)).collect();
        let whole = whole.iter().filter(|&&slot| usize::from(slot) < code.n()).count();
        if partial.is_empty() {
            return whole;
        }
        (0..segments).map(|segment| code.n() - self.missing(code, segment).len()).min().unwrap_or(whole)
    }

    /// Live shards over all segments; two copies of one count once.
    pub(crate) fn live_shards(&self, code: Code, segments: u32) -> usize {
        (0..segments).map(|segment| code.n() - self.missing(code, segment).len()).sum()
    }

    fn slots(&self) -> impl Iterator<Item = &HeldSlot> {
        self.peers.values().flat_map(|record| &record.slots)
    }
}

fn holds(held: &HeldSlot, segment: u32) -> bool {
    !held.missing.contains(&segment)
}
