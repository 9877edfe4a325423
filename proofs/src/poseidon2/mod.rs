//! Poseidon2 (Grassi, Khovratovich, Schofnegger: AFRICACRYPT 2023, eprint 2023/323) over the scalar field of BN254 with
//! S-box x^5, in compression mode: the constraints of Poseidon, and fewer multiplications natively.
//!
//! No instance of it is published at widths 8 and 16, so this is one of ours, made by open procedures: constants by
//! the Grain generator and internal matrices by a search in a fixed order ([`params`]). At width 3 the same code yields the
//! published instance. **Not what slots are committed to by default**: a tree under it is another slot root, and a
//! circuit over it another circuit.

mod gadget;
pub mod params;
mod permutation;
#[cfg(test)]
mod tests;
mod wide;

use crate::{
    circuit::CircuitTree,
    field::Fr,
    r1cs::System,
    tree::{ARITY, CELL_ELEMENTS, Cell, MAX_LEVELS, TreeHash, cell, zero_roots},
};
use std::sync::LazyLock;

pub use params::Parameters;
pub use permutation::{Poseidon2, cell_hash, node_hash};

/// A slot's tree under Poseidon2: 16 lanes for a cell, 8 for a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Poseidon2Hash;

impl TreeHash for Poseidon2Hash {
    type Cell = Cell;
    type Node = Fr;

    fn read(bytes: &[u8]) -> Cell {
        cell(bytes)
    }

    fn cell(cell: &Cell) -> Fr {
        cell_hash().compress(cell)
    }

    fn node(children: &[Fr; ARITY]) -> Fr {
        node_hash().compress(children)
    }

    fn zeros() -> &'static [Fr; MAX_LEVELS + 1] {
        static ZEROS: LazyLock<[Fr; MAX_LEVELS + 1]> = LazyLock::new(zero_roots::<Poseidon2Hash>);
        &ZEROS
    }
}

impl CircuitTree for Poseidon2Hash {
    fn cell_in<S: System>(system: &mut S, cell: &[S::Lin; CELL_ELEMENTS]) -> S::Lin {
        gadget::compress(system, cell_hash(), cell)
    }

    fn node_in<S: System>(system: &mut S, children: &[S::Lin; ARITY]) -> S::Lin {
        gadget::compress(system, node_hash(), children)
    }
}
