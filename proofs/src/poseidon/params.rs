//! Constants and matrices, by the paper's Grain generator, and their equivalent with sparse partial rounds.

use super::matrix::{Matrix, apply, identity, inverse, product};
use crate::field::Fr;
use ark_crypto_primitives::sponge::poseidon::find_poseidon_ark_and_mds;
use ark_ff::{AdditiveGroup, PrimeField};

/// Full rounds of every width, half of them before and half after the partial rounds.
pub const FULL_ROUNDS: usize = 8;

/// Partial rounds of a width, and how many matrices of the generator to pass over until one meets
/// [`super::matrix::keeps_no_subspace`]. Tests find all numbers anew.
#[must_use]
pub fn choice(width: usize) -> Option<(usize, u64)> {
    match width {
        3 => Some((56, 1)),
        8 => Some((57, 8)),
        16 => Some((57, 0)),
        _ => None,
    }
}

/// A permutation as the paper writes it: round constants and one dense matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    /// Lanes of the state.
    pub width: usize,
    /// Rounds whose S-box acts on the first lane alone.
    pub partial_rounds: usize,
    /// What each round adds to the state first.
    pub constants: Vec<Vec<Fr>>,
    /// What each round multiplies the state by last.
    pub matrix: Matrix,
}

impl Parameters {
    /// Runs the generator, and passes over `skipped` matrices.
    #[must_use]
    pub fn generate(width: usize, partial_rounds: usize, skipped: u64) -> Self {
        let (constants, matrix) = find_poseidon_ark_and_mds::<Fr>(
            u64::from(Fr::MODULUS_BIT_SIZE),
            width - 1,
            FULL_ROUNDS as u64,
            partial_rounds as u64,
            skipped,
        );
        Self { width, partial_rounds, constants, matrix }
    }

    /// The permutation step by step as in the paper: slow, and what the fast one is held against.
    #[must_use]
    pub fn permute(&self, state: &[Fr]) -> Vec<Fr> {
        let half = FULL_ROUNDS / 2;
        let mut state = state.to_vec();
        for (round, constants) in self.constants.iter().enumerate() {
            for (lane, constant) in state.iter_mut().zip(constants) {
                *lane += constant;
            }
            let full = round < half || round >= half + self.partial_rounds;
            for lane in state.iter_mut().take(if full { self.width } else { 1 }) {
                *lane = fifth_power(*lane);
            }
            state = apply(&self.matrix, &state);
        }
        state
    }
}

/// The S-box.
pub(crate) fn fifth_power(value: Fr) -> Fr {
    let square = value * value;
    square * square * value
}

/// One partial round: `x₀ ← (x₀ + constant)^5`, then `x ← [[corner, row], [column, 1]]·x`.
#[derive(Debug, Clone)]
pub struct Sparse {
    /// Added to the first lane.
    pub constant: Fr,
    /// First row of the matrix, the corner first.
    pub row: Vec<Fr>,
    /// First column below the corner.
    pub column: Vec<Fr>,
}

/// The same permutation with 2t instead of t² products a partial round (appendix B of the paper).
#[derive(Debug, Clone)]
pub struct Optimised {
    /// Constants of the full rounds before the partial ones.
    pub first: Vec<Vec<Fr>>,
    /// The matrix of full rounds.
    pub matrix: Matrix,
    /// The matrix of the last full round before the partial ones.
    pub bridge: Matrix,
    /// The partial rounds.
    pub partial: Vec<Sparse>,
    /// Constants of the full rounds after the partial ones.
    pub last: Vec<Vec<Fr>>,
}

impl Optimised {
    /// Pushes the constants of the lanes that a partial round leaves alone forward through its matrix, and the
    /// dense part of each matrix, which does not touch the first lane, backward through its S-box.
    ///
    /// # Panics
    /// If a minor of the matrix is singular; an MDS matrix has none.
    #[must_use]
    pub fn of(parameters: &Parameters) -> Self {
        let half = FULL_ROUNDS / 2;
        let mut constants = parameters.constants.clone();
        let (first, rest) = constants.split_at_mut(half);
        let mut scalars = Vec::with_capacity(parameters.partial_rounds);
        for round in 0..parameters.partial_rounds {
            let scalar = std::mem::replace(&mut rest[round][0], Fr::ZERO);
            let pushed = apply(&parameters.matrix, &rest[round]);
            rest[round + 1].iter_mut().zip(pushed).for_each(|(lane, constant)| *lane += constant);
            scalars.push(scalar);
        }
        let mut dense = identity(parameters.width);
        let mut partial: Vec<Sparse> = scalars
            .into_iter()
            .rev()
            .map(|constant| {
                let (sparse, moved) = factor(&product(&dense, &parameters.matrix), constant);
                dense = moved;
                sparse
            })
            .collect();
        partial.reverse();
        Self {
            first: first.to_vec(),
            matrix: parameters.matrix.clone(),
            bridge: product(&dense, &parameters.matrix),
            partial,
            last: rest[parameters.partial_rounds..].to_vec(),
        }
    }
}

/// `[[corner, row], [column, minor]] = [[corner, row·minor⁻¹], [column, 1]] · [[1, 0], [0, minor]]`.
fn factor(matrix: &Matrix, constant: Fr) -> (Sparse, Matrix) {
    let size = matrix.len();
    let minor: Matrix = matrix[1..].iter().map(|row| row[1..].to_vec()).collect();
    let inverted = inverse(&minor).expect("every minor of an MDS matrix is regular");
    let mut row = vec![matrix[0][0]];
    row.extend((0..size - 1).map(|at| (0..size - 1).map(|k| matrix[0][k + 1] * inverted[k][at]).sum::<Fr>()));
    let column = matrix[1..].iter().map(|row| row[0]).collect();
    let mut moved = identity(size);
    for (target, source) in moved[1..].iter_mut().zip(minor) {
        target[1..].copy_from_slice(&source);
    }
    (Sparse { constant, row, column }, moved)
}
