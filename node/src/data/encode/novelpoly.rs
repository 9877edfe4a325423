//! The code by `reed-solomon-novelpoly`: the reference, slow and plain.
//!
//! It takes k and n as powers of two, symbols as big-endian pairs of bytes, and the message with its
//! shards interleaved symbol by symbol; so this module pads, permutes and interleaves.

use super::{CodecError, missing};
use crate::types::Code;
use reed_solomon_novelpoly::{CodeParams, ReedSolomon, WrappedShard};

/// Bytes of each shard that are encoded at a time, which bounds the interleaved copy.
const STRIPE: usize = 4 << 10;
/// Symbols of a block: their 32 low bytes come first, then their 32 high bytes.
const LANES: usize = 32;

/// The parity shards of a segment, one after the other, from its k data shards, one after the other.
pub(super) fn parity(code: Code, data: &[u8]) -> Result<Vec<u8>, CodecError> {
    let (library, width) = reference(code)?;
    let len = data.len() / code.k();
    let mut parity: Vec<Vec<u8>> = (code.k()..code.n()).map(|_| Vec::with_capacity(len)).collect();
    for from in (0..len).step_by(STRIPE) {
        let to = len.min(from + STRIPE);
        let mut message = vec![0; (to - from) * width];
        for (index, shard) in data.chunks_exact(len).enumerate() {
            for (column, symbol) in to_big_endian(&shard[from..to]).as_chunks::<2>().0.iter().enumerate() {
                message[2 * (column * width + index)..][..2].copy_from_slice(symbol);
            }
        }
        let shards = library.encode::<WrappedShard>(&message).map_err(failed)?;
        for (out, shard) in parity.iter_mut().zip(shards.into_iter().skip(width)) {
            out.extend(from_big_endian(&shard.into_inner()));
        }
    }
    Ok(parity.concat())
}

/// The missing data shards, in slot order, from k known shards in slot order.
pub(super) fn restore(code: Code, known: &[(u16, &[u8])]) -> Result<Vec<Vec<u8>>, CodecError> {
    let (library, width) = reference(code)?;
    let len = known[0].1.len();
    let mut received: Vec<Option<WrappedShard>> = vec![None; width + code.n() - code.k()];
    received[code.k()..width].fill(Some(WrappedShard::new(vec![0; len])));
    for (slot, shard) in known {
        let slot = usize::from(*slot);
        let at = if slot < code.k() { slot } else { width + slot - code.k() };
        received[at] = Some(WrappedShard::new(to_big_endian(shard)));
    }
    let message = library.reconstruct(received).map_err(failed)?;
    let shard = |slot: u16| {
        let columns = message.chunks_exact(2 * width).map(|column| &column[2 * usize::from(slot)..][..2]);
        from_big_endian(&columns.collect::<Vec<_>>().concat())
    };
    Ok(missing(code, known).map(shard).collect())
}

/// The library's code and its k: the next power of two. It rounds k down and panics if k exceeds half of
/// n, so it is asked for a k that is a power of two and an n that is more than k.
fn reference(code: Code) -> Result<(ReedSolomon, usize), CodecError> {
    let width = code.k().next_power_of_two();
    let params = CodeParams::derive_parameters(width + code.n() - code.k(), width).map_err(failed)?;
    Ok((params.make_encoder(), width))
}

/// Blocks of 32 low bytes and 32 high bytes as big-endian symbols.
fn to_big_endian(shard: &[u8]) -> Vec<u8> {
    let blocks = shard.as_chunks::<{ 2 * LANES }>().0.iter();
    blocks.flat_map(|block| (0..LANES).flat_map(|i| [block[LANES + i], block[i]])).collect()
}

/// Big-endian symbols as blocks of 32 low bytes and 32 high bytes.
fn from_big_endian(symbols: &[u8]) -> Vec<u8> {
    let blocks = symbols.as_chunks::<{ 2 * LANES }>().0.iter();
    blocks
        .flat_map(|block| (0..LANES).map(|i| block[2 * i + 1]).chain((0..LANES).map(|i| block[2 * i])))
        .collect()
}

fn failed(error: reed_solomon_novelpoly::Error) -> CodecError {
    CodecError::Library(error.to_string())
}
