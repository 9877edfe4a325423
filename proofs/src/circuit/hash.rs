//! What a tree's hash costs in a circuit.

use crate::{
    field::Fr,
    poseidon::{cell_hash, node_hash},
    r1cs::{System, gadgets::compress},
    tree::{ARITY, CELL_ELEMENTS, Cell, CircuitHash, TreeHash},
};

/// A tree's hash that circuits can afford: over elements.
pub trait CircuitTree: TreeHash<Cell = Cell, Node = Fr> {
    /// [`TreeHash::cell`] in a circuit.
    fn cell_in<S: System>(system: &mut S, cell: &[S::Lin; CELL_ELEMENTS]) -> S::Lin;
    /// [`TreeHash::node`] in a circuit.
    fn node_in<S: System>(system: &mut S, children: &[S::Lin; ARITY]) -> S::Lin;
}

impl CircuitTree for CircuitHash {
    fn cell_in<S: System>(system: &mut S, cell: &[S::Lin; CELL_ELEMENTS]) -> S::Lin {
        compress(system, cell_hash(), cell)
    }

    fn node_in<S: System>(system: &mut S, children: &[S::Lin; ARITY]) -> S::Lin {
        compress(system, node_hash(), children)
    }
}
