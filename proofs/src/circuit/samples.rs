//! What every circuit over slots shares: drawing indices, and opening cells below a shared cap.

use super::{hash::CircuitTree, provider::MAX_SLOTS};
use crate::{
    challenge::{draw_inputs, index_bits, indices_per_draw},
    field::Fr,
    poseidon::challenge_hash,
    r1cs::{
        System,
        gadgets::{canonical_bits, compress, select_equal},
    },
    tree::{ARITY, CELL_ELEMENTS, MAX_LEVELS, Opening},
};
use ark_ff::AdditiveGroup;

/// Most samples of one proof: more would leave the largest domain in use, 2^20 rows, anyway.
pub const MAX_SAMPLES: usize = 400;

/// Why there is no such circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CircuitError {
    /// The cap must lie strictly between the root and the cells.
    #[error(
        "a tree of {levels} levels with a cap {cap} below its root: levels are 2 to {MAX_LEVELS}, the cap 1 to 2"
    )]
    Shape {
        /// Levels of the tree.
        levels: usize,
        /// Depth of the cap.
        cap: usize,
    },
    /// Choose fewer slots, but at least one.
    #[error("{0} slots, a proof covers 1 to {MAX_SLOTS}")]
    Slots(usize),
    /// Choose another depth for the slots' trees.
    #[error("a slot's tree of {0} levels, it has 1 to {MAX_LEVELS}")]
    Levels(usize),
    /// Choose another depth for the access list.
    #[error("an access list of {0} levels, it has 1 to {MAX_LEVELS}")]
    List(usize),
    /// Choose a deeper list.
    #[error("{0} members do not fit the access list")]
    Members(usize),
    /// Choose fewer samples, but at least one.
    #[error("{0} samples, a proof has 1 to {MAX_SAMPLES}")]
    Samples(usize),
}

/// The shape of a slot's tree as a circuit sees it: the nodes `cap` levels below the root are opened once, and each
/// sample's path ends there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Capped {
    pub levels: usize,
    pub cap: usize,
}

impl Capped {
    pub fn new(levels: usize, cap: usize, samples: usize) -> Result<Self, CircuitError> {
        if !(2..=MAX_LEVELS).contains(&levels) || !(1..=2).contains(&cap) || cap >= levels {
            return Err(CircuitError::Shape { levels, cap });
        }
        if !(1..=MAX_SAMPLES).contains(&samples) {
            return Err(CircuitError::Samples(samples));
        }
        Ok(Self { levels, cap })
    }

    /// Nodes of the cap.
    pub fn nodes(self) -> usize {
        1 << (3 * self.cap)
    }

    /// Children groups from a cell up to the cap.
    pub fn path(self) -> usize {
        self.levels - self.cap
    }

    /// An opening of the right shape, for set-up.
    pub fn blank_opening<H: CircuitTree>(self) -> Opening<H> {
        Opening { index: 0, cell: [Fr::ZERO; CELL_ELEMENTS], path: vec![[Fr::ZERO; ARITY]; self.levels] }
    }

    /// The bits of all challenged indices, in order.
    pub fn indices<S: System>(
        self,
        system: &mut S,
        seed: &S::Lin,
        seed_value: Fr,
        samples: usize,
    ) -> Vec<Vec<S::Lin>> {
        let (width, each) = (index_bits(self.levels), indices_per_draw(self.levels));
        let mut indices = Vec::with_capacity(samples);
        for number in 0..samples.div_ceil(each) {
            let [_, number, tag] = draw_inputs(seed_value, number);
            let input = [seed.clone(), system.constant(number), system.constant(tag)];
            let draw = compress(system, challenge_hash(), &input);
            let bits = canonical_bits(system, &draw);
            indices.extend(bits.chunks_exact(width).take(each).map(<[S::Lin]>::to_vec));
        }
        indices.truncate(samples);
        indices
    }

    /// The cap's nodes, demanded to hash to the returned root.
    pub fn open_cap<S: System, H: CircuitTree>(self, system: &mut S, nodes: &[Fr]) -> (Vec<S::Lin>, S::Lin) {
        assert_eq!(nodes.len(), self.nodes(), "a cap is a whole level");
        let cap: Vec<S::Lin> = nodes.iter().map(|node| system.witness(*node)).collect();
        let mut level = cap.clone();
        while level.len() > 1 {
            level =
                level.as_chunks::<ARITY>().0.iter().map(|children| H::node_in(system, children)).collect();
        }
        (cap, level.swap_remove(0))
    }

    /// Demands that a cell lies under the cap at the index whose bits are given.
    pub fn open_cell<S: System, H: CircuitTree>(
        self,
        system: &mut S,
        cap: &[S::Lin],
        bits: &[S::Lin],
        opening: &Opening<H>,
    ) {
        let cell = opening.cell.map(|element| system.witness(element));
        let mut hash = H::cell_in(system, &cell);
        assert!(opening.path.len() >= self.path(), "an opening reaches the cap");
        for (level, children) in opening.path[..self.path()].iter().enumerate() {
            let children = children.map(|child| system.witness(child));
            select_equal(system, &children, &bits[3 * level..3 * level + 3], &hash);
            hash = H::node_in(system, &children);
        }
        select_equal(system, cap, &bits[3 * self.path()..], &hash);
    }
}
