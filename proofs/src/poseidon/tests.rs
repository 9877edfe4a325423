//! The parameters are what the published procedure yields, and the fast permutation is the paper's.

use super::{
    Parameters, Poseidon, cell_hash, challenge_hash,
    matrix::{inverse, keeps_no_subspace},
    node_hash,
    params::{FULL_ROUNDS, choice},
    rounds,
};
use crate::field::{Fr, random, to_be_bytes};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

#[test]
fn round_numbers_are_those_of_the_security_inequalities() {
    // Known answers for x^5 at 128 bits over a 254-bit field, from the tables published with Poseidon and
    // Poseidon2.
    assert_eq!(rounds::needed(2), (8, 56));
    assert_eq!(rounds::needed(4), (8, 56));
    assert_eq!(rounds::needed(12), (8, 57));
    assert_eq!(rounds::needed(24), (8, 57));
    for width in [3, 8, 16] {
        let (partial, _) = choice(width).unwrap();
        assert_eq!(rounds::needed(width), (FULL_ROUNDS, partial), "width {width}");
    }
}

#[test]
fn the_first_matrix_that_keeps_no_subspace_is_used() {
    let chosen = [3, 8, 16].map(|width| choice(width).unwrap());
    let found = [3, 8, 16].map(|width| {
        let (partial, _) = choice(width).unwrap();
        let qualifies = |skip: &u64| keeps_no_subspace(&Parameters::generate(width, partial, *skip).matrix);
        (partial, (0..200).find(qualifies).unwrap())
    });
    assert_eq!(chosen, found);
}

/// A square submatrix of a Cauchy matrix is a Cauchy matrix and so regular; the smallest are tried here.
#[test]
fn matrices_are_mds_and_constants_distinct() {
    for width in [3, 8, 16] {
        let (partial, skipped) = choice(width).unwrap();
        let parameters = Parameters::generate(width, partial, skipped);
        let matrix = &parameters.matrix;
        assert!(inverse(matrix).is_some());
        for (top, bottom) in (0..width).flat_map(|top| (top + 1..width).map(move |bottom| (top, bottom))) {
            for (left, right) in (0..width).flat_map(|left| (left + 1..width).map(move |right| (left, right)))
            {
                assert_ne!(
                    matrix[top][left] * matrix[bottom][right],
                    matrix[top][right] * matrix[bottom][left]
                );
            }
        }
        let mut constants: Vec<_> = parameters.constants.iter().flatten().map(to_be_bytes).collect();
        assert_eq!(constants.len(), width * (FULL_ROUNDS + partial));
        constants.sort_unstable();
        constants.dedup();
        assert_eq!(constants.len(), width * (FULL_ROUNDS + partial));
    }
}

fn agrees_with_the_paper<const T: usize>(fast: &Poseidon<T>) {
    let (partial, skipped) = choice(T).unwrap();
    let slow = Parameters::generate(T, partial, skipped);
    let mut rng = ChaCha8Rng::seed_from_u64(T as u64);
    for _ in 0..20 {
        let input: [Fr; T] = std::array::from_fn(|_| random(&mut rng));
        let expected = slow.permute(&input);
        assert_eq!(fast.permute(input).as_slice(), expected);
        assert_eq!(fast.compress(&input), expected[0] + input[0]);
    }
}

#[test]
fn sparse_partial_rounds_change_nothing() {
    agrees_with_the_paper(challenge_hash());
    agrees_with_the_paper(node_hash());
    agrees_with_the_paper(cell_hash());
}

/// The generator against the constants that the paper's authors publish for BN254, width 3, with 57 partial
/// rounds (`poseidonperm_x5_254_3` of their reference implementation), and their test vector.
#[test]
fn the_generator_yields_the_published_instance() {
    let published = Parameters::generate(3, 57, 0);
    let hex = |value: &Fr| hex::encode(to_be_bytes(value));
    assert_eq!(
        hex(&published.constants[0][0]),
        "0ee9a592ba9a9518d05986d656f40c2114c4993c11bb29938d21d47304cd8e6e"
    );
    assert_eq!(
        hex(&published.matrix[0][0]),
        "109b7f411ba0e4c9b2b70caf5c36a7b194be7c11ad24378bfedb68592ba8118b"
    );
    let permuted = published.permute(&[0, 1, 2].map(Fr::from));
    assert_eq!(
        permuted.iter().map(hex).collect::<Vec<_>>(),
        [
            "115cc0f5e7d690413df64c6b9662e9cf2a3617f2743245519e19607a4417189a",
            "0fca49b798923ab0239de1c9e7a4a9a2210312b6a2f616d18b5a87f9b628ae29",
            "0e7ae82e40091e63cbd4f16a6d16310b3729d4b6e138fcf54110e2867045a30c",
        ]
    );
}
