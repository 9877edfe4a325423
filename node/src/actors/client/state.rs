//! Which provider has which slot of an upload, and who steps in for one that fails.

use crate::{
    data::{Place, choose, policy_holds},
    types::{PeerId, Policy},
};
use rand_core::Rng;

/// The providers of one upload: one a slot, and spares.
#[derive(Debug)]
pub(super) struct SlotBook {
    policy: Policy,
    places: Vec<Place>,
    /// Index into `places`, slot by slot.
    slots: Vec<usize>,
    /// True for those that failed or were refused; they are not chosen again.
    failed: Vec<bool>,
    replaced: u32,
}

impl SlotBook {
    /// Gives each slot to the provider that `preferred` names for it, if that is a candidate, and the
    /// other slots to a choice of the rest; `Err` with how many slots could be filled if not all.
    pub(super) fn new(
        policy: Policy,
        places: Vec<Place>,
        preferred: &[Option<PeerId>],
        shuffle: &mut impl Rng,
    ) -> Result<Self, usize> {
        let known = |peer: &PeerId| places.iter().position(|place| place.peer == *peer);
        let mut slots: Vec<Option<usize>> =
            preferred.iter().map(|peer| peer.as_ref().and_then(known)).collect();
        let mut taken: Vec<Place> = slots.iter().flatten().map(|&index| places[index].clone()).collect();
        if !policy_holds(&policy, &taken) {
            slots.fill(None);
            taken.clear();
        }
        let rest: Vec<usize> = (0..places.len()).filter(|index| !slots.contains(&Some(*index))).collect();
        let candidates: Vec<Place> = rest.iter().map(|&index| places[index].clone()).collect();
        let free = slots.iter().filter(|slot| slot.is_none()).count();
        let mut chosen = choose(&policy, &taken, &candidates, free, shuffle).into_iter();
        for slot in slots.iter_mut().filter(|slot| slot.is_none()) {
            *slot = chosen.next().map(|index| rest[index]);
        }
        let filled: Vec<usize> = slots.iter().copied().flatten().collect();
        if filled.len() < slots.len() {
            return Err(filled.len());
        }
        let failed = vec![false; places.len()];
        Ok(Self { policy, places, slots: filled, failed, replaced: 0 })
    }

    /// Who has this slot.
    pub(super) fn provider(&self, slot: u16) -> PeerId {
        self.places[self.slots[usize::from(slot)]].peer
    }

    /// Everyone ever considered.
    pub(super) fn known(&self) -> Vec<PeerId> {
        self.places.iter().map(|place| place.peer).collect()
    }

    /// How often a slot changed its provider.
    pub(super) fn replaced(&self) -> u32 {
        self.replaced
    }

    /// More candidates, from a new search.
    pub(super) fn add(&mut self, places: Vec<Place>) {
        let known = self.known();
        let fresh = places.into_iter().filter(|place| !known.contains(&place.peer));
        self.places.extend(fresh);
        self.failed.resize(self.places.len(), false);
    }

    /// The slot's provider `failed`: give the slot to a spare. False if no spare keeps the policy.
    /// If the slot changed hands already, nothing is done.
    pub(super) fn replace(&mut self, slot: u16, failed: PeerId, shuffle: &mut impl Rng) -> bool {
        if self.provider(slot) != failed {
            return true;
        }
        self.failed[self.slots[usize::from(slot)]] = true;
        let others = self.slots.iter().enumerate().filter(|(other, _)| *other != usize::from(slot));
        let taken: Vec<Place> = others.map(|(_, &index)| self.places[index].clone()).collect();
        let spares: Vec<usize> = (0..self.places.len())
            .filter(|&index| !self.failed[index] && !self.slots.contains(&index))
            .collect();
        let candidates: Vec<Place> = spares.iter().map(|&index| self.places[index].clone()).collect();
        let Some(&choice) = choose(&self.policy, &taken, &candidates, 1, shuffle).first() else {
            return false;
        };
        self.slots[usize::from(slot)] = spares[choice];
        self.replaced += 1;
        true
    }
}
