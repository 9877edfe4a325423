//! The lines of the control socket.

use crate::{
    actors::{
        client::{
            CatalogueEntry, ClientError, GetReport, NoAccess, Progress, PutReport, RemoveReport, RootsState,
            SigningStatus,
        },
        incentive::ChainStatus,
        market::{
            Agreed, Challenge, Channels, DisputeQuote, Disputed, Extended, ExtensionQuote, MarketError,
            MarketStatus, Quote, Wish,
        },
        network::NetworkStatus,
        repair::RepairStatus,
        storage::{ScrubReport, StorageStatus},
    },
    types::{Access, Code, PlacementId, Policy},
};
use holdfast_contracts::Amount;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};

/// The version of these lines; a node refuses another one.
pub const VERSION: u16 = 4;

/// The first line of a connection.
#[derive(Debug, Serialize, Deserialize)]
pub struct Versioned {
    /// [`VERSION`] of the asker.
    pub version: u16,
    /// What it asks.
    pub ask: Ask,
}

/// What a node may be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// Store the file at an absolute path.
    Put {
        /// Its name in the catalogue.
        name: String,
        /// Where it is.
        path: PathBuf,
        /// Its erasure code.
        code: Code,
        /// How its slots may be spread.
        policy: Policy,
        /// Plaintext bytes a segment.
        segment_len: usize,
        /// Who may read it beside its owner.
        access: Option<Access>,
    },
    /// Wait until all slot roots of a placement are signed.
    AwaitRoots {
        /// Which.
        placement: PlacementId,
    },
    /// Fetch a file to an absolute path.
    Get {
        /// Its name in the catalogue, or a link.
        file: String,
        /// Where it goes.
        path: PathBuf,
        /// What proves that the reader is in the file's access list.
        access: Option<AccessFiles>,
        /// Most HOLD that providers are paid for it.
        most: Option<Amount>,
    },
    /// List the catalogue.
    List,
    /// Forget a file.
    Remove {
        /// Its name in the catalogue.
        name: String,
    },
    /// Tell what an agreement about a file would cost.
    Quote {
        /// The file's name in the catalogue, or its link.
        file: String,
        /// What is asked for.
        wish: Wish,
    },
    /// Open an agreement about a file, and offer its slots.
    Agree {
        /// The file's name in the catalogue, or its link.
        file: String,
        /// What is asked for.
        wish: Wish,
    },
    /// Tell what it costs to have an agreement about a file last longer.
    QuoteExtension {
        /// The file's name in the catalogue, or its link.
        file: String,
        /// Windows that are to be paid from the next on.
        windows: u32,
    },
    /// Have an agreement about a file last longer.
    Extend {
        /// The file's name in the catalogue, or its link.
        file: String,
        /// Windows that are to be paid from the next on.
        windows: u32,
    },
    /// Tell what it takes to dispute a slot.
    QuoteDispute {
        /// The file's name in the catalogue, or its link.
        file: String,
        /// Which slot.
        slot: u16,
    },
    /// Dispute a slot on the chain.
    Dispute {
        /// The file's name in the catalogue, or its link.
        file: String,
        /// Which slot.
        slot: u16,
        /// What its provider is asked to show.
        challenge: Challenge,
    },
    /// Open channels to a file's providers, or to one provider.
    OpenChannels {
        /// The file's name in the catalogue, or its link; or a provider's peer id.
        to: String,
        /// HOLD for each.
        amount: Amount,
    },
    /// List this node's channels.
    Channels,
    /// Close channels.
    CloseChannels {
        /// The provider's peer id; all channels if it is left open.
        provider: Option<String>,
    },
    /// Tell what the node does.
    Status,
    /// Read every shard back.
    Scrub,
}

/// Where a member's key and its list are: absolute paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessFiles {
    /// The member's secret.
    pub key: PathBuf,
    /// The list.
    pub list: PathBuf,
}

/// A line of the answer. [`Reply::Progress`] and [`Reply::Entry`] announce more lines, all others end it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// How far it is.
    Progress(Progress),
    /// One file of the catalogue.
    Entry(CatalogueEntry),
    /// The file is stored.
    Put(PutReport),
    /// All slot roots are signed; `None` if there are none.
    RootsSigned(Option<RootsState>),
    /// The file is fetched.
    Got(GetReport),
    /// The catalogue is at its end.
    Listed,
    /// The file is forgotten.
    Removed(RemoveReport),
    /// What an agreement would cost.
    Quoted(Quote),
    /// The agreement is open.
    Agreed(Agreed),
    /// What an extension would cost.
    ExtensionQuoted(ExtensionQuote),
    /// The agreement is extended.
    Extended(Extended),
    /// What it takes to dispute a slot.
    DisputeQuoted(DisputeQuote),
    /// The dispute is decided.
    Disputed(Disputed),
    /// The channels that were asked for.
    Channels(Channels),
    /// What the node does.
    Status(Box<NodeStatus>),
    /// What a scrub found.
    Scrubbed(ScrubReport),
    /// It could not be done.
    Failed(Failed),
}

/// What a running node does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NodeStatus {
    /// The program's version.
    pub version: String,
    /// The process.
    pub pid: u32,
    /// The owner's id.
    pub owner: String,
    /// How the network looks.
    pub network: NetworkStatus,
    /// What is stored.
    pub storage: StorageStatus,
    /// What is looked after.
    pub repair: RepairStatus,
    /// What the owner has still to sign.
    pub signing: SigningStatus,
    /// How the chain is; `None` if the node has none.
    pub chain: Option<ChainStatus>,
    /// What it does in the market; `None` if it takes no part in it.
    pub market: Option<MarketStatus>,
    /// What keeps it from the chain or the market, though the settings name a chain.
    pub apart: Option<String>,
    /// Events since the start, by kind, and bytes moved.
    pub counters: BTreeMap<String, u64>,
}

/// Why something could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// What the asker can do about it.
    pub kind: FailureKind,
    /// What happened.
    pub message: String,
    /// What may help.
    pub hint: Option<String>,
}

/// Failures by what the asker can do about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// It failed.
    Failed,
    /// The request is wrong.
    Usage,
    /// There is no such file.
    NotFound,
    /// Not possible now.
    Unavailable,
    /// The link does not open the file, or its bytes were changed.
    Sealed,
}

impl Failed {
    /// A failure without a hint.
    pub fn new(kind: FailureKind, message: impl ToString) -> Self {
        Self { kind, message: message.to_string(), hint: None }
    }

    /// With a hint.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl From<ClientError> for Failed {
    fn from(error: ClientError) -> Self {
        let kind = match &error {
            ClientError::Code(_) => FailureKind::Usage,
            ClientError::TooFewProviders { .. }
            | ClientError::Unavailable { .. }
            | ClientError::Unpaid { .. }
            | ClientError::Net(_) => FailureKind::Unavailable,
            ClientError::NoAccess(_, NoAccess::Unread | NoAccess::Elsewhere(_)) => FailureKind::Unavailable,
            ClientError::Name(_) | ClientError::NotFound(_) => FailureKind::NotFound,
            ClientError::Sealed(_) | ClientError::NoAccess(..) => FailureKind::Sealed,
            ClientError::SourceChanged(_) | ClientError::Io(_) | ClientError::Storage(_) => {
                FailureKind::Failed
            }
        };
        let hint = match &error {
            ClientError::TooFewProviders { .. } => {
                "start more nodes, ask for a smaller --n, or widen the policy"
            }
            ClientError::NotFound(_) => {
                "its holders may be offline, or the file was removed; try again later"
            }
            ClientError::Unavailable { .. } => "repair may be under way; try again later",
            ClientError::Unpaid { .. } => {
                "`holdfast channel open FILE AMOUNT` pays into channels to all providers of the file, and agrees to what they \
                 ask for; `holdfast channel list` shows what is left in them, and --most bounds what one get pays"
            }
            ClientError::SourceChanged(_) => "put it again when nobody writes to it",
            ClientError::Net(_) => "see `holdfast status`: is anybody connected?",
            ClientError::NoAccess(_, why) => no_access_hint(why),
            ClientError::Sealed(_) => "check that the link is complete and belongs to this file",
            _ => return Self::new(kind, error),
        };
        Self::new(kind, error).hint(hint)
    }
}

fn no_access_hint(why: &NoAccess) -> &'static str {
    match why {
        NoAccess::NoKey => "name your key and the list: --access-key FILE --access-list FILE",
        NoAccess::OtherList { .. } => {
            "ask the file's owner for the list that counts now; one that was published a moment ago counts within seconds"
        }
        NoAccess::Closed => {
            "its owner has shut everybody out, or has not published the list yet: ask its owner"
        }
        NoAccess::Untaken => "proving.access_key_file must be the key that the network's providers have",
        NoAccess::Unread => "try again later",
        NoAccess::Elsewhere(_) => "try again when other providers hold it, or ask its owner to store it anew",
    }
}

impl From<MarketError> for Failed {
    fn from(error: MarketError) -> Self {
        let kind = match &error {
            MarketError::NotFound(_) | MarketError::NotOwned(_) => FailureKind::NotFound,
            MarketError::Terms(_) | MarketError::Running { .. } | MarketError::Over { .. } => {
                FailureKind::Usage
            }
            MarketError::RootsUnsigned { .. } | MarketError::Chain(_) | MarketError::Net(_) => {
                FailureKind::Unavailable
            }
            MarketError::NoMarket(_)
            | MarketError::Unfunded { .. }
            | MarketError::Refused(_)
            | MarketError::Storage(_) => FailureKind::Failed,
        };
        let hint = match &error {
            MarketError::NoMarket(_) => "`holdfast doctor` tells what is missing, and how to mend it",
            MarketError::NotFound(_) => {
                "its holders may be offline, or the file was removed; try again later"
            }
            MarketError::NotOwned(_) => "an agreement is opened by the file's owner, who signed its roots",
            MarketError::RootsUnsigned { .. } => {
                "the node signs them in the background: `holdfast ls` shows how far it is, and \
                 `holdfast put --wait-for-roots` waits for them"
            }
            MarketError::Running { .. } => {
                "ask for the same terms to offer its open slots again, or let it run out"
            }
            MarketError::Over { .. } => {
                "an agreement is extended before its last window; open another when it is over: holdfast agree"
            }
            MarketError::Unfunded { .. } => {
                "send it HOLD; `holdfast wallet balance` shows what it has, `--dry-run` what is needed"
            }
            MarketError::Chain(_) => "is the chain running? `holdfast status` shows what it says",
            _ => return Self::new(kind, error),
        };
        Self::new(kind, error).hint(hint)
    }
}
