//! An owner opens an agreement about one of its placements, offers the slots to whoever holds them, and takes back what
//! nobody earned.

use super::{
    actor::Market,
    messages::{Agree, Agreed, MarketError, OpenSlot, Quote, Wish},
    notes::OwnAgreement,
    orders::{Deed, Name, Undone},
    provider::GONE_BLOCKS,
    state::{Sight, lasts},
    view::ACTIVE,
};
use crate::{
    actors::{
        ask,
        client::Progress,
        fetch::Located,
        incentive::{ReceiptQuery, TransactionError},
        locate::locate,
        peers::PeerError,
        storage::StorageError,
    },
    env::ChainError,
    limits,
    types::{Approval, CellRoot, PeerId, PlacementId, Refusal, SlotOffer, SlotRoots, account},
};
use alloy::{
    primitives::{B256, Log, U256},
    sol_types::{SolError, SolEvent, SolValue},
};
use futures::{StreamExt, channel::mpsc::UnboundedSender, stream};
use holdfast_contracts::{
    Amount,
    abi::{HoldToken, Market as Contract, Terms},
    messages::{Message, SlotApproval},
};
use std::rc::Rc;

/// Times that a contract is approved before a deed is given up: another deed may use the approval up meanwhile.
const APPROVALS: u32 = 3;
/// The token's error if the contract may not take so much yet.
const UNAPPROVED: [u8; 4] = HoldToken::ERC20InsufficientAllowance::SELECTOR;

/// A placement as its owner sees it.
struct Survey {
    located: Rc<Located>,
    roots: SlotRoots,
    quote: Quote,
}

impl Market {
    /// What an agreement would cost.
    pub async fn quote(&self, placement: PlacementId, wish: &Wish) -> Result<Quote, MarketError> {
        Ok(self.survey(placement, wish).await?.quote)
    }

    /// Opens an agreement and offers its slots.
    pub async fn agree(
        self: &Rc<Self>,
        Agree { placement, wish, progress }: Agree,
    ) -> Result<Agreed, MarketError> {
        let survey = self.survey(placement, &wish).await?;
        let agreement = {
            let _turn = self.agreeing.lock().await;
            let own = self.begin(placement, &survey.quote).await?;
            self.opened(placement, own, &survey.quote).await?
        };
        let end = u64::from(self.view.agreement(agreement).await?.end);
        let slots = survey.quote.slots;
        let mut outcomes = stream::iter(0..slots)
            .map(|slot| self.hand_out(&survey, agreement, slot))
            .buffer_unordered(usize::from(slots).max(1));
        let (mut filled, mut open) = (0, Vec::new());
        tell(&progress, 0, slots.into());
        while let Some(outcome) = outcomes.next().await {
            match outcome {
                Ok(()) => filled += 1,
                Err(slot) => open.push(slot),
            }
            tell(&progress, filled.into(), slots.into());
        }
        open.sort_by_key(|slot| slot.slot);
        drop(outcomes);
        Ok(Agreed { agreement, quote: survey.quote, end, filled, open })
    }

    /// Looks up the placement, its roots and the chain's parameters.
    async fn survey(&self, placement: PlacementId, wish: &Wish) -> Result<Survey, MarketError> {
        let located = locate(&self.peers, &self.ask.holders, placement, None).await?;
        let located = located.ok_or(MarketError::NotFound(placement))?;
        let record = &located.record;
        if record.owner != self.owner {
            return Err(MarketError::NotOwned(placement));
        }
        let slots = record.code.n();
        let signed = self.peers.read_roots(self.peers.me, placement).await;
        let signed = signed.map_err(|_| MarketError::RootsUnsigned { signed: 0, slots })?;
        let roots = signed.decode_unverified().map_err(|why| MarketError::Refused(why.to_string()))?;
        if roots.signed_slots() < slots || roots.cell_roots.len() != slots {
            return Err(MarketError::RootsUnsigned { signed: roots.signed_slots(), slots });
        }
        let slot_bytes = (0..record.segments()).map(|segment| record.shard_len(segment) as u64).sum();
        let least_collateral = wish.price.0.saturating_mul(self.view.parameter("CollateralWindows").await?);
        let least_response = self.view.parameter("DisputeBlocks").await?;
        let collateral = wish.collateral.unwrap_or(Amount(least_collateral.saturating_mul(U256::from(2))));
        let in_all = U256::from(slots).saturating_mul(U256::from(wish.windows));
        let quote = Quote {
            placement,
            slots: slots as u16,
            threshold: record.code.k() as u16,
            slot_bytes,
            windows: wish.windows,
            window_blocks: self.view.windows().await?.blocks,
            price: wish.price,
            collateral,
            repair_reward: wish.repair_reward.unwrap_or(Amount(share(collateral.0, 3, 10))),
            refund: wish.refund.unwrap_or(Amount(wish.price.0.saturating_mul(U256::from(2)))),
            sla_bps: wish.sla_bps,
            response_blocks: wish.response_blocks.unwrap_or(least_response.saturating_to()),
            total: Amount(wish.price.0.saturating_mul(in_all)),
            balance: Amount(self.view.balance().await?),
        };
        if collateral.0 < least_collateral {
            let least = Amount(least_collateral);
            return Err(MarketError::Terms(format!("{collateral} HOLD of collateral, the least is {least}")));
        }
        Ok(Survey { located, roots, quote })
    }

    /// The note of the agreement: that of one that is under way or runs, or a new one, written before anything is sent.
    async fn begin(&self, placement: PlacementId, quote: &Quote) -> Result<OwnAgreement, MarketError> {
        let terms = terms(quote)?.abi_encode();
        let (chain, market) = (self.view.chain_id, self.view.at.market);
        let known = self.notes.agreement(placement).await?;
        let known = known.filter(|it| (it.chain, it.market) == (chain, market));
        let mut serial = 0;
        if let Some(own) = known {
            let running = match own.agreement {
                None => Some((0, 0)),
                Some(agreement) => {
                    let it = self.view.agreement(agreement).await?;
                    let window = self.view.windows().await?.of(self.view.head().await?.number + 1);
                    let end = u64::from(it.end);
                    (!it.closed && window < end).then_some((agreement, end))
                }
            };
            match running {
                Some(_) if own.terms == terms => return Ok(own),
                Some((0, _)) => {
                    let why =
                        "an agreement about this file with other terms is being opened: ask for the same";
                    return Err(MarketError::Terms(why.into()));
                }
                Some((agreement, end)) => return Err(MarketError::Running { agreement, end }),
                None => serial = own.serial + 1,
            }
        }
        if quote.balance < quote.total {
            return Err(MarketError::Unfunded { has: quote.balance, needed: quote.total });
        }
        let (agreement, extension) = Default::default();
        let own = OwnAgreement { chain, market, serial, terms, agreement, extension, closed: false };
        self.keep_own(placement, &own).await?;
        Ok(own)
    }

    /// The agreement's number, after it was opened if it is not yet.
    async fn opened(
        &self,
        placement: PlacementId,
        own: OwnAgreement,
        quote: &Quote,
    ) -> Result<u64, MarketError> {
        if let Some(agreement) = own.agreement {
            return Ok(agreement);
        }
        let serial = own.serial.to_be_bytes();
        let name = self.name("open", &[placement.as_bytes(), &serial]);
        let open = self.deed(self.view.at.market, &Contract::openCall { terms: terms(quote)? });
        let transaction = self.paid(name, &open, quote.total.0).await?;
        let agreement = self.number(transaction).await?;
        self.keep_own(placement, &OwnAgreement { agreement: Some(agreement), ..own }).await?;
        self.wake.notify_one();
        Ok(agreement)
    }

    /// Notes what became of an agreement.
    pub async fn keep_own(&self, placement: PlacementId, own: &OwnAgreement) -> Result<(), StorageError> {
        self.notes.keep_agreement(placement, own).await?;
        self.agreements.borrow_mut().insert(placement, own.clone());
        Ok(())
    }

    /// Has a deed done that takes HOLD from this account, and its contract approved first if it may not take so much.
    pub async fn paid(&self, name: Name, deed: &Deed, value: U256) -> Result<B256, Undone> {
        let approve = HoldToken::approveCall { spender: deed.to, value };
        let approve = self.deed(self.view.at.token, &approve);
        let mut approvals = 0;
        loop {
            // First, since it may be done already: then nothing is to be approved.
            match self.orders.done(name, deed).await {
                Err(Undone::Unsent(TransactionError::WouldRevert { data, .. }))
                    if data.starts_with(&UNAPPROVED) && approvals < APPROVALS =>
                {
                    self.orders.done(name.part("approve", approvals), &approve).await?;
                    approvals += 1;
                }
                done => return done,
            }
        }
    }

    /// The number of the agreement that a transaction opened.
    async fn number(&self, transaction: B256) -> Result<u64, MarketError> {
        let receipt = ask(&self.ask.receipt, ReceiptQuery(transaction)).await?;
        let logs = receipt.map(|receipt| receipt.logs).unwrap_or_default();
        let opened = logs.into_iter().filter(|log| log.address == self.view.at.market).find_map(|log| {
            let raw = Log::new_unchecked(log.address, log.topics, log.data);
            Contract::AgreementOpened::decode_log(&raw).ok()
        });
        let number = opened.and_then(|event| u64::try_from(event.agreement).ok());
        number.ok_or_else(|| MarketError::Refused(format!("transaction {transaction} opened no agreement")))
    }

    /// Offers a slot to its holder until the chain says that it is taken.
    async fn hand_out(&self, survey: &Survey, agreement: u64, slot: u16) -> Result<(), OpenSlot> {
        let holder = survey.located.holders.borrow().holder(slot);
        let open = |why: String| OpenSlot { slot, provider: holder.map(|it| it.to_string()), why };
        let offer = holder.and_then(|holder| self.approved(survey, agreement, slot, &holder));
        let clock = &self.common.clock;
        let (begun, mut taken, mut why) = (clock.now(), false, "nobody who holds it is found".to_string());
        loop {
            match self.view.slot(agreement, slot).await {
                Ok(at) if at.state != 0 => return Ok(()),
                Ok(_) => {}
                Err(error) => why = error.to_string(),
            }
            let Some((holder, offer)) = holder.zip(offer) else { return Err(open(why)) };
            if !taken {
                match self.peers.offer_slot(holder, offer).await {
                    Ok(()) => (taken, why) = (true, "its provider takes it when its set may change".into()),
                    Err(error) if may_pass(&error) => why = error.to_string(),
                    Err(error) => return Err(open(error.to_string())),
                }
            }
            if clock.now().since(begun) >= limits::FILL_PATIENCE {
                return Err(open(why));
            }
            clock.sleep(limits::CHAIN_POLL).await;
        }
    }

    /// The offer of a slot, with the owner's signature.
    fn approved(&self, survey: &Survey, agreement: u64, slot: u16, holder: &PeerId) -> Option<SlotOffer> {
        let at = usize::from(slot);
        let root = survey.roots.slot_roots.get(at).copied().flatten()?;
        let CellRoot(cell_root) = *survey.roots.cell_roots.get(at)?;
        let approval = SlotApproval {
            agreement: U256::from(agreement),
            index: U256::from(slot),
            provider: account(holder)?,
            root: root.to_bytes().into(),
            cellRoot: cell_root.into(),
        };
        let (chain, market) = (self.view.chain_id, self.view.at.market);
        let signature = self.wallet.sign_digest(approval.digest(chain, market));
        let (placement, approval) = (survey.quote.placement, Some(Approval::from_bytes(&signature)));
        Some(SlotOffer { placement, slot, chain, market, agreement, approval })
    }

    /// Closes agreements that are over, and takes back what nobody earned; true if nothing is left to do in this window.
    pub async fn close_agreements(self: &Rc<Self>, sight: &Sight) -> Result<bool, ChainError> {
        let (mut done, window) = (true, sight.window());
        let open: Vec<(PlacementId, OwnAgreement)> = {
            let agreements = self.agreements.borrow();
            agreements.iter().filter(|(_, own)| !own.closed).map(|(id, own)| (*id, own.clone())).collect()
        };
        let market = self.view.at.market;
        for (placement, own) in open {
            let Some(number) = own.agreement else { continue };
            let it = self.view.agreement(number).await?;
            let agreement = U256::from(number);
            if !it.closed && window < u64::from(it.end) {
                continue;
            }
            done = false;
            // A reorganisation may bring it back: then it is seen as over from then on.
            let mut seen = self.over.borrow_mut().remove(&number);
            if !it.closed {
                if it.active == 0 {
                    let deed = self.deed(market, &Contract::closeCall { agreement });
                    self.orders.start(self.name("close", &[&number.to_be_bytes()]), deed);
                } else if window > u64::from(it.end) && sight.is_late(0) {
                    self.finish_abandoned(number, it.terms.slots).await?;
                }
                continue;
            }
            let credit = Contract::creditsCall { owner: self.view.account };
            let owed = !self.view.call(market, &credit).await?.is_zero();
            if owed {
                let deed = self.deed(market, &Contract::withdrawCall {});
                // Its turn may have come before that of the closing: then it is due again.
                let once = [&number.to_be_bytes()[..], &window.to_be_bytes()];
                self.orders.start(self.name("withdraw", &once), deed);
                continue;
            }
            let certain = lasts(&mut seen, sight.next, GONE_BLOCKS);
            self.over.borrow_mut().extend(seen.map(|seen| (number, seen)));
            if !certain {
                continue;
            }
            let own = OwnAgreement { closed: true, ..own };
            if let Err(why) = self.keep_own(placement, &own).await {
                tracing::warn!(%placement, %why, "a closed agreement is looked at again");
            }
        }
        Ok(done)
    }

    /// Ends slots whose time was over a window ago and whose providers do not: the owner's rest waits for them.
    async fn finish_abandoned(self: &Rc<Self>, agreement: u64, slots: u16) -> Result<(), ChainError> {
        for slot in 0..slots {
            let at = self.view.slot(agreement, slot).await?;
            let (number, index) = (U256::from(agreement), U256::from(slot));
            if at.state == ACTIVE {
                let deed = self.deed(self.view.at.market, &Contract::finishCall { agreement: number, index });
                self.orders.start(self.slot_name("finish", (agreement, slot), at.from.into()), deed);
            }
        }
        Ok(())
    }
}

/// True if a holder may answer otherwise later.
pub(super) fn may_pass(error: &PeerError) -> bool {
    matches!(error, PeerError::Net(_) | PeerError::Refused { refusal: Refusal::Busy, .. })
}

fn share(amount: U256, of: u64, whole: u64) -> U256 {
    amount / U256::from(whole) * U256::from(of)
}

fn terms(quote: &Quote) -> Result<Terms, MarketError> {
    let fit = |what: &str, amount: Amount| {
        u128::try_from(amount.0)
            .map_err(|_| MarketError::Terms(format!("{what} of {amount} HOLD is too much")))
    };
    Ok(Terms {
        slots: quote.slots,
        threshold: quote.threshold,
        slotBytes: quote.slot_bytes,
        windows: quote.windows,
        price: fit("a price", quote.price)?,
        collateral: fit("collateral", quote.collateral)?,
        repairReward: fit("a repair reward", quote.repair_reward)?,
        refund: fit("a refund", quote.refund)?,
        slaBps: quote.sla_bps,
        responseBlocks: quote.response_blocks,
    })
}

pub(super) fn tell(progress: &Option<UnboundedSender<Progress>>, done: u64, total: u64) {
    if let Some(progress) = progress {
        // Nobody may be listening any more; it goes on all the same.
        let _ = progress.unbounded_send(Progress { done, total });
    }
}
