//! The fast prover.

use super::{Blinded, FastKey};
use crate::{
    field::random,
    groth16::{
        Proof, ProveError,
        msm::sum_of_products,
        prover::{check, on_coset, pick, sum},
    },
    r1cs::{Assignment, Circuit},
};
use ark_ec::CurveGroup;
use ark_ff::{BigInt, PrimeField};
use rand_core::Rng;
use rayon::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};

/// Proves a witness as [`crate::groth16::prove`] does: in the rayon pool of the caller, looking at `cancelled` between its phases,
/// with two elements from `rng`, which must be unpredictable for the proof to reveal nothing.
///
/// # Errors
/// [`ProveError`].
pub fn fast_prove<C: Circuit>(
    key: &FastKey,
    circuit: &C,
    witness: &C::Witness,
    rng: &mut impl Rng,
    cancelled: &AtomicBool,
) -> Result<Proof, ProveError> {
    let (value, s) = (random(rng), random(rng));
    let mut assignment = Assignment::of(&Blinded { circuit, value }, witness);
    check(&assignment, key.rows, key.variables)?;
    let go_on = || if cancelled.load(Ordering::Relaxed) { Err(ProveError::Cancelled) } else { Ok(()) };
    go_on()?;
    let product = product_on_coset(&mut assignment);
    go_on()?;
    let values: Vec<BigInt<4>> = assignment.variables.par_iter().map(|value| value.into_bigint()).collect();
    let scalars = [&values[assignment.publics..], &product].concat();
    drop(product);
    let c = sum_of_products(&key.c, &scalars);
    drop(scalars);
    go_on()?;
    let a = sum(&key.a, &values) + key.verifying.ark.alpha_g1;
    go_on()?;
    let chosen = pick(&key.b.variables, &values);
    let b =
        sum_of_products(&key.b.points, &chosen) + key.verifying.ark.beta_g2 + key.verifying.ark.delta_g2 * s;
    Ok(Proof { a: a.into_affine(), b: b.into_affine(), c: (c + a * s).into_affine() })
}

/// `A(X)·B(X)` on the coset. C's share is in the key.
fn product_on_coset(assignment: &mut Assignment) -> Vec<BigInt<4>> {
    let [mut a, mut b, _] = std::mem::take(&mut assignment.products);
    on_coset(assignment, [&mut a, &mut b]);
    a.par_iter().zip(&b).map(|(a, b)| (*a * b).into_bigint()).collect()
}
