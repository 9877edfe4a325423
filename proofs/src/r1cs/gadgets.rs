//! The pieces that circuits are made of.

use super::System;
use crate::{field::Fr, poseidon::Poseidon};
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};

/// `x^5` in three constraints: `u = x·x`, `v = u·x`, `y = u·v`. Of the three new variables only two occur on each
/// side of a product, so that a third of the bases of the prover's A and B sums vanish.
pub(crate) fn fifth_power<S: System>(system: &mut S, x: &S::Lin) -> S::Lin {
    let square = system.product(x, x);
    let cube = system.product(&square, x);
    system.product(&square, &cube)
}

/// First lane of `P(x) + x`; see [`Poseidon::compress`]. The rounds' matrices cost no constraint.
pub fn compress<S: System, const T: usize>(
    system: &mut S,
    hash: &Poseidon<T>,
    input: &[S::Lin; T],
) -> S::Lin {
    let rounds = hash.rounds();
    let mut state = input.clone();
    let bridge = rounds.first.len() - 1;
    for (round, constants) in rounds.first.iter().enumerate() {
        full_boxes(system, &mut state, constants);
        let matrix = if round == bridge { &rounds.bridge } else { &rounds.matrix };
        state = multiply(system, matrix, &state);
    }
    for round in &rounds.partial {
        let shifted = system.shifted(&state[0], round.constant);
        state[0] = fifth_power(system, &shifted);
        let first = system.dot(&round.row, &state, Fr::ZERO);
        for (lane, factor) in (1..).zip(&round.column) {
            state[lane] = system.dot(&[Fr::ONE, *factor], &[state[lane].clone(), state[0].clone()], Fr::ZERO);
        }
        state[0] = first;
    }
    for (round, constants) in rounds.last.iter().enumerate() {
        full_boxes(system, &mut state, constants);
        if round + 1 < rounds.last.len() {
            state = multiply(system, &rounds.matrix, &state);
        }
    }
    let first = system.dot(&rounds.matrix[0], &state, Fr::ZERO);
    system.dot(&[Fr::ONE; 2], &[first, input[0].clone()], Fr::ZERO)
}

fn full_boxes<S: System, const T: usize>(system: &mut S, state: &mut [S::Lin; T], constants: &[Fr]) {
    for (lane, constant) in state.iter_mut().zip(constants) {
        let shifted = system.shifted(lane, *constant);
        *lane = fifth_power(system, &shifted);
    }
}

fn multiply<S: System, const T: usize>(
    system: &mut S,
    matrix: &[Vec<Fr>],
    state: &[S::Lin; T],
) -> [S::Lin; T] {
    std::array::from_fn(|row| system.dot(&matrix[row], state, Fr::ZERO))
}

/// `Σ coefficientsᵢ·xⁱ`, one constraint a coefficient.
pub fn polynomial<S: System>(system: &mut S, coefficients: &[S::Lin], x: &S::Lin) -> S::Lin {
    let mut sum = system.constant(Fr::ZERO);
    for coefficient in coefficients.iter().rev() {
        let scaled = system.product(&sum, x);
        sum = system.dot(&[Fr::ONE; 2], &[scaled, coefficient.clone()], Fr::ZERO);
    }
    sum
}

/// The bits of the integer below r that `x` is, lowest first.
///
/// The prover could otherwise choose between an integer and itself plus r: both are `x`. From the top down, `run`
/// says that all bits so far equal those of r − 1; where r − 1 has a zero, `bit·(bit − 1 + run) = 0` makes the bit
/// zero during the run and boolean after it.
pub fn canonical_bits<S: System>(system: &mut S, x: &S::Lin) -> Vec<S::Lin> {
    let values = system.value(x).into_bigint().to_bits_le();
    let most = (-Fr::ONE).into_bigint();
    let size = Fr::MODULUS_BIT_SIZE as usize;
    let lowest_zero = (0..size).find(|&at| !most.get_bit(at)).expect("r − 1 has a zero among its bits");
    let mut run: Option<S::Lin> = None;
    let mut bits = Vec::with_capacity(size);
    for at in (0..size).rev() {
        let bit = system.witness(Fr::from(u64::from(values[at])));
        let zero = system.constant(Fr::ZERO);
        let less_one = system.shifted(&bit, -Fr::ONE);
        if most.get_bit(at) {
            system.enforce(&bit, &less_one, &zero);
            if at > lowest_zero {
                run = Some(match run {
                    None => bit.clone(),
                    Some(run) => system.product(&run, &bit),
                });
            }
        } else {
            let run = run.clone().unwrap_or_else(|| system.constant(Fr::ONE));
            let bound = system.dot(&[Fr::ONE; 2], &[less_one, run], Fr::ZERO);
            system.enforce(&bit, &bound, &zero);
        }
        bits.push(bit);
    }
    bits.reverse();
    let powers: Vec<Fr> =
        std::iter::successors(Some(Fr::ONE), |power| Some(power.double())).take(size).collect();
    let sum = system.dot(&powers, &bits, Fr::ZERO);
    system.equal(&sum, x);
    bits
}

/// Demands that `items[index] = target`, the bits of the index lowest first; one constraint less than there are
/// items. The bits are known to be boolean.
///
/// # Panics
/// If there are not 2^bits items, or only one.
pub fn select_equal<S: System>(system: &mut S, items: &[S::Lin], bits: &[S::Lin], target: &S::Lin) {
    assert!(!bits.is_empty() && items.len() == 1 << bits.len(), "{} items, {} bits", items.len(), bits.len());
    let mut items = items.to_vec();
    for bit in &bits[..bits.len() - 1] {
        let pairs = items.chunks_exact(2);
        items = pairs
            .map(|pair| {
                let difference = system.difference(&pair[1], &pair[0]);
                let step = system.product(bit, &difference);
                system.dot(&[Fr::ONE; 2], &[pair[0].clone(), step], Fr::ZERO)
            })
            .collect();
    }
    let (step, rest) = (system.difference(&items[1], &items[0]), system.difference(target, &items[0]));
    system.enforce(&bits[bits.len() - 1], &step, &rest);
}
