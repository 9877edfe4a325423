//! What the benchmarks share: input, losses and the CPU clock.

use bytes::Bytes;
use holdfast::types::{Code, PlacementId};
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Plaintext bytes of the segments that are measured: the default of a put.
pub const SEGMENT: usize = holdfast::limits::DEFAULT_SEGMENT;

/// A code that is known to be valid.
///
/// # Panics
/// If it is not.
pub fn code(k: u16, n: u16) -> Code {
    Code::with_default_threshold(k, n).expect("the benchmarks name valid codes")
}

/// A placement to encrypt for.
pub fn placement() -> PlacementId {
    PlacementId::from_bytes([1; 32])
}

/// Bytes without a pattern, the same at every call, with room for `capacity` of them.
pub fn noise(len: usize, capacity: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(capacity.max(len));
    bytes.resize(len, 0);
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes
}

/// k of a code's slots, scattered over all of them, so that about k/n of the data shards are there.
pub fn scattered(code: Code) -> Vec<u16> {
    let mut slots: Vec<u16> = code.slots().collect();
    slots.sort_by_key(|slot| *blake3::hash(&slot.to_le_bytes()).as_bytes());
    slots.truncate(code.k());
    slots
}

/// All but `missing` data shards, and as many parity shards instead.
pub fn all_but(code: Code, missing: u16) -> Vec<u16> {
    (missing..code.k() as u16 + missing).collect()
}

/// These slots' shards, numbered.
pub fn pick(shards: &[Bytes], slots: &[u16]) -> Vec<(u16, Bytes)> {
    slots.iter().map(|slot| (*slot, shards[usize::from(*slot)].clone())).collect()
}

/// CPU time that this thread has used: another process on the machine does not count.
pub fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.cast_unsigned(), u32::try_from(now.tv_nsec).unwrap_or(0))
}
