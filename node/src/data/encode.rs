//! Step 2: a ciphertext segment becomes n shards, any k of which give it back.
//!
//! The code is that of `reed-solomon-novelpoly` (systematic Reed–Solomon over GF(2^16), Lin, Han, Chung
//! 2014), at exactly k by zero padding: next_power_of_two(k) - k further data shards are zero and never
//! stored. Data shard i is bytes `i * shard_len .. (i + 1) * shard_len` of the zero-padded ciphertext; a
//! shard is a sequence of 64-byte blocks, each of 32 symbols: their low bytes, then their high bytes.
//! `reed-solomon-simd` computes the same code, one to two orders of magnitude faster, and does the work
//! unless [`CodecChoice`] says otherwise. docs/adr/0003 has the figures.
//!
//! An erasure code fills gaps; it does not see changed bytes. Check shards before they come here.

use super::{
    combine::{Known, check_lengths, check_slots},
    padded_len, shard_len,
};
use crate::{limits, types::Code};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

mod novelpoly;
mod self_check;
mod simd;

pub use self_check::self_check;

/// Which library computes the code. Both write the same bytes, so the choice is a node's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CodecChoice {
    /// `reed-solomon-simd`, with the widest instructions that this machine has.
    #[default]
    Simd,
    /// `reed-solomon-novelpoly`, the reference.
    NovelPoly,
}

impl CodecChoice {
    /// As settings and logs call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Simd => "simd",
            Self::NovelPoly => "novelpoly",
        }
    }
}

/// Why shards cannot be made or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// A ciphertext of a length that no segment has.
    #[error("ciphertext of {len} bytes, a segment has 1 to {}", limits::MAX_SEGMENT + limits::TAG)]
    SegmentLength {
        /// Its bytes.
        len: usize,
    },
    /// A shard of a length that no shard has.
    #[error(
        "shard of {len} bytes, a shard has a multiple of {} up to {}",
        limits::SHARD_ALIGN,
        limits::MAX_SHARD
    )]
    ShardLength {
        /// Its bytes.
        len: usize,
    },
    /// A shard that does not belong to this segment.
    #[error("shard is {found} bytes, expected {expected}")]
    Length {
        /// Bytes that each shard has.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// No such slot.
    #[error("slot {slot} does not exist, there are {n}")]
    Slot {
        /// The slot.
        slot: u16,
        /// Slots in all.
        n: usize,
    },
    /// The same slot twice.
    #[error("slot {slot} is given twice")]
    Repeated {
        /// The slot.
        slot: u16,
    },
    /// Find more shards.
    #[error("{found} shards, {needed} are needed")]
    Count {
        /// Shards given.
        found: usize,
        /// Shards needed.
        needed: usize,
    },
    /// The library refused what was checked before: a defect.
    #[error("the codec failed: {0}")]
    Library(String),
}

/// Encodes and decodes segments, by the library that it was told to use.
#[derive(Clone, Copy, Debug, Default)]
pub struct Codec {
    choice: CodecChoice,
}

/// Encodes one segment with the default codec; see [`Codec::encode`].
///
/// # Errors
/// As [`Codec::encode`].
pub fn encode(code: Code, ciphertext: impl Into<Vec<u8>>) -> Result<Vec<Bytes>, CodecError> {
    Codec::default().encode(code, ciphertext)
}

/// Decodes one segment with the default codec; see [`Codec::decode`].
///
/// # Errors
/// As [`Codec::decode`].
pub fn decode(code: Code, ciphertext_len: usize, shards: &[(u16, Bytes)]) -> Result<Vec<u8>, CodecError> {
    Codec::default().decode(code, ciphertext_len, shards)
}

impl Codec {
    /// A codec that computes with this library.
    pub fn new(choice: CodecChoice) -> Self {
        Self { choice }
    }

    /// The n shards of a segment, in slot order.
    ///
    /// Data shards are slices of the ciphertext's own memory; it is moved first unless it has a capacity of
    /// [`padded_len`] bytes. A `Bytes` is taken over without a copy if nothing else shares it. Parity shards
    /// are slices of one allocation too.
    ///
    /// # Errors
    /// [`CodecError::SegmentLength`] if the ciphertext is empty or longer than a segment can be.
    pub fn encode(&self, code: Code, ciphertext: impl Into<Vec<u8>>) -> Result<Vec<Bytes>, CodecError> {
        let mut data: Vec<u8> = ciphertext.into();
        check_segment(data.len())?;
        let len = shard_len(code, data.len());
        data.resize(padded_len(code, data.len()), 0);
        let parity = match self.choice {
            CodecChoice::Simd => simd::parity(code, &data),
            CodecChoice::NovelPoly => novelpoly::parity(code, &data)?,
        };
        let (data, parity) = (Bytes::from(data), Bytes::from(parity));
        let cut =
            |all: &Bytes, shards: usize| (0..shards).map(|i| all.slice(i * len..(i + 1) * len)).collect();
        let mut shards: Vec<Bytes> = cut(&data, code.k());
        shards.extend(cut(&parity, code.n() - code.k()));
        Ok(shards)
    }

    /// The ciphertext of a segment, from any k or more of its shards.
    ///
    /// If all data shards are there, it is their concatenation and nothing is computed.
    ///
    /// # Errors
    /// [`CodecError`] if a length is wrong, a slot does not exist or is repeated, or there are fewer than k.
    pub fn decode(
        &self,
        code: Code,
        ciphertext_len: usize,
        shards: &[(u16, Bytes)],
    ) -> Result<Vec<u8>, CodecError> {
        check_segment(ciphertext_len)?;
        let slots: Vec<u16> = shards.iter().map(|(slot, _)| *slot).collect();
        check_slots(code, &slots)?;
        let len = shard_len(code, ciphertext_len);
        check_lengths(len, shards.iter().map(|(_, shard)| shard.as_ref()))?;
        if shards.len() < code.k() {
            return Err(CodecError::Count { found: shards.len(), needed: code.k() });
        }
        let mut known: Vec<(u16, &[u8])> =
            shards.iter().map(|(slot, shard)| (*slot, shard.as_ref())).collect();
        known.sort_unstable_by_key(|(slot, _)| *slot);
        known.truncate(code.k());
        let mut data = self.restore(code, &known)?;
        data.truncate(ciphertext_len);
        Ok(data)
    }

    /// All data shards, one after the other, from k known shards in slot order.
    fn restore(&self, code: Code, known: &[(u16, &[u8])]) -> Result<Vec<u8>, CodecError> {
        let len = known[0].1.len();
        let zeros = |_, out: &mut Vec<u8>| out.resize(out.len() + len, 0);
        match (self.choice, missing(code, known).count()) {
            (_, 0) => Ok(assemble(code, known, zeros)),
            (CodecChoice::Simd, missing) if few(code, missing) => combine(code, known),
            (CodecChoice::Simd, _) => {
                let mut data = assemble(code, known, zeros);
                simd::restore(code, known, &mut data);
                Ok(data)
            }
            (CodecChoice::NovelPoly, _) => {
                let mut restored = novelpoly::restore(code, known)?.into_iter();
                Ok(assemble(code, known, |_, out| out.extend(restored.next().into_iter().flatten())))
            }
        }
    }
}

/// True if `missing` data shards cost less as one linear combination each, k multiplications of a shard,
/// than by the decoder, whose transforms of N points cost N log N however few are missing. Its step is
/// taken as two thirds of a multiplication (docs/adr/0018).
fn few(code: Code, missing: usize) -> bool {
    let points = (code.k().next_power_of_two() + code.n() - code.k()).next_power_of_two();
    3 * missing * code.k() <= 2 * points * points.ilog2() as usize
}

/// All data shards, the missing ones each as a combination of the known ones.
fn combine(code: Code, known: &[(u16, &[u8])]) -> Result<Vec<u8>, CodecError> {
    let (slots, inputs): (Vec<u16>, Vec<&[u8]>) = known.iter().copied().unzip();
    let lagrange = Known::new(code, &slots)?;
    let fill = |slot, out: &mut Vec<u8>| lagrange.combination(slot).append(&inputs, 0..inputs[0].len(), out);
    Ok(assemble(code, known, fill))
}

/// The data slots that are not known; `known` is in slot order.
fn missing(code: Code, known: &[(u16, &[u8])]) -> impl Iterator<Item = u16> {
    let absent = |slot: &u16| known.binary_search_by_key(slot, |(slot, _)| *slot).is_err();
    code.slots().take(code.k()).filter(absent)
}

/// All data shards in slot order; `append` is told which one is missing, and appends what stands for it.
fn assemble(code: Code, known: &[(u16, &[u8])], mut append: impl FnMut(u16, &mut Vec<u8>)) -> Vec<u8> {
    let mut data = Vec::with_capacity(known[0].1.len() * code.k());
    let mut known = known.iter().peekable();
    for slot in code.slots().take(code.k()) {
        match known.next_if(|(at, _)| *at == slot) {
            Some((_, shard)) => data.extend_from_slice(shard),
            None => append(slot, &mut data),
        }
    }
    data
}

fn check_segment(len: usize) -> Result<(), CodecError> {
    if len == 0 || len > limits::MAX_SEGMENT + limits::TAG {
        return Err(CodecError::SegmentLength { len });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
