//! Challenges: every provider commits to its slots, cheaters drop cells, and window after window each slot is
//! asked for cells that nobody could have foretold.
//!
//! The runner stands where a contract stands: it draws the seeds, keeps the roots, and verifies the proofs. Unlike a
//! contract it challenges each slot by itself, as if it were its provider's only one: it is drawn again and again.

use super::watch::Watch;
use crate::{
    NodeNumber,
    env::{START, rng},
    peers::{self, GROUP},
    plan::AuditPlan,
    result::{AuditResult, Tally},
};
use futures::future::join_all;
use holdfast::{
    actors::proof::{CommitSlot, ProveWindow, SlotCommitment, WindowProof},
    types::PlacementId,
};
use holdfast_proofs::{
    challenge,
    circuit::provider_publics,
    field::{self, Fr},
    groth16::{Proof, Verifier},
    tree,
};
use rand::RngExt;
use std::{cell::RefCell, collections::BTreeSet};

/// A slot that a provider has committed to.
struct Slot {
    node: NodeNumber,
    placement: PlacementId,
    commitment: SlotCommitment,
    /// Which row of the result it counts in.
    kind: usize,
    /// Groups of cells that its provider dropped.
    dropped: BTreeSet<u64>,
    /// The last proof that was accepted.
    last: RefCell<Option<Proof>>,
}

/// How a challenge ended.
enum Answer {
    /// A proof was accepted.
    Proven,
    /// There was no proof, or it was refused.
    Missed,
    /// The provider was not online.
    Absent,
}

/// Carries out the plan's audit, if it has one.
pub(super) async fn audit(watch: &Watch) {
    let Some(plan) = watch.plan.audit.clone() else { return };
    let prover = watch.plan.world.prover.expect("an audit without a prover is no valid plan");
    watch.sleep_until(START + plan.opens(0)).await;
    let keys = watch.cluster.prover_keys().expect("the world has a prover");
    let verifier = keys.verifying_key().prepare();
    let mut slots = commit(watch, &plan).await;
    let cells = tree::cells(prover.levels);
    slots.iter_mut().for_each(|slot| cheat(watch, &plan, cells, slot));
    let mut result = AuditResult::new(&prover, &plan);
    for slot in &slots {
        result.kinds[slot.kind].add_slot(slot.dropped.len() as u64 * GROUP, cells, prover.cells());
    }
    for window in 1..=plan.windows {
        watch.sleep_until(START + plan.opens(window)).await;
        let mut seeds = rng::stream(watch.seed, "challenge", u64::from(window));
        let seeds: Vec<Fr> = slots.iter().map(|_| field::pack(&seeds.random::<[u8; 31]>())).collect();
        let asked =
            slots.iter().zip(seeds).map(|(slot, seed)| challenge(watch, &verifier, prover.slots, slot, seed));
        for (slot, (seed, answer)) in slots.iter().zip(join_all(asked).await) {
            let indices = challenge::indices(seed, prover.cells(), prover.levels);
            let holds = !indices.iter().any(|index| slot.dropped.contains(&(index / GROUP)));
            note(watch, &mut result, slot, window, &answer, holds);
        }
    }
    watch.audit.replace(Some(result));
}

/// Lets every holder of every stored file commit to its slot.
async fn commit(watch: &Watch, plan: &AuditPlan) -> Vec<Slot> {
    let placements: Vec<PlacementId> =
        watch.stored.borrow().iter().flatten().map(|stored| stored.placement).collect();
    let kinds = plan.kinds(watch.plan.nodes, &mut rng::stream(watch.seed, "cheaters", 0));
    let mut slots = Vec::new();
    for placement in placements {
        let holders = watch.observer.borrow().holders(placement);
        for node in holders.into_iter().map(|node| NodeNumber(node as u32)) {
            let Some(handles) = watch.cluster.handles(node) else { continue };
            if let Ok(Ok(commitment)) = handles.commit_slot.send(CommitSlot(placement)).await {
                // Who came after the start is honest.
                let kind = kinds.get(node.0 as usize).copied().unwrap_or_default();
                let (dropped, last) = (BTreeSet::new(), RefCell::new(None));
                slots.push(Slot { node, placement, commitment, kind, dropped, last });
            }
        }
    }
    slots
}

/// Drops cells if the provider is a cheater.
fn cheat(watch: &Watch, plan: &AuditPlan, cells: u64, slot: &mut Slot) {
    let Some(kind) = slot.kind.checked_sub(1) else { return };
    let mut rng = rng::stream(watch.seed, "dropped cells", u64::from(slot.node.0) << 16 | kind as u64);
    let disk = watch.cluster.disk(slot.node).expect("a node that committed exists").beside();
    let share = plan.cheaters[kind].dropped;
    slot.dropped = peers::drop_cells(&disk, slot.placement, slot.commitment.slot, cells, share, &mut rng)
        .expect("a node that committed holds the slot, and its disk obeys its owner");
}

/// Challenges a slot. A provider without a proof sends its last one again, which must not help.
async fn challenge(watch: &Watch, verifier: &Verifier, drawn: usize, slot: &Slot, seed: Fr) -> (Fr, Answer) {
    let Some(handles) = watch.cluster.handles(slot.node) else { return (seed, Answer::Absent) };
    let asked = handles.prove_window.send(ProveWindow { seed, drawn: vec![slot.placement; drawn] }).await;
    let publics = provider_publics(seed, &vec![slot.commitment.root; drawn]);
    let proof = match asked {
        Err(_) => return (seed, Answer::Absent),
        Ok(Ok(WindowProof { proof, .. })) => Some(proof),
        Ok(Err(_)) => slot.last.borrow().clone(),
    };
    let accepted = proof.filter(|proof| verifier.verify(&publics, proof).is_ok());
    let answer = if accepted.is_some() { Answer::Proven } else { Answer::Missed };
    if accepted.is_some() {
        slot.last.replace(accepted);
    }
    (seed, answer)
}

fn note(watch: &Watch, result: &mut AuditResult, slot: &Slot, window: u32, answer: &Answer, holds: bool) {
    let who = format!("{} in window {window} for {:?}", slot.node, slot.placement);
    let tally: &mut Tally = &mut result.kinds[slot.kind];
    match (answer, holds) {
        (Answer::Absent, _) => tally.absent += 1,
        (Answer::Proven, true) => tally.proven += 1,
        (Answer::Missed, false) => tally.missed += 1,
        (Answer::Proven, false) => {
            tally.proven += 1;
            result.wrongly_accepted.push(format!("{who}: a proof was accepted without a challenged cell"));
        }
        (Answer::Missed, true) => {
            tally.missed += 1;
            result.wrongly_refused.push(format!("{who}: no proof though every challenged cell is held"));
        }
    }
    watch.note(
        "challenge",
        &format!("{who}: {}", if matches!(answer, Answer::Proven) { "proven" } else { "missed" }),
    );
}
