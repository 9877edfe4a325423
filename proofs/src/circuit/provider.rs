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

/// The challenged cells of one slot of those drawn, opened under its root.
#[derive(Debug, Clone)]
pub struct SlotOpenings {
    circuit: ProviderCircuit,
    seed: Fr,
    place: usize,
    root: Fr,
    pub(super) cap: Vec<Fr>,
    pub(super) openings: Vec<Opening>,
}

impl SlotOpenings {
    /// Which of the slots drawn it is.
    #[must_use]
    pub fn place(&self) -> usize {
        self.place
    }

    /// The slot root.
    #[must_use]
    pub fn root(&self) -> Fr {
        self.root
    }
}

impl ProviderWitness {
    /// The public inputs to go with the proof.
    #[must_use]
    pub fn publics(&self) -> [Fr; 4] {
        self.publics
    }
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

    /// Levels of a slot's tree.
    #[must_use]
    pub fn levels(&self) -> usize {
        self.tree.levels
    }

    /// Slots that are drawn.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Challenged cells of each of them.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Opens the challenged cells of the slot at `place` of those drawn, cells `place`·samples and on of the seed's:
    /// `read` returns the slot's bytes of a range. No other slot's tree is needed at the same time.
    ///
    /// # Errors
    /// Those of `read`, and [`TreeError::Damaged`].
    ///
    /// # Panics
    /// If there is no such place, or the tree has not the circuit's levels.
    pub fn open<E: From<TreeError>>(
        &self,
        tree: &SlotTree,
        seed: Fr,
        place: usize,
        mut read: impl FnMut(Range<u64>) -> Result<Vec<u8>, E>,
    ) -> Result<SlotOpenings, E> {
        assert!(place < self.slots, "one place for each slot drawn");
        assert_eq!(tree.levels(), self.tree.levels, "the tree belongs to another circuit");
        let drawn = indices(seed, self.slots * self.samples, self.tree.levels);
        let open = |&index: &u64| -> Result<Opening, E> { Ok(tree.open(index, &read(tree.group(index)?)?)?) };
        let own = &drawn[place * self.samples..][..self.samples];
        let openings = own.iter().map(open).collect::<Result<_, _>>()?;
        Ok(SlotOpenings { circuit: *self, seed, place, root: tree.root(), cap: tree.cap(1), openings })
    }

    /// What the proof needs; `None` unless these are all the slots drawn, opened for one seed and in order.
    #[must_use]
    pub fn witness(&self, slots: Vec<SlotOpenings>) -> Option<ProviderWitness> {
        let seed = slots.first()?.seed;
        let all = slots.len() == self.slots
            && (slots.iter().enumerate())
                .all(|(place, slot)| (slot.circuit, slot.seed, slot.place) == (*self, seed, place));
        let roots: Vec<Fr> = slots.iter().map(SlotOpenings::root).collect();
        all.then(|| ProviderWitness { publics: provider_publics(seed, &roots), slots })
    }

    /// Opens all slots drawn, whose trees are given in the order drawn: `read` returns bytes of a range of the
    /// slot at a place in `trees`.
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
        let open = |(at, tree): (usize, &&SlotTree)| self.open(tree, seed, at, |range| read(at, range));
        let slots = trees.iter().enumerate().map(open).collect::<Result<_, E>>()?;
        Ok(self.witness(slots).expect("one tree for each slot drawn"))
    }
}

impl Circuit for ProviderCircuit {
    type Witness = ProviderWitness;

    fn publics(&self) -> usize {
        4
    }

    fn blank(&self) -> ProviderWitness {
        let openings = vec![self.tree.blank_opening(); self.samples];
        let (seed, root, cap) = (Fr::ZERO, Fr::ZERO, vec![Fr::ZERO; self.tree.nodes()]);
        let slot = SlotOpenings { circuit: *self, seed, place: 0, root, cap, openings };
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
