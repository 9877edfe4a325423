//! Who holds which slots: this node's own provider record, and those of others that it remembers.
//! Pure: no disk, no clock.

use crate::{
    limits,
    types::{HeldSlot, PeerId, PlacementId, ProviderRecord, Signed, Timestamp},
};
use std::collections::BTreeMap;

/// Bytes that the fixed fields of a provider record take at most, labels included.
const RECORD_BASE: usize = 512;

/// Groups the shards held by slot and names the segments that each slot lacks.
///
/// `held` comes in order of segments. Slots that lack the most segments are left out until the record
/// fits [`limits::MAX_PROVIDER_RECORD`]: whoever reads it then believes that they are not here, and errs
/// on the side of repair.
pub(super) fn held_slots(segments: u32, held: &[(u32, u16)]) -> Vec<HeldSlot> {
    let mut by_slot: BTreeMap<u16, Vec<u32>> = BTreeMap::new();
    for &(segment, slot) in held {
        by_slot.entry(slot).or_default().push(segment);
    }
    let mut slots: Vec<HeldSlot> = by_slot
        .into_iter()
        .map(|(slot, present)| HeldSlot { slot, missing: gaps(segments, &present) })
        .collect();
    while encoded_bound(&slots) > limits::MAX_PROVIDER_RECORD - RECORD_BASE {
        let worst = slots.iter().enumerate().max_by_key(|(_, slot)| slot.missing.len());
        let index = worst.map(|(index, _)| index).expect("no slots take no bytes");
        slots.remove(index);
    }
    slots
}

fn gaps(segments: u32, present: &[u32]) -> Vec<u32> {
    let mut present = present.iter().copied().peekable();
    (0..segments).filter(|segment| present.next_if_eq(segment).is_none()).collect()
}

/// An upper bound: postcard writes a `u32` in at most 5 bytes.
fn encoded_bound(slots: &[HeldSlot]) -> usize {
    slots.iter().map(|slot| 8 + 5 * slot.missing.len()).sum()
}

/// The provider records that the storage actor knows; in memory only.
#[derive(Debug, Default)]
pub(super) struct Holdings {
    own: BTreeMap<PlacementId, Known>,
    others: BTreeMap<PlacementId, BTreeMap<PeerId, Known>>,
    others_bytes: usize,
}

#[derive(Clone, Debug)]
struct Known {
    record: Signed<ProviderRecord>,
    issued: Timestamp,
    expires: Timestamp,
}

impl Known {
    fn of(record: Signed<ProviderRecord>) -> Option<(PeerId, PlacementId, Self)> {
        let decoded = record.decode_unverified().ok()?;
        let known = Self { record, issued: decoded.issued, expires: decoded.expires };
        Some((decoded.provider, decoded.placement, known))
    }
}

impl Holdings {
    /// This node's own record, unless half of its time is over.
    pub(super) fn own(&self, id: PlacementId, now: Timestamp) -> Option<Signed<ProviderRecord>> {
        let known = self.own.get(&id)?;
        let fresh = known.expires.since(now) * 2 > known.expires.since(known.issued);
        fresh.then(|| known.record.clone())
    }

    /// Keeps this node's own record for who asks next.
    pub(super) fn keep_own(&mut self, record: Signed<ProviderRecord>) {
        if self.own.len() >= limits::HOLDINGS_CACHE {
            self.own.pop_first();
        }
        if let Some((_, id, known)) = Known::of(record) {
            self.own.insert(id, known);
        }
    }

    /// What this node holds of `id` changed.
    pub(super) fn forget_own(&mut self, id: PlacementId) {
        self.own.remove(&id);
    }

    /// Keeps the latest record of each other holder of `id`, as far as there is room.
    pub(super) fn remember(
        &mut self,
        me: PeerId,
        id: PlacementId,
        records: Vec<Signed<ProviderRecord>>,
        now: Timestamp,
    ) {
        for record in records {
            let size = record.encoded_len();
            let Some((provider, placement, known)) = Known::of(record) else { continue };
            if placement != id || provider == me || known.expires <= now {
                continue;
            }
            self.make_room(id, size);
            let holders = self.others.entry(id).or_default();
            let newer = holders.get(&provider).is_none_or(|old| old.issued < known.issued);
            let room = holders.len() < usize::from(limits::MAX_SHARDS) || holders.contains_key(&provider);
            if newer && room {
                self.others_bytes += size;
                let old = holders.insert(provider, known);
                self.others_bytes -= old.map_or(0, |old| old.record.encoded_len());
            }
        }
    }

    /// Forgets whole placements, the first others in order, until `size` more bytes fit.
    fn make_room(&mut self, keep: PlacementId, size: usize) {
        while self.others_bytes + size > limits::REMEMBERED_BYTES {
            let Some(&id) = self.others.keys().find(|&&id| id != keep) else {
                return self.forget_others(keep);
            };
            self.forget_others(id);
        }
    }

    /// True if another peer said that it holds part of `id`, and that has not expired.
    pub(super) fn is_holder(&self, id: PlacementId, peer: PeerId, now: Timestamp) -> bool {
        let known = self.others.get(&id).and_then(|holders| holders.get(&peer));
        known.is_some_and(|known| known.expires > now)
    }

    /// Forgets the other holders of `id`.
    pub(super) fn forget_others(&mut self, id: PlacementId) {
        for known in self.others.remove(&id).into_iter().flat_map(BTreeMap::into_values) {
            self.others_bytes -= known.record.encoded_len();
        }
    }

    /// The unexpired records of other holders of `id`, at most `budget` bytes of them.
    pub(super) fn others(
        &self,
        id: PlacementId,
        now: Timestamp,
        mut budget: usize,
    ) -> Vec<Signed<ProviderRecord>> {
        let known = self.others.get(&id).into_iter().flat_map(BTreeMap::values);
        let unexpired = known.filter(|known| known.expires > now).map(|known| &known.record);
        let fitting = unexpired.take_while(|record| {
            let fits = record.encoded_len() <= budget;
            budget = budget.saturating_sub(record.encoded_len());
            fits
        });
        fitting.cloned().collect()
    }
}
