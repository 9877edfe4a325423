//! What one may say to the market actor about paid retrieval.

use crate::{
    actors::{client::Progress, market::MarketError, storage::StorageError},
    types::{Ask, Bill, PeerId, PlacementId, Refusal, Response, Voucher},
};
use actix::Message;
use futures::channel::mpsc::UnboundedSender;
use holdfast_contracts::Amount;
use serde::{Deserialize, Serialize};

/// A reader asks what reading costs, pays, or wants its channel closed.
#[derive(Debug, Message)]
#[rtype(result = "Response")]
pub struct ServeReader {
    /// Who asks; authenticated.
    pub from: PeerId,
    /// What.
    pub ask: Ask,
}

/// Take the price of a read off what a reader paid; refused if that is too little.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<(), Refusal>")]
pub struct Charge {
    /// Who reads.
    pub peer: PeerId,
    /// How much.
    pub bytes: u64,
}

/// So many bytes that were charged could not be read.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Refund {
    /// Who wanted to read.
    pub peer: PeerId,
    /// How much.
    pub bytes: u64,
}

/// Sign a voucher for a provider that asks for pay. The total is written down before it is told.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<SignedVoucher, NoPay>")]
pub struct SignVoucher {
    /// Who asks.
    pub provider: PeerId,
    /// What it asks for.
    pub bill: Bill,
    /// 10⁻¹⁸ HOLD to be paid now.
    pub amount: u128,
    /// 10⁻¹⁸ HOLD that may be signed beyond all that was signed before.
    pub most: u128,
}

/// The answer to [`SignVoucher`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedVoucher {
    /// The voucher.
    pub voucher: Voucher,
    /// 10⁻¹⁸ HOLD that were signed beyond all that was signed before.
    pub increase: u128,
}

/// Why a provider is not paid; by what the reader can do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPay {
    /// Name a chain, an account and a deployment in the settings.
    #[error("this node takes no part in a market: {0}")]
    NoMarket(&'static str),
    /// Open a channel.
    #[error("no channel to it is open")]
    NoChannel,
    /// Ask another provider.
    #[error("its channels are of another contract or chain")]
    Elsewhere,
    /// Open the channel again, which agrees to the new price.
    #[error("{0} HOLD a GiB were agreed on when the channel was opened")]
    Dearer(Amount),
    /// Ask another provider: this one lies.
    #[error("it tells of a voucher that this account never signed")]
    Forged,
    /// Pay more in.
    #[error("{0} HOLD are left in the channel")]
    Exhausted(Amount),
    /// Allow more.
    #[error("all that may be paid for this file is paid")]
    Limit,
    /// Ask another provider: this one was paid and did not serve.
    #[error("it was paid ahead as much as a provider is trusted with, and has not served it")]
    Unserved,
    /// Look at this node's disk.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Whom to open channels to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payees {
    /// One provider.
    Provider(PeerId),
    /// All holders of a placement that ask for pay.
    Holders(PlacementId),
}

/// Open channels, or pay into those that are open, until each has so much that is not signed away. Ordered again, it goes
/// on, and pays nothing twice. It agrees to the prices that the providers ask for now.
#[derive(Debug, Message)]
#[rtype(result = "Result<Channels, MarketError>")]
pub struct OpenChannels {
    /// To whom.
    pub to: Payees,
    /// HOLD for each.
    pub amount: Amount,
    /// Told of every channel.
    pub progress: Option<UnboundedSender<Progress>>,
}

/// This node's channels to providers.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Channels, MarketError>")]
pub struct ChannelsQuery;

/// Sign no more vouchers on channels, and get back what is left in them. Their providers are asked to close them at once;
/// those that do not are closed when the chain's delay is over.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Channels, MarketError>")]
pub struct CloseChannels {
    /// To whom; all if it is left open.
    pub provider: Option<PeerId>,
}

/// Channels to providers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channels {
    /// Each of them.
    pub channels: Vec<Channel>,
    /// Providers to whom none could be opened, and why.
    pub failed: Vec<(String, String)>,
}

/// A channel to a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// The provider's peer id.
    pub provider: String,
    /// The channel's number; `None` while it is being opened.
    pub channel: Option<u64>,
    /// HOLD a GiB, as agreed on.
    pub price: Amount,
    /// HOLD that were paid in.
    pub deposit: Amount,
    /// HOLD of them that are signed away.
    pub signed: Amount,
    /// How it is.
    pub state: ChannelState,
}

/// How a channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelState {
    /// Its transaction is not final.
    Opening,
    /// It pays.
    Open,
    /// What is left is on its way back.
    Closing,
    /// What was left is back.
    Closed,
}
