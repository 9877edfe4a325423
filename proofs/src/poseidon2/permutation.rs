//! The native permutation.

use super::{
    params::{Parameters, choice},
    wide::Wide,
};
use crate::{field::Fr, poseidon::params::fifth_power};
use std::sync::LazyLock;

/// A permutation of `T` lanes, a multiple of four, ready to run.
#[derive(Debug)]
pub struct Poseidon2<const T: usize> {
    parameters: Parameters,
}

static CELL: LazyLock<Poseidon2<16>> = LazyLock::new(Poseidon2::new);
static NODE: LazyLock<Poseidon2<8>> = LazyLock::new(Poseidon2::new);

/// The permutation that compresses a cell's elements.
#[must_use]
pub fn cell_hash() -> &'static Poseidon2<16> {
    &CELL
}

/// The permutation that compresses eight children of a tree.
#[must_use]
pub fn node_hash() -> &'static Poseidon2<8> {
    &NODE
}

impl<const T: usize> Poseidon2<T> {
    fn new() -> Self {
        const { assert!(T > 0 && T.is_multiple_of(4), "external layers go by fours") };
        let (partial_rounds, diagonal) = choice(T).expect("only chosen widths are instantiated");
        Self { parameters: Parameters::generate(T, partial_rounds, diagonal) }
    }

    /// What the permutation is made of, for circuits.
    pub(super) fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// All lanes after all rounds.
    #[must_use]
    pub fn permute(&self, state: [Fr; T]) -> [Fr; T] {
        let mut state = external(&state);
        for constants in &self.parameters.first {
            state = full_round(&state, constants);
        }
        for constant in &self.parameters.partial {
            state[0] = fifth_power(state[0] + constant);
            state = internal(&state, &self.parameters.diagonal);
        }
        for constants in &self.parameters.last {
            state = full_round(&state, constants);
        }
        state
    }

    /// First lane of `P(x) + x`, as [`crate::poseidon::Poseidon::compress`].
    #[must_use]
    pub fn compress(&self, input: &[Fr; T]) -> Fr {
        self.permute(*input)[0] + input[0]
    }
}

fn full_round<const T: usize>(state: &[Fr; T], constants: &[Fr]) -> [Fr; T] {
    external(&std::array::from_fn(|lane| fifth_power(state[lane] + constants[lane])))
}

/// Each four lanes times M₄, by additions alone, and to each the sum of all lanes at its place among four.
fn external<const T: usize>(state: &[Fr; T]) -> [Fr; T] {
    let mut lanes = [Wide::default(); T];
    let mut sums = [Wide::default(); 4];
    for (lanes, [a, b, c, d]) in lanes.as_chunks_mut::<4>().0.iter_mut().zip(state.as_chunks::<4>().0) {
        let ab = Wide::from(a).add(b, 1);
        let cd = Wide::from(c).add(d, 1);
        let (low, high) = (cd.add(b, 2), ab.add(d, 2));
        let twice = |sum: &Wide| sum.plus(sum);
        let (second, fourth) = (twice(&twice(&ab)).plus(&low), twice(&twice(&cd)).plus(&high));
        *lanes = [high.plus(&second), second, low.plus(&fourth), fourth];
        for (sum, lane) in sums.iter_mut().zip(lanes) {
            *sum = sum.plus(lane);
        }
    }
    std::array::from_fn(|lane| lanes[lane].plus(&sums[lane % 4]).reduce())
}

/// To each lane, times its number, the sum of all.
fn internal<const T: usize>(state: &[Fr; T], diagonal: &[u64]) -> [Fr; T] {
    let sum = state.iter().fold(Wide::default(), |sum, lane| sum.add(lane, 1)).reduce();
    let sum = Wide::from(&sum);
    std::array::from_fn(|lane| sum.add(&state[lane], diagonal[lane]).reduce())
}
