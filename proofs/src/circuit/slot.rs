//! One slot: "I know the cells of the slot under this root that this seed challenges."

use super::{
    hash::CircuitTree,
    samples::{Capped, CircuitError},
};
use crate::{
    challenge::indices,
    field::Fr,
    r1cs::{Circuit, System},
    tree::{CircuitHash, Opening, Tree, TreeError},
};
use ark_ff::AdditiveGroup;
use std::{marker::PhantomData, ops::Range};

/// Public inputs: `[slot root, seed]`. H is the hash of the slot's tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotCircuit<H: CircuitTree = CircuitHash> {
    tree: Capped,
    samples: usize,
    hash: PhantomData<H>,
}

/// What a provider knows of one slot.
#[derive(Debug, Clone)]
pub struct SlotWitness<H: CircuitTree = CircuitHash> {
    /// The slot root.
    pub root: Fr,
    /// The seed of the window.
    pub seed: Fr,
    /// The nodes of the cap.
    pub cap: Vec<Fr>,
    /// The challenged cells in the order of the challenge.
    pub openings: Vec<Opening<H>>,
}

impl SlotCircuit {
    /// `samples` cells of a slot of 8^levels cells. The cap lies two levels below the root, or one in a tree of two.
    ///
    /// # Errors
    /// [`CircuitError`].
    pub fn new(levels: usize, samples: usize) -> Result<Self, CircuitError> {
        Self::over(levels, samples)
    }
}

impl<H: CircuitTree> SlotCircuit<H> {
    /// As [`SlotCircuit::new`], whatever the tree's hash.
    ///
    /// # Errors
    /// [`CircuitError`].
    pub fn over(levels: usize, samples: usize) -> Result<Self, CircuitError> {
        let tree = Capped::new(levels, levels.saturating_sub(1).clamp(1, 2), samples)?;
        Ok(Self { tree, samples, hash: PhantomData })
    }

    /// Levels of the slot's tree.
    #[must_use]
    pub fn levels(&self) -> usize {
        self.tree.levels
    }

    /// Challenged cells.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Collects what the proof needs: `read` returns the slot's bytes of a range, one group of cells at a time.
    ///
    /// # Errors
    /// Those of `read`, and [`TreeError::Damaged`] if a challenged group is no longer what was committed to.
    ///
    /// # Panics
    /// If the tree has not the circuit's levels.
    pub fn gather<E: From<TreeError>>(
        &self,
        tree: &Tree<H>,
        seed: Fr,
        mut read: impl FnMut(Range<u64>) -> Result<Vec<u8>, E>,
    ) -> Result<SlotWitness<H>, E> {
        assert_eq!(tree.levels(), self.tree.levels, "the tree belongs to another circuit");
        let open = |index| -> Result<Opening<H>, E> { Ok(tree.open(index, &read(tree.group(index)?)?)?) };
        let openings =
            indices(seed, self.samples, self.tree.levels).into_iter().map(open).collect::<Result<_, _>>()?;
        Ok(SlotWitness { root: tree.root(), seed, cap: tree.cap(self.tree.cap), openings })
    }
}

impl<H: CircuitTree> Circuit for SlotCircuit<H> {
    type Witness = SlotWitness<H>;

    fn publics(&self) -> usize {
        2
    }

    fn blank(&self) -> SlotWitness<H> {
        SlotWitness {
            root: Fr::ZERO,
            seed: Fr::ZERO,
            cap: vec![Fr::ZERO; self.tree.nodes()],
            openings: vec![self.tree.blank_opening(); self.samples],
        }
    }

    fn synthesize<S: System>(&self, system: &mut S, witness: &SlotWitness<H>) {
        assert_eq!(witness.openings.len(), self.samples, "one opening for each challenged cell");
        let root = system.public(witness.root);
        let seed = system.public(witness.seed);
        let (cap, computed) = self.tree.open_cap::<S, H>(system, &witness.cap);
        system.equal(&computed, &root);
        let indices = self.tree.indices(system, &seed, witness.seed, self.samples);
        for (bits, opening) in indices.iter().zip(&witness.openings) {
            self.tree.open_cell(system, &cap, bits, opening);
        }
    }
}
