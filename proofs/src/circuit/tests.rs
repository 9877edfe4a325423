//! Constraint counts, and witnesses that must not hold.

use super::{
    AccessCircuit, AccessKey, AccessList, AccessWitness, CircuitError, OpeningCircuit, OpeningWitness,
    ProviderCircuit, ProviderWitness, SlotCircuit, SlotWitness, opening_publics, provider_publics,
};
use crate::{
    challenge::indices,
    field::Fr,
    r1cs::{Assignment, Circuit, System, measure},
    tree::{CELL_BYTES, Schedule, SlotTree, SlotTreeBuilder, TreeError, cells},
};
use ark_ff::Field;
use std::ops::Range;

pub(crate) fn slot_of(levels: usize, length: usize) -> (Vec<u8>, SlotTree) {
    let data: Vec<u8> = (0..length).map(|at| (at * 197 + at / 253) as u8).collect();
    let mut builder = SlotTreeBuilder::new(levels, Schedule::Pool).unwrap();
    builder.push(&data).unwrap();
    (data, builder.finish())
}

pub(crate) fn gathered(
    circuit: &SlotCircuit,
    slot: &(Vec<u8>, SlotTree),
    seed: Fr,
) -> Result<SlotWitness, TreeError> {
    circuit.gather(&slot.1, seed, |range| Ok(slot.0[range.start as usize..range.end as usize].to_vec()))
}

/// The figures of docs/spec/proof.md. A change here is another circuit: new keys, new ceremony.
#[test]
fn a_sample_costs_at_most_2600_constraints_in_a_slot_of_a_gigabyte() {
    let one = measure(&SlotCircuit::new(7, 80).unwrap());
    assert_eq!((one.rows, one.variables, one.publics), (205_460, 209_518, 3));
    assert!(one.rows <= 80 * 2_600, "{} constraints", one.rows);
    assert!(one.rows + one.publics <= 1 << 18);
    let hundred = measure(&SlotCircuit::new(7, 100).unwrap());
    assert!(hundred.rows + hundred.publics <= 1 << 18, "{} constraints", hundred.rows);
}

#[test]
fn shapes_out_of_bounds_are_refused() {
    assert_eq!(SlotCircuit::new(1, 5), Err(CircuitError::Shape { levels: 1, cap: 1 }));
    assert_eq!(SlotCircuit::new(8, 5), Err(CircuitError::Shape { levels: 8, cap: 2 }));
    assert_eq!(SlotCircuit::new(7, 0), Err(CircuitError::Samples(0)));
    assert_eq!(SlotCircuit::new(7, 401), Err(CircuitError::Samples(401)));
}

#[test]
fn an_honest_provider_has_a_witness_whatever_the_slots_length() {
    for (levels, length) in [(2, 0), (2, 1), (2, 31_744), (3, 200_000), (4, 1_000_000), (7, 50_000)] {
        let circuit = SlotCircuit::new(levels, 12).unwrap();
        let slot = slot_of(levels, length);
        for seed in 0..3 {
            let seed = Fr::from(2).pow([247]) + Fr::from(seed);
            let witness = gathered(&circuit, &slot, seed).unwrap();
            let assignment = Assignment::of(&circuit, &witness);
            assert_eq!(assignment.broken, None, "{levels} levels, {length} bytes");
            assert_eq!(assignment.public_inputs(), [slot.1.root(), seed]);
            assert!(witness.openings.iter().all(|opening| opening.verify(slot.1.root(), levels)));
        }
    }
}

#[test]
fn a_false_witness_breaks_a_constraint() {
    let circuit = SlotCircuit::new(3, 6).unwrap();
    let slot = slot_of(3, 253_000);
    let honest = gathered(&circuit, &slot, Fr::from(5)).unwrap();
    assert_eq!(Assignment::of(&circuit, &honest).broken, None);
    let breaks = |change: &dyn Fn(&mut SlotWitness)| {
        let mut witness = honest.clone();
        change(&mut witness);
        assert_ne!(Assignment::of(&circuit, &witness).broken, None);
    };
    breaks(&|it| it.root += Fr::ONE);
    breaks(&|it| it.seed += Fr::ONE);
    for node in 0..honest.cap.len() {
        breaks(&|it| it.cap[node] += Fr::ONE);
    }
    for sample in 0..honest.openings.len() {
        for element in 0..16 {
            breaks(&|it| it.openings[sample].cell[element] += Fr::ONE);
        }
        for child in 0..8 {
            breaks(&|it| it.openings[sample].path[0][child] += Fr::ONE);
        }
    }
    // All openings are true, but not those that the seed asks for.
    breaks(&|it| it.openings.swap(0, 1));
    let other = gathered(&circuit, &slot, Fr::from(6)).unwrap();
    breaks(&|it| it.openings.clone_from(&other.openings));
}

/// One lost cell, all hashes still held: the group does not open, and no made-up cell takes its place.
#[test]
fn a_lost_cell_cannot_be_replaced() {
    let circuit = SlotCircuit::new(2, 4).unwrap();
    let mut slot = slot_of(2, 31_744);
    let seed = Fr::from(77);
    let honest = gathered(&circuit, &slot, seed).unwrap();
    let lost = honest.openings[0].index;
    slot.0[lost as usize * CELL_BYTES + 100] ^= 0x10;
    assert_eq!(gathered(&circuit, &slot, seed).unwrap_err(), TreeError::Damaged { first: lost / 8 * 8 });
    let mut witness = honest;
    witness.openings[0].cell[3] = Fr::from(1);
    assert_ne!(Assignment::of(&circuit, &witness).broken, None);
}

#[test]
fn challenges_are_spread_over_the_slot_and_differ_by_seed() {
    let (first, second) = (indices(Fr::from(1), 80, 7), indices(Fr::from(2), 80, 7));
    assert_ne!(first, second);
    assert_eq!(first[..40], indices(Fr::from(1), 40, 7));
    // A chi-squared test over 64 parts of a slot: 63 degrees of freedom, five standard deviations.
    let many = indices(Fr::from(3), 64_000, 7);
    let mut counts = [0_f64; 64];
    for index in many {
        assert!(index < cells(7));
        counts[(index >> 15) as usize] += 1.0;
    }
    let chi: f64 = counts.iter().map(|count| (count - 1000.0).powi(2) / 1000.0).sum();
    assert!((chi - 63.0).abs() < 5.0 * 126_f64.sqrt(), "chi squared {chi}");
}

fn provider_slots() -> Vec<(Vec<u8>, SlotTree)> {
    [20_000, 31_744, 5].map(|length| slot_of(2, length)).into()
}

fn provider_witness(circuit: &ProviderCircuit, slots: &[(Vec<u8>, SlotTree)], seed: Fr) -> ProviderWitness {
    let trees: Vec<&SlotTree> = slots.iter().map(|slot| &slot.1).collect();
    let read = |at: usize, range: Range<u64>| -> Result<Vec<u8>, TreeError> {
        Ok(slots[at].0[range.start as usize..range.end as usize].to_vec())
    };
    circuit.gather(&trees, seed, read).unwrap()
}

#[test]
fn the_provider_form_fits_the_same_domain() {
    let size = measure(&ProviderCircuit::new(7, 16, 5).unwrap());
    assert_eq!((size.rows, size.variables, size.publics), (233_693, 238_376, 5));
    assert!(size.rows + size.publics <= 1 << 18);
    assert_eq!(ProviderCircuit::new(7, 17, 5), Err(CircuitError::Slots(17)));
    assert_eq!(ProviderCircuit::new(7, 0, 5), Err(CircuitError::Slots(0)));
}

#[test]
fn a_provider_proves_the_slots_that_the_contract_drew_and_no_others() {
    let circuit = ProviderCircuit::new(2, 3, 2).unwrap();
    let slots = provider_slots();
    let seed = Fr::from(21);
    let honest = provider_witness(&circuit, &slots, seed);
    let assignment = Assignment::of(&circuit, &honest);
    assert_eq!(assignment.broken, None);
    let roots: Vec<Fr> = slots.iter().map(|slot| slot.1.root()).collect();
    assert_eq!(assignment.public_inputs(), provider_publics(seed, &roots));
    for public in 0..4 {
        let mut witness = honest.clone();
        witness.parts().0[public] += Fr::ONE;
        assert_ne!(Assignment::of(&circuit, &witness).broken, None, "public input {public}");
    }
    // The contract drew other slots: the prover opens its own and keeps its own h, but α and e are the contract's.
    let [_, h, ..] = provider_publics(seed, &roots);
    let mut drawn = roots.clone();
    drawn[1] += Fr::ONE;
    let [_, _, alpha, e] = provider_publics(seed, &drawn);
    let mut witness = honest.clone();
    *witness.parts().0 = [seed, h, alpha, e];
    assert_ne!(Assignment::of(&circuit, &witness).broken, None);
    // The same slots in another order.
    let mut witness = honest.clone();
    witness.parts().1.swap(0, 1);
    assert_ne!(Assignment::of(&circuit, &witness).broken, None);
    let mut witness = honest;
    witness.parts().1[2].openings[1].cell[0] += Fr::ONE;
    assert_ne!(Assignment::of(&circuit, &witness).broken, None);
}

#[test]
fn slots_opened_one_by_one_are_a_witness_only_together_and_in_order() {
    let circuit = ProviderCircuit::new(2, 3, 2).unwrap();
    let slots = provider_slots();
    let open_of = |circuit: &ProviderCircuit, seed: u64, place: usize| {
        let (bytes, tree) = &slots[place];
        let read = |range: Range<u64>| -> Result<Vec<u8>, TreeError> {
            Ok(bytes[range.start as usize..range.end as usize].to_vec())
        };
        circuit.open(tree, Fr::from(seed), place, read).unwrap()
    };
    let open = |seed, place| open_of(&circuit, seed, place);
    let witness = circuit.witness(vec![open(21, 0), open(21, 1), open(21, 2)]).unwrap();
    assert_eq!(Assignment::of(&circuit, &witness).broken, None);
    let roots: Vec<Fr> = slots.iter().map(|slot| slot.1.root()).collect();
    assert_eq!(witness.publics(), provider_publics(Fr::from(21), &roots));
    let more = ProviderCircuit::new(2, 3, 3).unwrap();
    for others in [
        vec![],
        vec![open(21, 0), open(21, 1)],
        vec![open(21, 0), open(21, 1), open(21, 2), open(21, 2)],
        vec![open(21, 0), open(21, 2), open(21, 1)],
        vec![open(21, 0), open(21, 1), open(22, 2)],
        vec![open(21, 0), open(21, 1), open_of(&more, 21, 2)],
    ] {
        assert!(circuit.witness(others).is_none());
    }
}

fn keys(count: u64) -> Vec<AccessKey> {
    (0..count).map(|at| AccessKey::new(Fr::from(1_000 + at))).collect()
}

#[test]
fn access_for_two_million_members_costs_about_3100_constraints() {
    let size = measure(&AccessCircuit::new(7).unwrap());
    assert_eq!((size.rows, size.publics), (3_094, 5));
    assert_eq!(AccessCircuit::new(0), Err(CircuitError::List(0)));
    assert_eq!(AccessCircuit::new(8), Err(CircuitError::List(8)));
    assert_eq!(AccessList::new(1, vec![Fr::ONE; 9]), Err(CircuitError::Members(9)));
}

#[test]
fn members_and_only_members_have_access() {
    let circuit = AccessCircuit::new(2).unwrap();
    let keys = keys(20);
    let list = AccessList::new(2, keys.iter().map(AccessKey::member).collect()).unwrap();
    let (context, request) = (Fr::from(5), Fr::from(6));
    assert!(list.witness(&AccessKey::new(Fr::from(7)), context, request).is_none());
    for key in &keys {
        let witness = list.witness(key, context, request).unwrap();
        assert_eq!(Assignment::of(&circuit, &witness).broken, None);
        assert_eq!(witness.publics(), [list.root(), context, key.nullifier(context), request]);
    }
    let honest = list.witness(&keys[11], context, request).unwrap();
    let breaks = |change: &dyn Fn(&mut AccessWitness)| {
        let mut witness = honest.clone();
        change(&mut witness);
        assert_ne!(Assignment::of(&circuit, &witness).broken, None);
    };
    breaks(&|it| it.publics[0] += Fr::ONE);
    breaks(&|it| it.publics[1] += Fr::ONE);
    breaks(&|it| it.publics[2] += Fr::ONE);
    breaks(&|it| it.key = AccessKey::new(Fr::from(7)));
    breaks(&|it| it.index ^= 1);
    breaks(&|it| it.path[1][5] += Fr::ONE);
    // Another member's nullifier, which would let a member act twice.
    breaks(&|it| it.publics[2] = keys[12].nullifier(context));
}

fn cell_at(data: &[u8], index: u64) -> [u8; CELL_BYTES] {
    let mut bytes = [0; CELL_BYTES];
    let held = data.chunks(CELL_BYTES).nth(index as usize).unwrap_or_default();
    bytes[..held.len()].copy_from_slice(held);
    bytes
}

pub(crate) fn opened(circuit: OpeningCircuit, slot: &(Vec<u8>, SlotTree), index: u64) -> OpeningWitness {
    let read = |range: Range<u64>| -> Result<Vec<u8>, TreeError> {
        Ok(slot.0[range.start as usize..range.end as usize].to_vec())
    };
    circuit.gather(&slot.1, index, read).unwrap()
}

#[test]
fn showing_one_cell_of_two_million_costs_about_3200_constraints() {
    let size = measure(&OpeningCircuit::new(7).unwrap());
    assert_eq!((size.rows, size.variables, size.publics), (3_185, 3_252, 5));
    assert!(size.rows + size.publics <= 1 << 12);
    assert_eq!(OpeningCircuit::new(0), Err(CircuitError::Levels(0)));
    assert_eq!(OpeningCircuit::new(8), Err(CircuitError::Levels(8)));
}

#[test]
fn a_provider_shows_any_cell_of_its_slot_padding_included() {
    let circuit = OpeningCircuit::new(3).unwrap();
    let slot = slot_of(3, 20_001);
    for index in [0, 1, 7, 8, 39, 40, 41, 200, cells(3) - 1] {
        let witness = opened(circuit, &slot, index);
        let assignment = Assignment::of(&circuit, &witness);
        assert_eq!(assignment.broken, None, "cell {index}");
        let publics = opening_publics(slot.1.root(), index, &cell_at(&slot.0, index));
        assert_eq!(assignment.public_inputs(), publics, "cell {index}");
    }
    let read = |_| -> Result<Vec<u8>, TreeError> { unreachable!("there is no such cell") };
    let beyond = TreeError::OutOfRange { index: cells(3), cells: cells(3) };
    assert_eq!(circuit.gather(&slot.1, cells(3), read).unwrap_err(), beyond);
}

#[test]
fn no_cell_is_shown_but_the_one_under_the_root_at_the_index() {
    let circuit = OpeningCircuit::new(2).unwrap();
    let slot = slot_of(2, 20_001);
    let honest = opened(circuit, &slot, 10);
    assert_eq!(Assignment::of(&circuit, &honest).broken, None);
    let breaks = |change: &dyn Fn(&mut OpeningWitness)| {
        let mut witness = honest.clone();
        change(&mut witness);
        assert_ne!(Assignment::of(&circuit, &witness).broken, None);
    };
    for public in 0..4 {
        breaks(&|it| it.publics[public] += Fr::ONE);
    }
    for element in 0..16 {
        breaks(&|it| it.cell[element] += Fr::ONE);
    }
    for (level, child) in (0..2).flat_map(|level| (0..8).map(move |child| (level, child))) {
        breaks(&|it| it.path[level][child] += Fr::ONE);
    }
    // Another index, in the statement, in the witness, and in both.
    let root = slot.1.root();
    breaks(&|it| it.publics = opening_publics(root, 11, &cell_at(&slot.0, 10)));
    breaks(&|it| it.index = 11);
    breaks(&|it| (it.publics, it.index) = (opening_publics(root, 11, &cell_at(&slot.0, 10)), 11));
    // Another cell of the same slot.
    breaks(&|it| it.publics = opening_publics(root, 10, &cell_at(&slot.0, 11)));
    // Two cells with the same bytes are two statements.
    let empty = opened(circuit, &slot, 50);
    let mut moved = empty.clone();
    moved.publics = opening_publics(root, 51, &[0; CELL_BYTES]);
    assert_ne!(Assignment::of(&circuit, &moved).broken, None);
    moved.publics[1..].copy_from_slice(&[Fr::from(51), empty.publics[2], empty.publics[3]]);
    assert_ne!(Assignment::of(&circuit, &moved).broken, None);
}

/// A root that is wrong in one cell: every other cell is shown, and at that one nothing fits the true bytes.
#[test]
fn a_root_that_is_wrong_in_one_cell_is_disproven_there() {
    let circuit = OpeningCircuit::new(2).unwrap();
    let slot = slot_of(2, 20_001);
    let mut wrong = slot.0.clone();
    wrong[10 * CELL_BYTES + 300] ^= 1;
    let mut builder = SlotTreeBuilder::new(2, Schedule::Inline).unwrap();
    builder.push(&wrong).unwrap();
    let wrong = (wrong, builder.finish());
    for index in 0..cells(2) {
        let mut witness = opened(circuit, &wrong, index);
        witness.publics = opening_publics(wrong.1.root(), index, &cell_at(&slot.0, index));
        assert_eq!(Assignment::of(&circuit, &witness).broken.is_some(), index == 10, "cell {index}");
    }
    let mut witness = opened(circuit, &slot, 10);
    witness.publics = opening_publics(wrong.1.root(), 10, &cell_at(&slot.0, 10));
    assert_ne!(Assignment::of(&circuit, &witness).broken, None, "the true path leads to the true root");
}

/// Computes as [`Assignment`] does, but for one variable.
struct Lying {
    assignment: Assignment,
    at: usize,
    value: Fr,
}

impl System for Lying {
    type Lin = Fr;

    fn constant(&self, value: Fr) -> Fr {
        value
    }

    fn public(&mut self, value: Fr) -> Fr {
        self.assignment.public(value)
    }

    fn witness(&mut self, value: Fr) -> Fr {
        let lie = self.assignment.variables.len() == self.at;
        self.assignment.witness(if lie { self.value } else { value })
    }

    fn dot(&mut self, coefficients: &[Fr], terms: &[Fr], constant: Fr) -> Fr {
        self.assignment.dot(coefficients, terms, constant)
    }

    fn value(&self, lin: &Fr) -> Fr {
        *lin
    }

    fn enforce(&mut self, a: &Fr, b: &Fr, c: &Fr) {
        self.assignment.enforce(a, b, c);
    }
}

/// Between two true children lies every number, were the bit between them no bit: a stranger's key would be in every list.
#[test]
fn a_bit_that_is_none_opens_nothing() {
    let circuit = AccessCircuit::new(2).unwrap();
    let keys = keys(20);
    let list = AccessList::new(2, keys.iter().map(AccessKey::member).collect()).unwrap();
    let (context, request) = (Fr::from(5), Fr::from(6));
    let mut witness = list.witness(&keys[0], context, request).unwrap();
    let honest = Assignment::of(&circuit, &witness);
    let stranger = AccessKey::new(Fr::from(7));
    (witness.publics[2], witness.key) = (stranger.nullifier(context), stranger.clone());
    let [first, second, ..] = witness.path[0];
    // The first bit comes after one, four inputs, the key and its hash: three variables an S-box.
    let at = 6 + 3 * (8 * 3 + 56);
    assert_eq!(honest.variables[at..at + 4], [Fr::from(0), Fr::from(0), Fr::from(0), first]);
    let value = (stranger.member() - first) / (second - first);
    let mut lying = Lying { assignment: Assignment::of(&Nothing, &()), at, value };
    circuit.synthesize(&mut lying, &witness);
    // Of all rows only that of the bit breaks.
    let rows = &lying.assignment.products;
    let broken: Vec<usize> =
        (0..rows[0].len()).filter(|row| rows[0][*row] * rows[1][*row] != rows[2][*row]).collect();
    assert_eq!(broken, [3 * (8 * 3 + 56)]);
}

/// The empty statement.
struct Nothing;

impl Circuit for Nothing {
    type Witness = ();

    fn publics(&self) -> usize {
        0
    }

    fn blank(&self) {}

    fn synthesize<S: System>(&self, _: &mut S, (): &()) {}
}
