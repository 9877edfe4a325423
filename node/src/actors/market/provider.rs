//! One look at the chain, and what follows from it for a provider.

use super::{
    actor::{Kept, Market},
    neighbours::Place,
    notes::Pledge,
    orders::{Deed, Name},
    policy::worth,
    state::{Sight, SlotDuty, SlotSight, SlotState, WindowDuty, lasts, turn},
};
use crate::{env::ChainError, limits, types::PlacementId};
use alloy::{
    primitives::{Bytes, U256},
    sol_types::SolCall,
};
use holdfast_contracts::abi::{Challenges, Market as Contract, Stake};
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
                let deed = Deed { gas: Some(OPEN_GAS), worth, ..self.deed(self.view.at.challenges, &call) };
                self.orders.start(self.name("open window", &[&window.to_be_bytes()]), deed);
            }
            Some(WindowDuty::Prove(opened)) => self.prove(sight, opened),
            None => {}
        }
    }

    /// What the slots that are this provider's are paid for a window, as far as it has looked at them.
    pub fn known_pay(&self) -> U256 {
        let pledges = self.pledges.borrow();
        let mine = pledges.values().filter(|kept| kept.state == Some(SlotState::Mine));
        mine.filter_map(|kept| kept.price).map(U256::from).sum()
    }

    /// A call whose gas is estimated before it is sent, and which can wait.
    pub fn deed(&self, to: alloy::primitives::Address, call: &impl SolCall) -> Deed {
        Deed { to, data: call.abi_encode().into(), gas: None, worth: 0 }
    }

    /// Looks at slots that something may be due for: what is not taken yet, what is owed, and once a window all.
    async fn slots(self: &Rc<Self>, sight: &Sight) -> Result<(), ChainError> {
        let due = |kept: &Kept| {
            let new_window = kept.looked.is_none_or(|window| window < sight.window()) && sight.is_free();
            kept.owing || new_window || kept.gone.is_some() || kept.state != Some(SlotState::Mine)
        };
        let due: Vec<PlacementId> =
            self.pledges.borrow().iter().filter(|(_, kept)| due(kept)).map(|(id, _)| *id).collect();
        for id in due {
            let Some(pledge) = self.pledges.borrow().get(&id).map(|kept| kept.pledge) else { continue };
            let slot = self.view.slot_sight(&pledge, sight.next).await?;
            let whole = self.is_whole(id).await;
            let every = u64::from(self.settings.settle_windows);
            let duty = {
                let mut pledges = self.pledges.borrow_mut();
                let Some(kept) = pledges.get_mut(&id) else { continue };
                let absent = seen(kept, &slot, sight.window(), whole);
                let duty = slot.duty(sight, absent, every);
                kept.owing = duty.is_some_and(|duty| duty != SlotDuty::Forget);
                if duty != Some(SlotDuty::Forget) {
                    kept.gone = None;
                }
                duty
            };
            match duty {
                Some(SlotDuty::Forget) => self.forget(id, sight).await,
                Some(SlotDuty::Reserve) if self.view.free_stake().await? < self.promised() => {}
                Some(duty) => self.slot(&pledge, duty, slot.from, sight.window()),
                None => {}
            }
        }
        Ok(())
    }

    /// Does what is due for a slot, once for a provider's time with it, which begins `from` a window, or once a window.
    fn slot(self: &Rc<Self>, pledge: &Pledge, duty: SlotDuty, from: u64, window: u64) {
        let (agreement, index) = (U256::from(pledge.agreement), U256::from(pledge.slot));
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
        self.orders.start(name, Deed { to: self.view.at.market, data, gas: None, worth: 0 });
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

/// Takes note of what was seen of a slot; returns in how many windows in a row it was not whole here.
pub(super) fn seen(kept: &mut Kept, slot: &SlotSight, window: u64, whole: bool) -> u32 {
    kept.absent = match whole {
        true => 0,
        false if kept.looked == Some(window) => kept.absent.max(1),
        false => kept.absent + 1,
    };
    (kept.looked, kept.state, kept.price) = (Some(window), Some(slot.state), Some(slot.price));
    kept.absent
}
