//! Proofs of the slots that are drawn for a window.

use super::{
    actor::{Shell, reading},
    messages::{ProofError, ProveWindow, WindowProof},
};
use crate::{
    env::{Challenged, ProverError},
    types::PlacementId,
};
use holdfast_proofs::circuit::{SlotOpenings, roots_hash};
use std::collections::BTreeMap;

impl Shell {
    /// Opens the slots drawn, one tree after the other, and proves them all at once.
    pub(super) async fn prove_window(&self, window: ProveWindow) -> Result<WindowProof, ProofError> {
        let ProveWindow { seed, drawn } = window;
        let prover = self.prover()?;
        let expected = prover.circuit().slots();
        if drawn.len() != expected {
            return Err(ProverError::Slots { expected }.into());
        }
        let mut opened: Vec<SlotOpenings> = Vec::with_capacity(expected);
        for (id, places) in self.kept_first(&drawn) {
            let slot = self.slot(id).await?;
            let tree = self.tree(id, &slot).await?;
            for place in places {
                let challenged = Challenged { seed, place };
                let opening = prover.open(tree.clone(), challenged, reading(slot.clone())).await;
                opened.push(opening.inspect_err(|why| tracing::warn!(%id, %why, "a drawn slot"))?);
            }
        }
        opened.sort_by_key(SlotOpenings::place);
        let roots: Vec<_> = opened.iter().map(SlotOpenings::root).collect();
        let proof = prover.prove(opened).await?;
        Ok(WindowProof { h: roots_hash(&roots), roots, proof })
    }

    /// Each placement drawn, with its places. Those whose trees are kept come first, before others' trees drive them out.
    fn kept_first(&self, drawn: &[PlacementId]) -> Vec<(PlacementId, Vec<usize>)> {
        let mut places: BTreeMap<PlacementId, Vec<usize>> = BTreeMap::new();
        for (place, id) in drawn.iter().enumerate() {
            places.entry(*id).or_default().push(place);
        }
        let (mut first, later): (Vec<_>, Vec<_>) =
            places.into_iter().partition(|(id, _)| self.trees.borrow().contains(*id));
        first.extend(later);
        first
    }
}
