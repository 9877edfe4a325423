//! The permutation in a circuit: three constraints an S-box, none for the linear layers.

use super::Poseidon2;
use crate::{
    field::Fr,
    poseidon::matrix::Matrix,
    r1cs::{System, gadgets::fifth_power},
};
use ark_ff::{AdditiveGroup, Field};

/// First lane of `P(x) + x`; see [`Poseidon2::compress`].
pub fn compress<S: System, const T: usize>(
    system: &mut S,
    hash: &Poseidon2<T>,
    input: &[S::Lin; T],
) -> S::Lin {
    let parameters = hash.parameters();
    let external = parameters.external();
    let mut state = multiply(system, &external, input);
    for constants in &parameters.first {
        state = full_round(system, &external, &state, constants);
    }
    for constant in &parameters.partial {
        let shifted = system.shifted(&state[0], *constant);
        state[0] = fifth_power(system, &shifted);
        let sum = system.dot(&[Fr::ONE; T], &state, Fr::ZERO);
        state = std::array::from_fn(|lane| {
            let factors = [Fr::ONE, Fr::from(parameters.diagonal[lane])];
            system.dot(&factors, &[sum.clone(), state[lane].clone()], Fr::ZERO)
        });
    }
    for constants in &parameters.last {
        state = full_round(system, &external, &state, constants);
    }
    system.dot(&[Fr::ONE; 2], &[state[0].clone(), input[0].clone()], Fr::ZERO)
}

fn full_round<S: System, const T: usize>(
    system: &mut S,
    external: &Matrix,
    state: &[S::Lin; T],
    constants: &[Fr],
) -> [S::Lin; T] {
    let boxed = std::array::from_fn(|lane| {
        let shifted = system.shifted(&state[lane], constants[lane]);
        fifth_power(system, &shifted)
    });
    multiply(system, external, &boxed)
}

fn multiply<S: System, const T: usize>(system: &mut S, matrix: &Matrix, state: &[S::Lin; T]) -> [S::Lin; T] {
    std::array::from_fn(|row| system.dot(&matrix[row], state, Fr::ZERO))
}
