//! What is paid and read, reader by reader. Pure: no chain, no disk, no clock.

use super::{
    notes::Tab,
    state::{Facts, Sight, TabDuty},
};
use crate::{
    actors::market::{provider::GONE_BLOCKS, state::lasts},
    limits,
    types::{PeerId, ReadPrice, Timestamp, Voucher},
};
use alloy::primitives::U256;
use holdfast_contracts::Amount;
use std::collections::BTreeMap;

/// A tab, and what is not written down of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    pub tab: Tab,
    /// `tab.spent` as it is written down, or is about to be.
    noted: u128,
    /// The total that counted before this node was started: it was judged when the channel was seen for longer.
    pub base: u128,
    /// The height at which the channel was looked at last.
    pub looked: Option<u64>,
    /// What was found due at every look from the first of these heights to the last, if it must last.
    found: Option<(TabDuty, (u64, u64))>,
}

impl Kept {
    /// Takes note of what a look found due; true if it is certain enough to be done. What ends a channel must have been due
    /// for some blocks, in which nothing that came before was taken back.
    pub fn found(&mut self, duty: Option<TabDuty>, next: u64) -> bool {
        self.looked = Some(next);
        let blocks = match duty {
            Some(TabDuty::Forget) => GONE_BLOCKS,
            Some(TabDuty::Close) => limits::CONFIRMATIONS,
            _ => 0,
        };
        let mut seen = self.found.filter(|(known, _)| Some(*known) == duty).map(|(_, seen)| seen);
        let certain = blocks == 0 || lasts(&mut seen, next, blocks);
        self.found = duty.zip(seen);
        certain
    }

    /// True if the channel is to be looked at with every block.
    pub fn is_urgent(&self) -> bool {
        self.tab.close || self.found.is_some()
    }
}

/// All tabs of a provider.
#[derive(Debug)]
pub(super) struct Till {
    price: ReadPrice,
    tabs: BTreeMap<u64, Kept>,
    /// The channel that each reader paid on last.
    readers: BTreeMap<PeerId, u64>,
    /// What was seen of channels, paid on or not.
    sights: BTreeMap<u64, Sight>,
}

impl Till {
    pub fn new(price: ReadPrice) -> Self {
        Self { price, tabs: BTreeMap::new(), readers: BTreeMap::new(), sights: BTreeMap::new() }
    }

    /// What a read costs.
    pub fn price(&self) -> ReadPrice {
        self.price
    }

    pub fn tabs(&self) -> impl Iterator<Item = &Kept> {
        self.tabs.values()
    }

    pub fn tab(&self, channel: u64) -> Option<&Kept> {
        self.tabs.get(&channel)
    }

    pub fn tab_mut(&mut self, channel: u64) -> Option<&mut Kept> {
        self.tabs.get_mut(&channel)
    }

    /// What the vouchers are worth above what was redeemed, as of the last look at each.
    pub fn unredeemed(&self) -> Amount {
        let redeemed = |channel: &u64| self.sights.get(channel).map_or(0, |sight| sight.facts.redeemed);
        let owed = |(channel, kept): (&u64, &Kept)| kept.tab.voucher.total.saturating_sub(redeemed(channel));
        Amount(self.tabs.iter().map(owed).map(U256::from).sum())
    }

    /// True if a channel that is not paid on yet finds no place.
    pub fn is_full(&self) -> bool {
        self.tabs.len() >= limits::MAX_TABS
    }

    pub fn sight(&self, channel: u64) -> Option<&Sight> {
        self.sights.get(&channel)
    }

    /// Takes note of a look at a channel.
    pub fn see(&mut self, channel: u64, facts: Facts, height: u64, at: Timestamp) {
        if self.sights.len() >= self.tabs.len() + limits::MAX_STRANGE_CHANNELS {
            self.sights.retain(|channel, _| self.tabs.contains_key(channel));
        }
        let seen = |sight: &mut Sight| sight.look(facts, height, at);
        self.sights.entry(channel).and_modify(seen).or_insert_with(|| Sight::new(facts, height, at));
    }

    /// A tab was found on the disk.
    pub fn restore(&mut self, tab: Tab) {
        self.keep(tab);
        if let Some(kept) = self.tabs.get_mut(&tab.voucher.channel) {
            kept.base = tab.voucher.total;
        }
    }

    /// A tab was written to the disk.
    pub fn keep(&mut self, tab: Tab) {
        let kept = self.tabs.entry(tab.voucher.channel).or_insert(Kept {
            tab,
            noted: tab.spent,
            base: 0,
            looked: None,
            found: None,
        });
        // More may have been read meanwhile.
        let spent = kept.tab.spent.max(tab.spent);
        (kept.tab, kept.noted) = (Tab { spent, ..tab }, tab.spent);
        self.readers.insert(tab.peer, tab.voucher.channel);
    }

    /// Forgets a channel.
    pub fn forget(&mut self, channel: u64) {
        self.tabs.remove(&channel);
        self.sights.remove(&channel);
        self.readers.retain(|_, paid_on| *paid_on != channel);
    }

    fn reader(&mut self, peer: PeerId) -> Option<&mut Kept> {
        let channel = self.readers.get(&peer)?;
        self.tabs.get_mut(channel).filter(|kept| kept.tab.peer == peer)
    }

    /// The last voucher of a reader, and what is paid and not read yet, 10⁻¹⁸ HOLD.
    pub fn account(&mut self, peer: PeerId) -> (Option<Voucher>, u128) {
        match self.reader(peer) {
            Some(Kept { tab, .. }) => (Some(tab.voucher), tab.voucher.total.saturating_sub(tab.spent)),
            None => (None, 0),
        }
    }

    /// Takes the price of so many bytes off what a reader paid; false if that is too little. So much may have been read since
    /// it was written down that it must be again: then the channel is returned.
    pub fn charge(&mut self, peer: PeerId, bytes: u64) -> (bool, Option<u64>) {
        let (cost, unnoted) = (self.price.of(bytes), self.price.of(limits::READ_UNNOTED));
        let Some(kept) = self.reader(peer) else { return (cost == 0, None) };
        let tab = &mut kept.tab;
        if tab.voucher.total.saturating_sub(tab.spent) < cost {
            return (false, None);
        }
        tab.spent += cost;
        let note = tab.spent - kept.noted > unnoted;
        if note {
            kept.noted = tab.spent;
        }
        (true, note.then_some(tab.voucher.channel))
    }

    /// So many bytes were charged and could not be read.
    pub fn refund(&mut self, peer: PeerId, bytes: u64) {
        let cost = self.price.of(bytes);
        if let Some(kept) = self.reader(peer) {
            kept.tab.spent = kept.tab.spent.saturating_sub(cost);
            kept.noted = kept.noted.min(kept.tab.spent);
        }
    }
}
