//! Sums of elements that are reduced once.

use crate::field::Fr;
use ark_ff::{BigInt, PrimeField};

/// A number below 2^274: the Montgomery forms of elements, added up. The least limb comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wide([u64; 5]);

/// 2^232 goes more often into the modulus than into this by less than one.
const TOP: u64 = (Fr::MODULUS.0[3] >> 40) + 1;

impl Wide {
    /// `self + times·value`. All numbers added to one sum may be multiples by 2^20 altogether.
    pub fn add(self, value: &Fr, times: u64) -> Self {
        let mut sum = self.0;
        let mut carry = 0_u128;
        for (limb, factor) in sum.iter_mut().zip(value.0.0) {
            carry += u128::from(*limb) + u128::from(factor) * u128::from(times);
            *limb = carry as u64;
            carry >>= 64;
        }
        sum[4] += carry as u64;
        Self(sum)
    }

    /// `self + other`.
    pub fn plus(self, other: &Self) -> Self {
        let mut sum = self.0;
        let mut carry = false;
        for (limb, more) in sum.iter_mut().zip(other.0) {
            (*limb, carry) = limb.carrying_add(more, carry);
        }
        debug_assert!(!carry, "sums stay far below 2^320");
        Self(sum)
    }

    /// The element. The quotient is guessed from the top bits, and is right or one too small.
    pub fn reduce(self) -> Fr {
        let Self([.., third, fourth]) = self;
        let quotient = (fourth << 24 | third >> 40) / TOP;
        let mut rest = [0; 4];
        let mut borrow = 0_i128;
        for ((limb, value), modulus) in rest.iter_mut().zip(self.0).zip(Fr::MODULUS.0) {
            borrow += i128::from(value) - (u128::from(modulus) * u128::from(quotient)) as i128;
            *limb = borrow as u64;
            borrow >>= 64;
        }
        let mut less = [0; 4];
        let mut below = false;
        for ((limb, value), modulus) in less.iter_mut().zip(rest).zip(Fr::MODULUS.0) {
            (*limb, below) = value.borrowing_sub(modulus, below);
        }
        Fr::new_unchecked(BigInt::new(if below { rest } else { less }))
    }
}

impl From<&Fr> for Wide {
    fn from(value: &Fr) -> Self {
        let [a, b, c, d] = value.0.0;
        Self([a, b, c, d, 0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::random;
    use ark_ff::Field;
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    #[test]
    fn a_sum_reduced_once_is_the_sum() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let ends =
            [Fr::from(0), Fr::ONE, -Fr::ONE, Fr::new_unchecked(BigInt::new([u64::MAX, u64::MAX, 0, 0]))];
        let values: Vec<Fr> = ends.into_iter().chain((0..200).map(|_| random(&mut rng))).collect();
        for times in [0, 1, 2, 3, 17, 80, 255, 1 << 10, (1 << 19) - 1] {
            for pair in values.windows(2) {
                let wide = Wide::from(&pair[0]).add(&pair[1], times);
                assert_eq!(wide.reduce(), pair[0] + pair[1] * Fr::from(times));
                let both = wide.plus(&wide);
                assert_eq!(both.reduce(), (pair[0] + pair[1] * Fr::from(times)) * Fr::from(2));
            }
        }
    }

    /// The modulus itself and its neighbours: where a guess that is one too small shows.
    #[test]
    fn numbers_next_to_multiples_of_the_modulus_are_reduced() {
        let most = -Fr::ONE;
        let largest = Fr::new_unchecked(BigInt::new({
            let mut limbs = Fr::MODULUS.0;
            limbs[0] -= 1;
            limbs
        }));
        let least = Fr::new_unchecked(BigInt::new([1, 0, 0, 0]));
        for times in 1..2_000 {
            // times·(r − 1) + times = times·r, and one less and one more.
            let wide = Wide::default().add(&largest, times).add(&least, times);
            assert_eq!(wide.reduce(), Fr::from(0));
            assert_eq!(wide.add(&least, 1).reduce(), least);
            assert_eq!(Wide::default().add(&largest, times).add(&least, times - 1).reduce(), largest);
            assert_eq!(wide.add(&most, 1).reduce(), most);
        }
    }
}
