//! Sums of many points, each times a number: where a prover's time goes.
//!
//! Pippenger's buckets with signed digits. Buckets hold affine points, and many are added to at a time, so that one
//! inversion serves all: six multiplications an addition, where the mixed addition of projective points takes eleven. A
//! point whose bucket is being added to already is put off to the next batch. If many are put off again, as equal scalars
//! are, or if a point has its bucket's own x, it is added the plain way to a second, projective bucket.

use crate::field::Fr;
use ark_ec::{
    AffineRepr, PrimeGroup as _,
    short_weierstrass::{Affine, Projective, SWCurveConfig},
};
use ark_ff::{AdditiveGroup, BigInt, BigInteger, Field, PrimeField};
use rayon::prelude::*;
use std::{collections::BTreeMap, ops::Range};

/// Most additions that share one inversion, which costs as much as some forty of them. More of them would meet their
/// own buckets too often, and leave the cache.
const BATCH: usize = 1024;

/// Widest digits, in bits: buckets of more would leave the cache.
const WIDEST: usize = 15;

/// `Σ scalar·point`, the scalars below r. Each window of digits is a task of its own in the caller's rayon pool.
pub fn sum_of_products<P: SWCurveConfig<ScalarField = Fr>>(
    points: &[Affine<P>],
    scalars: &[BigInt<4>],
) -> Projective<P> {
    let size = points.len().min(scalars.len());
    let bits = (size.checked_ilog2().unwrap_or(0) as usize).saturating_sub(3).clamp(4, WIDEST);
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
            let count = 1 << (bits - 1);
            let mut buckets = Buckets::new(count, BATCH.min(count / 8));
            for (point, scalar) in points.iter().zip(&scalars) {
                let digit = i64::from(bits_from(scalar, place(window), width(window))) - half;
                if let (Some((x, y)), true) = (point.xy(), digit != 0) {
                    let at = usize::try_from(digit.unsigned_abs()).expect("a digit has 15 bits") - 1;
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
    /// What could not wait, by bucket.
    others: BTreeMap<usize, Projective<P>>,
    /// The batch in which a bucket was last added to.
    turns: Vec<u32>,
    turn: u32,
    waiting: Vec<Waiting<P::BaseField>>,
    /// Points, and their buckets, for a later batch; at most one batch of them.
    later: Vec<(usize, P::BaseField, P::BaseField)>,
    /// Additions that share an inversion.
    batch: usize,
    /// Room for [`invert_leaves`].
    tree: Vec<P::BaseField>,
}

/// A point, the bucket that it goes to, and the bucket's sum.
struct Waiting<F> {
    at: usize,
    x: F,
    y: F,
    sum: (F, F),
}

impl<P: SWCurveConfig> Buckets<P> {
    fn new(count: usize, batch: usize) -> Self {
        Self {
            sums: vec![Default::default(); count],
            others: BTreeMap::new(),
            turns: vec![0; count],
            turn: 1,
            waiting: Vec::with_capacity(batch),
            later: Vec::with_capacity(batch),
            batch,
            tree: Vec::with_capacity(2 * batch),
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

    /// Has a point wait for its addition; false if its bucket waits for another one.
    fn admit(&mut self, at: usize, x: P::BaseField, y: P::BaseField) -> bool {
        let free = self.turns[at] != self.turn;
        if free {
            self.turns[at] = self.turn;
            self.waiting.push(Waiting { at, x, y, sum: Default::default() });
        }
        free
    }

    /// One step for all points at a time, so that the processor fetches many buckets at once and never waits for a product.
    fn add_waiting(&mut self) {
        let Self { sums, others, waiting, tree, .. } = self;
        waiting.retain_mut(|Waiting { at, x, y, sum }| {
            *sum = sums[*at];
            if *sum == Default::default() {
                sums[*at] = (*x, *y);
            } else if *x == sum.0 {
                add_plainly(others, *at, *x, *y);
            } else {
                return true;
            }
            false
        });
        let count = waiting.len();
        tree.clear();
        tree.resize(count, P::BaseField::ZERO);
        tree.extend(waiting.iter().map(|it| it.x - it.sum.0));
        invert_leaves(tree);
        for (Waiting { at, x, y, sum }, inverse) in waiting.drain(..).zip(&tree[count..]) {
            let slope = (y - sum.1) * inverse;
            let new_x = slope.square() - sum.0 - x;
            sums[at] = (new_x, slope * (sum.0 - new_x) - sum.1);
        }
        self.turn += 1;
        let mut later = std::mem::take(&mut self.later);
        later.retain(|(at, x, y)| !self.admit(*at, *x, *y));
        if later.len() > self.batch / 2 {
            later.drain(..).for_each(|(at, x, y)| add_plainly(&mut self.others, at, x, y));
        }
        self.later = later;
    }

    fn settle(&mut self) {
        while !self.waiting.is_empty() {
            self.add_waiting();
        }
    }

    /// The sum of each bucket's points times its number, which is one more than its place.
    ///
    /// The buckets stand in a table. Its rows and its columns are summed, along its diagonals for the sake of batches that
    /// meet no bucket twice, and only these sums are multiplied.
    fn finish(mut self) -> Projective<P> {
        self.settle();
        let half = self.sums.len().ilog2() / 2;
        let (rows, columns) = (self.sums.len() >> half, 1 << half);
        let mut sides = Self::new(rows + columns, 2 * columns);
        for (diagonal, column) in (0..rows).flat_map(|diagonal| (0..columns).map(move |it| (diagonal, it))) {
            let row = (diagonal + column) % rows;
            let (x, y) = self.sums[row * columns + column];
            if (x, y) != Default::default() {
                sides.add(row, x, y);
                sides.add(rows + column, x, y);
            }
        }
        sides.settle();
        let mut total = sides.weighted(1..rows);
        (0..half).for_each(|_| _ = total.double_in_place());
        let others = self.others.iter().map(|(at, other)| other.mul_bigint([*at as u64 + 1]));
        total + sides.weighted(rows..rows + columns) + others.sum::<Projective<P>>()
    }

    /// The sum of a range of buckets, the first once, the second twice.
    fn weighted(&self, range: Range<usize>) -> Projective<P> {
        let (mut running, mut total) = (Projective::default(), Projective::default());
        for at in range.rev() {
            let (x, y) = self.sums[at];
            if (x, y) != Default::default() {
                running += Affine::<P>::new_unchecked(x, y);
            }
            if let Some(other) = self.others.get(&at) {
                running += other;
            }
            total += running;
        }
        total
    }
}

fn add_plainly<P: SWCurveConfig>(
    sums: &mut BTreeMap<usize, Projective<P>>,
    at: usize,
    x: P::BaseField,
    y: P::BaseField,
) {
    *sums.entry(at).or_default() += Affine::<P>::new_unchecked(x, y);
}

/// Inverts the upper half of a heap, the lower being room for products: each node's is that of its two children. No
/// product waits for the one before, as in a running product (Montgomery's trick), and there are as many.
fn invert_leaves<F: Field>(heap: &mut [F]) {
    let count = heap.len() / 2;
    for at in (1..count).rev() {
        heap[at] = heap[2 * at] * heap[2 * at + 1];
    }
    if let Some(root) = heap.get_mut(1) {
        root.inverse_in_place().expect("no leaf is zero");
    }
    for at in 1..count {
        let (left, right) = (heap[2 * at], heap[2 * at + 1]);
        heap[2 * at] = heap[at] * right;
        heap[2 * at + 1] = heap[at] * left;
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
        // Buckets with equal sums, which meet in their rows and columns.
        let scalars: Vec<Fr> = (0..600).map(|_| random(&mut rng)).collect();
        check(&[one; 600], &scalars);
    }
}
