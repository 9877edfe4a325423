//! Sums of many points, each times a number: where a prover's time goes.
//!
//! Pippenger's buckets with signed digits. Buckets hold affine points, and many are added to at a time, so that one
//! inversion serves all (Montgomery's trick): six multiplications an addition, where the mixed addition of projective
//! points takes eleven. A point whose bucket is being added to already is put off to the next batch, once. One that meets
//! its bucket busy again, or has the bucket's own x, is added the plain way to a second, projective bucket.

use crate::field::Fr;
use ark_ec::{
    AdditiveGroup as _, AffineRepr,
    short_weierstrass::{Affine, Projective, SWCurveConfig},
};
use ark_ff::{BigInt, BigInteger, Field, PrimeField};
use rayon::prelude::*;

/// Most additions that share one inversion, which costs as much as some fifty of them. More of them would meet their
/// own buckets too often, and leave the cache.
const BATCH: usize = 512;

/// `Σ scalar·point`, the scalars below r. Each window of digits is a task of its own in the caller's rayon pool.
pub fn sum_of_products<P: SWCurveConfig<ScalarField = Fr>>(
    points: &[Affine<P>],
    scalars: &[BigInt<4>],
) -> Projective<P> {
    let size = points.len().min(scalars.len());
    let bits = (size.checked_ilog2().unwrap_or(0) as usize).saturating_sub(3).clamp(4, 13);
    // The top digit is unsigned and has one bit less; the bits below are spread evenly, so that no window has few
    // buckets for all points to meet in.
    let low = Fr::MODULUS_BIT_SIZE as usize + 1 - bits;
    let below = low.div_ceil(bits);
    let place = |window: usize| window * low / below;
    let width = |window: usize| if window < below { place(window + 1) - place(window) } else { bits - 1 };
    // With half a digit added in each window but the last, a digit less half is signed and carries nothing.
    let mut halves = BigInt::<4>::from(0_u64);
    for window in 0..below {
        let top = place(window + 1) - 1;
        halves.0[top / 64] |= 1 << (top % 64);
    }
    let shifted = |scalar: &BigInt<4>| {
        let mut shifted = *scalar;
        shifted.add_with_carry(&halves);
        shifted
    };
    let scalars: Vec<BigInt<4>> = scalars.par_iter().map(shifted).collect();
    let sums: Vec<Projective<P>> = (0..=below)
        .into_par_iter()
        .map(|window| {
            let half = if window < below { 1 << (width(window) - 1) } else { 0 };
            let mut buckets = Buckets::new(1 << (bits - 1));
            for (point, scalar) in points.iter().zip(&scalars) {
                let digit = i64::from(bits_from(scalar, place(window), width(window))) - half;
                if let (Some((x, y)), true) = (point.xy(), digit != 0) {
                    let at = usize::try_from(digit.unsigned_abs()).expect("a digit has 13 bits") - 1;
                    buckets.add(at, x, if digit < 0 { -y } else { y });
                }
            }
            buckets.finish()
        })
        .collect();
    sums.into_iter().enumerate().rev().fold(Projective::default(), |mut total, (window, sum)| {
        (0..width(window)).for_each(|_| _ = total.double_in_place());
        total + sum
    })
}

/// Up to 16 bits from a place on.
fn bits_from(number: &BigInt<4>, from: usize, bits: usize) -> u32 {
    let (limb, shift) = (from / 64, from % 64);
    let high = number.0.get(limb + 1).map_or(0, |next| next << 1 << (63 - shift));
    ((number.0[limb] >> shift | high) & ((1 << bits) - 1)) as u32
}

struct Buckets<P: SWCurveConfig> {
    /// Affine sums; none where x and y are zero, which is on no curve in use.
    sums: Vec<(P::BaseField, P::BaseField)>,
    /// What could not wait.
    others: Vec<Projective<P>>,
    /// The batch in which a bucket was last added to.
    turns: Vec<u32>,
    turn: u32,
    waiting: Vec<Waiting<P::BaseField>>,
    /// Points, and their buckets, for the next batch; at most one batch of them.
    later: Vec<(usize, P::BaseField, P::BaseField)>,
    /// Product of all differences that wait.
    product: P::BaseField,
    batch: usize,
}

/// A point and the bucket that it goes to.
struct Waiting<F> {
    at: usize,
    x: F,
    y: F,
    /// Its x less the bucket's.
    difference: F,
    /// Product of the differences before.
    before: F,
}

impl<P: SWCurveConfig> Buckets<P> {
    fn new(count: usize) -> Self {
        Self {
            sums: vec![Default::default(); count],
            others: vec![Projective::default(); count],
            turns: vec![0; count],
            turn: 1,
            waiting: Vec::with_capacity(BATCH),
            later: Vec::with_capacity(BATCH),
            product: P::BaseField::ONE,
            batch: BATCH.min(count / 8).max(1),
        }
    }

    fn add(&mut self, at: usize, x: P::BaseField, y: P::BaseField) {
        if !self.admit(at, x, y) {
            self.later.push((at, x, y));
        }
        if self.waiting.len() >= self.batch || self.later.len() >= self.batch {
            self.add_waiting();
        }
    }

    /// Has a point wait for its addition, or adds it if it need not; false if its bucket waits for another one.
    fn admit(&mut self, at: usize, x: P::BaseField, y: P::BaseField) -> bool {
        if self.turns[at] == self.turn {
            return false;
        }
        let sum = &mut self.sums[at];
        let difference = x - sum.0;
        if *sum == Default::default() {
            *sum = (x, y);
        } else if difference == P::BaseField::ZERO {
            self.others[at] += Affine::<P>::new_unchecked(x, y);
        } else {
            self.turns[at] = self.turn;
            self.waiting.push(Waiting { at, x, y, difference, before: self.product });
            self.product *= difference;
        }
        true
    }

    fn add_waiting(&mut self) {
        let mut inverse = self.product.inverse().expect("no difference is zero");
        for Waiting { at, x, y, difference, before } in self.waiting.iter().rev() {
            let sum = &mut self.sums[*at];
            let slope = (*y - sum.1) * (inverse * before);
            inverse *= difference;
            let new_x = slope.square() - sum.0 - x;
            *sum = (new_x, slope * (sum.0 - new_x) - sum.1);
        }
        self.waiting.clear();
        self.product = P::BaseField::ONE;
        self.turn += 1;
        let mut later = std::mem::take(&mut self.later);
        for (at, x, y) in later.drain(..) {
            if !self.admit(at, x, y) {
                self.others[at] += Affine::<P>::new_unchecked(x, y);
            }
        }
        self.later = later;
    }

    /// The sum of each bucket's points times its number.
    fn finish(mut self) -> Projective<P> {
        while !self.waiting.is_empty() {
            self.add_waiting();
        }
        let (mut running, mut total) = (Projective::default(), Projective::default());
        for ((x, y), other) in self.sums.into_iter().zip(self.others).rev() {
            running += other;
            if (x, y) != Default::default() {
                running += Affine::<P>::new_unchecked(x, y);
            }
            total += running;
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::random;
    use ark_bn254::{G1Affine, G1Projective, G2Affine, G2Projective};
    use ark_ec::CurveGroup;
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    fn plain<G: CurveGroup<ScalarField = Fr>>(points: &[G::Affine], scalars: &[BigInt<4>]) -> G {
        points.iter().zip(scalars).map(|(point, scalar)| point.mul_bigint(scalar)).sum()
    }

    fn check(points: &[Fr], scalars: &[Fr]) {
        let one1: Vec<G1Projective> = points.iter().map(|it| G1Affine::generator() * it).collect();
        let one2: Vec<G2Projective> = points.iter().map(|it| G2Affine::generator() * it).collect();
        let (one1, one2) = (G1Projective::normalize_batch(&one1), G2Projective::normalize_batch(&one2));
        let scalars: Vec<BigInt<4>> = scalars.iter().map(|it| it.into_bigint()).collect();
        assert_eq!(sum_of_products(&one1, &scalars), plain::<G1Projective>(&one1, &scalars));
        assert_eq!(sum_of_products(&one2, &scalars), plain::<G2Projective>(&one2, &scalars));
    }

    #[test]
    fn sums_are_those_of_plain_multiplication() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for size in [0, 1, 2, 3, 31, 700] {
            let mut draw = || (0..size).map(|_| random(&mut rng)).collect::<Vec<_>>();
            check(&draw(), &draw());
        }
    }

    /// Every addition that the affine formula cannot do, and scalars at the ends of the field and of digits.
    #[test]
    fn equal_opposite_and_missing_points_and_repeated_scalars_are_summed() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let (one, two) = (Fr::ONE, Fr::from(2));
        let scalars =
            [Fr::from(0), one, -one, two, -two, Fr::from(8), Fr::from(1_u64 << 40), random(&mut rng)];
        for scalar in scalars {
            check(&vec![one; 600], &vec![scalar; 600]);
            check(&[one, -one, one, -one, -one, two], &[scalar; 6]);
            check(&[one, Fr::from(0), two], &[scalar; 3]);
            let points: Vec<Fr> = (0..1_200).map(|_| random(&mut rng)).collect();
            check(&points, &vec![scalar; 1_200]);
        }
    }
}
