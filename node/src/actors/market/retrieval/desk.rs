//! What a node has of channels in memory, as payer and as provider.

use super::{notes::OwnChannel, state::Leaving, till::Till};
use crate::types::{PeerId, ReadPrice, Timestamp};
use futures::lock::Mutex;
use holdfast_contracts::Amount;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

/// Both sides of paid retrieval.
pub(in crate::actors::market) struct Desk {
    /// What others paid and read here.
    pub(super) till: RefCell<Till>,
    /// Vouchers are taken, and tabs written down, one at a time: a smaller total never replaces a larger one.
    pub(super) taking: Mutex<()>,
    /// Channels that were never paid on are looked at one at a time …
    pub(super) looking: Mutex<()>,
    /// … and not before this.
    pub(super) look_after: Cell<Timestamp>,
    /// The window, and how many blocks may pass in it between two looks at a channel.
    pub(super) pace: Cell<Option<(u64, u64)>>,
    /// Vouchers are signed, and what is known of channels is written down, one at a time: a total never becomes smaller.
    pub(super) signing: Mutex<()>,
    /// Channels are opened by one order at a time: another would take what the contract was approved to take.
    pub(super) opening: Mutex<()>,
    /// This node's channels, by the provider that each pays.
    pub(super) own: RefCell<BTreeMap<PeerId, OwnChannel>>,
    /// Those that are being closed.
    pub(super) leaving: RefCell<BTreeMap<PeerId, Leaving>>,
}

impl Desk {
    /// Of a node that sells reads at this price.
    pub fn new(price: ReadPrice) -> Self {
        Self {
            till: RefCell::new(Till::new(price)),
            taking: Mutex::default(),
            looking: Mutex::default(),
            look_after: Cell::default(),
            pace: Cell::default(),
            signing: Mutex::default(),
            opening: Mutex::default(),
            own: RefCell::default(),
            leaving: RefCell::default(),
        }
    }

    /// Channels on which others pay, and what of their vouchers is not redeemed.
    pub fn owed(&self) -> (usize, Amount) {
        let till = self.till.borrow();
        (till.tabs().count(), till.unredeemed())
    }

    /// So many bytes that a reader paid for could not be read.
    pub fn refund(&self, peer: PeerId, bytes: u64) {
        self.till.borrow_mut().refund(peer, bytes);
    }

    /// True if nothing of any channel is to be looked after on the chain.
    pub fn is_idle(&self) -> bool {
        self.till.borrow().tabs().next().is_none() && !self.own.borrow().values().any(OwnChannel::is_leaving)
    }
}
