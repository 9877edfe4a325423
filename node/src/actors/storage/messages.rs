//! What one may say to the storage actor.

use crate::{
    actors::market::{Charge, Refund},
    types::{Access, PeerId, PlacementId, PlacementRecord, ProviderRecord, Request, Response, Signed},
};
use actix::{Message, Recipient};
use bytes::Bytes;

/// A peer asks something that the disk can answer.
#[derive(Debug, Message)]
#[rtype(result = "Response")]
pub struct ServeRequest {
    /// Who asks; authenticated.
    pub from: PeerId,
    /// What.
    pub request: Request,
}

/// A provider record of another holder was seen: remember it for those who ask.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct RememberHolders {
    /// Of which placement.
    pub id: PlacementId,
    /// Verified records.
    pub records: Vec<Signed<ProviderRecord>>,
}

/// The placements that this node holds shards of, in order.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Vec<PlacementId>, StorageError>")]
pub struct HeldPlacements;

/// The placement record of a held placement.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Option<Signed<PlacementRecord>>, StorageError>")]
pub struct PlacementQuery(pub PlacementId);

/// Write a note (a catalogue entry, an upload journal, a watch) durably; `None` deletes it.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), StorageError>")]
pub struct WriteNote {
    /// Which kind.
    pub shelf: Shelf,
    /// Which note.
    pub key: String,
    /// What it says.
    pub value: Option<Bytes>,
}

/// Read one note.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Option<Bytes>, StorageError>")]
pub struct ReadNote {
    /// Which kind.
    pub shelf: Shelf,
    /// Which note.
    pub key: String,
}

/// All notes of a shelf, in key order.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Vec<(String, Bytes)>, StorageError>")]
pub struct ListNotes(pub Shelf);

/// The kinds of notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    /// What the owner stored, by name.
    Catalogue,
    /// Uploads under way, by source and name.
    Journal,
    /// Watched placements, by id: when their holders were seen.
    Watch,
    /// Transactions that are not final yet, by intent, and which nonces are used up.
    Sending,
    /// Transactions that are final, by intent.
    Sent,
    /// The signed roots of held placements' slots, by placement.
    Roots,
    /// Protected placements that are held, by id: who may read them.
    Access,
    /// The owner's placements, by id: their signed roots, and what is still to be checked before the next signature.
    Signing,
    /// Placements whose slot here stands behind an agreement, by id: they are not removed while it runs.
    Pledges,
    /// The owner's agreements, by placement.
    Agreements,
    /// What the market actor must not forget: proofs that were made, and how far the chain's log was read.
    Market,
    /// Channels on which this node is paid for what others read, by number: the best voucher of each.
    Tabs,
    /// Channels on which this node pays, by provider: the most that it ever signed on each.
    Channels,
}

/// How is a held placement protected? `None` if it is not held, or open to everybody.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Option<Protected>, StorageError>")]
pub struct AccessQuery(pub PlacementId);

/// The answer to [`AccessQuery`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Protected {
    /// Who may always read it.
    pub owner: PeerId,
    /// Who else may.
    pub access: Access,
    /// The epoch that a pass must be for.
    pub epoch: u64,
}

/// From now on others than a placement's holders pay for what they read, unless the price is nothing.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SellReads {
    /// Takes the price of a read off what a reader paid.
    pub charge: Recipient<Charge>,
    /// Gives it back.
    pub refund: Recipient<Refund>,
}

/// Serve a reader of a protected placement until this epoch is over; false if it is over already.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "bool")]
pub struct Admit {
    /// Which placement.
    pub id: PlacementId,
    /// Whom.
    pub peer: PeerId,
    /// Until when.
    pub epoch: u64,
}

/// Open the slot that is held of a placement; `None` if it is not here as a whole.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Option<OpenedSlot>, StorageError>")]
pub struct OpenSlot(pub PlacementId);

/// The answer to [`OpenSlot`]: reads the slot's bytes.
pub type OpenedSlot = super::slot::SlotReader;

/// Keep what the tree of a held slot was written down as, if there is room. It is lost with the placement, and may be lost
/// in a crash: it can be built again.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), StorageError>")]
pub struct KeepTree {
    /// Of which placement.
    pub placement: PlacementId,
    /// At most [`limits::MAX_TREE_FILE`](crate::limits::MAX_TREE_FILE) bytes.
    pub bytes: Bytes,
}

/// What was kept of a slot's tree; not checked.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Option<Bytes>, StorageError>")]
pub struct KeptTree(pub PlacementId);

/// What is stored here.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<StorageStatus, StorageError>")]
pub struct StorageStatusQuery;

/// The answer to [`StorageStatusQuery`].
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StorageStatus {
    /// Shards on disk.
    pub shards: u64,
    /// Bytes of these shards.
    pub shard_bytes: u64,
    /// Placements they belong to.
    pub placements: u64,
    /// Bytes this node offers in all.
    pub capacity_bytes: u64,
    /// Bytes it would still accept.
    pub free_bytes: u64,
}

/// Read every shard back, drop the damaged, and delete what nobody will come for.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<ScrubReport, StorageError>")]
pub struct Scrub;

/// What a [`Scrub`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ScrubReport {
    /// Shards read back.
    pub checked: u64,
    /// Shards whose bytes no longer matched, dropped.
    pub damaged: u64,
    /// Shards whose placement record never came, dropped.
    pub expired: u64,
    /// Files on disk that no index entry names, deleted.
    pub orphans: u64,
    /// Shards that the disk would not read; kept, since that may pass.
    pub unreadable: u64,
}

/// Why the storage actor could not do its work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] crate::env::DiskError),
    /// The index failed.
    #[error("the shard index failed: {0}")]
    Index(String),
    /// The data directory was written by another version.
    #[error(transparent)]
    Format(#[from] crate::types::FormatError),
}

/// A placement became held: its record and at least one of its shards are here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct PlacementHeld(pub PlacementId);

/// A placement is held no more: it was removed, or its last shard here is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct PlacementDropped(pub PlacementId);

/// Tell these from now on what becomes held and what is dropped. All that is held already is told
/// at once; a notice may be repeated.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Subscribe {
    /// Told of every placement that becomes held.
    pub held: Recipient<PlacementHeld>,
    /// Told of every placement that is held no more.
    pub dropped: Recipient<PlacementDropped>,
}
