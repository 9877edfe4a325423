//! An owner has an agreement last longer. It pays for the added windows at once; each provider decides for itself whether it
//! renews its slot, and one that does not leaves at its slot's end, which frees the slot for another.

use super::{
    actor::Market,
    messages::{Extend, Extended, ExtensionQuote, MarketError, OpenSlot},
    notes::{Extension, OwnAgreement},
    orders::Undone,
    owner::tell,
    view::ACTIVE,
};
use crate::{actors::client::Progress, env::ChainError, limits, types::PlacementId};
use alloy::primitives::U256;
use futures::{StreamExt, TryStreamExt, channel::mpsc::UnboundedSender, stream};
use holdfast_contracts::{
    Amount,
    abi::{IMarket, Market as Contract},
};

/// How far the slots of an agreement run.
struct Ends {
    renewed: u16,
    open: Vec<OpenSlot>,
    /// Slots whose providers may still renew them.
    undecided: usize,
}

impl Market {
    /// What it costs to have so many windows from the next on paid.
    pub async fn quote_extension(
        &self,
        placement: PlacementId,
        windows: u32,
    ) -> Result<ExtensionQuote, MarketError> {
        let (_, agreement) = self.own_agreement(placement).await?;
        let it = self.view.agreement(agreement).await?;
        if it.owner != self.view.account {
            let why = format!("agreement {agreement} about this file is account {}'s", it.owner);
            return Err(MarketError::Terms(why));
        }
        let window = self.view.windows().await?.of(self.view.head().await?.number + 1);
        let end = u64::from(it.end);
        if end <= window + 1 {
            return Err(MarketError::Over { agreement, last: end.saturating_sub(1) });
        }
        let most = self.view.parameter("LongestWindows").await?.saturating_to::<u64>();
        // The market counts from the present window on, and the next may have begun when it is asked.
        if u64::from(windows) >= most {
            let why = format!("{windows} windows from the next on, the chain takes {} at most", most - 1);
            return Err(MarketError::Terms(why));
        }
        let new_end = end.max(window + 1 + u64::from(windows));
        let (price, added) = (U256::from(it.terms.price), U256::from(new_end - end));
        let total = price.saturating_mul(U256::from(it.terms.slots)).saturating_mul(added);
        Ok(ExtensionQuote {
            agreement,
            slots: it.terms.slots,
            end,
            new_end,
            price: Amount(price),
            total: Amount(total),
            balance: Amount(self.view.balance().await?),
        })
    }

    /// Extends an agreement, and tells how far its slots run.
    pub async fn extend(&self, order: Extend) -> Result<Extended, MarketError> {
        let Extend { placement, windows, progress } = order;
        let quote = {
            let _turn = self.agreeing.lock().await;
            // What was begun comes first: else it might be paid for twice.
            self.finish_extension(placement).await?;
            let quote = self.quote_extension(placement, windows).await?;
            if quote.new_end > quote.end {
                self.begin_extension(placement, &quote).await?;
                self.finish_extension(placement).await?;
            }
            quote
        };
        let Ends { renewed, open, .. } = self.renewed(&quote, &progress).await?;
        Ok(Extended { quote, renewed, open })
    }

    /// The agreement about a placement that is not over, and its number; of the notes, since a node that has just started may
    /// not have read them all.
    pub async fn own_agreement(&self, placement: PlacementId) -> Result<(OwnAgreement, u64), MarketError> {
        let own = self.notes.agreement(placement).await?;
        let here = |own: &OwnAgreement| (own.chain, own.market) == (self.view.chain_id, self.view.at.market);
        let own = own.filter(|own| here(own) && !own.closed);
        let numbered = own.and_then(|own| own.agreement.map(|agreement| (own, agreement)));
        numbered.ok_or_else(|| MarketError::Terms("there is no agreement about this file".into()))
    }

    /// Notes an extension before it is sent.
    async fn begin_extension(
        &self,
        placement: PlacementId,
        quote: &ExtensionQuote,
    ) -> Result<(), MarketError> {
        if quote.balance < quote.total {
            return Err(MarketError::Unfunded { has: quote.balance, needed: quote.total });
        }
        let (own, _) = self.own_agreement(placement).await?;
        let extension = Some(Extension { from: quote.end, to: quote.new_end });
        Ok(self.keep_own(placement, &OwnAgreement { extension, ..own }).await?)
    }

    /// Sees the noted extension through to its end, if there is one.
    async fn finish_extension(&self, placement: PlacementId) -> Result<(), MarketError> {
        let (own, agreement) = self.own_agreement(placement).await?;
        let Some(Extension { from, to }) = own.extension else { return Ok(()) };
        let terms = self.view.agreement(agreement).await?.terms;
        let windows = to.saturating_sub(from);
        let value = U256::from(terms.price) * U256::from(terms.slots) * U256::from(windows);
        let call = Contract::extendCall { agreement: U256::from(agreement), windows: windows as u32 };
        let parts = [agreement, from, to].map(u64::to_be_bytes);
        let name = self.name("extend", &[&parts[0], &parts[1], &parts[2]]);
        let paid = self.paid(name, &self.deed(self.view.at.market, &call), value).await;
        if paid.as_ref().err().is_none_or(Undone::is_settled) {
            self.keep_own(placement, &OwnAgreement { extension: None, ..own }).await?;
        }
        Ok(paid.map(drop)?)
    }

    /// Waits until the providers of all slots have renewed them, but no longer than for slots to be taken.
    async fn renewed(
        &self,
        quote: &ExtensionQuote,
        progress: &Option<UnboundedSender<Progress>>,
    ) -> Result<Ends, ChainError> {
        let clock = &self.common.clock;
        let begun = clock.now();
        loop {
            let ends = self.ends(quote).await?;
            tell(progress, ends.renewed.into(), quote.slots.into());
            if ends.undecided == 0 || clock.now().since(begun) >= limits::FILL_PATIENCE {
                return Ok(ends);
            }
            clock.sleep(limits::CHAIN_POLL).await;
        }
    }

    async fn ends(&self, quote: &ExtensionQuote) -> Result<Ends, ChainError> {
        let slots = stream::iter(0..quote.slots)
            .map(async |slot| Ok((slot, self.view.slot(quote.agreement, slot).await?)))
            .buffered(limits::SLOTS_AT_A_TIME);
        let slots: Vec<(u16, IMarket::Slot)> = slots.try_collect().await?;
        let runs = |at: &IMarket::Slot| at.state == ACTIVE && u64::from(at.end) >= quote.new_end;
        let open: Vec<_> = slots.iter().filter(|(_, at)| !runs(at)).collect();
        Ok(Ends {
            renewed: (slots.len() - open.len()) as u16,
            undecided: open.iter().filter(|(_, at)| at.state == ACTIVE).count(),
            open: open.into_iter().map(|(slot, at)| open_slot(*slot, at)).collect(),
        })
    }
}

fn open_slot(slot: u16, at: &IMarket::Slot) -> OpenSlot {
    if at.state != ACTIVE {
        return OpenSlot { slot, provider: None, why: "nobody has it".into() };
    }
    let why = format!("paid until window {}, not renewed yet", at.end);
    OpenSlot { slot, provider: Some(at.provider.to_string()), why }
}
