//! Constraint counts, and witnesses that must not hold.

use super::{CircuitError, SlotCircuit, SlotWitness};
use crate::{
    challenge::indices,
    field::Fr,
    r1cs::{Assignment, measure},
    tree::{CELL_BYTES, Schedule, SlotTree, SlotTreeBuilder, TreeError, cells},
};
use ark_ff::Field;

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
            assert!(witness.openings.iter().all(|opening| opening.verify(slot.1.root())));
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
