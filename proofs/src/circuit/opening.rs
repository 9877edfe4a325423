//! One cell: "under this slot root, at this index, stands this cell", which a provider shows when somebody doubts
//! the root.
//!
//! Sixteen elements would cost the verifier a multiplication each. The contract, which sees the cell's bytes, computes
//! `α = keccak256(root, index, bytes) mod r` and `e = Σ elementⱼ·αʲ`; the circuit checks e against the cell that it
//! opens. The root, posted long before, allows one cell at the index; if that is another one, two different
//! polynomials of degree below 16 agree at a random point with probability at most 15/r.

use super::{path::climb, samples::CircuitError};
use crate::{
    field::{Fr, to_be_bytes},
    poseidon::cell_hash,
    r1cs::{
        Circuit, System,
        gadgets::{compress, polynomial},
    },
    tree::{ARITY, CELL_BYTES, CELL_ELEMENTS, Cell, MAX_LEVELS, SlotTree, TreeError, cell},
};
use ark_ff::{AdditiveGroup, PrimeField};
use sha3::{Digest, Keccak256};
use std::ops::Range;

/// Public inputs: `[slot root, index, alpha, e]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpeningCircuit {
    levels: usize,
}

/// What a provider knows of one cell.
#[derive(Debug, Clone)]
pub struct OpeningWitness {
    pub(super) publics: [Fr; 4],
    pub(super) index: u64,
    pub(super) cell: Cell,
    pub(super) path: Vec<[Fr; ARITY]>,
}

/// The public inputs as the contract computes them: root and index are 32 bytes big-endian under Keccak, and the
/// cell's bytes follow.
#[must_use]
pub fn opening_publics(root: Fr, index: u64, bytes: &[u8; CELL_BYTES]) -> [Fr; 4] {
    let index = Fr::from(index);
    let mut keccak = Keccak256::new();
    keccak.update(to_be_bytes(&root));
    keccak.update(to_be_bytes(&index));
    keccak.update(bytes);
    let alpha = Fr::from_be_bytes_mod_order(&keccak.finalize());
    let e = cell(bytes).iter().rev().fold(Fr::ZERO, |sum, element| sum * alpha + element);
    [root, index, alpha, e]
}

impl OpeningWitness {
    /// The public inputs to go with the proof.
    #[must_use]
    pub fn publics(&self) -> [Fr; 4] {
        self.publics
    }
}

impl OpeningCircuit {
    /// Slots of 8^levels cells.
    ///
    /// # Errors
    /// [`CircuitError::Levels`].
    pub fn new(levels: usize) -> Result<Self, CircuitError> {
        if (1..=MAX_LEVELS).contains(&levels) {
            Ok(Self { levels })
        } else {
            Err(CircuitError::Levels(levels))
        }
    }

    /// Collects what the proof needs: `read` returns the slot's bytes of a range, the cell's group.
    ///
    /// # Errors
    /// Those of `read`; [`TreeError::OutOfRange`], and [`TreeError::Damaged`] if the group is no longer what was
    /// committed to.
    ///
    /// # Panics
    /// If the tree has not the circuit's levels.
    pub fn gather<E: From<TreeError>>(
        &self,
        tree: &SlotTree,
        index: u64,
        read: impl FnOnce(Range<u64>) -> Result<Vec<u8>, E>,
    ) -> Result<OpeningWitness, E> {
        assert_eq!(tree.levels(), self.levels, "the tree belongs to another circuit");
        let group = read(tree.group(index)?)?;
        let opening = tree.open(index, &group)?;
        let within = usize::try_from(index % ARITY as u64).expect("it is below eight") * CELL_BYTES;
        let mut bytes = [0; CELL_BYTES];
        let held = &group[within.min(group.len())..(within + CELL_BYTES).min(group.len())];
        bytes[..held.len()].copy_from_slice(held);
        let publics = opening_publics(tree.root(), index, &bytes);
        Ok(OpeningWitness { publics, index, cell: opening.cell, path: opening.path })
    }
}

impl Circuit for OpeningCircuit {
    type Witness = OpeningWitness;

    fn publics(&self) -> usize {
        4
    }

    fn blank(&self) -> OpeningWitness {
        OpeningWitness {
            publics: [Fr::ZERO; 4],
            index: 0,
            cell: [Fr::ZERO; CELL_ELEMENTS],
            path: vec![[Fr::ZERO; ARITY]; self.levels],
        }
    }

    fn synthesize<S: System>(&self, system: &mut S, witness: &OpeningWitness) {
        assert_eq!(witness.path.len(), self.levels, "the slot belongs to another circuit");
        let [root, index, alpha, e] = witness.publics.map(|value| system.public(value));
        let cell = witness.cell.map(|element| system.witness(element));
        let hash = compress(system, cell_hash(), &cell);
        let (bits, top) = climb(system, hash, witness.index, &witness.path);
        system.equal(&top, &root);
        let powers: Vec<Fr> = (0..bits.len()).map(|at| Fr::from(1_u64 << at)).collect();
        let place = system.dot(&powers, &bits, Fr::ZERO);
        system.equal(&place, &index);
        let sum = polynomial(system, &cell, &alpha);
        system.equal(&sum, &e);
    }
}
