//! What a provider does about the other slots of its agreements: takes them from providers that missed too many windows, and
//! has those refilled that lost their provider. Whose bytes a slot stands for only the holders of its placement know, so
//! they have it rebuilt and offer it to whoever holds it then.

use super::{
    actor::Market,
    notes::Pledge,
    owner::may_pass,
    state::{NeighbourDuty, Sight, SlotState, turn},
    view::neighbour,
};
use crate::{
    actors::{ask, locate::locate, peers::PeerError, repair::Refill},
    env::ChainError,
    limits,
    types::{PeerId, PlacementId, SlotOffer, account},
};
use alloy::primitives::{Address, U256};
use futures::FutureExt;
use holdfast_contracts::abi::Market as Contract;
use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

/// Slots after its own that a provider looks at, the first after the last: so many providers look at each.
const NEIGHBOURS: u16 = 4;

/// A slot of an agreement.
pub(super) type Place = (u64, u16);

/// What is being done about a slot that lost its provider.
#[derive(Debug, Default)]
pub(super) struct Refilling {
    under_way: bool,
    /// Who was offered it before and has not refilled it.
    passed: BTreeSet<PeerId>,
}

/// A slot that lost its provider.
#[derive(Clone, Copy, Debug)]
struct Freed {
    placement: PlacementId,
    place: Place,
    lost_by: Address,
}

impl Market {
    /// Once a window, when its misses are certain, looks at other slots in the background: no proof waits for it.
    pub fn neighbours(self: &Rc<Self>, sight: &Sight) {
        let (window, sight) = (sight.window(), *sight);
        let turn = turn(self.view.provider, window, sight.windows.open_blocks);
        let due = self.settings.watch && sight.is_late(turn) && self.watched.get() != Some(window);
        if !due || self.watching.replace(true) {
            return;
        }
        let market = self.clone();
        let task = async move {
            match market.look_around(&sight).await {
                Ok(()) => market.watched.set(Some(window)),
                Err(why) => tracing::debug!(%why, "other slots are looked at again with the next block"),
            }
            market.watching.set(false);
        };
        self.common.spawn.local(task.boxed_local());
    }

    async fn look_around(self: &Rc<Self>, sight: &Sight) -> Result<(), ChainError> {
        let (me, mut freed) = (self.view.provider, BTreeMap::new());
        for Pledge { placement, agreement, slot: own, .. } in self.own_slots() {
            let it = self.view.agreement(agreement).await?;
            let slots = it.terms.slots;
            for distance in 1..=NEIGHBOURS.min(slots.saturating_sub(1)) {
                let place = (agreement, (own + distance) % slots);
                let at = self.view.slot(agreement, place.1).await?;
                match neighbour(&at, me, sight.next).duty(sight.window(), it.end.into(), distance) {
                    Some(NeighbourDuty::Evict) => self.evict(place, sight.window()).await?,
                    Some(NeighbourDuty::Refill) => {
                        freed.insert(place, Freed { placement, place, lost_by: at.provider });
                    }
                    None => {}
                }
            }
        }
        self.refills.borrow_mut().retain(|place, it| it.under_way || freed.contains_key(place));
        freed.into_values().for_each(|slot| self.refill(slot));
        Ok(())
    }

    fn own_slots(&self) -> Vec<Pledge> {
        let pledges = self.pledges.borrow();
        let mine = pledges.values().filter(|kept| kept.state() == Some(SlotState::Mine));
        mine.map(|kept| kept.pledge).collect()
    }

    /// Takes a slot from its provider, if the market lets one: it judges what was missed first, and pays the bounties to
    /// whoever made it.
    async fn evict(&self, place: Place, window: u64) -> Result<(), ChainError> {
        let (agreement, index) = (U256::from(place.0), U256::from(place.1));
        let deed = self.deed(self.view.at.market, &Contract::evictCall { agreement, index });
        match self.view.attempt(deed.to, deed.data.clone()).await {
            Ok(_) => {
                tracing::info!(agreement = place.0, slot = place.1, "a slot is taken from its provider");
                self.orders.start(self.slot_name("evict", place, window), deed);
                Ok(())
            }
            Err(ChainError::Reverted { .. }) => Ok(()),
            Err(why) => Err(why),
        }
    }

    /// Finds a slot another provider in the background.
    fn refill(self: &Rc<Self>, freed: Freed) {
        let passed = {
            let mut refills = self.refills.borrow_mut();
            let busy = refills.values().filter(|it| it.under_way).count();
            let it = refills.entry(freed.place).or_default();
            if it.under_way || busy >= limits::REFILLS_AT_A_TIME {
                return;
            }
            it.under_way = true;
            it.passed.clone()
        };
        let market = self.clone();
        let task = async move {
            let passed = market.hand_over(&freed, passed).await;
            if let Some(it) = market.refills.borrow_mut().get_mut(&freed.place) {
                *it = Refilling { under_way: false, passed };
            }
        };
        self.common.spawn.local(task.boxed_local());
    }

    /// Offers the slot to one after the other who holds its bytes, or is given them, until one takes it. Returns whom to pass
    /// over the next time: if nobody else is left then nobody, since who could not take it then may be able now.
    async fn hand_over(&self, freed: &Freed, mut passed: BTreeSet<PeerId>) -> BTreeSet<PeerId> {
        for _ in 0..limits::REFILL_OFFERS {
            let Some(holder) = self.another_holder(freed, &passed).await else { return BTreeSet::new() };
            passed.insert(holder);
            match self.offer_freed(freed, holder).await {
                Ok(()) => return passed,
                Err(why) => tracing::info!(id = %freed.placement, slot = freed.place.1, %why, "not refilled"),
            }
        }
        passed
    }

    async fn another_holder(&self, freed: &Freed, passed: &BTreeSet<PeerId>) -> Option<PeerId> {
        let located = locate(&self.peers, &self.ask.holders, freed.placement, None).await.ok()??;
        let mut without: Vec<PeerId> = passed.iter().copied().collect();
        let lost_it = |peer: &PeerId| account(peer) == Some(freed.lost_by);
        without.extend(located.holders.borrow().records().map(|record| record.provider).filter(lost_it));
        let order = Refill { id: freed.placement, slot: freed.place.1, without, passes: None };
        ask(&self.ask.refill, order).await
    }

    async fn offer_freed(&self, freed: &Freed, holder: PeerId) -> Result<(), PeerError> {
        let (chain, market) = (self.view.chain_id, self.view.at.market);
        let Freed { placement, place: (agreement, slot), .. } = *freed;
        let offer = SlotOffer { placement, slot, chain, market, agreement, approval: None };
        let (clock, begun) = (&self.common.clock, self.common.clock.now());
        loop {
            match self.peers.offer_slot(holder, offer).await {
                Err(why) if may_pass(&why) && clock.now().since(begun) < limits::FILL_PATIENCE => {
                    clock.sleep(limits::CHAIN_POLL).await;
                }
                outcome => return outcome,
            }
        }
    }
}
