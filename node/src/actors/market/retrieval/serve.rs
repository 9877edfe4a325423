//! A provider asks for pay and takes vouchers.

use super::{
    notes::Tab,
    state::{Facts, Judge, Objection},
};
use crate::{
    actors::{market::actor::Market, storage::StorageError},
    env::ChainError,
    limits,
    types::{Answer, Ask, Bill, PeerId, Refusal, Response, Voucher},
};
use alloy::primitives::{Address, U256};
use futures::FutureExt;
use holdfast_contracts::abi::Channels;
use std::rc::Rc;

impl Market {
    /// The contract of the channels, and its chain.
    pub(super) fn place(&self) -> (u64, Address) {
        (self.view.chain_id, self.view.at.channels)
    }

    /// Answers a reader.
    pub async fn serve_reader(&self, from: PeerId, ask: Ask) -> Result<Response, Refusal> {
        let free = self.desk.till.borrow().price().0 == 0;
        match ask {
            Ask::ShowBill => Ok(Answer::Bill((!free).then(|| self.bill(from))).into()),
            Ask::Pay { .. } if free => Err(Refusal::Invalid("reading is free here".into())),
            Ask::Pay { voucher } => self.take(from, voucher).await,
            Ask::CloseChannel { channel } => self.close_for(from, channel).await,
            _ => Err(Refusal::Invalid("the till takes vouchers alone".into())),
        }
    }

    fn bill(&self, peer: PeerId) -> Bill {
        let mut till = self.desk.till.borrow_mut();
        let (last, credit) = till.account(peer);
        let (chain, contract) = self.place();
        Bill { chain, contract, price: till.price(), last, credit }
    }

    /// Takes the price of a read off what a reader paid.
    pub fn charge(self: &Rc<Self>, peer: PeerId, bytes: u64) -> Result<(), Refusal> {
        let (paid, note) = self.desk.till.borrow_mut().charge(peer, bytes);
        if let Some(channel) = note {
            let market = self.clone();
            let write = async move {
                if let Err(why) = market.note_spent(channel).await {
                    tracing::warn!(channel, %why, "how much of a voucher is read was not written down");
                }
            };
            self.common.spawn.local(write.boxed_local());
        }
        if paid { Ok(()) } else { Err(Refusal::PaymentNeeded(Box::new(self.bill(peer)))) }
    }

    async fn note_spent(&self, channel: u64) -> Result<(), StorageError> {
        let _turn = self.desk.taking.lock().await;
        let tab = self.desk.till.borrow().tab(channel).map(|kept| kept.tab);
        match tab {
            Some(tab) => self.notes.keep_tab(&tab).await,
            None => Ok(()),
        }
    }

    /// Judges a voucher; it counts once it is written down.
    async fn take(&self, from: PeerId, voucher: Voucher) -> Result<Response, Refusal> {
        let channel = voucher.channel;
        if self.desk.till.borrow().tab(channel).is_none() {
            self.meet(channel).await?;
        }
        let _turn = self.desk.taking.lock().await;
        self.refresh(channel).await?;
        let tab = self.judge_voucher(from, voucher)?;
        self.notes.keep_tab(&tab).await.map_err(|why| Refusal::Storage(why.to_string()))?;
        self.desk.till.borrow_mut().keep(tab);
        self.wake.notify_one();
        Ok(Answer::Paid.into())
    }

    fn judge_voucher(&self, from: PeerId, voucher: Voucher) -> Result<Tab, Refusal> {
        let till = self.desk.till.borrow();
        let kept = till.tab(voucher.channel);
        if kept.is_none() && till.is_full() {
            return Err(Refusal::Busy);
        }
        let judge = Judge {
            me: self.view.provider,
            place: self.place(),
            price: till.price(),
            sight: till.sight(voucher.channel).ok_or(Refusal::Busy)?,
            known: kept.map(|kept| &kept.tab),
            base: kept.map_or(0, |kept| kept.base),
        };
        judge.take(from, voucher).map_err(|objection| match objection {
            Objection::Refused(why) => Refusal::Invalid(why),
            Objection::Young => Refusal::Busy,
            Objection::Outdated => {
                let (chain, contract) = self.place();
                let mine = kept.filter(|kept| kept.tab.peer == from).map(|kept| kept.tab);
                let credit = mine.map_or(0, |tab| tab.voucher.total.saturating_sub(tab.spent));
                let last = kept.map(|kept| kept.tab.voucher);
                Refusal::PaymentNeeded(Box::new(Bill { chain, contract, price: till.price(), last, credit }))
            }
        })
    }

    /// Looks at a channel that was never paid on. Whoever names many makes this provider busy for new readers, and ask the
    /// chain no more often than before.
    async fn meet(&self, channel: u64) -> Result<(), Refusal> {
        if self.is_fresh(channel) {
            return Ok(());
        }
        let now = self.common.clock.now();
        let _turn = self.desk.looking.try_lock().ok_or(Refusal::Busy)?;
        if now < self.desk.look_after.get() {
            return Err(Refusal::Busy);
        }
        self.desk.look_after.set(now + limits::CHANNEL_LOOK_PAUSE);
        self.refresh(channel).await
    }

    fn is_fresh(&self, channel: u64) -> bool {
        let (now, till) = (self.common.clock.now(), self.desk.till.borrow());
        till.sight(channel).is_some_and(|sight| now.since(sight.at) < limits::CHANNEL_FRESH)
    }

    async fn refresh(&self, channel: u64) -> Result<(), Refusal> {
        if self.is_fresh(channel) {
            return Ok(());
        }
        self.look_at(channel).await.map(drop).map_err(|why| {
            tracing::debug!(channel, %why, "a voucher waits for the chain");
            Refusal::Busy
        })
    }

    /// Looks at a channel that pays this node; returns what it saw.
    pub(super) async fn look_at(&self, channel: u64) -> Result<Facts, ChainError> {
        let height = self.view.head().await?.number;
        let facts = self.facts(channel).await?;
        self.desk.till.borrow_mut().see(channel, facts, height, self.common.clock.now());
        Ok(facts)
    }

    /// A channel as the chain has it.
    pub(super) async fn facts(&self, channel: u64) -> Result<Facts, ChainError> {
        let ask = Channels::channelOfCall { channel: U256::from(channel) };
        let it = self.view.call(self.view.at.channels, &ask).await?;
        Ok(Facts {
            payer: it.payer,
            provider: it.provider,
            deposit: it.deposit,
            redeemed: it.redeemed,
            closes_at: it.closesAt,
        })
    }

    /// Notes that a reader wants its channel closed. Two transactions are paid for that, so the channel must have been worth it.
    async fn close_for(&self, from: PeerId, channel: u64) -> Result<Response, Refusal> {
        let _turn = self.desk.taking.lock().await;
        let tab = self.desk.till.borrow().tab(channel).map(|kept| kept.tab);
        let tab = tab.filter(|tab| tab.peer == from).ok_or(Refusal::NotFound)?;
        if U256::from(tab.voucher.total) < self.settings.least_claim.0 {
            let least = self.settings.least_claim;
            return Err(Refusal::Invalid(format!(
                "channels that paid less than {least} HOLD are not closed here"
            )));
        }
        let tab = Tab { close: true, ..tab };
        self.notes.keep_tab(&tab).await.map_err(|why| Refusal::Storage(why.to_string()))?;
        self.desk.till.borrow_mut().keep(tab);
        self.seen.set(None);
        self.wake.notify_one();
        Ok(Answer::ChannelCloses.into())
    }
}
