//! The prover.

use super::{
    domain,
    key::{ProvingKey, Query},
    msm::sum_of_products,
    verifier::Proof,
};
use crate::{
    field::{Fr, random},
    r1cs::{Assignment, Circuit},
};
use ark_bn254::{G1Affine, G1Projective};
use ark_ec::CurveGroup;
use ark_ff::{AdditiveGroup, BigInt, PrimeField};
use ark_poly::EvaluationDomain;
use rand_core::Rng;
use rayon::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};

/// Why there is no proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProveError {
    /// The key belongs to another circuit.
    #[error("key is for {key_rows} rows and {key_variables} variables, circuit has {rows} and {variables}")]
    Key {
        /// Rows of the key's circuit.
        key_rows: usize,
        /// Variables of the key's circuit.
        key_variables: usize,
        /// Rows of the circuit at hand.
        rows: usize,
        /// Variables of the circuit at hand.
        variables: usize,
    },
    /// The witness is false: a cell, a root or a seed is wrong.
    #[error("witness breaks constraint {row}")]
    Unsatisfied {
        /// The first broken constraint.
        row: usize,
    },
    /// Somebody asked to stop.
    #[error("cancelled")]
    Cancelled,
}

/// Proves a witness. Runs in the rayon pool of the caller, looks at `cancelled` between its phases, and draws two
/// elements from `rng`, which must be unpredictable for the proof to reveal nothing.
///
/// # Errors
/// [`ProveError`].
pub fn prove<C: Circuit>(
    key: &ProvingKey,
    circuit: &C,
    witness: &C::Witness,
    rng: &mut impl Rng,
    cancelled: &AtomicBool,
) -> Result<Proof, ProveError> {
    let blinding = (random(rng), random(rng));
    prove_assignment(key, Assignment::of(circuit, witness), blinding, cancelled)
}

/// The textbook proof for given blinding factors r and s.
pub(super) fn prove_assignment(
    key: &ProvingKey,
    mut assignment: Assignment,
    (r, s): (Fr, Fr),
    cancelled: &AtomicBool,
) -> Result<Proof, ProveError> {
    check(&assignment, key.rows, key.variables)?;
    let go_on = || if cancelled.load(Ordering::Relaxed) { Err(ProveError::Cancelled) } else { Ok(()) };
    go_on()?;
    let quotient = quotient_on_coset(&mut assignment);
    go_on()?;
    let h = sum_of_products(&key.h, &quotient);
    drop(quotient);
    go_on()?;
    let values: Vec<BigInt<4>> = assignment.variables.par_iter().map(|value| value.into_bigint()).collect();
    let l = sum_of_products(&key.l, &values[assignment.publics..]);
    go_on()?;
    let a = sum(&key.a, &values) + key.verifying.ark.alpha_g1 + key.delta * r;
    go_on()?;
    let b1 = sum(&key.b1, &values) + key.beta + key.delta * s;
    go_on()?;
    let chosen = pick(&key.b1.variables, &values);
    let b2 = sum_of_products(&key.b2, &chosen) + key.verifying.ark.beta_g2 + key.verifying.ark.delta_g2 * s;
    let c = l + h + a * s + b1 * r - key.delta * (r * s);
    Ok(Proof { a: a.into_affine(), b: b2.into_affine(), c: c.into_affine() })
}

/// Refuses a witness of another circuit than the key's, and a false one.
pub(super) fn check(
    assignment: &Assignment,
    key_rows: usize,
    key_variables: usize,
) -> Result<(), ProveError> {
    let (rows, variables) = (assignment.products[0].len(), assignment.variables.len());
    if (rows, variables) != (key_rows, key_variables) {
        return Err(ProveError::Key { key_rows, key_variables, rows, variables });
    }
    assignment.broken.map_or(Ok(()), |row| Err(ProveError::Unsatisfied { row }))
}

/// `A(X)·B(X) − C(X)` on the coset: what the quotient is there but for a constant, which the key carries.
fn quotient_on_coset(assignment: &mut Assignment) -> Vec<BigInt<4>> {
    let [mut a, mut b, mut c] = std::mem::take(&mut assignment.products);
    on_coset(assignment, [&mut a, &mut b, &mut c]);
    a.par_iter().zip(&b).zip(&c).map(|((a, b), c)| (*a * b - c).into_bigint()).collect()
}

/// Columns of products, A first, on the coset instead of the domain.
pub(super) fn on_coset<const N: usize>(assignment: &Assignment, columns: [&mut Vec<Fr>; N]) {
    let domain =
        domain::of(columns[0].len(), assignment.publics).expect("the key has the same size and was made");
    let coset = domain::coset(domain);
    columns[0].extend_from_slice(&assignment.variables[..assignment.publics]);
    for column in columns {
        column.resize(domain.size(), Fr::ZERO);
        domain.ifft_in_place(column);
        coset.fft_in_place(column);
    }
}

pub(super) fn pick(variables: &[u32], values: &[BigInt<4>]) -> Vec<BigInt<4>> {
    variables.iter().map(|&variable| values[variable as usize]).collect()
}

pub(super) fn sum(query: &Query<G1Affine>, values: &[BigInt<4>]) -> G1Projective {
    sum_of_products(&query.points, &pick(&query.variables, values))
}
