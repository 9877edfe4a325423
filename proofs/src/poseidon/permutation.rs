//! The native permutation of each width in use.

use super::params::{FULL_ROUNDS, Optimised, Parameters, choice, fifth_power};
use crate::field::Fr;
use ark_ff::{AdditiveGroup, Field};
use std::sync::LazyLock;

/// A permutation of `T` lanes, ready to run.
#[derive(Debug)]
pub struct Poseidon<const T: usize> {
    first: Vec<[Fr; T]>,
    matrix: [[Fr; T]; T],
    bridge: [[Fr; T]; T],
    partial: Vec<Partial<T>>,
    last: Vec<[Fr; T]>,
    optimised: Optimised,
}

#[derive(Debug)]
struct Partial<const T: usize> {
    constant: Fr,
    row: [Fr; T],
    /// First column of the matrix, with zero in the corner.
    column: [Fr; T],
}

static CELL: LazyLock<Poseidon<16>> = LazyLock::new(Poseidon::new);
static NODE: LazyLock<Poseidon<8>> = LazyLock::new(Poseidon::new);
static CHALLENGE: LazyLock<Poseidon<3>> = LazyLock::new(Poseidon::new);

/// The permutation that compresses a cell's elements, and a list of roots.
#[must_use]
pub fn cell_hash() -> &'static Poseidon<16> {
    &CELL
}

/// The permutation that compresses eight children of a tree.
#[must_use]
pub fn node_hash() -> &'static Poseidon<8> {
    &NODE
}

/// The permutation that turns seeds into challenges.
#[must_use]
pub fn challenge_hash() -> &'static Poseidon<3> {
    &CHALLENGE
}

fn array<const T: usize>(lanes: &[Fr]) -> [Fr; T] {
    lanes.try_into().expect("every row is as wide as the state")
}

impl<const T: usize> Poseidon<T> {
    fn new() -> Self {
        let (partial_rounds, skipped) = choice(T).expect("only chosen widths are instantiated");
        let optimised = Optimised::of(&Parameters::generate(T, partial_rounds, skipped));
        let rows = |rows: &[Vec<Fr>]| rows.iter().map(|row| array(row)).collect::<Vec<[Fr; T]>>();
        let square = |matrix: &[Vec<Fr>]| -> [[Fr; T]; T] {
            rows(matrix).try_into().expect("a matrix has as many rows as lanes")
        };
        let partial = optimised
            .partial
            .iter()
            .map(|round| {
                let mut column = [Fr::ZERO; T];
                column[1..].copy_from_slice(&round.column);
                Partial { constant: round.constant, row: array(&round.row), column }
            })
            .collect();
        Self {
            first: rows(&optimised.first),
            matrix: square(&optimised.matrix),
            bridge: square(&optimised.bridge),
            partial,
            last: rows(&optimised.last),
            optimised,
        }
    }

    /// The rounds as numbers, for circuits.
    pub(crate) fn rounds(&self) -> &Optimised {
        &self.optimised
    }

    /// All lanes after all rounds.
    #[must_use]
    pub fn permute(&self, state: [Fr; T]) -> [Fr; T] {
        let last = self.before_last_matrix(state);
        multiply(&self.matrix, &last)
    }

    /// First lane of `P(x) + x`: one-way and collision-resistant like the permutation is random, with one lane
    /// of output (the paper's fixed-length mode for trees, with feed-forward as in eprint 2023/323, section 3.3).
    #[must_use]
    pub fn compress(&self, input: &[Fr; T]) -> Fr {
        let last = self.before_last_matrix(*input);
        Fr::sum_of_products(&self.matrix[0], &last) + input[0]
    }

    fn before_last_matrix(&self, mut state: [Fr; T]) -> [Fr; T] {
        let half = FULL_ROUNDS / 2;
        for (round, constants) in self.first.iter().enumerate() {
            full_boxes(&mut state, constants);
            state = multiply(if round + 1 == half { &self.bridge } else { &self.matrix }, &state);
        }
        for round in &self.partial {
            let boxed = fifth_power(state[0] + round.constant);
            state[0] = boxed;
            let first = Fr::sum_of_products(&round.row, &state);
            for (lane, factor) in state.iter_mut().zip(&round.column).skip(1) {
                *lane += *factor * boxed;
            }
            state[0] = first;
        }
        for (round, constants) in self.last.iter().enumerate() {
            full_boxes(&mut state, constants);
            if round + 1 < half {
                state = multiply(&self.matrix, &state);
            }
        }
        state
    }
}

fn full_boxes<const T: usize>(state: &mut [Fr; T], constants: &[Fr; T]) {
    for (lane, constant) in state.iter_mut().zip(constants) {
        *lane = fifth_power(*lane + constant);
    }
}

fn multiply<const T: usize>(matrix: &[[Fr; T]; T], state: &[Fr; T]) -> [Fr; T] {
    std::array::from_fn(|row| Fr::sum_of_products(&matrix[row], state))
}
