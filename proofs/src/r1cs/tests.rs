//! Gadgets hold for honest values and for no others.

use super::{Assignment, Circuit, Lin, Rows, Shape, System, gadgets};
use crate::{
    field::{Fr, random},
    poseidon::{cell_hash, node_hash},
};
use ark_ff::{AdditiveGroup, BigInt, BigInteger, Field, PrimeField};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

fn rows_of<C: Circuit>(circuit: &C) -> (Rows, usize) {
    let mut rows = Rows::default();
    let (_, variables) = Shape::of(circuit, &mut rows);
    (rows, variables)
}

fn evaluate(lin: &Lin, values: &[Fr]) -> Fr {
    lin.iter().map(|(index, coefficient)| *coefficient * values[*index as usize]).sum()
}

/// The rows that values break.
fn broken(rows: &Rows, values: &[Fr]) -> Vec<usize> {
    let [a, b, c] = &rows.0;
    let breaks =
        |row: &usize| evaluate(&a[*row], values) * evaluate(&b[*row], values) != evaluate(&c[*row], values);
    (0..a.len()).filter(breaks).collect()
}

/// Bits of one public number.
struct Bits;

impl Circuit for Bits {
    type Witness = Fr;
    fn publics(&self) -> usize {
        1
    }
    fn blank(&self) -> Fr {
        Fr::ZERO
    }
    fn synthesize<S: System>(&self, system: &mut S, witness: &Fr) {
        let x = system.public(*witness);
        let _ = gadgets::canonical_bits(system, &x);
    }
}

/// Puts other bits in place of the right ones and follows up the products that depend on them.
fn with_bits(rows: &Rows, honest: &[Fr], bits: &[Fr]) -> Vec<Fr> {
    let [a, b, c] = &rows.0;
    let mut values = honest.to_vec();
    let top = bits.len() - 1;
    let mut at_bit = 0;
    let mut index = 2;
    // Variables come in the order bit, product?, bit, product?, …: a product is some row's only result.
    while index < values.len() {
        let row = (0..a.len()).find(|&row| c[row].as_slice() == [(index as u32, Fr::ONE)]);
        values[index] = match row {
            Some(row) => evaluate(&a[row], &values) * evaluate(&b[row], &values),
            None => {
                at_bit += 1;
                bits[top + 1 - at_bit]
            }
        };
        index += 1;
    }
    assert_eq!(at_bit, bits.len());
    values
}

fn bits_of(number: BigInt<4>) -> Vec<Fr> {
    number.to_bits_le()[..254].iter().map(|bit| Fr::from(u64::from(*bit))).collect()
}

#[test]
fn bits_are_those_of_the_number_below_the_modulus() {
    let (rows, _) = rows_of(&Bits);
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let edge = [Fr::ZERO, Fr::ONE, -Fr::ONE, -Fr::from(2), Fr::from(2).pow([253])];
    for x in edge.into_iter().chain((0..20).map(|_| random(&mut rng))) {
        let assignment = Assignment::of(&Bits, &x);
        assert_eq!(assignment.broken, None);
        let bits = bits_of(x.into_bigint());
        let values = with_bits(&rows, &assignment.variables, &bits);
        assert_eq!(values, assignment.variables);
        assert_eq!(broken(&rows, &values), [] as [usize; 0]);
    }
}

/// Canonical bits of another number: only the sum tells.
#[test]
fn the_bits_of_another_number_are_refused_for_their_sum() {
    let (rows, _) = rows_of(&Bits);
    for (x, other) in
        [(5_u64, 6_u64), (0, 1), (12_345, 12_344)].map(|(x, other)| (Fr::from(x), Fr::from(other)))
    {
        let honest = Assignment::of(&Bits, &x);
        let values = with_bits(&rows, &honest.variables, &bits_of(other.into_bigint()));
        assert_eq!(broken(&rows, &values), [rows.0[0].len() - 1]);
    }
}

#[test]
fn a_number_plus_the_modulus_has_no_bits() {
    let (rows, _) = rows_of(&Bits);
    for x in [0_u64, 1, 12_345] {
        let x = Fr::from(x);
        let mut alias = x.into_bigint();
        assert!(!alias.add_with_carry(&Fr::MODULUS));
        let honest = Assignment::of(&Bits, &x);
        let values = with_bits(&rows, &honest.variables, &bits_of(alias));
        let broken = broken(&rows, &values);
        assert!(!broken.is_empty(), "{x} has a second set of bits");
        // It is the comparison that breaks, not the sum of the bits.
        assert!(!broken.contains(&(rows.0[0].len() - 1)));
    }
}

/// A two in place of a bit, and one less in the place above, or no place above at all: the sum is right, the comparison holds,
/// and what breaks is that bit's row alone.
#[test]
fn no_bit_is_two() {
    let (rows, _) = rows_of(&Bits);
    let mut rng = ChaCha8Rng::seed_from_u64(10);
    for at in 0..254 {
        let mut bits = vec![Fr::ZERO; 254];
        // A two at the top would carry the comparison on.
        (0..at % 253).for_each(|lower| bits[lower] = Fr::from(rng.next_u64() & 1));
        bits[at] = Fr::from(2);
        let x = bits.iter().rev().fold(Fr::ZERO, |sum, bit| sum.double() + bit);
        let honest = Assignment::of(&Bits, &x);
        assert_eq!(honest.broken, None);
        let values = with_bits(&rows, &honest.variables, &bits);
        let [row] = broken(&rows, &values)[..] else { panic!("bit {at} breaks not one row") };
        let bit = (1..values.len()).filter(|index| values[*index] == Fr::from(2)).collect::<Vec<_>>();
        assert!(bit.iter().any(|index| rows.0[0][row].as_slice() == [(*index as u32, Fr::ONE)]));
    }
}

/// A hash of witnesses against a public number.
struct Hash<const T: usize>;

impl Circuit for Hash<16> {
    type Witness = ([Fr; 16], Fr);
    fn publics(&self) -> usize {
        1
    }
    fn blank(&self) -> Self::Witness {
        ([Fr::ZERO; 16], Fr::ZERO)
    }
    fn synthesize<S: System>(&self, system: &mut S, (input, output): &Self::Witness) {
        let output = system.public(*output);
        let input = input.map(|lane| system.witness(lane));
        let hash = gadgets::compress(system, cell_hash(), &input);
        system.equal(&hash, &output);
    }
}

impl Circuit for Hash<8> {
    type Witness = ([Fr; 8], Fr);
    fn publics(&self) -> usize {
        1
    }
    fn blank(&self) -> Self::Witness {
        ([Fr::ZERO; 8], Fr::ZERO)
    }
    fn synthesize<S: System>(&self, system: &mut S, (input, output): &Self::Witness) {
        let output = system.public(*output);
        let input = input.map(|lane| system.witness(lane));
        let hash = gadgets::compress(system, node_hash(), &input);
        system.equal(&hash, &output);
    }
}

#[test]
fn the_hash_gadget_is_the_hash_and_costs_three_constraints_an_s_box() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let input: [Fr; 16] = std::array::from_fn(|_| random(&mut rng));
    let output = cell_hash().compress(&input);
    let (rows, variables) = rows_of(&Hash::<16>);
    assert_eq!(rows.0[0].len(), 3 * (16 * 8 + 57) + 1);
    assert_eq!(variables, 2 + 16 + 3 * (16 * 8 + 57));
    let assignment = Assignment::of(&Hash::<16>, &(input, output));
    assert_eq!(assignment.broken, None);
    assert_eq!(broken(&rows, &assignment.variables), [] as [usize; 0]);
    assert_eq!(Assignment::of(&Hash::<16>, &(input, output + Fr::ONE)).broken, Some(rows.0[0].len() - 1));

    let input: [Fr; 8] = std::array::from_fn(|_| random(&mut rng));
    let (rows, _) = rows_of(&Hash::<8>);
    assert_eq!(rows.0[0].len(), 3 * (8 * 8 + 57) + 1);
    let assignment = Assignment::of(&Hash::<8>, &(input, node_hash().compress(&input)));
    assert_eq!(broken(&rows, &assignment.variables), [] as [usize; 0]);
}

/// Every private variable of a hash is pinned by the constraints: changing any one breaks some.
#[test]
fn no_variable_of_a_hash_is_free() {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let input: [Fr; 8] = std::array::from_fn(|_| random(&mut rng));
    let (rows, variables) = rows_of(&Hash::<8>);
    let assignment = Assignment::of(&Hash::<8>, &(input, node_hash().compress(&input)));
    for index in 1..variables {
        let mut values = assignment.variables.clone();
        values[index] += Fr::ONE;
        assert!(!broken(&rows, &values).is_empty(), "variable {index}");
    }
}

/// Picks one of four.
struct Select;

impl Circuit for Select {
    type Witness = ([u64; 4], usize, u64);
    fn publics(&self) -> usize {
        0
    }
    fn blank(&self) -> Self::Witness {
        ([0; 4], 0, 0)
    }
    fn synthesize<S: System>(&self, system: &mut S, (items, index, target): &Self::Witness) {
        let items = items.map(|item| system.witness(Fr::from(item)));
        let bits = [index & 1, index >> 1].map(|bit| system.witness(Fr::from(bit as u64)));
        let target = system.witness(Fr::from(*target));
        gadgets::select_equal(system, &items, &bits, &target);
    }
}

#[test]
fn selection_takes_the_item_at_the_index_alone() {
    let items = [10, 11, 12, 13];
    for index in 0..4 {
        for target in 10..14 {
            let assignment = Assignment::of(&Select, &(items, index, target));
            assert_eq!(assignment.broken.is_none(), target == items[index]);
            assert_eq!(assignment.products[0].len(), 3);
        }
    }
}
