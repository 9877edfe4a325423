//! Several slots in one proof: "I know the cells that this seed challenges in each of the slots drawn for it",
//! at one price whatever the provider's capacity.
//!
//! The roots are no public inputs: each would cost the verifier a multiplication. The prover publishes
//! `h = H₁₆(roots)`; the contract, which knows the roots, computes `α = keccak256(seed, h, roots) mod r` and
//! `e = Σ rootᵢ·αⁱ`; the circuit checks h and e against the roots it opens. Had the prover used other roots than the
//! contract, it would have fixed both before α, and two different polynomials of degree below 16 agree at a random
//! point with probability at most 15/r.

use super::samples::{Capped, CircuitError};
use crate::{
    challenge::indices,
    field::{Fr, to_be_bytes},
    poseidon::cell_hash,
    r1cs::{
        Circuit, System,
        gadgets::{compress, polynomial},
    },
    tree::{CircuitHash, Opening, SlotTree, TreeError},
};
use ark_ff::{AdditiveGroup, PrimeField};
use sha3::{Digest, Keccak256};
use std::ops::Range;

/// Slots that fit under one hash of their roots.
pub const MAX_SLOTS: usize = 16;

/// Public inputs: `[seed, h, alpha, e]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderCircuit {
    tree: Capped,
    slots: usize,
    samples: usize,
}

/// What a provider knows of the slots drawn.
#[derive(Debug, Clone)]
pub struct ProviderWitness {
    publics: [Fr; 4],
    slots: Vec<SlotOpenings>,
}

/// One slot's cap and challenged cells.
#[derive(Debug, Clone)]
pub(super) struct SlotOpenings {
    pub cap: Vec<Fr>,
    pub openings: Vec<Opening>,
}

/// `h`, which the provider computes and publishes.
///
/// # Panics
/// If there are more than [`MAX_SLOTS`] roots.
#[must_use]
pub fn roots_hash(roots: &[Fr]) -> Fr {
    let mut lanes = [Fr::ZERO; MAX_SLOTS];
    lanes[..roots.len()].copy_from_slice(roots);
    cell_hash().compress(&lanes)
}

/// The public inputs as the contract computes them: 32 bytes big-endian each under Keccak, in the order seed, h, roots.
///
/// # Panics
/// If there are more than [`MAX_SLOTS`] roots.
#[must_use]
pub fn provider_publics(seed: Fr, roots: &[Fr]) -> [Fr; 4] {
    let h = roots_hash(roots);
    let mut keccak = Keccak256::new();
    for value in [&seed, &h].into_iter().chain(roots) {
        keccak.update(to_be_bytes(value));
    }
    let alpha = Fr::from_be_bytes_mod_order(&keccak.finalize());
    let e = roots.iter().rev().fold(Fr::ZERO, |sum, root| sum * alpha + root);
    [seed, h, alpha, e]
}

impl ProviderCircuit {
    /// `samples` cells in each of `slots` slots of 8^levels cells. Five samples a slot make a cap of one level cheapest.
    ///
    /// # Errors
    /// [`CircuitError`].
    pub fn new(levels: usize, slots: usize, samples: usize) -> Result<Self, CircuitError> {
        if !(1..=MAX_SLOTS).contains(&slots) {
            return Err(CircuitError::Slots(slots));
        }
        Ok(Self { tree: Capped::new(levels, 1, slots * samples)?, slots, samples })
    }

    /// Collects what the proof needs of the slots drawn, in the order drawn: `read` returns bytes of a range of the
    /// slot at a place in `trees`. Slot i is challenged with indices i·samples and on of the seed's.
    ///
    /// # Errors
    /// Those of `read`, and [`TreeError::Damaged`].
    ///
    /// # Panics
    /// If there are not as many trees as slots, or one has not the circuit's levels.
    pub fn gather<E: From<TreeError>>(
        &self,
        trees: &[&SlotTree],
        seed: Fr,
        mut read: impl FnMut(usize, Range<u64>) -> Result<Vec<u8>, E>,
    ) -> Result<ProviderWitness, E> {
        assert_eq!(trees.len(), self.slots, "one tree for each slot drawn");
        let drawn = indices(seed, self.slots * self.samples, self.tree.levels);
        let mut slots = Vec::with_capacity(self.slots);
        for (at, (tree, drawn)) in trees.iter().zip(drawn.chunks(self.samples)).enumerate() {
            assert_eq!(tree.levels(), self.tree.levels, "the tree belongs to another circuit");
            let open = |&index: &u64| -> Result<Opening, E> {
                Ok(tree.open(index, &read(at, tree.group(index)?)?)?)
            };
            let openings = drawn.iter().map(open).collect::<Result<_, _>>()?;
            slots.push(SlotOpenings { cap: tree.cap(1), openings });
        }
        let roots: Vec<Fr> = trees.iter().map(|tree| tree.root()).collect();
        Ok(ProviderWitness { publics: provider_publics(seed, &roots), slots })
    }
}

impl Circuit for ProviderCircuit {
    type Witness = ProviderWitness;

    fn publics(&self) -> usize {
        4
    }

    fn blank(&self) -> ProviderWitness {
        let openings = vec![self.tree.blank_opening(); self.samples];
        let slot = SlotOpenings { cap: vec![Fr::ZERO; self.tree.nodes()], openings };
        ProviderWitness { publics: [Fr::ZERO; 4], slots: vec![slot; self.slots] }
    }

    fn synthesize<S: System>(&self, system: &mut S, witness: &ProviderWitness) {
        assert_eq!(witness.slots.len(), self.slots, "one witness for each slot");
        let [seed, h, alpha, e] = witness.publics.map(|value| system.public(value));
        let drawn = self.tree.indices(system, &seed, witness.publics[0], self.slots * self.samples);
        let mut roots = Vec::with_capacity(MAX_SLOTS);
        for (slot, indices) in witness.slots.iter().zip(drawn.chunks(self.samples)) {
            assert_eq!(slot.openings.len(), self.samples, "one opening for each challenged cell");
            let (cap, root) = self.tree.open_cap::<S, CircuitHash>(system, &slot.cap);
            for (bits, opening) in indices.iter().zip(&slot.openings) {
                self.tree.open_cell(system, &cap, bits, opening);
            }
            roots.push(root);
        }
        let sum = polynomial(system, &roots, &alpha);
        system.equal(&sum, &e);
        roots.resize(MAX_SLOTS, system.constant(Fr::ZERO));
        let lanes: [S::Lin; MAX_SLOTS] = std::array::from_fn(|lane| roots[lane].clone());
        let computed = compress(system, cell_hash(), &lanes);
        system.equal(&computed, &h);
    }
}

#[cfg(test)]
impl ProviderWitness {
    /// For tests that lie.
    pub(super) fn parts(&mut self) -> (&mut [Fr; 4], &mut Vec<SlotOpenings>) {
        (&mut self.publics, &mut self.slots)
    }
}
