//! Any shard as a linear combination of any k others.
//!
//! The code evaluates a polynomial of degree below k' (k rounded up to a power of two) over GF(2^16):
//! data shard i is its value at point i, parity shard j its value at point k' + j, and its values at the
//! points k..k' are zero (Lin, Han, Chung: "Novel Polynomial Basis and Its Application to Reed-Solomon
//! Erasure Codes", FOCS 2014). So k shards and the zeros are k' values of it, and Lagrange's formula
//! gives its value at any other point: one coefficient a shard, none of them zero.
//! Points and symbols are written in the Cantor basis, where point i is the number i and the difference
//! of two points is their exclusive or.

use super::encode::CodecError;
use crate::{limits, types::Code};
use reed_solomon_simd::engine::{DefaultEngine, Engine, GF_MODULUS, tables, utils};
use std::sync::LazyLock;

/// Bytes of the result that are worked on at a time: they stay in the first-level cache while every
/// shard is added to them.
const STRIPE: usize = 8 << 10;

/// Multiplies with the widest instructions that this machine has, found once.
pub(super) static ENGINE: LazyLock<DefaultEngine> = LazyLock::new(DefaultEngine::new);

/// What Lagrange's formula needs of k known shards, whichever shard is wanted.
pub(super) struct Known {
    code: Code,
    points: Vec<u16>,
    /// log of the product of a point's differences from all other known points.
    denominators: Vec<u16>,
}

/// How to combine k shards into another: add a shard, multiply the sum, add the next (Horner's scheme).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Combination {
    /// log of what the sum is multiplied with after each shard.
    factors: Box<[u16]>,
}

impl Known {
    /// Takes exactly k distinct slots.
    pub(super) fn new(code: Code, slots: &[u16]) -> Result<Self, CodecError> {
        check_slots(code, slots)?;
        if slots.len() != code.k() {
            return Err(CodecError::Count { found: slots.len(), needed: code.k() });
        }
        let points: Vec<u16> = slots.iter().map(|slot| point(code, *slot)).collect();
        let mut known = Self { code, points, denominators: Vec::new() };
        known.denominators = known.points.iter().map(|at| known.log_product(*at)).collect();
        Ok(known)
    }

    /// How the shard of another slot is made of them.
    pub(super) fn combination(&self, wanted: u16) -> Combination {
        let target = point(self.code, wanted);
        let numerator = self.log_product(target);
        let coefficients: Vec<u32> = self
            .points
            .iter()
            .zip(&self.denominators)
            .map(|(at, denominator)| {
                let divisor = u32::from(log(target ^ at)) + u32::from(*denominator);
                (u32::from(numerator) + 2 * u32::from(GF_MODULUS) - divisor) % u32::from(GF_MODULUS)
            })
            .collect();
        let following = coefficients.iter().skip(1).copied().chain([0]);
        let factors = coefficients
            .iter()
            .zip(following)
            .map(|(this, next)| ((this + u32::from(GF_MODULUS) - next) % u32::from(GF_MODULUS)) as u16);
        Combination { factors: factors.collect() }
    }

    /// log of the product of `at`'s differences from every known point, the zeros among them, but itself.
    fn log_product(&self, at: u16) -> u16 {
        let zeros = self.code.k() as u16..self.code.k().next_power_of_two() as u16;
        let others = self.points.iter().copied().chain(zeros).filter(|other| *other != at);
        let sum: u64 = others.map(|other| u64::from(log(at ^ other))).sum();
        (sum % u64::from(GF_MODULUS)) as u16
    }
}

impl Combination {
    /// Appends the combination of `inputs[..][from..to]` to `out`. Lengths are whole symbol blocks.
    pub(super) fn append(&self, inputs: &[&[u8]], range: std::ops::Range<usize>, out: &mut Vec<u8>) {
        for from in range.clone().step_by(STRIPE) {
            let to = range.end.min(from + STRIPE);
            let start = out.len();
            let mut terms = self.factors.iter().zip(inputs);
            if let Some((factor, input)) = terms.next() {
                out.extend_from_slice(&input[from..to]);
                ENGINE.mul(out[start..].as_chunks_mut().0, *factor);
            }
            let sum = out[start..].as_chunks_mut().0;
            for (factor, input) in terms {
                utils::xor(sum, input[from..to].as_chunks().0);
                ENGINE.mul(sum, *factor);
            }
        }
    }
}

/// Where the code's polynomial takes the value of a slot's shard.
pub(super) fn point(code: Code, slot: u16) -> u16 {
    let k = code.k() as u16;
    if slot < k { slot } else { k.next_power_of_two() + (slot - k) }
}

/// Discrete logarithm of a field element other than zero.
fn log(element: u16) -> u16 {
    tables::get_exp_log().log[usize::from(element)]
}

/// Checks that slots exist and are distinct.
pub(super) fn check_slots(code: Code, slots: &[u16]) -> Result<(), CodecError> {
    let mut seen = vec![false; code.n()];
    for &slot in slots {
        let place = seen.get_mut(usize::from(slot)).ok_or(CodecError::Slot { slot, n: code.n() })?;
        if std::mem::replace(place, true) {
            return Err(CodecError::Repeated { slot });
        }
    }
    Ok(())
}

/// Checks that shards have `expected` bytes, and that this is a length that shards may have.
pub(super) fn check_lengths<'a>(
    expected: usize,
    shards: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(), CodecError> {
    if expected == 0 || expected > limits::MAX_SHARD || !expected.is_multiple_of(limits::SHARD_ALIGN) {
        return Err(CodecError::ShardLength { len: expected });
    }
    for shard in shards {
        if shard.len() != expected {
            return Err(CodecError::Length { expected, found: shard.len() });
        }
    }
    Ok(())
}
