//! Step 3: what a shard must be, so that whoever holds, serves or decodes it can check it.
//!
//! An erasure code repairs what is missing, not what is wrong: one changed shard changes what is decoded.
//! So each shard's BLAKE3 hash stands in the owner-signed placement record and is checked first.

use crate::types::ShardHash;
use bytes::Bytes;

/// Why bytes are not the shard they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShardFault {
    /// Truncated or too long.
    #[error("shard is {found} bytes, expected {expected}")]
    Length {
        /// Bytes that a shard of this segment has.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// Changed, or another shard.
    #[error("shard has hash {found}, expected {expected}")]
    Hash {
        /// What the placement record promises.
        expected: ShardHash,
        /// What the bytes have.
        found: ShardHash,
    },
}

/// The hash of each shard, in order.
pub fn hash_shards(shards: &[Bytes]) -> Vec<ShardHash> {
    shards.iter().map(|shard| ShardHash::of(shard)).collect()
}

/// Checks that `bytes` are the shard of this length and hash.
///
/// # Errors
/// [`ShardFault`]; the length is compared before anything is hashed.
pub fn check_shard(bytes: &[u8], expected_len: usize, expected_hash: ShardHash) -> Result<(), ShardFault> {
    if bytes.len() != expected_len {
        return Err(ShardFault::Length { expected: expected_len, found: bytes.len() });
    }
    let found = ShardHash::of(bytes);
    if found != expected_hash {
        return Err(ShardFault::Hash { expected: expected_hash, found });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
