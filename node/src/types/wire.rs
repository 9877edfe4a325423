//! What peers ask each other. A small header ([`Ask`], [`Answer`]) and at most one body of bytes,
//! so that a shard is streamed behind its header and never copied into a record.

use super::{
    Bill, ListRoot, Pass, PlacementId, PlacementRecord, ProviderRecord, ProviderStatus, Receipt, Removal,
    ShardHash, ShardKey, Signed, SlotOffer, SlotRoot, SlotRoots, Voucher, codec::at_most,
};
use crate::limits;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// The header of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Would you store something?
    Status,
    /// Store the body as this shard; it is kept for good once its placement record arrives.
    StoreShard {
        /// Where it belongs.
        key: ShardKey,
        /// The body's hash.
        hash: ShardHash,
    },
    /// Return bytes of a shard.
    ReadShard {
        /// Which shard.
        key: ShardKey,
        /// First byte.
        offset: u32,
        /// Number of bytes; 0 is "to the end".
        len: u32,
    },
    /// Keep the shards you have of this placement; answer with what you hold.
    StorePlacement {
        /// The owner-signed record.
        record: Signed<PlacementRecord>,
    },
    /// Return the placement record, and who you know to hold its slots.
    ReadPlacement {
        /// Which placement.
        id: PlacementId,
    },
    /// Which slots of this placement do you hold?
    Holdings {
        /// Which placement.
        id: PlacementId,
    },
    /// Forget a placement; only its owner can ask this.
    Remove {
        /// The signed order.
        order: Signed<Removal>,
    },
    /// Which root has the tree of the slot that you hold? A provider that has not built it yet begins to, and is
    /// busy until then.
    ClaimRoot {
        /// Of which placement.
        id: PlacementId,
        /// Which slot.
        slot: u16,
    },
    /// Show these cells of the slot that you hold, with their paths to the root that you claimed.
    ShowCells {
        /// Of which placement.
        id: PlacementId,
        /// Which slot.
        slot: u16,
        /// Which cells, ascending; at most [`limits::MAX_SHOWN_CELLS`].
        #[serde(deserialize_with = "at_most::<_, _, { limits::MAX_SHOWN_CELLS }>")]
        cells: Vec<u64>,
    },
    /// Keep the signed roots of this placement's slots; they replace those that were signed earlier.
    StoreRoots {
        /// The owner-signed roots.
        roots: Signed<SlotRoots>,
    },
    /// Return the signed roots of this placement's slots.
    ReadRoots {
        /// Of which placement.
        id: PlacementId,
    },
    /// Let me read the shards of this protected placement.
    OpenAccess {
        /// Which placement.
        id: PlacementId,
        /// Why I may.
        pass: Pass,
    },
    /// Take a slot that you hold in an agreement on a chain.
    OfferSlot {
        /// Which, and under which right.
        offer: SlotOffer,
    },
    /// What does it cost to read here?
    ShowBill,
    /// Take this for what I read.
    Pay {
        /// A voucher of a channel to you.
        voucher: Voucher,
    },
    /// Redeem my last voucher and close the channel, so that I need not wait.
    CloseChannel {
        /// One that I paid on.
        channel: u64,
    },
}

/// The header of a response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// To [`Ask::Status`].
    Status(ProviderStatus),
    /// To [`Ask::StoreShard`]: it is on disk.
    ShardStored(Signed<Receipt>),
    /// To [`Ask::ReadShard`]: the body is the bytes.
    Shard,
    /// To [`Ask::ReadPlacement`].
    Placement {
        /// The owner-signed record.
        record: Signed<PlacementRecord>,
        /// Every unexpired provider record the answerer knows, its own first; at most
        /// [`limits::MAX_HOLDERS`].
        #[serde(deserialize_with = "at_most::<_, _, { limits::MAX_HOLDERS }>")]
        holders: Vec<Signed<ProviderRecord>>,
    },
    /// To [`Ask::StorePlacement`] and [`Ask::Holdings`].
    Holdings(Signed<ProviderRecord>),
    /// To [`Ask::Remove`].
    Removed,
    /// Any request may be refused.
    Refused(Refusal),
    /// To [`Ask::ClaimRoot`].
    RootClaimed {
        /// Levels of the tree.
        levels: u8,
        /// Bytes of the slot.
        length: u64,
        /// The claimed root.
        root: SlotRoot,
    },
    /// To [`Ask::ShowCells`]: the body is what `docs/spec/proof.md` calls an answer.
    Cells,
    /// To [`Ask::StoreRoots`].
    RootsStored,
    /// To [`Ask::ReadRoots`].
    Roots(Signed<SlotRoots>),
    /// To [`Ask::OpenAccess`]: until the epoch is over.
    AccessOpened,
    /// To [`Ask::OfferSlot`]: it is noted and will be taken; the chain tells when it is.
    OfferTaken,
    /// To [`Ask::ShowBill`]: nothing if reading is free.
    Bill(Option<Bill>),
    /// To [`Ask::Pay`]: it counts, and whatever happens will.
    Paid,
    /// To [`Ask::CloseChannel`]: it is noted and will be done; the chain tells when it is.
    ChannelCloses,
}

/// Why a peer would not do what it was asked; the reason tells the asker what to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// Ask someone else.
    #[error("no room: {free_bytes} bytes free")]
    Full {
        /// What is left.
        free_bytes: u64,
    },
    /// It is not here.
    #[error("not held here")]
    NotFound,
    /// It was here, and its bytes no longer match their hash.
    #[error("the stored bytes are damaged")]
    Damaged,
    /// The bytes sent do not match what was said of them.
    #[error("the bytes do not match: {0}")]
    Mismatch(String),
    /// The request breaks a rule; do not repeat it.
    #[error("not acceptable: {0}")]
    Invalid(String),
    /// Try again later.
    #[error("busy")]
    Busy,
    /// The peer's disk failed.
    #[error("storage failed: {0}")]
    Storage(String),
    /// Show a pass first.
    #[error("protected: a pass for epoch {epoch} is needed")]
    PassNeeded {
        /// The provider's epoch now.
        epoch: u64,
    },
    /// Get the list that counts now from the placement's owner, if yours has another root.
    #[error("the pass is not that of a member of the list with the root {root}")]
    NotAMember {
        /// The root that it was checked against.
        root: ListRoot,
    },
    /// Only the owner of the list can change that.
    #[error("the access list lets nobody in")]
    ListClosed,
    /// Try again later.
    #[error("the chain, which has the access list, does not answer")]
    ListUnread,
    /// Ask another provider.
    #[error("the access list is on chain {chain}, which this provider does not follow")]
    ListElsewhere {
        /// The chain of the list.
        chain: u64,
    },
    /// Pay first, or more than the last time.
    #[error("{} HOLD a GiB is asked for", .0.price.amount())]
    PaymentNeeded(Box<Bill>),
}

/// A request: header and body (empty but for [`Ask::StoreShard`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked.
    pub ask: Ask,
    /// The shard's bytes, if the header says so.
    pub body: Bytes,
}

/// A response: header and body (empty but for [`Answer::Shard`] and [`Answer::Cells`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// What is answered.
    pub answer: Answer,
    /// The shard's bytes, if the header says so.
    pub body: Bytes,
}

impl From<Ask> for Request {
    fn from(ask: Ask) -> Self {
        Self { ask, body: Bytes::new() }
    }
}

impl From<Answer> for Response {
    fn from(answer: Answer) -> Self {
        Self { answer, body: Bytes::new() }
    }
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        Answer::Refused(refusal).into()
    }
}
