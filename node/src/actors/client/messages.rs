//! What one may say to the client actor: the owner's verbs.

use crate::{
    actors::storage::StorageError,
    env::{AccessTicket, NetError},
    types::{Access, Code, CodeError, FileLink, ListRoot, PlacementId, Policy, Refusal},
};
use actix::Message;
use futures::channel::mpsc::UnboundedSender;
use holdfast_contracts::Amount;
use std::{fmt, io, sync::Arc};

/// Where a file's bytes come from: read at any place, more than once, from a blocking thread.
pub trait Source: Send + Sync + fmt::Debug {
    /// Something that is the same for the same source after a restart, such as an absolute path.
    fn identity(&self) -> String;
    /// A number that changes when the bytes may have changed, such as a modification time.
    ///
    /// # Errors
    /// As the system says.
    fn version(&self) -> io::Result<u64>;
    /// Its length now, in bytes.
    ///
    /// # Errors
    /// As the system says.
    fn len(&self) -> io::Result<u64>;
    /// Fills `buffer` from `offset`.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] if the source is shorter now.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
    /// True if it has no bytes.
    ///
    /// # Errors
    /// As the system says.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}

/// Where a file's bytes go: written at any place, each place once, from a blocking thread.
pub trait Sink: Send + Sync + fmt::Debug {
    /// Writes `bytes` at `offset`.
    ///
    /// # Errors
    /// As the system says.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// All is written; make it visible and durable.
    ///
    /// # Errors
    /// As the system says.
    fn finish(&self) -> io::Result<()>;
}

/// How much is done so far, of how much: plaintext bytes, or slot roots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Progress {
    /// Done.
    pub done: u64,
    /// In all.
    pub total: u64,
}

/// Store a file. A put that was interrupted is taken up again when asked with the same name and source.
#[derive(Debug, Message)]
#[rtype(result = "Result<PutReport, ClientError>")]
pub struct PutFile {
    /// The file's name in the owner's catalogue; replaces an earlier file of that name.
    pub name: String,
    /// Its bytes.
    pub source: Arc<dyn Source>,
    /// Its erasure code.
    pub code: Code,
    /// How its slots may be spread.
    pub policy: Policy,
    /// Plaintext bytes a segment.
    pub segment_len: usize,
    /// Who may read it beside its owner; `None` protects nothing.
    pub access: Option<Access>,
    /// Told after every segment.
    pub progress: Option<UnboundedSender<Progress>>,
}

/// What a put did.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PutReport {
    /// What finds and opens the file.
    pub link: String,
    /// Its placement.
    pub placement: PlacementId,
    /// Plaintext bytes.
    pub size: u64,
    /// Segments.
    pub segments: u32,
    /// Shards, each with a signed receipt.
    pub receipts: u64,
    /// Segments that an earlier, interrupted put had already stored.
    pub resumed_segments: u32,
    /// Slots that had to change provider on the way.
    pub replaced_providers: u32,
    /// Seconds from request to last receipt.
    pub seconds: f64,
    /// The roots of its slots, when the put ended; `None` if they get none.
    pub roots: Option<RootsState>,
}

/// How far the slot roots of a placement are.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RootsState {
    /// Slots of the placement.
    pub slots: usize,
    /// Slots whose root was checked and signed.
    pub signed: usize,
    /// Seconds from the last receipt to the last signature, once all are signed.
    pub seconds: Option<f64>,
}

/// Wait until all slot roots of a placement are signed; `None` if its slots have no roots.
#[derive(Debug, Message)]
#[rtype(result = "Result<Option<RootsState>, ClientError>")]
pub struct AwaitRoots {
    /// Which placement.
    pub placement: PlacementId,
    /// Told of every root.
    pub progress: Option<UnboundedSender<Progress>>,
}

/// How many placements wait for signed slot roots?
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "SigningStatus")]
pub struct SigningStatusQuery;

/// The answer to [`SigningStatusQuery`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SigningStatus {
    /// The owner's placements whose slot roots are not all signed.
    pub waiting: u64,
}

/// Which file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileRef {
    /// One of the owner's, by name.
    Name(String),
    /// Anyone's, by link.
    Link(FileLink),
}

/// Fetch a file.
#[derive(Debug, Message)]
#[rtype(result = "Result<GetReport, ClientError>")]
pub struct GetFile {
    /// Which.
    pub file: FileRef,
    /// Where its bytes go.
    pub sink: Arc<dyn Sink>,
    /// What a reader has who is in the file's access list.
    pub access: Option<Arc<AccessTicket>>,
    /// Most HOLD that providers are paid for it; as much as is left in the channels to them if it is left open.
    pub most: Option<Amount>,
    /// Told after every segment.
    pub progress: Option<UnboundedSender<Progress>>,
}

/// What a get did.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct GetReport {
    /// The file's name, from its manifest.
    pub name: String,
    /// Its placement.
    pub placement: PlacementId,
    /// Plaintext bytes.
    pub size: u64,
    /// Shards that were asked for.
    pub shards_asked: u64,
    /// Shards that came too late, damaged or not at all.
    pub shards_wasted: u64,
    /// Segments that had to be decoded because a data shard was missing.
    pub segments_decoded: u32,
    /// HOLD for which vouchers were signed.
    pub paid: Amount,
    /// Seconds from request to last byte.
    pub seconds: f64,
}

/// The owner's catalogue, in name order.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Vec<CatalogueEntry>, ClientError>")]
pub struct ListFiles;

/// One of the owner's files.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CatalogueEntry {
    /// Its name.
    pub name: String,
    /// Plaintext bytes.
    pub size: u64,
    /// What finds and opens it.
    pub link: String,
    /// Seconds since the Unix epoch.
    pub stored: u64,
    /// The roots of its slots; `None` if they have none.
    pub roots: Option<RootsState>,
}

/// Forget a file, here and at its providers.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<RemoveReport, ClientError>")]
pub struct RemoveFile {
    /// Its name.
    pub name: String,
}

/// What a removal did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RemoveReport {
    /// Holders that confirmed.
    pub confirmed: u32,
    /// Holders that could not be reached; they keep their shards until they hear of it.
    pub unreachable: u32,
}

/// Why the owner did not get what was asked; by what the owner can do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// Choose another code.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// Find more providers, or ask for a smaller n.
    #[error("only {found} of {needed} providers are reachable and fit the policy")]
    TooFewProviders {
        /// Providers found.
        found: usize,
        /// Providers needed.
        needed: usize,
    },
    /// The name is unusable or unknown.
    #[error("{0}")]
    Name(String),
    /// Nobody answered who has this file.
    #[error("no holder of placement {0} can be found")]
    NotFound(PlacementId),
    /// Too few shards could be fetched now.
    #[error("segment {segment}: only {live} of {needed} shards can be fetched")]
    Unavailable {
        /// Which segment.
        segment: u32,
        /// Shards that came and were whole.
        live: usize,
        /// Shards needed.
        needed: usize,
    },
    /// Open a channel, or pay into it.
    #[error("provider {provider} asks for {price} HOLD a GiB: {why}")]
    Unpaid {
        /// Its peer id.
        provider: String,
        /// What it asks for.
        price: Amount,
        /// Why it was not paid.
        why: String,
    },
    /// What can be done depends on why.
    #[error("placement {0} is protected: {1}")]
    NoAccess(PlacementId, NoAccess),
    /// The link does not open this file, or its bytes were changed by someone.
    #[error("{0}")]
    Sealed(String),
    /// The source changed while it was read.
    #[error("{0} changed while it was read")]
    SourceChanged(String),
    /// A file here could not be read or written.
    #[error("{0}")]
    Io(String),
    /// This node's own storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The network is not there.
    #[error(transparent)]
    Net(#[from] NetError),
}

/// Why a reader is not served, by what it can do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAccess {
    /// Name a key, and the list that it is in.
    #[error("only members of its access list may read it")]
    NoKey,
    /// Get the list that counts from the file's owner.
    #[error("its access list has the root {counts}, and the list at hand {yours}")]
    OtherList {
        /// The root of the list that counts.
        counts: ListRoot,
        /// The root of the list that the reader named.
        yours: ListRoot,
    },
    /// Ask the file's owner.
    #[error("its access list lets nobody in")]
    Closed,
    /// Use the proving key that the network's providers use.
    #[error("providers refuse the passes of this node, though its key is in the list that counts")]
    Untaken,
    /// Try again later.
    #[error("the chain, which has its access list, does not answer the providers")]
    Unread,
    /// Other providers would be needed, or a list on the chain that these follow.
    #[error("its access list is on chain {0}, which its providers do not follow")]
    Elsewhere(u64),
}

impl NoAccess {
    /// What a provider's refusal means to a reader with a list of this root; `None` if it is about something else.
    pub(super) fn of(refusal: &Refusal, yours: Option<ListRoot>) -> Option<Self> {
        match *refusal {
            Refusal::NotAMember { root } => Some(match yours.filter(|yours| *yours != root) {
                Some(yours) => Self::OtherList { counts: root, yours },
                None => Self::Untaken,
            }),
            Refusal::ListClosed => Some(Self::Closed),
            Refusal::ListUnread => Some(Self::Unread),
            Refusal::ListElsewhere { chain } => Some(Self::Elsewhere(chain)),
            _ => None,
        }
    }
}
