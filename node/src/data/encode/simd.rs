//! The code by the transforms of `reed-solomon-simd`, in the order of its low-rate half, which is the code
//! of novelpoly. (Its own choice of rate would switch to another code when k exceeds n - k.) The library's
//! encoder and decoder keep a work area of their own, out of which results must be copied; here the
//! transforms run in the results' own memory (docs/adr/0018).

use super::missing;
use crate::{
    data::combine::{ENGINE, point},
    types::Code,
};
use reed_solomon_simd::engine::{
    DefaultEngine, Engine, GF_MODULUS, GF_ORDER, GfElement, ShardsRefMut, utils,
};

/// Bytes of a work area, which should stay in the second-level cache.
const AREA: usize = 512 << 10;

/// What the engine works on at a time: 32 symbols.
type Block = [u8; 64];

/// The parity shards of a segment, one after the other, from its k data shards, one after the other.
pub(super) fn parity(code: Code, data: &[u8]) -> Vec<u8> {
    let (k, spare) = (code.k(), code.n() - code.k());
    let chunk = k.next_power_of_two();
    let data = data.as_chunks().0;
    let len = data.len() / k;
    if spare >= chunk {
        let mut area: Vec<Block> = Vec::with_capacity(spare.next_multiple_of(chunk) * len);
        area.extend_from_slice(data);
        extend(code, &mut area, len);
        area.truncate(spare * len);
        area.shrink_to_fit();
        return area.into_flattened();
    }
    // The transforms need more memory than there are results: it is kept small, and they are copied.
    let mut parity: Vec<Block> = vec![[0; _]; spare * len];
    let stripe = (AREA / size_of::<Block>() / chunk).max(1);
    let mut area: Vec<Block> = Vec::with_capacity(stripe * chunk);
    for from in (0..len).step_by(stripe) {
        let to = len.min(from + stripe);
        area.clear();
        data.chunks_exact(len).for_each(|shard| area.extend_from_slice(&shard[from..to]));
        extend(code, &mut area, to - from);
        for (shard, bytes) in parity.chunks_exact_mut(len).zip(area.chunks_exact(to - from)) {
            shard[from..to].copy_from_slice(bytes);
        }
    }
    parity.into_flattened()
}

/// Makes the data shards in `area`, of `len` blocks each, to parity shards.
fn extend(code: Code, area: &mut Vec<Block>, len: usize) {
    let (k, spare) = (code.k(), code.n() - code.k());
    let chunk = k.next_power_of_two();
    let whole = spare.next_multiple_of(chunk);
    area.resize(chunk * len, [0; _]);
    ENGINE.ifft(&mut ShardsRefMut::new(chunk, len, area), 0, chunk, k, 0);
    // Every chunk of parity shards is made of the same coefficients, at points of its own.
    for _ in 1..whole / chunk {
        area.extend_from_within(..chunk * len);
    }
    let mut shards = ShardsRefMut::new(whole, len, area);
    for at in (0..spare).step_by(chunk) {
        ENGINE.fft(&mut shards, at, chunk, chunk.min(spare - at), at + chunk);
    }
}

/// Writes the missing ones of a segment's k data shards, which lie in `data` one after the other, from k
/// known shards in slot order.
pub(super) fn restore(code: Code, known: &[(u16, &[u8])], data: &mut [u8]) {
    let data = data.as_chunks_mut().0;
    let len = data.len() / code.k();
    let missing: Vec<usize> = missing(code, known).map(usize::from).collect();
    let inputs = by_point(code, known);
    let locator = locator(code, &inputs);
    let stripe = (AREA / size_of::<Block>() / inputs.len()).max(1);
    let mut area: Vec<Block> = Vec::with_capacity(stripe * inputs.len());
    for from in (0..len).step_by(stripe) {
        let to = len.min(from + stripe);
        area.clear();
        for (input, factor) in inputs.iter().zip(&locator) {
            let start = area.len();
            match input {
                Some(shard) => {
                    area.extend_from_slice(&shard[from..to]);
                    ENGINE.mul(&mut area[start..], *factor);
                }
                None => area.resize(start + to - from, [0; _]),
            }
        }
        transform(code, &inputs, &mut area);
        for &slot in &missing {
            let shard = &mut area[slot * (to - from)..][..to - from];
            ENGINE.mul(shard, GF_MODULUS - locator[slot]);
            data[slot * len + from..slot * len + to].copy_from_slice(shard);
        }
    }
}

/// The known shards by the point of each; there are as many points as the transforms need.
fn by_point<'a>(code: Code, known: &[(u16, &'a [u8])]) -> Vec<Option<&'a [Block]>> {
    let points = code.k().next_power_of_two() + code.n() - code.k();
    let mut inputs = vec![None; points.next_power_of_two()];
    for (slot, shard) in known {
        inputs[usize::from(point(code, *slot))] = Some(shard.as_chunks().0);
    }
    inputs
}

/// Logarithms of the error locator's values: a polynomial with a zero at every point whose value is not
/// known. The shards that pad k to a power of two are known to be zero.
fn locator(code: Code, inputs: &[Option<&[Block]>]) -> [GfElement; GF_ORDER] {
    let mut erasures = [1; GF_ORDER];
    for (erased, input) in erasures.iter_mut().zip(inputs) {
        *erased = GfElement::from(input.is_none());
    }
    erasures[code.k()..code.k().next_power_of_two()].fill(0);
    DefaultEngine::eval_poly(&mut erasures, GF_ORDER);
    erasures
}

/// Makes the values of the known shards times the error locator to the values of all data shards times the
/// locator's derivative: coefficients, their formal derivative, values.
fn transform(code: Code, inputs: &[Option<&[Block]>], area: &mut [Block]) {
    let points = inputs.len();
    let len = area.len() / points;
    let end = inputs.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    ENGINE.ifft(&mut ShardsRefMut::new(points, len, area), 0, points, end, 0);
    for at in 1..points {
        let width = len << at.trailing_zeros();
        let (before, after) = area.split_at_mut(at * len);
        utils::xor(&mut before[at * len - width..], &after[..width]);
    }
    ENGINE.fft(&mut ShardsRefMut::new(points, len, area), 0, points, code.k(), 0);
}
