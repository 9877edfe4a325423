//! The code by `reed-solomon-simd`: always its low-rate half, which is the code of novelpoly. (Its own
//! choice of rate would switch to another code when k exceeds n - k.)

use super::{CodecError, missing};
use crate::{limits, types::Code};
use reed_solomon_simd::{
    Error,
    engine::DefaultEngine,
    rate::{LowRateDecoder, LowRateEncoder, RateDecoder, RateEncoder},
};

/// Most bytes of a work area, which should stay in the third-level cache. The decoder wants long stripes,
/// since each call evaluates the error locator anew (0.25 ms); the encoder hardly cares.
const AREA: usize = 8 << 20;
/// Least and most bytes of each shard that are worked on at a time.
const STRIPE: std::ops::RangeInclusive<usize> = 4 << 10..=64 << 10;

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
        let area_shards = spare.next_multiple_of(k.next_power_of_two());
        let stripe = stripe_len(area_shards, len);
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
        let area_shards = (k.next_power_of_two() + spare).next_power_of_two();
        let stripe = stripe_len(area_shards, len);
        for from in (0..len).step_by(stripe) {
            let to = len.min(from + stripe);
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

/// Bytes of each of `shards` shards to work on at a time, so that their area stays in cache and no short
/// stripe is left over.
fn stripe_len(shards: usize, len: usize) -> usize {
    let wanted = (AREA / shards).clamp(*STRIPE.start(), *STRIPE.end());
    let stripes = ((len + wanted / 2) / wanted).max(1);
    len.div_ceil(stripes).next_multiple_of(limits::SHARD_ALIGN)
}

fn library(error: Error) -> CodecError {
    CodecError::Library(error.to_string())
}
