//! What is written down of channels.
//!
//! ```text
//! Tabs      <channel>    the best voucher that a provider has of a channel, and how much of it is read
//! Channels  <provider>   a payer's channel, and the most that it ever signed on it
//! ```

use crate::{
    actors::{
        ask,
        market::notes::{Notes, decode},
        storage::{ListNotes, Shelf, StorageError},
    },
    types::{PeerId, Voucher},
};
use alloy::primitives::Address;
use serde::{Deserialize, Serialize};

/// What a provider has of one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tab {
    /// The contract of the channel, and its chain.
    pub place: (u64, Address),
    /// Who paid last, and reads for it.
    pub peer: PeerId,
    /// The one with the highest total.
    pub voucher: Voucher,
    /// 10⁻¹⁸ HOLD of the total for which shards were read.
    pub spent: u128,
    /// The payer asked to close the channel.
    pub close: bool,
}

/// A channel that this node pays on, or will.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::actors::market) struct OwnChannel {
    /// The contract of the channel, and its chain.
    pub place: (u64, Address),
    /// Whom it pays.
    pub provider: PeerId,
    /// Tells the channels to one provider apart.
    pub serial: u32,
    /// Its number, once it is final.
    pub channel: Option<u64>,
    /// 10⁻¹⁸ HOLD that are paid in for certain …
    pub deposit: u128,
    /// … and will be.
    pub target: u128,
    /// The most that a voucher of it was ever signed for.
    pub signed: u128,
    /// 10⁻¹⁸ HOLD a GiB that was asked for when it was opened: no voucher is signed for a higher price.
    pub price: u128,
    /// It is to be closed, and nothing is signed any more.
    pub closing: bool,
    /// It is closed, and the rest is back.
    pub over: bool,
}

impl OwnChannel {
    /// True if it is to be closed and is not yet.
    pub fn is_leaving(&self) -> bool {
        self.closing && !self.over
    }
}

impl Notes {
    pub(super) async fn tabs(&self) -> Result<Vec<Tab>, StorageError> {
        let notes = ask(&self.list, ListNotes(Shelf::Tabs)).await?;
        notes.iter().map(|(_, bytes)| decode(bytes)).collect()
    }

    pub(super) async fn keep_tab(&self, tab: &Tab) -> Result<(), StorageError> {
        self.put(Shelf::Tabs, tab.voucher.channel.to_string(), Some(tab)).await
    }

    pub(super) async fn drop_tab(&self, channel: u64) -> Result<(), StorageError> {
        self.put::<Tab>(Shelf::Tabs, channel.to_string(), None).await
    }

    pub(super) async fn own_channels(&self) -> Result<Vec<OwnChannel>, StorageError> {
        let notes = ask(&self.list, ListNotes(Shelf::Channels)).await?;
        notes.iter().map(|(_, bytes)| decode(bytes)).collect()
    }

    pub(super) async fn keep_own_channel(&self, own: &OwnChannel) -> Result<(), StorageError> {
        self.put(Shelf::Channels, own.provider.to_string(), Some(own)).await
    }
}
