//! What a node reports of itself. In live they become log lines and counters; in sim they feed the
//! trace hash, the checks and the report.

use crate::types::{IntentId, PeerId, PlacementId, ShardHash, ShardKey};

/// Something that happened and that someone outside may count, check or plot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub enum Event {
    /// A shard is on disk and acknowledged.
    ShardStored {
        /// Which shard.
        key: ShardKey,
        /// Its bytes' hash.
        hash: ShardHash,
        /// Its length in bytes.
        len: u32,
    },
    /// A shard was served.
    ShardServed {
        /// Which shard.
        key: ShardKey,
        /// Bytes sent.
        len: u32,
    },
    /// A shard's bytes no longer match their hash; it was dropped.
    ShardDamaged {
        /// Which shard.
        key: ShardKey,
    },
    /// A shard was deleted: its owner removed the file, or its placement record never came.
    ShardDropped {
        /// Which shard.
        key: ShardKey,
    },
    /// A holder took it on itself to repair a placement.
    RepairStarted {
        /// Which placement.
        placement: PlacementId,
        /// The fewest live shards of any of its segments.
        live: u16,
    },
    /// One shard was rebuilt and acknowledged by its new holder.
    ShardRepaired {
        /// Which shard.
        key: ShardKey,
        /// Who holds it now.
        holder: PeerId,
        /// Bytes that were fetched to rebuild it.
        fetched: u64,
        /// Bytes that were sent to its new holder.
        sent: u64,
    },
    /// A repair ended.
    RepairEnded {
        /// Which placement.
        placement: PlacementId,
        /// Shards rebuilt and placed.
        rebuilt: u32,
        /// Shards that could not be.
        failed: u32,
    },
    /// All slot roots of a placement are checked and signed by its owner, which this node is.
    RootsSigned {
        /// Which placement.
        placement: PlacementId,
        /// Its slots.
        slots: u16,
    },
    /// A provider's claim of a slot root failed the owner's check, or never came: for the owner, which this node is, it
    /// does not hold the slot.
    RootRefused {
        /// Which placement.
        placement: PlacementId,
        /// Which slot.
        slot: u16,
        /// Whose claim.
        provider: PeerId,
    },
    /// A probe of a placement's holders ended.
    ProbeEnded {
        /// Which placement.
        placement: PlacementId,
        /// The fewest live shards of any of its segments, as this holder sees it.
        live: u16,
    },
    /// A transaction was signed and will be offered to the chain until it is final.
    TransactionSigned {
        /// What for.
        intent: IntentId,
        /// The nonce that it alone may use.
        nonce: u64,
        /// How often it was signed before with lower fees.
        bumps: u32,
    },
    /// A transaction is final.
    TransactionEnded {
        /// What for.
        intent: IntentId,
        /// True if it was executed; false if it reverted, or never came to it.
        success: bool,
    },
}
