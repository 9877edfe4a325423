//! From a leaf up to the root of a tree of eight children a node.

use crate::{
    field::Fr,
    poseidon::node_hash,
    r1cs::{
        System,
        gadgets::{compress, select_equal},
    },
    tree::ARITY,
};
use ark_ff::{AdditiveGroup, Field};

/// The bits of an index, lowest first and three a level, and the root above the leaf that has this hash: each node's
/// children are witnesses, and the child that the bits choose is the hash of what lies below.
pub(super) fn climb<S: System>(
    system: &mut S,
    mut hash: S::Lin,
    index: u64,
    path: &[[Fr; ARITY]],
) -> (Vec<S::Lin>, S::Lin) {
    let zero = system.constant(Fr::ZERO);
    let mut all = Vec::with_capacity(3 * path.len());
    for (level, children) in path.iter().enumerate() {
        let bits: [S::Lin; 3] = std::array::from_fn(|at| {
            let bit = system.witness(Fr::from(index >> (3 * level + at) & 1));
            let less_one = system.shifted(&bit, -Fr::ONE);
            system.enforce(&bit, &less_one, &zero);
            bit
        });
        let children = children.map(|child| system.witness(child));
        select_equal(system, &children, &bits, &hash);
        hash = compress(system, node_hash(), &children);
        all.extend(bits);
    }
    (all, hash)
}
