//! From a seed to the challenged cells.
//!
//! The seed is a 248-bit number that a contract derives (docs/spec/proof.md). Draw `d_b = H₃(seed, b, tag)` for
//! b = 0, 1, …; the low bits of `d_b`, as the integer below r, are cut into indices of 3·levels bits each, as many
//! as fit into 210 bits, lowest first. An index is uniform but for a bias below 2^-43.

use crate::{
    field::{Fr, pack},
    poseidon::challenge_hash,
};
use ark_ff::{BigInteger, PrimeField};

/// Bits of a draw that may become indices.
const DRAWN_BITS: usize = 210;
/// Third input of the hash: it keeps draws apart from every other use of width 3.
const TAG: &[u8] = b"holdfast challenge v1";

/// Bits of the index of a cell in a tree of so many levels of eight.
#[must_use]
pub const fn index_bits(levels: usize) -> usize {
    3 * levels
}

/// Indices cut out of one draw.
#[must_use]
pub const fn indices_per_draw(levels: usize) -> usize {
    DRAWN_BITS / index_bits(levels)
}

/// The three inputs of draw `number`.
pub(crate) fn draw_inputs(seed: Fr, number: usize) -> [Fr; 3] {
    [seed, Fr::from(number as u64), pack(TAG)]
}

/// The cells that `seed` challenges, in order; one may occur twice.
#[must_use]
pub fn indices(seed: Fr, samples: usize, levels: usize) -> Vec<u64> {
    let (width, each) = (index_bits(levels), indices_per_draw(levels));
    (0..samples.div_ceil(each))
        .flat_map(|number| {
            let bits = challenge_hash().compress(&draw_inputs(seed, number)).into_bigint().to_bits_le();
            (0..each).map(move |at| {
                bits[at * width..(at + 1) * width]
                    .iter()
                    .rev()
                    .fold(0, |index, &bit| index << 1 | u64::from(bit))
            })
        })
        .take(samples)
        .collect()
}
