//! What is done on the chain about channels: a provider redeems, a payer closes.

use super::{
    notes::{OwnChannel, Tab},
    state::{CLOSING_BLOCKS, LeaveDuty, Leaving, TabDuty, tab_duty},
};
use crate::{
    actors::{
        market::{
            actor::Market,
            orders::Deed,
            policy::worth,
            provider::GONE_BLOCKS,
            state::{Sight, lasts},
        },
        storage::StorageError,
    },
    env::ChainError,
    types::PeerId,
};
use alloy::{primitives::U256, sol_types::SolCall};
use futures::FutureExt;
use holdfast_contracts::abi::Channels;
use std::rc::Rc;

/// Looks at a channel in the time that its payer must wait before it can close it.
const LOOKS: u64 = 8;
/// Most blocks between two looks.
const MOST_PAUSE: u64 = 100;

impl Market {
    /// Reads what was written down of channels.
    pub async fn restore_channels(&self) -> Result<(), StorageError> {
        let place = self.place();
        let tabs = self.notes.tabs().await?;
        tabs.into_iter()
            .filter(|tab| tab.place == place)
            .for_each(|tab| self.desk.till.borrow_mut().restore(tab));
        let own = self.notes.own_channels().await?;
        let ours = own.into_iter().filter(|own| own.place == place);
        self.desk.own.replace(ours.map(|own| (own.provider, own)).collect());
        Ok(())
    }

    /// Does what is due about channels, on both sides.
    pub async fn channels(self: &Rc<Self>, sight: &Sight) -> Result<(), ChainError> {
        self.redeem(sight).await?;
        self.leave(sight).await
    }

    /// How many blocks may pass between two looks at a channel, so that none ends unseen.
    async fn pace(&self, window: u64) -> Result<u64, ChainError> {
        if let Some((asked, blocks)) = self.desk.pace.get()
            && asked == window
        {
            return Ok(blocks);
        }
        let delay: u64 = self.view.parameter("ChannelBlocks").await?.saturating_to();
        let blocks = (delay / LOOKS).clamp(1, MOST_PAUSE);
        self.desk.pace.set(Some((window, blocks)));
        Ok(blocks)
    }

    async fn redeem(self: &Rc<Self>, sight: &Sight) -> Result<(), ChainError> {
        if self.desk.till.borrow().tabs().next().is_none() {
            return Ok(());
        }
        let (next, pace) = (sight.next, self.pace(sight.window()).await?);
        let due: Vec<Tab> = {
            let till = self.desk.till.borrow();
            let due = till.tabs().filter(|kept| {
                let ending = till.sight(kept.tab.voucher.channel).is_some_and(|it| it.facts.closes_at != 0);
                ending || kept.is_urgent() || kept.looked.is_none_or(|looked| next >= looked + pace)
            });
            due.map(|kept| kept.tab).collect()
        };
        let least = self.settings.least_claim.0.max(U256::from(1)).saturating_to();
        for tab in due {
            let facts = self.look_at(tab.voucher.channel).await?;
            let duty = tab_duty(&tab, &facts, least);
            let certain = match self.desk.till.borrow_mut().tab_mut(tab.voucher.channel) {
                Some(kept) => kept.found(duty, next),
                None => continue,
            };
            match duty {
                Some(TabDuty::Forget) if certain => self.forget_tab(&tab).await,
                Some(TabDuty::Close) if certain => {
                    let call = Channels::closeByProviderCall { channel: U256::from(tab.voucher.channel) };
                    self.start_for("close channel", &tab, 0, self.deed(self.view.at.channels, &call));
                }
                Some(TabDuty::Redeem) => {
                    let turn = sight.window() / u64::from(self.settings.settle_windows);
                    self.start_for("redeem", &tab, turn.into(), self.redemption(&tab, 0));
                }
                Some(TabDuty::RedeemLast) => {
                    let owed = U256::from(tab.voucher.total.saturating_sub(facts.redeemed));
                    let deed = self.redemption(&tab, worth(&self.settings, owed));
                    self.start_for("redeem last", &tab, tab.voucher.total, deed);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn redemption(&self, tab: &Tab, worth: u128) -> Deed {
        let voucher = tab.voucher;
        let call = Channels::redeemCall {
            channel: U256::from(voucher.channel),
            total: U256::from(voucher.total),
            signature: voucher.signature.to_bytes().to_vec().into(),
        };
        Deed { worth, ..self.deed(self.view.at.channels, &call) }
    }

    fn start_for(self: &Rc<Self>, kind: &str, tab: &Tab, once: u128, deed: Deed) {
        let name = self.name(kind, &[&tab.voucher.channel.to_be_bytes(), &once.to_be_bytes()]);
        self.orders.start(name, deed);
    }

    async fn forget_tab(&self, tab: &Tab) {
        let (channel, _turn) = (tab.voucher.channel, self.desk.taking.lock().await);
        match self.notes.drop_tab(channel).await {
            Ok(()) => self.desk.till.borrow_mut().forget(channel),
            Err(why) => tracing::warn!(channel, %why, "the voucher of a closed channel is kept"),
        }
    }

    /// Closes this node's channels that are to be closed: their providers may do it at once, and this node after a while.
    async fn leave(self: &Rc<Self>, sight: &Sight) -> Result<(), ChainError> {
        let own: Vec<OwnChannel> =
            self.desk.own.borrow().values().filter(|own| own.is_leaving()).copied().collect();
        for own in own {
            let Some(channel) = own.channel else { continue };
            let facts = self.facts(channel).await?;
            let known = self.desk.leaving.borrow().get(&own.provider).copied();
            let mut leaving = known.unwrap_or(Leaving { until: sight.next + CLOSING_BLOCKS, gone: None });
            if known.is_none() && !facts.is_gone() && facts.closes_at == 0 {
                self.ask_to_close(own.provider, channel);
            }
            let duty = leaving.duty(&facts, sight.next);
            let over = duty == Some(LeaveDuty::Forget) && lasts(&mut leaving.gone, sight.next, GONE_BLOCKS);
            if duty != Some(LeaveDuty::Forget) {
                leaving.gone = None;
            }
            self.desk.leaving.borrow_mut().insert(own.provider, leaving);
            let id = U256::from(channel);
            let (kind, deed) = match duty {
                Some(LeaveDuty::Announce) => {
                    ("announce close", self.call(&Channels::announceCloseCall { channel: id }))
                }
                Some(LeaveDuty::Close) => {
                    ("close own channel", self.call(&Channels::closeCall { channel: id }))
                }
                Some(LeaveDuty::Forget) if over => {
                    self.left(own).await;
                    continue;
                }
                _ => continue,
            };
            self.orders.start(self.name(kind, &[&channel.to_be_bytes()]), deed);
        }
        Ok(())
    }

    fn call(&self, call: &impl SolCall) -> Deed {
        self.deed(self.view.at.channels, call)
    }

    /// Asks a provider in the background to redeem and close at once; if it would not, the payer announces it at its next look.
    fn ask_to_close(self: &Rc<Self>, provider: PeerId, channel: u64) {
        let market = self.clone();
        let task = async move {
            let Err(why) = market.peers.close_channel(provider, channel).await else { return };
            tracing::info!(channel, %why, "its provider does not close the channel; its payer announces it");
            if let Some(leaving) = market.desk.leaving.borrow_mut().get_mut(&provider) {
                leaving.until = 0;
            }
        };
        self.common.spawn.local(task.boxed_local());
    }

    async fn left(&self, own: OwnChannel) {
        let _turn = self.desk.signing.lock().await;
        match self.keep_channel(OwnChannel { over: true, ..own }).await {
            Ok(own) => drop(self.desk.leaving.borrow_mut().remove(&own.provider)),
            Err(why) => tracing::warn!(provider = %own.provider, %why, "a closed channel is looked at again"),
        }
    }
}
