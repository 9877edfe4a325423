//! Constants by the Grain generator, and linear layers.

use crate::{
    field::Fr,
    poseidon::{
        matrix::{Matrix, apply, keeps_no_subspace},
        params::{FULL_ROUNDS, fifth_power},
    },
};
use ark_crypto_primitives::sponge::poseidon::find_poseidon_ark_and_mds;
use ark_ff::PrimeField;

/// The 4 × 4 matrix of the paper's external layers.
const M4: [[u64; 4]; 4] = [[5, 7, 1, 3], [4, 6, 1, 1], [1, 3, 5, 7], [1, 1, 4, 6]];

/// Partial rounds of a width, and the diagonal of its internal matrix less one. Tests find both anew.
#[must_use]
pub fn choice(width: usize) -> Option<(usize, &'static [u64])> {
    match width {
        // As published.
        3 => Some((56, &[1, 1, 2])),
        8 => Some((57, &[1, 2, 4, 5, 6, 7, 8, 9])),
        16 => Some((57, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 17, 18])),
        _ => None,
    }
}

/// A permutation as the paper writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    /// Lanes of the state.
    pub width: usize,
    /// Constants of the full rounds before the partial ones.
    pub first: Vec<Vec<Fr>>,
    /// What the partial rounds add to the first lane.
    pub partial: Vec<Fr>,
    /// Constants of the full rounds after the partial ones.
    pub last: Vec<Vec<Fr>>,
    /// Diagonal of the internal matrix less one; its other entries are one.
    pub diagonal: Vec<u64>,
}

impl Parameters {
    /// Runs the generator. It is Poseidon's, started with the same numbers, but a partial round takes one constant
    /// alone: the constants are the first ones of Poseidon's stream for this width and these rounds.
    #[must_use]
    pub fn generate(width: usize, partial_rounds: usize, diagonal: &[u64]) -> Self {
        let (stream, _) = find_poseidon_ark_and_mds::<Fr>(
            u64::from(Fr::MODULUS_BIT_SIZE),
            width - 1,
            FULL_ROUNDS as u64,
            partial_rounds as u64,
            0,
        );
        let stream = stream.concat();
        let half = FULL_ROUNDS / 2 * width;
        let rounds = |constants: &[Fr]| constants.chunks(width).map(<[Fr]>::to_vec).collect();
        Self {
            width,
            first: rounds(&stream[..half]),
            partial: stream[half..half + partial_rounds].to_vec(),
            last: rounds(&stream[half + partial_rounds..2 * half + partial_rounds]),
            diagonal: diagonal.to_vec(),
        }
    }

    /// The matrix before the first and in all full rounds: circ(2, 1, 1) for three lanes, circ(2·M₄, M₄, …) for more.
    #[must_use]
    pub fn external(&self) -> Matrix {
        let entry = |row: usize, column: usize| {
            let (same, inner) = if self.width == 3 {
                (row == column, 1)
            } else {
                (row / 4 == column / 4, M4[row % 4][column % 4])
            };
            Fr::from(inner << u32::from(same))
        };
        (0..self.width).map(|row| (0..self.width).map(|column| entry(row, column)).collect()).collect()
    }

    /// The matrix of the partial rounds.
    #[must_use]
    pub fn internal(&self) -> Matrix {
        internal(&self.diagonal)
    }

    /// The permutation step by step as in the paper: slow, and what the fast one is held against.
    #[must_use]
    pub fn permute(&self, state: &[Fr]) -> Vec<Fr> {
        let (external, internal) = (self.external(), self.internal());
        let full = |mut state: Vec<Fr>, rounds: &[Vec<Fr>]| {
            for constants in rounds {
                let boxed: Vec<Fr> = state
                    .iter()
                    .zip(constants)
                    .map(|(lane, constant)| fifth_power(*lane + constant))
                    .collect();
                state = apply(&external, &boxed);
            }
            state
        };
        let mut state = full(apply(&external, state), &self.first);
        for constant in &self.partial {
            state[0] = fifth_power(state[0] + constant);
            state = apply(&internal, &state);
        }
        full(state, &self.last)
    }
}

fn internal(diagonal: &[u64]) -> Matrix {
    let size = diagonal.len();
    let entry = |row: usize, column: usize| Fr::from(1 + if row == column { diagonal[row] } else { 0 });
    (0..size).map(|row| (0..size).map(|column| entry(row, column)).collect()).collect()
}

/// The internal matrix of a width above three: with ones beside the diagonal, and on it, less one, the first ascending
/// numbers from 1 on, in the order of the largest and then of the others from the left, with which no power of the matrix
/// up to twice its size keeps a subspace. Numbers that repeat need no trial: two equal ones keep one.
///
/// The authors' script tries small entries in lexicographic order, too; it demands the same of the powers.
#[must_use]
pub fn find_diagonal(width: usize) -> Vec<u64> {
    (width as u64..)
        .flat_map(|largest| {
            let rest = (1..largest).collect::<Vec<_>>();
            ascending(&rest, width - 1).map(move |mut diagonal| {
                diagonal.push(largest);
                diagonal
            })
        })
        .find(|diagonal| keeps_no_subspace(&internal(diagonal)))
        .expect("one matrix in so many as it has rows qualifies")
}

/// All choices of so many of the numbers, in lexicographic order.
fn ascending(numbers: &[u64], count: usize) -> Box<dyn Iterator<Item = Vec<u64>>> {
    if count == 0 {
        return Box::new(std::iter::once(Vec::new()));
    }
    let numbers = numbers.to_vec();
    let last = (numbers.len() + 1).saturating_sub(count);
    Box::new((0..last).flat_map(move |at| {
        let first = numbers[at];
        ascending(&numbers[at + 1..], count - 1).map(move |mut rest| {
            rest.insert(0, first);
            rest
        })
    }))
}
