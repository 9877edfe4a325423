//! The erasure code's parameters and the address of a shard.

use super::PlacementId;
use crate::limits;
use serde::{Deserialize, Serialize};

/// A systematic Reed–Solomon code: any `k` of `n` shards rebuild a segment.
///
/// Repair starts when no more than `repair_at` shards of a segment are live; below `k` it is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawCode", into = "RawCode")]
pub struct Code {
    k: u16,
    n: u16,
    repair_at: u16,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct RawCode {
    k: u16,
    n: u16,
    repair_at: u16,
}

/// Why a set of code parameters cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Nothing could be stored.
    #[error("k is {k}: at least one shard must be needed")]
    NoData {
        /// Shards needed.
        k: u16,
    },
    /// The code would have no redundancy.
    #[error("k {k} must be less than n {n}")]
    NoRedundancy {
        /// Shards needed.
        k: u16,
        /// Shards in all.
        n: u16,
    },
    /// More shards than a placement may have.
    #[error("n {n} exceeds the limit of {} shards", limits::MAX_SHARDS)]
    TooManyShards {
        /// Shards in all.
        n: u16,
    },
    /// Repair must start while the segment can still be rebuilt, and not before a shard is lost.
    #[error("repair threshold {repair_at} must lie between k {k} and n-1 {}", n - 1)]
    Threshold {
        /// Shards needed.
        k: u16,
        /// Shards in all.
        n: u16,
        /// Live shards at which repair starts.
        repair_at: u16,
    },
}

impl Code {
    /// Checks and builds a code.
    ///
    /// # Errors
    /// [`CodeError`] unless `1 ≤ k ≤ repair_at < n ≤ MAX_SHARDS`.
    pub fn new(k: u16, n: u16, repair_at: u16) -> Result<Self, CodeError> {
        if k == 0 {
            return Err(CodeError::NoData { k });
        }
        if k >= n {
            return Err(CodeError::NoRedundancy { k, n });
        }
        if n > limits::MAX_SHARDS {
            return Err(CodeError::TooManyShards { n });
        }
        if repair_at < k || repair_at >= n {
            return Err(CodeError::Threshold { k, n, repair_at });
        }
        Ok(Self { k, n, repair_at })
    }

    /// A code that repairs when half of its spare shards are gone.
    ///
    /// # Errors
    /// As [`Code::new`].
    pub fn with_default_threshold(k: u16, n: u16) -> Result<Self, CodeError> {
        Self::new(k, n, k + n.saturating_sub(k) / 2)
    }

    /// Shards needed to rebuild a segment.
    pub fn k(self) -> usize {
        usize::from(self.k)
    }

    /// Shards in all.
    pub fn n(self) -> usize {
        usize::from(self.n)
    }

    /// Live shards at or below which a segment is repaired.
    pub fn repair_at(self) -> usize {
        usize::from(self.repair_at)
    }

    /// Every slot number, in order.
    pub fn slots(self) -> std::ops::Range<u16> {
        0..self.n
    }
}

impl TryFrom<RawCode> for Code {
    type Error = CodeError;
    fn try_from(raw: RawCode) -> Result<Self, CodeError> {
        Self::new(raw.k, raw.n, raw.repair_at)
    }
}

impl From<Code> for RawCode {
    fn from(code: Code) -> Self {
        Self { k: code.k, n: code.n, repair_at: code.repair_at }
    }
}

/// The address of one shard: which placement, which segment, which of its n slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ShardKey {
    /// The file's placement.
    pub placement: PlacementId,
    /// Segment number, from 0.
    pub segment: u32,
    /// Slot number, from 0 to n-1.
    pub slot: u16,
}
