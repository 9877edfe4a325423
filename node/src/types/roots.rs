//! The roots of a placement's slots, as the owner signs them.

use super::{PeerId, PlacementId, Signable, SlotRoot, Timestamp, codec::at_most};
use crate::limits;
use holdfast_proofs::tree::MAX_LEVELS;
use serde::{Deserialize, Serialize};

/// The root of a slot's tree under SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellRoot(pub [u8; 32]);

/// Both roots of each slot of a placement. A later one replaces an earlier one: the owner signs again whenever it has
/// checked one more slot root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotRoots {
    /// Who signs it: the placement's owner.
    pub owner: PeerId,
    /// Of which placement.
    pub placement: PlacementId,
    /// Levels of the trees under all its slot roots; those under cell roots have [`MAX_LEVELS`].
    pub levels: u8,
    /// One a slot: the owner computed them itself.
    #[serde(deserialize_with = "at_most::<_, _, { limits::MAX_SHARDS as usize }>")]
    pub cell_roots: Vec<CellRoot>,
    /// One a slot, as far as its provider claimed one that the owner's check let pass.
    #[serde(deserialize_with = "at_most::<_, _, { limits::MAX_SHARDS as usize }>")]
    pub slot_roots: Vec<Option<SlotRoot>>,
    /// When the owner signed it.
    pub signed: Timestamp,
}

impl SlotRoots {
    /// True if it speaks of so many slots, in trees that there are.
    pub fn fits(&self, slots: usize) -> bool {
        let levels = 1..=MAX_LEVELS;
        levels.contains(&usize::from(self.levels))
            && self.cell_roots.len() == slots
            && self.slot_roots.len() == slots
    }

    /// Slots whose slot root is signed.
    pub fn signed_slots(&self) -> usize {
        self.slot_roots.iter().flatten().count()
    }
}

impl Signable for SlotRoots {
    const NAME: &'static str = "slot roots";
    const VERSION: u8 = 1;
    const LIMIT: usize = limits::MAX_SLOT_ROOTS;
    fn signer(&self) -> PeerId {
        self.owner
    }
}
