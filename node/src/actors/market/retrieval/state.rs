//! Whether a voucher counts, and what is due for a channel on the chain. It knows no time but what it is given.

use super::notes::{OwnChannel, Tab};
use crate::{
    actors::market::NoPay,
    limits,
    types::{Bill, PeerId, ReadPrice, Timestamp, Voucher},
};
use alloy::primitives::Address;
use holdfast_contracts::Amount;

/// Blocks that a provider has to close a channel whose payer asked for it, until the payer announces that it will itself:
/// its last voucher is redeemed and final by then.
pub(super) const CLOSING_BLOCKS: u64 = 4 * limits::CONFIRMATIONS;

/// A channel as the chain has it at one head. All sums are in 10⁻¹⁸ HOLD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// Zero if there is no such channel, or it is closed.
    pub payer: Address,
    /// The account of the provider's peer key.
    pub provider: Address,
    /// All that was ever paid in.
    pub deposit: u128,
    /// What the provider has received of it.
    pub redeemed: u128,
    /// The first block in which the payer can take the rest; zero while it did not announce that it will.
    pub closes_at: u64,
}

impl Facts {
    /// True if it is not open.
    pub fn is_gone(&self) -> bool {
        self.payer.is_zero()
    }
}

/// What looks at a channel showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sight {
    /// As of the last look.
    pub facts: Facts,
    /// When that was.
    pub at: Timestamp,
    /// What no reorganisation takes out of the deposit.
    certain: u128,
    /// A deposit, and the height since which it was never seen lower.
    seen: (u128, u64),
}

impl Sight {
    /// After the first look, at this height.
    pub fn new(facts: Facts, height: u64, at: Timestamp) -> Self {
        Self { facts, at, certain: 0, seen: (facts.deposit, height) }
    }

    /// Takes note of another look.
    pub fn look(&mut self, facts: Facts, height: u64, at: Timestamp) {
        if (facts.payer, facts.provider) != (self.facts.payer, self.facts.provider) {
            // The number may have become another's in a reorganisation.
            *self = Self::new(facts, height, at);
            return;
        }
        (self.facts, self.at) = (facts, at);
        self.certain = self.certain.min(facts.deposit);
        let (deposit, since) = self.seen;
        if facts.deposit < deposit {
            self.seen = (facts.deposit, height);
        } else if height >= since + limits::CONFIRMATIONS {
            self.certain = deposit;
            if facts.deposit > deposit {
                self.seen = (facts.deposit, height);
            }
        }
    }

    /// How high a total may be at this price: what is certain of the deposit, or was before, and what may be lost.
    fn most(&self, price: ReadPrice, before: u128) -> u128 {
        self.facts.deposit.min(self.certain.max(before).saturating_add(price.of(limits::PAID_AHEAD)))
    }
}

/// Why a voucher does not count; by what its sender does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Objection {
    /// Sign for more than the last one.
    Outdated,
    /// Offer it again when the channel is older.
    Young,
    /// Do not offer it again.
    Refused(String),
}

/// What a voucher is judged by.
#[derive(Clone, Copy)]
pub(super) struct Judge<'a> {
    /// The account of this provider's peer key.
    pub me: Address,
    /// The contract of the channels, and its chain.
    pub place: (u64, Address),
    /// What a read costs here.
    pub price: ReadPrice,
    /// The channel.
    pub sight: &'a Sight,
    /// What is known of it.
    pub known: Option<&'a Tab>,
    /// The total that counted before this node was started.
    pub base: u128,
}

impl Judge<'_> {
    /// The tab with the voucher, if it counts.
    pub fn take(&self, from: PeerId, voucher: Voucher) -> Result<Tab, Objection> {
        let Facts { payer, provider, deposit, redeemed, closes_at } = self.sight.facts;
        let refuse = |why: String| Err(Objection::Refused(why));
        let Voucher { channel, total, .. } = voucher;
        if self.sight.facts.is_gone() {
            return refuse(format!("there is no channel {channel}"));
        }
        if provider != self.me {
            return refuse(format!("channel {channel} pays {provider}, this provider is {}", self.me));
        }
        if closes_at != 0 || self.known.is_some_and(|tab| tab.close) {
            return refuse(format!("channel {channel} is being closed"));
        }
        if total > deposit {
            let (total, deposit) = (hold(total), hold(deposit));
            return refuse(format!("a voucher for {total} HOLD on a channel with {deposit}"));
        }
        // Signatures of contracts (ERC-1271) do not count: a contract can take its word back.
        if voucher.signer(self.place) != Some(payer) {
            return refuse(format!("the voucher is not signed by {payer}, who pays on channel {channel}"));
        }
        let last = self.known.map_or(0, |tab| tab.voucher.total).max(redeemed);
        if total <= last || total < last.saturating_add(self.price.of(limits::LEAST_PAID)) {
            return Err(Objection::Outdated);
        }
        if total > self.sight.most(self.price, self.base) {
            return Err(Objection::Young);
        }
        // A provider that lost its notes has served what it redeemed.
        let spent = self.known.map_or(redeemed, |tab| tab.spent);
        Ok(Tab { place: self.place, peer: from, voucher, spent, close: false })
    }
}

fn hold(sum: u128) -> Amount {
    Amount(alloy::primitives::U256::from(sum))
}

/// What a provider does next about a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TabDuty {
    /// Be paid by the best voucher, which can wait for its turn.
    Redeem,
    /// Be paid by the best voucher before the channel ends.
    RedeemLast,
    /// Close it, as its payer asked.
    Close,
    /// It is closed: forget the voucher.
    Forget,
}

/// What is due for a tab; `least` is what is worth a transaction while the channel is open, 10⁻¹⁸ HOLD.
pub(super) fn tab_duty(tab: &Tab, facts: &Facts, least: u128) -> Option<TabDuty> {
    if facts.is_gone() {
        return Some(TabDuty::Forget);
    }
    let owed = tab.voucher.total.min(facts.deposit).saturating_sub(facts.redeemed);
    match (owed, tab.close || facts.closes_at != 0) {
        (0, _) => tab.close.then_some(TabDuty::Close),
        (_, true) => Some(TabDuty::RedeemLast),
        (owed, false) => (owed >= least).then_some(TabDuty::Redeem),
    }
}

/// A payer's channel that is being closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Leaving {
    /// The provider has until this height to close it at once; zero if it would not.
    pub until: u64,
    /// The heights at which it was first and last seen to be gone.
    pub gone: Option<(u64, u64)>,
}

/// What a payer does next about a channel that is being closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LeaveDuty {
    /// Announce that it will be closed.
    Announce,
    /// Close it, and take the rest back.
    Close,
    /// The rest is back.
    Forget,
}

impl Leaving {
    /// What is due, for a transaction in block `next`.
    pub fn duty(&self, facts: &Facts, next: u64) -> Option<LeaveDuty> {
        match facts.closes_at {
            _ if facts.is_gone() => Some(LeaveDuty::Forget),
            0 => (next > self.until).then_some(LeaveDuty::Announce),
            closes_at => (next >= closes_at).then_some(LeaveDuty::Close),
        }
    }
}

/// What a payer may sign next on a channel of its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NextTotal {
    /// The channel.
    pub channel: u64,
    /// The voucher's total.
    pub total: u128,
    /// What it is above all that was ever signed.
    pub increase: u128,
}

/// The total of a voucher that pays `amount` above what the provider has already, at most `most` above what was signed. A
/// voucher that the provider never got is not paid twice: its total is signed again. If the provider has one that this payer
/// forgot, its signature proves it.
pub(super) fn next_total(
    own: Option<&OwnChannel>,
    payer: Address,
    bill: &Bill,
    (amount, most): (u128, u128),
) -> Result<NextTotal, NoPay> {
    let own = own.filter(|own| !own.closing).ok_or(NoPay::NoChannel)?;
    let channel = own.channel.ok_or(NoPay::NoChannel)?;
    if (bill.chain, bill.contract) != own.place {
        return Err(NoPay::Elsewhere);
    }
    if bill.price.0 > own.price {
        return Err(NoPay::Dearer(ReadPrice(own.price).amount()));
    }
    let last = bill.last.filter(|last| last.channel == channel);
    if last.is_some_and(|last| last.total > own.signed && last.signer(own.place) != Some(payer)) {
        return Err(NoPay::Forged);
    }
    let last = last.map_or(0, |last| last.total);
    let signed = own.signed.max(last);
    let total = signed.max(last.saturating_add(amount));
    let increase = total - signed;
    if total > own.deposit {
        return Err(NoPay::Exhausted(hold(own.deposit.saturating_sub(signed))));
    }
    if increase > most {
        return Err(NoPay::Limit);
    }
    Ok(NextTotal { channel, total, increase })
}
