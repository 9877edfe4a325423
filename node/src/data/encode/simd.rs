//! The code by `reed-solomon-simd`: always its low-rate half, which is the code of novelpoly. (Its own
//! choice of rate would switch to another code when k exceeds n - k.)

use super::{CodecError, missing};
use crate::{limits, types::Code};
use reed_solomon_simd::{
    Error,
    engine::DefaultEngine,
    rate::{LowRateDecoder, LowRateEncoder, RateDecoder, RateEncoder},
};

/// Bytes of the work area of an encoder that stay in the second-level cache.
const ENCODE_AREA: usize = 512 << 10;
/// Bytes of each shard that are encoded at a time: below, the cost of each call shows.
const ENCODE_STRIPE: std::ops::RangeInclusive<usize> = 4 << 10..=64 << 10;
/// Bytes of each shard that are decoded at a time: each call evaluates the error locator anew (0.25 ms).
const DECODE_STRIPE: usize = 64 << 10;

/// The libraries' work areas, made at the first use and kept.
#[derive(Default)]
pub(super) struct Work {
    encoder: Option<LowRateEncoder<DefaultEngine>>,
    decoder: Option<LowRateDecoder<DefaultEngine>>,
}

impl Work {
    /// The parity shards of k data shards of one length.
    pub(super) fn parity(&mut self, code: Code, data: &[&[u8]]) -> Result<Vec<Vec<u8>>, CodecError> {
        let (k, spare) = (code.k(), code.n() - code.k());
        let len = data[0].len();
        let mut parity: Vec<Vec<u8>> = (0..spare).map(|_| Vec::with_capacity(len)).collect();
        let stripe = encode_stripe(code);
        for from in (0..len).step_by(stripe) {
            let to = len.min(from + stripe);
            let encoder = match &mut self.encoder {
                Some(encoder) => {
                    encoder.reset(k, spare, to - from).map_err(library)?;
                    encoder
                }
                none => none.insert(
                    LowRateEncoder::new(k, spare, to - from, DefaultEngine::new(), None).map_err(library)?,
                ),
            };
            for shard in data {
                encoder.add_original_shard(&shard[from..to]).map_err(library)?;
            }
            let result = encoder.encode().map_err(library)?;
            for (shard, bytes) in parity.iter_mut().zip(result.recovery_iter()) {
                shard.extend_from_slice(bytes);
            }
        }
        Ok(parity)
    }

    /// The missing data shards, in slot order, from k known shards in slot order.
    pub(super) fn restore(&mut self, code: Code, known: &[(u16, &[u8])]) -> Result<Vec<Vec<u8>>, CodecError> {
        let (k, spare) = (code.k(), code.n() - code.k());
        let len = known[0].1.len();
        let mut restored: Vec<Vec<u8>> = missing(code, known).map(|_| Vec::with_capacity(len)).collect();
        for from in (0..len).step_by(DECODE_STRIPE) {
            let to = len.min(from + DECODE_STRIPE);
            let decoder = match &mut self.decoder {
                Some(decoder) => {
                    decoder.reset(k, spare, to - from).map_err(library)?;
                    decoder
                }
                none => none.insert(
                    LowRateDecoder::new(k, spare, to - from, DefaultEngine::new(), None).map_err(library)?,
                ),
            };
            for (slot, shard) in known {
                let (slot, bytes) = (usize::from(*slot), &shard[from..to]);
                match slot.checked_sub(k) {
                    None => decoder.add_original_shard(slot, bytes),
                    Some(parity) => decoder.add_recovery_shard(parity, bytes),
                }
                .map_err(library)?;
            }
            let result = decoder.decode().map_err(library)?;
            for (shard, (_, bytes)) in restored.iter_mut().zip(result.restored_original_iter()) {
                shard.extend_from_slice(bytes);
            }
        }
        Ok(restored)
    }
}

/// Bytes of each shard that are encoded at a time, so that the work area stays in cache.
fn encode_stripe(code: Code) -> usize {
    let shards = (code.n() - code.k()).next_multiple_of(code.k().next_power_of_two());
    let stripe = (ENCODE_AREA / shards).next_multiple_of(limits::SHARD_ALIGN);
    stripe.clamp(*ENCODE_STRIPE.start(), *ENCODE_STRIPE.end())
}

fn library(error: Error) -> CodecError {
    CodecError::Library(error.to_string())
}
