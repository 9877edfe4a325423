//! What an owner does before it signs a slot root that its provider computed: it asks for cells that it drew at
//! random and compares them with its own bytes, instead of hashing everything a second time.
//!
//! While the slot's bytes pass by, [`OwnSlot`] hashes the cell root and keeps the SHA-256 hash of each drawn cell: so
//! the bytes themselves are not needed again. If a fraction x of the cells under a root are not the owner's, a check
//! of c cells passes with probability (1 − x)^c at most (docs/spec/proof.md).

use crate::{
    field::{Fr, from_be_bytes, to_be_bytes},
    tree::{
        ARITY, CELL_BYTES, CellTreeBuilder, CircuitHash, MAX_LEVELS, Schedule, Sha256Hash, SlotTree,
        TreeError, TreeHash, capacity, cell, cell_bytes,
    },
};
use rand_core::Rng;
use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    ops::Range,
};

/// Cells that an owner asks for unless told otherwise: one wrong cell in a hundred is seen with 98.2 %, one in
/// twenty-five with 1 − 2^-23. A gigabyte's slot answers with 0.6 MB.
pub const DEFAULT_CELLS: usize = 400;

/// Bytes of a node's children.
const NODE_BYTES: usize = ARITY * 32;
/// Most bytes that an answer has for each cell: the cell, and a path that it shares with no other.
pub const MOST_BYTES_A_CELL: usize = CELL_BYTES + MAX_LEVELS * NODE_BYTES;

/// Why a claimed root is not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpotCheckError {
    /// The answer has not one cell for each asked for.
    #[error("{got} cells, asked for {asked}")]
    Count {
        /// Cells of the answer.
        got: usize,
        /// Cells asked for.
        asked: usize,
    },
    /// The answer has fewer or more nodes than its cells' paths.
    #[error("{got} nodes do not make the paths of the cells")]
    Nodes {
        /// Nodes of the answer.
        got: usize,
    },
    /// The cell does not lie under the claimed root.
    #[error("cell {0} does not lie under the claimed root")]
    Path(u64),
    /// The cell is not what the owner stored.
    #[error("cell {0} differs from the owner's bytes")]
    Cell(u64),
}

/// Why bytes are no answer to a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShownError {
    /// There are not so many whole cells and nodes.
    #[error("{got} bytes are not {cells} cells and some nodes")]
    Length {
        /// Bytes there are.
        got: usize,
        /// Cells asked for.
        cells: usize,
    },
    /// A hash is not below the modulus: it would be another name of a smaller one.
    #[error("node {0} has a child that is not below the modulus")]
    Scalar(usize),
}

/// A slot's bytes on their way to its provider: nobody must foresee which cells are drawn, and the provider learns it
/// only after it has claimed its root.
#[derive(Debug)]
pub struct OwnSlot {
    tree: CellTreeBuilder,
    levels: usize,
    length: u64,
    passed: u64,
    /// The drawn cells, ascending.
    drawn: Vec<u64>,
    hashes: Vec<[u8; 32]>,
    /// What has passed of the next drawn cell.
    part: Vec<u8>,
}

impl OwnSlot {
    /// Draws `count` different cells of a slot of `length` bytes, or all that hold bytes if there are fewer. `levels` are
    /// those of the provider's tree; the cell root is that of a tree of [`MAX_LEVELS`], whatever they are, since disputes
    /// know no other.
    ///
    /// # Errors
    /// [`TreeError`] if the tree cannot be, or is smaller than the slot.
    pub fn draw(rng: &mut impl Rng, count: usize, levels: usize, length: u64) -> Result<Self, TreeError> {
        if !(1..=MAX_LEVELS).contains(&levels) {
            return Err(TreeError::Levels(levels));
        }
        if length > capacity(levels) {
            return Err(TreeError::Full { capacity: capacity(levels) });
        }
        let tree = CellTreeBuilder::new(MAX_LEVELS, Schedule::Inline)?;
        let used = length.div_ceil(CELL_BYTES as u64);
        let mut drawn = BTreeSet::new();
        while (drawn.len() as u64) < used.min(count as u64) {
            // 128 random bits modulo less than 2^21: a bias below 2^-107.
            let wide = u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64());
            drawn.insert(u64::try_from(wide % u128::from(used)).expect("the remainder is below 2^21"));
        }
        let (drawn, hashes) = (drawn.into_iter().collect(), Vec::new());
        Ok(Self { tree, levels, length, passed: 0, drawn, hashes, part: Vec::with_capacity(CELL_BYTES) })
    }

    /// The slot's next bytes.
    ///
    /// # Errors
    /// [`TreeError::Full`] if the tree cannot take them.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), TreeError> {
        self.tree.push(bytes)?;
        let end = self.passed + bytes.len() as u64;
        while let Some(&next) = self.drawn.get(self.hashes.len()) {
            let from = next * CELL_BYTES as u64 + self.part.len() as u64;
            if from >= end {
                break;
            }
            let rest = &bytes[usize::try_from(from - self.passed).expect("it lies within the bytes")..];
            self.part.extend_from_slice(&rest[..rest.len().min(CELL_BYTES - self.part.len())]);
            if self.part.len() == CELL_BYTES {
                self.keep_part();
            }
        }
        self.passed = end;
        Ok(())
    }

    fn keep_part(&mut self) {
        self.hashes.push(Sha256Hash::cell(&Sha256Hash::read(&self.part)));
        self.part.clear();
    }

    /// The cell root, and the check of whatever slot root will be claimed; `None` unless just the slot's bytes passed.
    #[must_use]
    pub fn finish(mut self) -> Option<([u8; 32], SpotCheck)> {
        if self.passed != self.length {
            return None;
        }
        if !self.part.is_empty() {
            self.keep_part();
        }
        let cells = self.drawn.into_iter().zip(self.hashes).collect();
        Some((self.tree.finish().root(), SpotCheck { levels: self.levels, cells }))
    }
}

/// A question to a provider, and the answer that its owner expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpotCheck {
    /// Levels of the tree that the provider's root is of.
    pub levels: usize,
    /// The cells to show, ascending, and their hashes in the tree under the cell root.
    pub cells: Vec<(u64, [u8; 32])>,
}

impl SpotCheck {
    /// The cells to show.
    pub fn indices(&self) -> impl Iterator<Item = u64> {
        self.cells.iter().map(|(index, _)| *index)
    }

    /// Holds an answer against the owner's cells.
    ///
    /// # Errors
    /// [`SpotCheckError`]: then the root is not signed.
    pub fn check(&self, root: Fr, shown: &Shown) -> Result<(), SpotCheckError> {
        let (got, asked) = (shown.cells.len(), self.cells.len());
        if got != asked {
            return Err(SpotCheckError::Count { got, asked });
        }
        let miscounted = SpotCheckError::Nodes { got: shown.nodes.len() };
        let mut nodes = shown.nodes.iter();
        let mut known = BTreeMap::new();
        for ((index, own), bytes) in self.cells.iter().zip(&shown.cells) {
            let mut hash = root;
            for level in (1..=self.levels).rev() {
                let children = match known.entry((level, place(*index, level))) {
                    Entry::Occupied(known) => *known.get(),
                    Entry::Vacant(new) => {
                        let children = nodes.next().ok_or(miscounted)?;
                        if CircuitHash::node(children) != hash {
                            return Err(SpotCheckError::Path(*index));
                        }
                        *new.insert(children)
                    }
                };
                hash = children[(place(*index, level - 1) % ARITY as u64) as usize];
            }
            if CircuitHash::cell(&cell(bytes)) != hash {
                return Err(SpotCheckError::Path(*index));
            }
            if Sha256Hash::cell(bytes) != *own {
                return Err(SpotCheckError::Cell(*index));
            }
        }
        if nodes.next().is_some() { Err(miscounted) } else { Ok(()) }
    }
}

/// Which node of a level lies above a cell.
fn place(index: u64, level: usize) -> u64 {
    index >> (3 * level)
}

/// What a provider shows of its slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The cells asked for, in order.
    pub cells: Vec<[u8; CELL_BYTES]>,
    /// The children of the nodes above them: for each cell from the root down, each node when it is first met.
    pub nodes: Vec<[Fr; ARITY]>,
}

impl Shown {
    /// Reads and opens cells of a slot: `read` returns the slot's bytes of a range.
    ///
    /// # Errors
    /// Those of `read`; [`TreeError`] if a cell does not exist or is no longer what was committed to.
    pub fn open<E: From<TreeError>>(
        tree: &SlotTree,
        indices: &[u64],
        mut read: impl FnMut(Range<u64>) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let mut shown = Self { cells: Vec::with_capacity(indices.len()), nodes: Vec::new() };
        let mut met = BTreeSet::new();
        for &index in indices {
            let opening = tree.open(index, &read(tree.group(index)?)?)?;
            shown.cells.push(cell_bytes(&opening.cell).expect("it was packed from bytes"));
            for (below, children) in opening.path.into_iter().enumerate().rev() {
                if met.insert((below, place(index, below + 1))) {
                    shown.nodes.push(children);
                }
            }
        }
        Ok(shown)
    }

    /// The cells' bytes, and the nodes' children, 32 bytes big-endian each.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.cells.concat();
        bytes.extend(self.nodes.iter().flatten().flat_map(to_be_bytes));
        bytes
    }

    /// Reads an answer that shows so many cells.
    ///
    /// # Errors
    /// [`ShownError`].
    pub fn from_bytes(bytes: &[u8], cells: usize) -> Result<Self, ShownError> {
        let length = ShownError::Length { got: bytes.len(), cells };
        let (shown, rest) = cells
            .checked_mul(CELL_BYTES)
            .and_then(|end| bytes.split_at_checked(end))
            .filter(|(_, rest)| rest.len().is_multiple_of(NODE_BYTES))
            .ok_or(length)?;
        let (words, _) = rest.as_chunks::<32>();
        let node = |(number, words): (usize, &[[u8; 32]; ARITY])| {
            let mut children = [Fr::default(); ARITY];
            for (child, word) in children.iter_mut().zip(words) {
                *child = from_be_bytes(word).ok_or(ShownError::Scalar(number))?;
            }
            Ok(children)
        };
        let nodes = words.as_chunks::<ARITY>().0.iter().enumerate().map(node).collect::<Result<_, _>>()?;
        Ok(Self { cells: shown.as_chunks::<CELL_BYTES>().0.to_vec(), nodes })
    }
}

#[cfg(test)]
mod tests;
