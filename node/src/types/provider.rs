//! What providers say of themselves, signed where others pass it on.

use super::{PeerId, PlacementId, ShardHash, ShardKey, Signable, Timestamp};
use crate::limits;
use serde::{Deserialize, Serialize};

/// A provider's answer to "would you store this?".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderStatus {
    /// Bytes it would still accept; 0 if it stores nothing.
    pub free_bytes: u64,
    /// Who runs it, as it says itself; compared, never trusted.
    pub operator: String,
    /// Where it says it is.
    pub region: String,
}

/// "I have this shard on disk": given only after fsync.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Who stored it.
    pub provider: PeerId,
    /// What was stored.
    pub shard: ShardKey,
    /// The hash of the stored bytes.
    pub hash: ShardHash,
    /// How many bytes.
    pub len: u32,
    /// When.
    pub stored: Timestamp,
}

/// One slot that a provider holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HeldSlot {
    /// Slot number.
    pub slot: u16,
    /// Segments of this slot that it does not hold; empty if it holds the whole slot.
    pub missing: Vec<u32>,
}

/// "I hold these slots of this placement until then": signed by the holder, passed on by anyone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderRecord {
    /// Who holds.
    pub provider: PeerId,
    /// Of which placement.
    pub placement: PlacementId,
    /// Which slots.
    pub slots: Vec<HeldSlot>,
    /// As the placement's policy compares it.
    pub operator: String,
    /// As the placement's policy compares it.
    pub region: String,
    /// When it was signed.
    pub issued: Timestamp,
    /// After this it says nothing any more.
    pub expires: Timestamp,
}

/// An owner's order to forget a placement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// Who owns it.
    pub owner: PeerId,
    /// What to forget.
    pub placement: PlacementId,
}

impl Signable for Receipt {
    const NAME: &'static str = "storage receipt";
    const VERSION: u8 = 1;
    const LIMIT: usize = limits::MAX_SMALL_RECORD;
    fn signer(&self) -> PeerId {
        self.provider
    }
}

impl Signable for ProviderRecord {
    const NAME: &'static str = "provider record";
    const VERSION: u8 = 1;
    const LIMIT: usize = limits::MAX_PROVIDER_RECORD;
    fn signer(&self) -> PeerId {
        self.provider
    }
}

impl Signable for Removal {
    const NAME: &'static str = "removal order";
    const VERSION: u8 = 1;
    const LIMIT: usize = limits::MAX_SMALL_RECORD;
    fn signer(&self) -> PeerId {
        self.owner
    }
}
