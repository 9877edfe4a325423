//! The path of a byte: pure functions, from plaintext segment to shards and back.

use crate::{limits, types::Code};

/// Bytes of each shard of a segment of `ciphertext_len` bytes: a k-th part, rounded up to whole
/// symbol blocks.
pub fn shard_len(code: Code, ciphertext_len: usize) -> usize {
    ciphertext_len.div_ceil(code.k()).next_multiple_of(limits::SHARD_ALIGN)
}
