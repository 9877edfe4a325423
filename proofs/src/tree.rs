//! A slot's trees: cells of 496 bytes, eight children a node, under Poseidon for circuits and under SHA-256 for
//! readers and for disputes.
//!
//! Who keeps a tree keeps every level but the lowest (0.9 % of a slot) and hashes the eight cells of a challenged
//! group again. A slot of fewer bytes than its tree spans is followed by zeros, whose subtrees are known.

use crate::{
    field::{ELEMENT_BYTES, Fr, pack, unpack},
    poseidon::{cell_hash, node_hash},
};
use ark_ff::AdditiveGroup;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::{fmt::Debug, ops::Range, sync::LazyLock};

mod kept;

pub use kept::{KeptError, MAX_KEPT_BYTES};

/// Elements of a cell.
pub const CELL_ELEMENTS: usize = 16;
/// Bytes of a cell.
pub const CELL_BYTES: usize = CELL_ELEMENTS * ELEMENT_BYTES;
/// Children of a node.
pub const ARITY: usize = 8;
/// Bytes of the eight cells under one node of the lowest stored level.
pub const GROUP_BYTES: usize = ARITY * CELL_BYTES;
/// Levels of the largest tree: 2^21 cells, 1,040,187,392 bytes.
pub const MAX_LEVELS: usize = 7;
/// Bytes taken in before a pool hashes their groups: enough to occupy many cores, 1 MiB.
const POOL_BATCH_BYTES: usize = 264 * GROUP_BYTES;

/// Elements of one cell.
pub type Cell = [Fr; CELL_ELEMENTS];

/// Why a tree was not built or a cell not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// Choose a tree with a level count between 1 and [`MAX_LEVELS`].
    #[error("a tree has 1 to {MAX_LEVELS} levels, not {0}")]
    Levels(usize),
    /// Choose a larger tree, or stop.
    #[error("slot is larger than its tree: {capacity} bytes fit")]
    Full {
        /// Bytes that the tree spans.
        capacity: u64,
    },
    /// Ask for a cell that exists.
    #[error("cell {index} of a tree of {cells} cells")]
    OutOfRange {
        /// The cell asked for.
        index: u64,
        /// Cells of the tree.
        cells: u64,
    },
    /// Read exactly [`SlotTree::group`].
    #[error("group of {got} bytes, expected {expected}")]
    GroupLength {
        /// Bytes given.
        got: usize,
        /// Bytes that belong to the group.
        expected: usize,
    },
    /// The bytes on disk are not those that were committed to: repair the slot.
    #[error("bytes of cells {first} to {} differ from those committed to", first + ARITY as u64 - 1)]
    Damaged {
        /// First cell of the group.
        first: u64,
    },
}

/// Where a tree's hashing runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// On the calling thread alone.
    Inline,
    /// In the rayon pool of the caller.
    Pool,
}

/// Cells of a tree.
#[must_use]
pub const fn cells(levels: usize) -> u64 {
    1 << (3 * levels)
}

/// Bytes that a tree spans.
#[must_use]
pub const fn capacity(levels: usize) -> u64 {
    cells(levels) * CELL_BYTES as u64
}

/// A cell's elements; missing bytes are zero.
///
/// # Panics
/// If there are more than [`CELL_BYTES`] bytes.
#[must_use]
pub fn cell(bytes: &[u8]) -> Cell {
    assert!(bytes.len() <= CELL_BYTES, "{} bytes do not fit a cell", bytes.len());
    let mut cell = [Fr::ZERO; CELL_ELEMENTS];
    for (element, bytes) in cell.iter_mut().zip(bytes.chunks(ELEMENT_BYTES)) {
        *element = pack(bytes);
    }
    cell
}

/// The bytes that [`cell`] made a cell of, with the zeros after them; `None` if an element carries more.
#[must_use]
pub fn cell_bytes(cell: &Cell) -> Option<[u8; CELL_BYTES]> {
    let mut bytes = [0; CELL_BYTES];
    for (bytes, element) in bytes.chunks_mut(ELEMENT_BYTES).zip(cell) {
        bytes.copy_from_slice(&unpack(element)?);
    }
    Some(bytes)
}

/// How a tree hashes. A cell and a node must never have the same input.
pub trait TreeHash: Debug + Clone + PartialEq + Eq {
    /// A cell, ready to be hashed.
    type Cell: Debug + Clone + PartialEq + Eq;
    /// A hash.
    type Node: Debug + Copy + PartialEq + Eq + Send + Sync + 'static;

    /// A cell's bytes; missing ones are zero.
    fn read(bytes: &[u8]) -> Self::Cell;
    /// Hash of a cell.
    fn cell(cell: &Self::Cell) -> Self::Node;
    /// Hash of a node's children.
    fn node(children: &[Self::Node; ARITY]) -> Self::Node;
    /// Roots of subtrees of zero cells, by their levels.
    fn zeros() -> &'static [Self::Node; MAX_LEVELS + 1];
}

pub(crate) fn zero_roots<H: TreeHash>() -> [H::Node; MAX_LEVELS + 1] {
    let mut zeros = [H::cell(&H::read(&[])); MAX_LEVELS + 1];
    for level in 1..=MAX_LEVELS {
        zeros[level] = H::node(&[zeros[level - 1]; ARITY]);
    }
    zeros
}

/// Poseidon: 16 lanes for a cell, 8 for a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CircuitHash;

impl TreeHash for CircuitHash {
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
        static ZEROS: LazyLock<[Fr; MAX_LEVELS + 1]> = LazyLock::new(zero_roots::<CircuitHash>);
        &ZEROS
    }
}

/// SHA-256 of a zero byte and a cell's 496 bytes, or of a one byte and eight hashes. An EVM precompile checks it.
///
/// The message is put together first: hashed in two parts it takes two fifths more time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sha256Hash;

impl TreeHash for Sha256Hash {
    type Cell = [u8; CELL_BYTES];
    type Node = [u8; 32];

    fn read(bytes: &[u8]) -> Self::Cell {
        let mut cell = [0; CELL_BYTES];
        cell[..bytes.len()].copy_from_slice(bytes);
        cell
    }

    fn cell(cell: &Self::Cell) -> [u8; 32] {
        let mut message = [0; 1 + CELL_BYTES];
        message[1..].copy_from_slice(cell);
        Sha256::digest(message).into()
    }

    fn node(children: &[[u8; 32]; ARITY]) -> [u8; 32] {
        let mut message = [1; 1 + ARITY * 32];
        message[1..].copy_from_slice(children.as_flattened());
        Sha256::digest(message).into()
    }

    fn zeros() -> &'static [[u8; 32]; MAX_LEVELS + 1] {
        static ZEROS: LazyLock<[[u8; 32]; MAX_LEVELS + 1]> = LazyLock::new(zero_roots::<Sha256Hash>);
        &ZEROS
    }
}

/// The hashes of a group's eight cells.
fn hash_group<H: TreeHash>(bytes: &[u8]) -> [H::Node; ARITY] {
    let mut hashes = [H::zeros()[0]; ARITY];
    for (hash, bytes) in hashes.iter_mut().zip(bytes.chunks(CELL_BYTES)) {
        *hash = H::cell(&H::read(bytes));
    }
    hashes
}

fn hash_children<H: TreeHash>(children: &[H::Node], level: usize) -> H::Node {
    let mut all = [H::zeros()[level]; ARITY];
    all[..children.len()].copy_from_slice(children);
    H::node(&all)
}

/// The tree that proofs speak about; its root is the **slot root**.
pub type SlotTree = Tree<CircuitHash>;
/// The tree that the owner signs; its root is the **cell root**.
pub type CellTree = Tree<Sha256Hash>;
/// Builds a [`SlotTree`].
pub type SlotTreeBuilder = TreeBuilder<CircuitHash>;
/// Builds a [`CellTree`].
pub type CellTreeBuilder = TreeBuilder<Sha256Hash>;

/// Takes a slot's bytes as they come.
#[derive(Debug)]
pub struct TreeBuilder<H: TreeHash> {
    levels: usize,
    schedule: Schedule,
    pending: Vec<u8>,
    length: u64,
    lowest: Vec<H::Node>,
}

impl<H: TreeHash> TreeBuilder<H> {
    /// A tree of `levels` levels of nodes over 8^levels cells.
    ///
    /// # Errors
    /// [`TreeError::Levels`].
    pub fn new(levels: usize, schedule: Schedule) -> Result<Self, TreeError> {
        if !(1..=MAX_LEVELS).contains(&levels) {
            return Err(TreeError::Levels(levels));
        }
        Ok(Self { levels, schedule, pending: Vec::new(), length: 0, lowest: Vec::new() })
    }

    /// Bytes that are hashed at a time.
    fn batch(&self) -> usize {
        match self.schedule {
            Schedule::Inline => GROUP_BYTES,
            Schedule::Pool => POOL_BATCH_BYTES,
        }
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// [`TreeError::Full`]; nothing was appended.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), TreeError> {
        let capacity = capacity(self.levels);
        if bytes.len() as u64 > capacity - self.length {
            return Err(TreeError::Full { capacity });
        }
        self.length += bytes.len() as u64;
        let batch = self.batch();
        if !self.pending.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(batch - self.pending.len()));
            self.pending.extend_from_slice(now);
            bytes = later;
            if self.pending.len() < batch {
                return Ok(());
            }
            self.hash_pending();
        }
        let (whole, rest) = bytes.split_at(bytes.len() - bytes.len() % batch);
        self.hash(whole);
        self.pending.extend_from_slice(rest);
        Ok(())
    }

    /// Hashes what is left and all upper levels.
    #[must_use]
    pub fn finish(mut self) -> Tree<H> {
        self.hash_pending();
        let mut stored = vec![self.lowest];
        for level in 1..self.levels {
            let below = &stored[level - 1];
            stored.push(each_chunk(below, ARITY, self.schedule, |children| {
                hash_children::<H>(children, level)
            }));
        }
        Tree { levels: self.levels, length: self.length, stored }
    }

    fn hash_pending(&mut self) {
        let mut pending = std::mem::take(&mut self.pending);
        self.hash(&pending);
        pending.clear();
        self.pending = pending;
    }

    fn hash(&mut self, bytes: &[u8]) {
        let hash = |bytes: &[u8]| hash_children::<H>(&hash_group::<H>(bytes), 0);
        self.lowest.extend(each_chunk(bytes, GROUP_BYTES, self.schedule, hash));
    }
}

fn each_chunk<T: Sync, N: Send>(
    items: &[T],
    size: usize,
    schedule: Schedule,
    hash: impl Fn(&[T]) -> N + Send + Sync,
) -> Vec<N> {
    match schedule {
        Schedule::Inline => items.chunks(size).map(hash).collect(),
        Schedule::Pool => items.par_chunks(size).map(hash).collect(),
    }
}

/// A slot's tree without the hashes of its cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree<H: TreeHash> {
    levels: usize,
    length: u64,
    /// Level 1 first; each without the zero subtrees at its end.
    stored: Vec<Vec<H::Node>>,
}

impl<H: TreeHash> Tree<H> {
    /// Levels of nodes.
    #[must_use]
    pub fn levels(&self) -> usize {
        self.levels
    }

    /// Bytes committed to, without the zeros after them.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> H::Node {
        self.node(self.levels, 0)
    }

    /// The node at `level` (1 is the parent of cells), counted from the left.
    fn node(&self, level: usize, at: u64) -> H::Node {
        let index = usize::try_from(at).expect("a tree has fewer than 2^21 nodes");
        self.stored[level - 1].get(index).copied().unwrap_or(H::zeros()[level])
    }

    /// All nodes of the level that lies `depth` below the root, from the left.
    pub(crate) fn cap(&self, depth: usize) -> Vec<H::Node> {
        let level = self.levels - depth;
        (0..1 << (3 * depth)).map(|at| self.node(level, at)).collect()
    }

    /// The slot's bytes that must be read to open a cell: its group, without the zeros after the slot's end.
    ///
    /// # Errors
    /// [`TreeError::OutOfRange`].
    pub fn group(&self, index: u64) -> Result<Range<u64>, TreeError> {
        let cells = cells(self.levels);
        if index >= cells {
            return Err(TreeError::OutOfRange { index, cells });
        }
        let start = index / ARITY as u64 * GROUP_BYTES as u64;
        Ok(start.min(self.length)..(start + GROUP_BYTES as u64).min(self.length))
    }

    /// Opens a cell, given the bytes of [`Self::group`].
    ///
    /// # Errors
    /// [`TreeError::Damaged`] if the bytes are not those committed to; a wrong index or length.
    pub fn open(&self, index: u64, group: &[u8]) -> Result<Opening<H>, TreeError> {
        let range = self.group(index)?;
        let expected = usize::try_from(range.end - range.start).expect("a group is small");
        if group.len() != expected {
            return Err(TreeError::GroupLength { got: group.len(), expected });
        }
        let hashes = hash_group::<H>(group);
        let at = index / ARITY as u64;
        if H::node(&hashes) != self.node(1, at) {
            return Err(TreeError::Damaged { first: at * ARITY as u64 });
        }
        let within = usize::try_from(index % ARITY as u64).expect("it is below eight") * CELL_BYTES;
        let bytes = &group[within.min(expected)..(within + CELL_BYTES).min(expected)];
        let mut path = vec![hashes];
        path.extend((1..self.levels).map(|level| {
            let first = index >> (3 * (level + 1)) << 3;
            std::array::from_fn(|child| self.node(level, first + child as u64))
        }));
        Ok(Opening { index, cell: H::read(bytes), path })
    }
}

/// A cell with the children of every node above it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening<H: TreeHash = CircuitHash> {
    /// The cell's place.
    pub index: u64,
    /// The cell.
    pub cell: H::Cell,
    /// The eight children of each node on the way, the cell's own group first.
    pub path: Vec<[H::Node; ARITY]>,
}

impl<H: TreeHash> Opening<H> {
    /// True if the cell lies at its index under `root`, in a tree of so many levels.
    #[must_use]
    pub fn verify(&self, root: H::Node, levels: usize) -> bool {
        let mut hash = H::cell(&self.cell);
        let mut index = self.index;
        for children in &self.path {
            if children[(index % ARITY as u64) as usize] != hash {
                return false;
            }
            hash = H::node(children);
            index /= ARITY as u64;
        }
        self.path.len() == levels && index == 0 && hash == root
    }

    /// The seven others of each node's children, in order, from the cell up: what a contract is shown for a path.
    #[must_use]
    pub fn siblings(&self) -> Vec<H::Node> {
        let mut siblings = Vec::with_capacity(self.path.len() * (ARITY - 1));
        for (level, children) in self.path.iter().enumerate() {
            let own = (self.index >> (3 * level) & 7) as usize;
            siblings.extend_from_slice(&children[..own]);
            siblings.extend_from_slice(&children[own + 1..]);
        }
        siblings
    }
}

#[cfg(test)]
mod tests;
