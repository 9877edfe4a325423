//! Step 10: one lost shard from k others, without decoding and without any key.

use super::{
    combine::{Combination, Known, check_lengths},
    encode::CodecError,
};
use crate::types::Code;
use bytes::Bytes;

/// How one lost shard is made of k survivors. It holds for every segment of a placement, is small and
/// costs microseconds to make; keep it while the same shard of many segments is rebuilt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    lost: u16,
    survivors: Box<[u16]>,
    combination: Combination,
}

impl Recipe {
    /// The recipe for slot `lost` from exactly k other, distinct slots. Data and parity shards are alike.
    ///
    /// # Errors
    /// [`CodecError`] if a slot does not exist or is repeated, if they are not k, or if `lost` is one of them.
    pub fn new(code: Code, survivors: &[u16], lost: u16) -> Result<Self, CodecError> {
        let known = Known::new(code, survivors)?;
        if usize::from(lost) >= code.n() {
            return Err(CodecError::Slot { slot: lost, n: code.n() });
        }
        if survivors.contains(&lost) {
            return Err(CodecError::Repeated { slot: lost });
        }
        Ok(Self { lost, survivors: survivors.into(), combination: known.combination(lost) })
    }

    /// The slot that it rebuilds.
    pub fn lost(&self) -> u16 {
        self.lost
    }

    /// The slots that it needs, in the order that [`rebuild`](Self::rebuild) takes their shards in.
    pub fn survivors(&self) -> &[u16] {
        &self.survivors
    }

    /// Rebuilds the lost shard of one segment from the survivors' shards of the same segment.
    ///
    /// A changed survivor changes the result: check them, or check the result against the placement record.
    ///
    /// # Errors
    /// [`CodecError`] if they are not k, or not of one length that shards can have.
    pub fn rebuild(&self, survivors: &[Bytes]) -> Result<Vec<u8>, CodecError> {
        if survivors.len() != self.survivors.len() {
            return Err(CodecError::Count { found: survivors.len(), needed: self.survivors.len() });
        }
        let inputs: Vec<&[u8]> = survivors.iter().map(|shard| shard.as_ref()).collect();
        let len = inputs[0].len();
        check_lengths(len, inputs.iter().copied())?;
        let mut rebuilt = Vec::with_capacity(len);
        self.combination.append(&inputs, 0..len, &mut rebuilt);
        Ok(rebuilt)
    }
}

#[cfg(test)]
mod tests;
