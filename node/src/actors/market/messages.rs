//! What one may say to the market actor.

use crate::{
    actors::{client::Progress, storage::StorageError},
    env::{ChainError, NetError},
    types::{PeerId, PlacementId, Response, SlotOffer},
};
use actix::Message;
use futures::channel::mpsc::UnboundedSender;
use holdfast_contracts::Amount;
use serde::{Deserialize, Serialize};

/// A slot of an agreement is offered.
#[derive(Debug, Message)]
#[rtype(result = "Response")]
pub struct ServeOffer {
    /// Who asks; authenticated.
    pub from: PeerId,
    /// What.
    pub offer: SlotOffer,
}

/// What an owner asks for; what it leaves open follows from the chain's parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// Windows from the next on.
    pub windows: u32,
    /// HOLD for a slot and a window.
    pub price: Amount,
    /// HOLD that a slot's provider locks; twice the least that the chain takes if left open.
    pub collateral: Option<Amount>,
    /// Most HOLD for whoever refills a lost slot; three tenths of the collateral if left open.
    pub repair_reward: Option<Amount>,
    /// HOLD for the owner for each breach; two windows' price if left open.
    pub refund: Option<Amount>,
    /// Basis points of a slot's windows that must be proven.
    pub sla_bps: u16,
    /// Blocks to answer a dispute; the chain's least if left open.
    pub response_blocks: Option<u32>,
}

/// What an agreement is about and costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Which placement.
    pub placement: PlacementId,
    /// Its slots.
    pub slots: u16,
    /// Slots that rebuild it.
    pub threshold: u16,
    /// Bytes of a slot.
    pub slot_bytes: u64,
    /// Windows.
    pub windows: u32,
    /// Blocks of a window.
    pub window_blocks: u64,
    /// HOLD for a slot and a window.
    pub price: Amount,
    /// HOLD that each slot's provider locks.
    pub collateral: Amount,
    /// Most HOLD for whoever refills a lost slot.
    pub repair_reward: Amount,
    /// HOLD for the owner for each breach.
    pub refund: Amount,
    /// Basis points of a slot's windows that must be proven.
    pub sla_bps: u16,
    /// Blocks to answer a dispute.
    pub response_blocks: u32,
    /// HOLD that the owner pays into escrow.
    pub total: Amount,
    /// HOLD that its account has.
    pub balance: Amount,
}

/// What would an agreement about a placement cost?
#[derive(Debug, Message)]
#[rtype(result = "Result<Quote, MarketError>")]
pub struct QuoteAgreement {
    /// One of the owner's.
    pub placement: PlacementId,
    /// What is asked for.
    pub wish: Wish,
}

/// Open an agreement about a placement, once whatever happens, and offer its slots to their holders. Ordered again
/// while it runs, it goes on with the slots that nobody took.
#[derive(Debug, Message)]
#[rtype(result = "Result<Agreed, MarketError>")]
pub struct Agree {
    /// One of the owner's.
    pub placement: PlacementId,
    /// What is asked for.
    pub wish: Wish,
    /// Told of every slot that is taken.
    pub progress: Option<UnboundedSender<Progress>>,
}

/// An agreement, and what became of its slots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    /// Its number.
    pub agreement: u64,
    /// What it is about.
    pub quote: Quote,
    /// The first window that is not paid.
    pub end: u64,
    /// Slots that their providers took.
    pub filled: u16,
    /// The others.
    pub open: Vec<OpenSlot>,
}

/// A slot that nobody has taken, or not for as long as is paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSlot {
    /// Which.
    pub slot: u16,
    /// Who holds it, if anybody was found.
    pub provider: Option<String>,
    /// Why.
    pub why: String,
}

/// What would it cost to have an agreement about a placement last longer?
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<ExtensionQuote, MarketError>")]
pub struct QuoteExtension {
    /// One of the owner's.
    pub placement: PlacementId,
    /// Windows that are to be paid from the next on.
    pub windows: u32,
}

/// What an extension costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtensionQuote {
    /// Of which agreement.
    pub agreement: u64,
    /// Its slots.
    pub slots: u16,
    /// The first window that is not paid now.
    pub end: u64,
    /// The first that is not paid then; `end` if that is late enough.
    pub new_end: u64,
    /// HOLD for a slot and a window, as agreed.
    pub price: Amount,
    /// HOLD that the owner pays into escrow for the windows between.
    pub total: Amount,
    /// HOLD that its account has.
    pub balance: Amount,
}

/// Have so many windows from the next on paid by the agreement about a placement, and wait until its providers have renewed
/// their slots, for a while. Ordered again it goes on: a window is paid once, whatever happens.
#[derive(Debug, Message)]
#[rtype(result = "Result<Extended, MarketError>")]
pub struct Extend {
    /// One of the owner's.
    pub placement: PlacementId,
    /// Windows that are to be paid from the next on.
    pub windows: u32,
    /// Told of every slot that runs to the new end.
    pub progress: Option<UnboundedSender<Progress>>,
}

/// An agreement that was extended, and how far its slots run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extended {
    /// What was paid for.
    pub quote: ExtensionQuote,
    /// Slots whose providers keep them to the new end.
    pub renewed: u16,
    /// The others: their providers may still renew them, until their present end.
    pub open: Vec<OpenSlot>,
}

/// What would it take to dispute a slot of an agreement about a placement?
#[derive(Debug, Message)]
#[rtype(result = "Result<DisputeQuote, MarketError>")]
pub struct QuoteDispute {
    /// One of the owner's.
    pub placement: PlacementId,
    /// Which slot.
    pub slot: u16,
}

/// What a dispute takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisputeQuote {
    /// Of which agreement.
    pub agreement: u64,
    /// Which slot.
    pub slot: u16,
    /// The address of its provider's peer key.
    pub provider: String,
    /// Bytes of the slot.
    pub slot_bytes: u64,
    /// HOLD that it takes; it comes back if the provider loses.
    pub bond: Amount,
    /// Blocks that the provider has for its answer.
    pub response_blocks: u64,
    /// HOLD that the account has.
    pub balance: Amount,
}

/// What a provider is asked to show on the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Challenge {
    /// So many cells of the slot, drawn at random.
    Cells(u8),
    /// A cell, drawn at random, and that it stands under the slot's circuit root as well.
    Root,
}

/// Dispute a slot on the chain, once in a window however often it is ordered, and wait for the end. A dispute of this
/// account that runs already is waited for.
#[derive(Debug, Message)]
#[rtype(result = "Result<Disputed, MarketError>")]
pub struct DisputeSlot {
    /// One of the owner's.
    pub placement: PlacementId,
    /// Which slot.
    pub slot: u16,
    /// What is asked for.
    pub challenge: Challenge,
    /// Told of the blocks that passed, of those that the provider has.
    pub progress: Option<UnboundedSender<Progress>>,
}

/// A dispute that is decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disputed {
    /// About which agreement.
    pub agreement: u64,
    /// About which slot.
    pub slot: u16,
    /// The address of the provider's peer key.
    pub provider: String,
    /// HOLD that it took.
    pub bond: Amount,
    /// The last block for an answer.
    pub deadline: u64,
    /// How it ended.
    pub end: DisputeEnd,
}

/// How a dispute ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DisputeEnd {
    /// The provider showed on the chain what was demanded, and keeps the slot. The bond paid for that.
    Answered,
    /// The provider lost the slot. The bond comes back.
    SlotLost,
}

/// Which agreement about a placement of the owner's is not over? 0 if it has no number yet.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Option<u64>")]
pub struct AgreementAbout(pub PlacementId);

/// What does this node do in the market? `None` if it takes no part in it.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Option<MarketStatus>")]
pub struct MarketStatusQuery;

/// The answer to [`MarketStatusQuery`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketStatus {
    /// The window, as of the last look at the chain.
    pub window: u64,
    /// Slots of this node that stand behind agreements, or will.
    pub pledged: usize,
    /// Of them, those that the chain counts as taken.
    pub taken: usize,
    /// The first window that this node is not paid for with one of these, …
    pub first_end: Option<u64>,
    /// … and with the last of them.
    pub last_end: Option<u64>,
    /// The last window that was proven.
    pub proven: Option<u64>,
    /// Windows that were missed, as far as they count now.
    pub level: u16,
    /// True if too many were missed: its slots may be taken away.
    pub evicted: bool,
    /// Disputes that wait for an answer.
    pub disputes: usize,
    /// Agreements of this node as an owner that are not closed.
    pub agreements: usize,
    /// Channels on which this node is paid for what others read.
    pub tabs: usize,
    /// HOLD of their vouchers that are not redeemed, as of the last look at each.
    pub unredeemed: Amount,
    /// Slots of others that are lost, and that this node has refilled.
    pub refills: usize,
    /// What went wrong last.
    pub trouble: Option<String>,
}

/// Why an owner has no agreement; by what it can do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MarketError {
    /// Name a chain, an account and a deployment in the settings.
    #[error("this node takes no part in a market: {0}")]
    NoMarket(&'static str),
    /// Put the file first, or wait until its holders can be reached.
    #[error("no holder of placement {0} can be found")]
    NotFound(PlacementId),
    /// Ask for what it is about: one's own file.
    #[error("placement {0} is another owner's")]
    NotOwned(PlacementId),
    /// Wait for the roots.
    #[error("the roots of {signed} of {slots} slots are signed")]
    RootsUnsigned {
        /// Slots with a signed root.
        signed: usize,
        /// All slots.
        slots: usize,
    },
    /// Ask for other terms.
    #[error("{0}")]
    Terms(String),
    /// Let it run, or cancel it.
    #[error("agreement {agreement} about this file runs until window {end}, with other terms")]
    Running {
        /// Which.
        agreement: u64,
        /// Its first window that is not paid.
        end: u64,
    },
    /// Open another.
    #[error("agreement {agreement} about this file takes no more windows: the last that is paid is {last}")]
    Over {
        /// Which.
        agreement: u64,
        /// Its last window.
        last: u64,
    },
    /// Fill the account.
    #[error("the account has {has} HOLD, {needed} are needed")]
    Unfunded {
        /// What it has.
        has: Amount,
        /// What is to be paid.
        needed: Amount,
    },
    /// Try again later.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The chain said no.
    #[error("{0}")]
    Refused(String),
    /// The network is not there.
    #[error(transparent)]
    Net(#[from] NetError),
    /// This node's own storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
