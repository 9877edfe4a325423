//! A slot's tree as bytes, for whoever keeps it: to compute it again takes minutes a gigabyte.

use super::{ARITY, GROUP_BYTES, MAX_LEVELS, SlotTree, TreeError, capacity};
use crate::field::{Fr, from_be_bytes, to_be_bytes};

/// Bytes of the levels and the length.
const HEADER_BYTES: usize = 1 + 8;
/// Most bytes of a tree: a node for each group of eight cells of the largest slot, and a seventh of them above.
pub const MAX_KEPT_BYTES: usize = HEADER_BYTES + (1 << (3 * (MAX_LEVELS - 1))) * 8 / 7 * 32 + 32 * MAX_LEVELS;

/// Why bytes are no tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeptError {
    /// There is no such tree.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// Bytes are missing, or there are more.
    #[error("{got} bytes, expected {expected}")]
    Length {
        /// Bytes there are.
        got: usize,
        /// Bytes there should be, as far as they tell.
        expected: usize,
    },
    /// A hash is not below the modulus.
    #[error("node {0} is not below the modulus")]
    Scalar(usize),
}

/// Nodes of each stored level, the lowest first, of a slot of so many bytes.
fn nodes(levels: usize, length: u64) -> impl Iterator<Item = usize> {
    let lowest = length.div_ceil(GROUP_BYTES as u64);
    let level = move |at: u32| lowest.div_ceil((ARITY as u64).pow(at));
    (0..levels as u32).map(move |at| usize::try_from(level(at)).expect("a tree has fewer than 2^21 nodes"))
}

impl SlotTree {
    /// Levels (one byte), length (u64, little-endian), then all nodes, the lowest level first, 32 bytes big-endian each.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![u8::try_from(self.levels).expect("a tree has at most seven levels")];
        bytes.extend_from_slice(&self.length.to_le_bytes());
        bytes.extend(self.stored.iter().flatten().flat_map(to_be_bytes));
        bytes
    }

    /// Reads a tree. That its nodes are hashes of what lies below is not checked: whoever kept the bytes makes sure that they
    /// are the same, and a proof of other nodes fails.
    ///
    /// # Errors
    /// [`KeptError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeptError> {
        let short = KeptError::Length { got: bytes.len(), expected: HEADER_BYTES };
        let ([levels, length @ ..], rest) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(short)?;
        let (levels, length) = (usize::from(*levels), u64::from_le_bytes(*length));
        if !(1..=MAX_LEVELS).contains(&levels) {
            return Err(TreeError::Levels(levels).into());
        }
        if length > capacity(levels) {
            return Err(TreeError::Full { capacity: capacity(levels) }.into());
        }
        let expected = HEADER_BYTES + 32 * nodes(levels, length).sum::<usize>();
        if bytes.len() != expected {
            return Err(KeptError::Length { got: bytes.len(), expected });
        }
        let (words, _) = rest.as_chunks::<32>();
        let mut words = words.iter().enumerate();
        let mut node = || -> Result<Fr, KeptError> {
            let (at, word) = words.next().expect("the nodes were counted");
            from_be_bytes(word).ok_or(KeptError::Scalar(at))
        };
        let stored = nodes(levels, length).map(|count| (0..count).map(|_| node()).collect());
        Ok(Self { levels, length, stored: stored.collect::<Result<_, _>>()? })
    }
}
