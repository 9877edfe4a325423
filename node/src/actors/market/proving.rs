//! One window's proof: made once, noted, and sent until the chain has it.

use super::{
    actor::Market,
    notes::{MadeProof, Pledge},
    orders::Deed,
    policy::{miss_cost, worth},
    state::{Opened, Sight, SlotState},
};
use crate::{
    actors::{
        ask,
        proof::{ProofError, ProveWindow, WindowProof},
        storage::StorageError,
    },
    env::ChainError,
    limits,
    types::PlacementId,
};
use alloy::{
    primitives::{B256, U256},
    sol_types::SolCall,
};
use futures::{FutureExt, future::try_join};
use holdfast_contracts::abi::{Challenges, Submission};
use holdfast_proofs::{field::to_be_bytes, groth16::encoding::proof_to_bytes, window::Challenge};
use std::{collections::BTreeMap, rc::Rc};

/// Why there is no proof yet.
#[derive(Debug, thiserror::Error)]
enum Unproven {
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("no proof: {0}")]
    Proof(#[from] ProofError),
    #[error("a slot is drawn that this node knows nothing of: {0}")]
    Unknown(B256),
    #[error("the chain knows slot {0} under another root than it has here")]
    Root(PlacementId),
}

impl Market {
    /// Has a window proven in the background, unless that is under way. Another random number, as after a reorganisation,
    /// is another challenge and so another proof.
    pub fn prove(self: &Rc<Self>, sight: &Sight, opened: Opened) {
        let (sight, window, version) = (*sight, sight.window(), sight.book.version);
        let name = self.name("prove", &[&window.to_be_bytes(), &opened.random, &version.to_be_bytes()]);
        let waits = self.common.clock.now() < self.prove_after.get();
        if waits || self.proving.get() || self.orders.is_under_way(name) {
            return;
        }
        self.proving.set(true);
        let market = self.clone();
        let task = async move {
            let proven = market.proof(window, opened.random, version).await;
            let worth = market.proof_worth(&sight).await;
            match proven.and_then(|call| Ok((call, worth?))) {
                Ok((call, worth)) => {
                    let (to, data) = (market.view.at.challenges, call.into());
                    let deed = Deed { to, data, gas: None, worth, last_block: Some(opened.deadline) };
                    market.orders.start(name, deed);
                }
                Err(why) => {
                    tracing::warn!(window, %why, "a window is not proven yet");
                    market.orders.tell(why.to_string());
                    market.prove_after.set(market.common.clock.now() + limits::PROOF_RETRY);
                    // Whatever the next head is, this is still due.
                    market.seen.set(None);
                }
            }
            market.proving.set(false);
        };
        self.common.spawn.local(task.boxed_local());
    }

    /// What it is worth to prove a window in time, in wei.
    async fn proof_worth(&self, sight: &Sight) -> Result<u128, ChainError> {
        if self.settings.hold_price.0.is_zero() {
            return Ok(0);
        }
        let (pay, penalties) = try_join(self.pay(sight.next), self.view.penalties()).await?;
        Ok(worth(&self.settings, miss_cost(&penalties, &sight.book, sight.window(), pay)))
    }

    /// What this provider's slots are paid for a window; those that it has not looked at since it started are asked for.
    async fn pay(&self, next: u64) -> Result<U256, ChainError> {
        let mut pay = self.known_pay();
        let unseen: Vec<Pledge> = {
            let pledges = self.pledges.borrow();
            pledges.values().filter(|kept| kept.slot.is_none()).map(|kept| kept.pledge).collect()
        };
        for pledge in unseen {
            let (slot, _) = self.view.slot_sight(&pledge, next).await?;
            if slot.state == SlotState::Mine {
                pay += U256::from(slot.price);
            }
        }
        Ok(pay)
    }

    /// The call that submits the window's proof: the one that was noted, or a new one, noted before it is returned.
    async fn proof(&self, window: u64, random: [u8; 24], version: u32) -> Result<Vec<u8>, Unproven> {
        if let Some(made) = self.notes.proof().await?
            && (made.window, made.random, made.version) == (window, random, version)
        {
            return Ok(made.call);
        }
        let challenge = Challenge {
            chain_id: self.view.chain_id,
            contract: self.view.at.challenges.into(),
            random,
            window,
            provider: self.view.provider.into(),
            version,
        };
        let (keys, roots) = self.view.set().await?;
        let known: BTreeMap<B256, PlacementId> =
            self.pledges.borrow().values().map(|kept| (kept.pledge.key(), kept.pledge.placement)).collect();
        let places = challenge.draw(keys.len() as u64).into_iter().map(|place| place as usize);
        let named = places.map(|place| {
            let placement = known.get(&keys[place]).copied().ok_or(Unproven::Unknown(keys[place]))?;
            Ok((placement, roots[place]))
        });
        let drawn: Vec<(PlacementId, B256)> = named.collect::<Result<_, Unproven>>()?;
        let placements = drawn.iter().map(|(placement, _)| *placement).collect();
        let order = ProveWindow { seed: challenge.seed(), drawn: placements };
        let WindowProof { roots, h, proof } = ask(&self.ask.prove_window, order).await?;
        for ((placement, asked), proven) in drawn.iter().zip(&roots) {
            if *asked != B256::from(to_be_bytes(proven)) {
                return Err(Unproven::Root(*placement));
            }
        }
        let submission = Submission {
            provider: self.view.provider,
            h: U256::from_be_bytes(to_be_bytes(&h)),
            proof: words(&proof_to_bytes(&proof)),
        };
        let call = Challenges::submitProofCall { window: U256::from(window), submission }.abi_encode();
        self.notes.keep_proof(&MadeProof { window, random, version, call: call.clone() }).await?;
        Ok(call)
    }
}

/// A proof as the contracts take it.
pub(super) fn words(bytes: &[u8; 256]) -> [U256; 8] {
    std::array::from_fn(|at| U256::from_be_slice(&bytes[32 * at..32 * (at + 1)]))
}
