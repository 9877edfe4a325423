//! Somebody offers a slot: a provider looks for itself, and takes it or says why not.

use super::{
    actor::{Kept, Market},
    notes::Pledge,
    policy::objection,
    state::SlotState,
};
use crate::{
    actors::{
        ask,
        peers::PeerError,
        proof::{ProofError, ShowDisputed},
    },
    env::ChainError,
    limits,
    types::{Answer, Approval, CellRoot, PeerId, PlacementId, Refusal, Response, SlotOffer, SlotRoot},
};
use alloy::{
    primitives::{B256, Bytes, U256},
    sol_types::{SolCall, SolError},
};
use holdfast_contracts::abi::{Challenges, Market as Contract};
use std::rc::Rc;

/// Errors of a call that takes a slot that pass: the set is frozen while a window is open, or windows wait to be judged.
const PASSING: [[u8; 4]; 2] = [Challenges::SetFrozen::SELECTOR, Challenges::NotJudged::SELECTOR];

impl Market {
    /// Answers an offer.
    pub async fn serve(self: &Rc<Self>, from: PeerId, offer: SlotOffer) -> Result<Response, Refusal> {
        // To look costs some questions to the chain and, for a slot whose trees are not there, minutes.
        let _turn = self.judging.try_lock().ok_or(Refusal::Busy)?;
        let known = self.pledges.borrow().get(&offer.placement).map(|kept| kept.pledge);
        if let Some(known) = known {
            let same = (known.agreement, known.slot) == (offer.agreement, offer.slot);
            let taken = |same: bool| same.then(|| Answer::OfferTaken.into());
            return taken(same).ok_or_else(|| {
                Refusal::Invalid(format!("the slot stands behind agreement {} already", known.agreement))
            });
        }
        if self.pledges.borrow().len() >= limits::MAX_PLEDGES {
            return Err(Refusal::Busy);
        }
        let pledge = self.judge(&offer).await?;
        self.notes.keep_pledge(&pledge).await.map_err(|why| Refusal::Storage(why.to_string()))?;
        tracing::info!(%from, agreement = pledge.agreement, slot = pledge.slot, "a slot is taken");
        self.pledges.borrow_mut().insert(pledge.placement, pledge.into());
        self.seen.set(None);
        self.wake.notify_one();
        Ok(Answer::OfferTaken.into())
    }

    /// Looks at the slot, the terms and the chain.
    async fn judge(&self, offer: &SlotOffer) -> Result<Pledge, Refusal> {
        let SlotOffer { placement, slot, chain, market, agreement, approval } = *offer;
        if (chain, market) != (self.view.chain_id, self.view.at.market) {
            let ours = (self.view.chain_id, self.view.at.market);
            let why = format!(
                "market {market} on chain {chain}; this provider's is {} on chain {}",
                ours.1, ours.0
            );
            return Err(Refusal::Invalid(why));
        }
        let it = self.view.agreement(agreement).await.map_err(unanswered)?;
        let bytes = self.slot_bytes(placement, slot).await?;
        if let Some(why) = objection(&self.settings, &it.terms, bytes) {
            return Err(Refusal::Invalid(why));
        }
        let (root, cell_root) = self.own_roots(placement, slot).await?;
        match approval {
            Some(_) => self.compare_signed(placement, slot, root, cell_root).await?,
            None => self.compare_filled(agreement, slot, cell_root).await?,
        }
        let (root, cell_root) = (root.to_bytes().into(), cell_root.into());
        let collateral = it.terms.collateral;
        let pledge =
            Pledge { placement, slot, chain, market, agreement, root, cell_root, approval, collateral };
        match self.view.attempt(market, self.entry_call(&pledge)).await {
            Ok(_) => {}
            Err(ChainError::Reverted { data, .. }) if PASSING.iter().any(|error| data.starts_with(error)) => {
            }
            Err(ChainError::Reverted { data, why }) => {
                let named = holdfast_contracts::reason(&data).unwrap_or(why);
                return Err(Refusal::Invalid(format!("the market refuses: {named}")));
            }
            Err(why) => return Err(unanswered(why)),
        }
        // What it has yet to take comes first.
        let free = self.view.free_stake().await.map_err(unanswered)?;
        if free < self.promised() + U256::from(collateral) { Err(Refusal::Busy) } else { Ok(pledge) }
    }

    /// 10⁻¹⁸ HOLD that the slots will lock that this provider has yet to take. Who reserves one and then lacks the stake for it
    /// loses the bond.
    pub fn promised(&self) -> U256 {
        let pledges = self.pledges.borrow();
        let locked = |kept: &&Kept| matches!(kept.state(), Some(SlotState::Mine | SlotState::Gone));
        let open = pledges.values().filter(|kept| !locked(kept));
        open.map(|kept| U256::from(kept.pledge.collateral)).sum()
    }

    /// Bytes of the slot that is held whole here.
    async fn slot_bytes(&self, placement: PlacementId, slot: u16) -> Result<u64, Refusal> {
        let held = ask(&self.ask.open_slot, crate::actors::storage::OpenSlot(placement)).await;
        let held = held.map_err(|why| Refusal::Storage(why.to_string()))?.ok_or(Refusal::NotFound)?;
        if held.slot() == slot { Ok(held.length()) } else { Err(Refusal::NotFound) }
    }

    /// Both roots of the slot's bytes as they are here.
    async fn own_roots(&self, placement: PlacementId, slot: u16) -> Result<(SlotRoot, [u8; 32]), Refusal> {
        let (_, _, root) = self.peers.claim_root(self.peers.me, placement, slot).await.map_err(refused)?;
        let order = ShowDisputed { placement, cells: Vec::new() };
        let shown = ask(&self.ask.show_disputed, order).await.map_err(unproven)?;
        Ok((root, shown.cell_root))
    }

    /// Refuses roots that are not those that the owner signed for the slot: under any other this provider would lose disputes.
    async fn compare_signed(
        &self,
        placement: PlacementId,
        slot: u16,
        root: SlotRoot,
        cell_root: [u8; 32],
    ) -> Result<(), Refusal> {
        let signed = self.peers.read_roots(self.peers.me, placement).await.map_err(refused)?;
        let roots = signed.decode_unverified().map_err(|why| Refusal::Storage(why.to_string()))?;
        let at = usize::from(slot);
        let signed = roots.slot_roots.get(at).zip(roots.cell_roots.get(at)).ok_or(Refusal::NotFound)?;
        if *signed.0 != Some(root) {
            return Err(Refusal::Invalid("the signed slot root is not that of the slot here".into()));
        }
        if *signed.1 != CellRoot(cell_root) {
            return Err(Refusal::Invalid("the signed cell root is not that of the slot here".into()));
        }
        Ok(())
    }

    /// Refuses a cell root that is not the one under which the slot was filled at first: disputes are settled against that.
    async fn compare_filled(&self, agreement: u64, slot: u16, cell_root: [u8; 32]) -> Result<(), Refusal> {
        let at = self.view.slot(agreement, slot).await.map_err(unanswered)?;
        if at.cellRoot != B256::from(cell_root) {
            return Err(Refusal::Invalid("the market's cell root is not that of the slot here".into()));
        }
        Ok(())
    }

    /// The first call that a pledged slot is taken with: it fills an empty one and reserves one that lost its provider.
    pub fn entry_call(&self, pledge: &Pledge) -> Bytes {
        let (agreement, index) = (U256::from(pledge.agreement), U256::from(pledge.slot));
        let (provider, root, cell_root) = (self.view.provider, pledge.root, pledge.cell_root);
        let call = match pledge.approval.map(Approval::to_bytes) {
            Some(approval) => {
                let approval = approval.to_vec().into();
                Contract::fillCall { agreement, index, provider, root, cellRoot: cell_root, approval }
                    .abi_encode()
            }
            None => Contract::reserveCall { agreement, index, provider }.abi_encode(),
        };
        call.into()
    }
}

fn unanswered(why: ChainError) -> Refusal {
    tracing::debug!(%why, "an offer waits for the chain");
    Refusal::Busy
}

fn refused(why: PeerError) -> Refusal {
    match why {
        PeerError::Refused { refusal, .. } => refusal,
        other => Refusal::Storage(other.to_string()),
    }
}

fn unproven(why: ProofError) -> Refusal {
    match why {
        ProofError::NotHeld(_) => Refusal::NotFound,
        other => Refusal::Storage(other.to_string()),
    }
}
