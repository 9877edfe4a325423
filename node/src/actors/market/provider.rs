//! One look at the chain, and what follows from it for a provider.

use super::{
    actor::{Kept, Market},
    neighbours::Place,
    notes::Pledge,
    orders::{Deed, Name},
    policy::{bond, objection, worth},
    state::{Sight, SlotDuty, SlotSight, SlotState, WindowDuty, lasts, turn},
};
use crate::{env::ChainError, limits, types::PlacementId};
use alloy::{
    primitives::{Bytes, U256},
    sol_types::SolCall,
};
use holdfast_contracts::abi::{Challenges, Market as Contract, Stake, Terms};
use std::rc::Rc;

/// Units of gas to open a window with, some more than it takes. It is not estimated: in a window's first block that
/// would fail.
const OPEN_GAS: u64 = 300_000;
/// A slot is forgotten when it was gone at every look for so many blocks, and an agreement when it was closed and paid out:
/// twice what is final, since what ended it may have come into another block meanwhile.
pub(super) const GONE_BLOCKS: u64 = 2 * limits::CONFIRMATIONS;

impl Market {
    /// Looks at the chain, unless nothing has changed there.
    pub async fn look(self: &Rc<Self>) -> Result<(), ChainError> {
        let head = self.view.head().await?;
        if self.seen.get() == Some(head.hash) {
            return Ok(());
        }
        let sight = self.view.sight(head).await?;
        self.note(&sight);
        self.window(&sight);
        self.slots(&sight).await?;
        self.disputes(head).await?;
        self.channels(&sight).await?;
        self.collect(&sight).await?;
        self.neighbours(&sight);
        self.seen.set(Some(head.hash));
        Ok(())
    }

    fn note(&self, sight: &Sight) {
        let mut status = self.status.borrow_mut();
        (status.window, status.level, status.evicted) =
            (sight.window(), sight.book.level, sight.book.evicted);
        if sight.proven {
            status.proven = Some(sight.window());
        }
    }

    fn window(self: &Rc<Self>, sight: &Sight) {
        let window = sight.window();
        let turn = turn(self.view.provider, window, sight.windows.open_blocks);
        match sight.window_duty(turn) {
            Some(WindowDuty::Open) => {
                let call =
                    Challenges::openWindowCall { window: U256::from(window), evidence: Default::default() };
                // A window that nobody opens is not paid.
                let worth = worth(&self.settings, self.known_pay());
                let last_block = Some(sight.windows.first(window) + sight.windows.open_blocks);
                let deed = self.deed(self.view.at.challenges, &call);
                let deed = Deed { gas: Some(OPEN_GAS), worth, last_block, ..deed };
                self.orders.start(self.name("open window", &[&window.to_be_bytes()]), deed);
            }
            Some(WindowDuty::Prove(opened)) => self.prove(sight, opened),
            None => {}
        }
    }

    /// What the slots that are this provider's are paid for a window, as far as it has looked at them.
    pub fn known_pay(&self) -> U256 {
        let pledges = self.pledges.borrow();
        let slots = pledges.values().filter_map(|kept| kept.slot);
        slots.filter(|slot| slot.state == SlotState::Mine).map(|slot| U256::from(slot.price)).sum()
    }

    /// A call whose gas is estimated before it is sent, and which can wait.
    pub fn deed(&self, to: alloy::primitives::Address, call: &impl SolCall) -> Deed {
        Deed { to, data: call.abi_encode().into(), gas: None, worth: 0, last_block: None }
    }

    /// Looks at slots that something may be due for: what is not taken yet, what is owed, and once a window all.
    async fn slots(self: &Rc<Self>, sight: &Sight) -> Result<(), ChainError> {
        let (window, free) = (sight.window(), sight.is_free());
        let due = |kept: &Kept| {
            // Whoever goes on with a slot says so before its last window is over, and may before its set is free.
            let last = kept.slot.is_some_and(|slot| window + 1 >= slot.end);
            let news = kept.looked < Some((window, free)) && (free || last);
            kept.owing || news || kept.gone.is_some() || kept.state() != Some(SlotState::Mine)
        };
        let due: Vec<PlacementId> =
            self.pledges.borrow().iter().filter(|(_, kept)| due(kept)).map(|(id, _)| *id).collect();
        for id in due {
            let Some(pledge) = self.pledges.borrow().get(&id).map(|kept| kept.pledge) else { continue };
            let (slot, terms) = self.view.slot_sight(&pledge, sight.next).await?;
            let bytes = self.whole_bytes(id).await;
            let goes_on = self.goes_on(&slot, &terms, bytes).await?;
            let every = u64::from(self.settings.settle_windows);
            let duty = {
                let mut pledges = self.pledges.borrow_mut();
                let Some(kept) = pledges.get_mut(&id) else { continue };
                let absent = seen(kept, &slot, (window, free), bytes.is_some());
                let duty = slot.duty(sight, absent, goes_on, every);
                kept.owing = duty.is_some_and(|duty| duty != SlotDuty::Forget);
                if duty != Some(SlotDuty::Forget) {
                    kept.gone = None;
                }
                duty
            };
            match duty {
                Some(SlotDuty::Forget) => self.forget(id, sight).await,
                Some(SlotDuty::Reserve) if self.view.free_stake().await? < self.promised() => {}
                Some(duty) => {
                    let worth = self.worth(duty, &slot, &terms).await?;
                    self.slot(&pledge, duty, &slot, sight, worth);
                }
                None => {}
            }
        }
        Ok(())
    }

    /// True if this provider goes on with a slot whose agreement was extended: it would take so many bytes on these terms, and
    /// its stake covers its collateral.
    async fn goes_on(&self, slot: &SlotSight, terms: &Terms, bytes: Option<u64>) -> Result<bool, ChainError> {
        let Some(bytes) = bytes.filter(|_| slot.is_extended()) else { return Ok(false) };
        if let Some(why) = objection(&self.settings, terms, bytes) {
            tracing::info!(%why, end = slot.end, "an extended slot is not renewed");
            return Ok(false);
        }
        self.view.is_covered().await
    }

    /// What it is worth to do in time what is due for a slot, in wei.
    async fn worth(&self, duty: SlotDuty, slot: &SlotSight, terms: &Terms) -> Result<u128, ChainError> {
        let hold = match duty {
            SlotDuty::Renew => slot.added_pay(),
            SlotDuty::Refill if !self.settings.hold_price.0.is_zero() => {
                bond(terms, self.view.parameter("ReservationBondBps").await?.saturating_to())
            }
            _ => U256::ZERO,
        };
        Ok(worth(&self.settings, hold))
    }

    /// Does what is due for a slot, once for a provider's time with it, for an end of it or for a window.
    fn slot(self: &Rc<Self>, pledge: &Pledge, duty: SlotDuty, slot: &SlotSight, sight: &Sight, worth: u128) {
        let (agreement, index) = (U256::from(pledge.agreement), U256::from(pledge.slot));
        let (from, window) = (slot.from, sight.window());
        let (kind, data, once): (_, Bytes, _) = match duty {
            SlotDuty::Fill => ("fill", self.entry_call(pledge), from),
            SlotDuty::Reserve => ("reserve", self.entry_call(pledge), window),
            SlotDuty::Refill => {
                let call = Contract::refillCall { agreement, index, root: pledge.root };
                ("refill", call.abi_encode().into(), from)
            }
            SlotDuty::Expire => {
                let call = Contract::expireReservationCall { agreement, index };
                ("expire", call.abi_encode().into(), window)
            }
            SlotDuty::Renew => {
                ("renew", Contract::renewCall { agreement, index }.abi_encode().into(), slot.agreed_end)
            }
            SlotDuty::Settle => {
                ("settle", Contract::settleCall { agreement, index }.abi_encode().into(), window)
            }
            SlotDuty::DeclareFault => {
                tracing::warn!(id = %pledge.placement, slot = pledge.slot, "a slot is lost, and declared so");
                ("declare fault", Contract::declareFaultCall { agreement, index }.abi_encode().into(), from)
            }
            SlotDuty::Finish => {
                ("finish", Contract::finishCall { agreement, index }.abi_encode().into(), from)
            }
            SlotDuty::Forget => return,
        };
        let name = self.slot_name(kind, (pledge.agreement, pledge.slot), once);
        let (to, last_block) = (self.view.at.market, slot.last_block(duty, sight));
        self.orders.start(name, Deed { to, data, gas: None, worth, last_block });
    }

    /// The name of something to be done for a slot.
    pub fn slot_name(&self, kind: &str, (agreement, slot): Place, once: u64) -> Name {
        self.name(kind, &[&agreement.to_be_bytes(), &slot.to_be_bytes(), &once.to_be_bytes()])
    }

    /// Forgets a pledge once no reorganisation brings it back.
    async fn forget(&self, id: PlacementId, sight: &Sight) {
        let certain = {
            let mut pledges = self.pledges.borrow_mut();
            let Some(kept) = pledges.get_mut(&id) else { return };
            lasts(&mut kept.gone, sight.next, GONE_BLOCKS)
        };
        if !certain {
            return;
        }
        match self.notes.drop_pledge(id).await {
            Ok(()) => drop(self.pledges.borrow_mut().remove(&id)),
            Err(why) => tracing::warn!(%id, %why, "a slot that stands behind nothing any more is kept"),
        }
    }

    /// Once every few windows takes the commission; sees to agreements that are over.
    async fn collect(self: &Rc<Self>, sight: &Sight) -> Result<(), ChainError> {
        let window = sight.window();
        if self.collected.get() == Some(window) || !sight.is_free() {
            return Ok(());
        }
        let every = u64::from(self.settings.settle_windows);
        if !self.pledges.borrow().is_empty()
            && self.view.fees().await? >= self.settings.least_claim.0.max(U256::from(1))
        {
            let deed = self.deed(self.view.at.stake, &Stake::takeFeesCall { provider: self.view.provider });
            self.orders.start(self.name("take fees", &[&(window / every).to_be_bytes()]), deed);
        }
        if !self.pledges.borrow().is_empty() {
            self.withdraw_from_disputes(&(window / every).to_be_bytes()).await?;
        }
        if self.close_agreements(sight).await? {
            self.collected.set(Some(window));
        }
        Ok(())
    }
}

/// Takes note of what was seen of a slot in a window, which its provider's set was free in or not; returns in how many windows in
/// a row the slot was not whole here.
pub(super) fn seen(kept: &mut Kept, slot: &SlotSight, (window, free): (u64, bool), whole: bool) -> u32 {
    kept.absent = match whole {
        true => 0,
        false if kept.looked.is_some_and(|(looked, _)| looked == window) => kept.absent.max(1),
        false => kept.absent + 1,
    };
    (kept.looked, kept.slot) = (Some((window, free)), Some(*slot));
    kept.absent
}
