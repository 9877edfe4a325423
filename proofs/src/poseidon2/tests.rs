//! The instance at width 3 is the published one, those of ours are what the procedures yield, and the fast permutation is
//! the paper's.

use super::{
    Parameters, Poseidon2, Poseidon2Hash, cell_hash, gadget, node_hash,
    params::{choice, find_diagonal},
};
use crate::{
    circuit::SlotCircuit,
    field::{Fr, random, to_be_bytes},
    poseidon::{
        matrix::{inverse, keeps_no_subspace},
        params::FULL_ROUNDS,
        rounds,
    },
    r1cs::{Assignment, measure},
    tree::{CELL_BYTES, Schedule, Tree, TreeBuilder, TreeError},
};
use ark_ff::Field;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use std::ops::Range;

fn of(width: usize) -> Parameters {
    let (partial, diagonal) = choice(width).unwrap();
    Parameters::generate(width, partial, diagonal)
}

fn hex(value: &Fr) -> String {
    hex::encode(to_be_bytes(value))
}

/// Constants, linear layers and test vector that the authors publish for BN254 at width 3
/// (HorizenLabs/poseidon2, `poseidon2_instance_bn256.rs`): the first and last constants of each part.
#[test]
fn the_procedure_yields_the_published_instance() {
    let published = of(3);
    assert_eq!((published.first.len(), published.partial.len(), published.last.len()), (4, 56, 4));
    let constants = [
        (published.first[0][0], "1d066a255517b7fd8bddd3a93f7804ef7f8fcde48bb4c37a59a09a1a97052816"),
        (published.first[0][1], "29daefb55f6f2dc6ac3f089cebcc6120b7c6fef31367b68eb7238547d32c1610"),
        (published.first[3][2], "274982444157b86726c11b9a0f5e39a5cc611160a394ea460c63f0b2ffe5657e"),
        (published.partial[0], "1a1d063e54b1e764b63e1855bff015b8cedd192f47308731499573f23597d4b5"),
        (published.partial[1], "26abc66f3fdf8e68839d10956259063708235dccc1aa3793b91b002c5b257c37"),
        (published.partial[55], "268076b0054fb73f67cee9ea0e51e3ad50f27a6434b5dceb5bdde2299910a4c9"),
        (published.last[0][0], "1acd63c67fbc9ab1626ed93491bda32e5da18ea9d8e4f10178d04aa6f8747ad0"),
        (published.last[3][2], "0fc1bbceba0590f5abbdffa6d3b35e3297c021a3a409926d0e2d54dc1c84fda6"),
    ];
    for (constant, expected) in constants {
        assert_eq!(hex(&constant), expected);
    }
    let small =
        |matrix: Vec<Vec<Fr>>| -> Vec<String> { matrix.iter().flatten().map(Fr::to_string).collect() };
    assert_eq!(small(published.external()), ["2", "1", "1", "1", "2", "1", "1", "1", "2"]);
    assert_eq!(small(published.internal()), ["2", "1", "1", "1", "2", "1", "1", "1", "3"]);
    let permuted = published.permute(&[0, 1, 2].map(Fr::from));
    assert_eq!(
        permuted.iter().map(hex).collect::<Vec<_>>(),
        [
            "0bb61d24daca55eebcb1929a82650f328134334da98ea4f847f760054f4a3033",
            "303b6f7c86d043bfcbcc80214f26a30277a15d3f74ca654992defe7ff8d03570",
            "1ed25194542b12eef8617361c3ba7c52e660b145994427cc86296242cf766ec8",
        ]
    );
}

#[test]
fn rounds_are_those_of_the_security_inequalities() {
    for width in [8, 16] {
        let (partial, _) = choice(width).unwrap();
        assert_eq!(rounds::needed(width), (FULL_ROUNDS, partial), "width {width}");
    }
}

#[test]
fn the_first_internal_matrix_that_keeps_no_subspace_is_used() {
    for width in [8, 16] {
        let (_, diagonal) = choice(width).unwrap();
        assert_eq!(find_diagonal(width), diagonal, "width {width}");
        let parameters = of(width);
        assert!(keeps_no_subspace(&parameters.internal()));
        assert!(inverse(&parameters.internal()).is_some());
        assert!(inverse(&parameters.external()).is_some());
        // Two equal numbers keep a subspace: the difference of their lanes is only multiplied.
        let mut repeated = diagonal.to_vec();
        repeated[1] = repeated[0];
        assert!(!keeps_no_subspace(&Parameters { diagonal: repeated, ..parameters }.internal()));
    }
}

fn agrees_with_the_paper<const T: usize>(fast: &Poseidon2<T>) {
    let slow = of(T);
    let mut rng = ChaCha8Rng::seed_from_u64(T as u64);
    let ends = [[Fr::from(0); T], [-Fr::ONE; T], std::array::from_fn(|lane| Fr::from(lane as u64))];
    let drawn = (0..20).map(|_| std::array::from_fn(|_| random(&mut rng))).collect::<Vec<[Fr; T]>>();
    for input in ends.into_iter().chain(drawn) {
        let expected = slow.permute(&input);
        assert_eq!(fast.permute(input).as_slice(), expected);
        assert_eq!(fast.compress(&input), expected[0] + input[0]);
        let mut assignment =
            Assignment { variables: vec![Fr::ONE], publics: 1, products: Default::default(), broken: None };
        assert_eq!(gadget::compress(&mut assignment, fast, &input), fast.compress(&input));
        assert_eq!(assignment.broken, None);
        assert_eq!(assignment.products[0].len(), 3 * (FULL_ROUNDS * T + slow.partial.len()));
    }
}

#[test]
fn the_fast_permutation_and_the_gadget_are_the_papers() {
    agrees_with_the_paper(node_hash());
    agrees_with_the_paper(cell_hash());
}

/// The same statement over a tree under Poseidon2: as many constraints, another circuit, another root.
#[test]
fn a_slot_is_proven_under_either_hash_at_the_same_price() {
    let one = measure(&SlotCircuit::<Poseidon2Hash>::over(7, 80).unwrap());
    let other = measure(&SlotCircuit::new(7, 80).unwrap());
    assert_eq!((one.rows, one.variables, one.publics), (other.rows, other.variables, other.publics));
    assert_ne!(one.digest, other.digest);

    let circuit = SlotCircuit::<Poseidon2Hash>::over(3, 6).unwrap();
    let data: Vec<u8> = (0..100_001).map(|at| (at * 197 + at / 253) as u8).collect();
    let mut builder = TreeBuilder::<Poseidon2Hash>::new(3, Schedule::Inline).unwrap();
    builder.push(&data).unwrap();
    let tree: Tree<Poseidon2Hash> = builder.finish();
    let read = |range: Range<u64>| -> Result<Vec<u8>, TreeError> {
        Ok(data[range.start as usize..range.end as usize].to_vec())
    };
    let witness = circuit.gather(&tree, Fr::from(5), read).unwrap();
    assert_eq!(Assignment::of(&circuit, &witness).broken, None);
    for sample in 0..6 {
        let mut wrong = witness.clone();
        wrong.openings[sample].cell[3] += Fr::ONE;
        assert_ne!(Assignment::of(&circuit, &wrong).broken, None);
    }
    let group = tree.group(8).unwrap();
    let mut bytes = data[group.start as usize..group.end as usize].to_vec();
    assert!(tree.open(8, &bytes).unwrap().verify(tree.root(), 3));
    bytes[CELL_BYTES] ^= 1;
    assert_eq!(tree.open(8, &bytes), Err(TreeError::Damaged { first: 8 }));
}
