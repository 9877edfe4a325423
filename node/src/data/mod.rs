//! The path of a byte: pure functions, from plaintext segment to shards and back.
//!
//! Nothing here waits, tells the time, draws a random number or touches a disk: random bytes are
//! parameters. In reading order: [`encrypt`](SegmentCipher) → [`encode`] → [`hash_shards`] →
//! [`choose`] a placement; back by [`check_shard`] → [`decode`] → [`SegmentCipher::open`]; and
//! sideways by [`Recipe`], which rebuilds one lost shard from k others.

use crate::{limits, types::Code};

mod combine;
mod commit;
mod encode;
mod encrypt;
mod place;
mod rebuild;
mod seal;

pub use commit::{ShardFault, check_shard, hash_shards};
pub use encode::{Codec, CodecChoice, CodecError, decode, encode, self_check};
pub use encrypt::{OpenError, SegmentCipher};
pub use place::{Place, choose, policy_holds};
pub use rebuild::Recipe;
pub use seal::{SealError, manifest_key, open_manifest, seal_manifest};

/// Bytes of each shard of a segment of `ciphertext_len` bytes: a k-th part, rounded up to whole
/// symbol blocks.
pub fn shard_len(code: Code, ciphertext_len: usize) -> usize {
    ciphertext_len.div_ceil(code.k()).next_multiple_of(limits::SHARD_ALIGN)
}

/// Bytes of all k data shards of a segment; a ciphertext with this much capacity is encoded without
/// being copied.
pub fn padded_len(code: Code, ciphertext_len: usize) -> usize {
    shard_len(code, ciphertext_len) * code.k()
}
