//! An owner offers a slot: a provider looks for itself, and takes it or says why not.

use super::{actor::Market, notes::Pledge, policy::objection};
use crate::{
    actors::{
        ask,
        peers::PeerError,
        proof::{ProofError, ShowDisputed},
    },
    env::ChainError,
    limits,
    types::{Answer, CellRoot, PeerId, PlacementId, Refusal, Response, SlotOffer, SlotRoot, SlotRoots},
};
use alloy::{
    primitives::{B256, Bytes, U256},
    sol_types::{SolCall, SolError},
};
use holdfast_contracts::abi::{Challenges, Market as Contract};
use std::rc::Rc;

/// Errors of a fill that pass: the set is frozen while a window is open, or windows wait to be judged.
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
        let pledge = Pledge { placement, slot, chain, market, agreement, root, cell_root, approval };
        match self.view.attempt(market, self.fill_call(&pledge)).await {
            Ok(_) => Ok(pledge),
            Err(ChainError::Reverted { data, .. }) if PASSING.iter().any(|error| data.starts_with(error)) => {
                Ok(pledge)
            }
            Err(ChainError::Reverted { data, why }) => {
                let named = holdfast_contracts::reason(&data).unwrap_or(why);
                Err(Refusal::Invalid(format!("the market refuses: {named}")))
            }
            Err(why) => Err(unanswered(why)),
        }
    }

    /// Bytes of the slot that is held whole here.
    async fn slot_bytes(&self, placement: PlacementId, slot: u16) -> Result<u64, Refusal> {
        let held = ask(&self.ask.open_slot, crate::actors::storage::OpenSlot(placement)).await;
        let held = held.map_err(|why| Refusal::Storage(why.to_string()))?.ok_or(Refusal::NotFound)?;
        if held.slot() == slot { Ok(held.length()) } else { Err(Refusal::NotFound) }
    }

    /// The roots that the owner signed for the slot, if they are those of the bytes here: under any other this provider
    /// would lose disputes.
    async fn own_roots(&self, placement: PlacementId, slot: u16) -> Result<(B256, B256), Refusal> {
        let (_, _, SlotRoot(built)) =
            self.peers.claim_root(self.peers.me, placement, slot).await.map_err(refused)?;
        let signed = self.peers.read_roots(self.peers.me, placement).await.map_err(refused)?;
        let roots = signed.decode_unverified().map_err(|why| Refusal::Storage(why.to_string()))?;
        let (root, CellRoot(cell_root)) = both(&roots, slot).ok_or(Refusal::NotFound)?;
        if root != Some(SlotRoot(built)) {
            return Err(Refusal::Invalid("the signed slot root is not that of the slot here".into()));
        }
        let order = ShowDisputed { placement, cells: Vec::new() };
        let shown = ask(&self.ask.show_disputed, order).await.map_err(unproven)?;
        if shown.cell_root != cell_root {
            return Err(Refusal::Invalid("the signed cell root is not that of the slot here".into()));
        }
        Ok((SlotRoot(built).to_bytes().into(), cell_root.into()))
    }

    /// The call that takes a pledged slot.
    pub fn fill_call(&self, pledge: &Pledge) -> Bytes {
        let call = Contract::fillCall {
            agreement: U256::from(pledge.agreement),
            index: U256::from(pledge.slot),
            provider: self.view.provider,
            root: pledge.root,
            cellRoot: pledge.cell_root,
            approval: pledge.approval.to_bytes().to_vec().into(),
        };
        call.abi_encode().into()
    }
}

/// Both signed roots of a slot.
fn both(roots: &SlotRoots, slot: u16) -> Option<(Option<SlotRoot>, CellRoot)> {
    let at = usize::from(slot);
    Some((*roots.slot_roots.get(at)?, *roots.cell_roots.get(at)?))
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
