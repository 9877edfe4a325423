//! The roots of unity that a circuit's rows stand on, and the coset that the quotient is computed on.

use crate::field::Fr;
use ark_ff::{AdditiveGroup, FftField, Field};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};

/// Largest domain: 2^20 rows. The field would allow 2^28.
pub const MAX_ROWS: usize = 1 << 20;

/// The smallest domain for a circuit: its constraints, and one row for each public input and the one, which keeps
/// the polynomials of public inputs independent (as libsnark and `ark-groth16` do).
pub fn of(rows: usize, publics: usize) -> Option<Radix2EvaluationDomain<Fr>> {
    (rows + publics <= MAX_ROWS).then(|| Radix2EvaluationDomain::new(rows + publics)).flatten()
}

/// The coset g·H on which the vanishing polynomial of H is the constant g^n − 1.
pub fn coset(domain: Radix2EvaluationDomain<Fr>) -> Radix2EvaluationDomain<Fr> {
    domain.get_coset(Fr::GENERATOR).expect("the generator is not zero")
}

/// `1 / (g^n − 1)`.
pub fn vanishing_inverse(domain: Radix2EvaluationDomain<Fr>) -> Fr {
    let value = Fr::GENERATOR.pow([domain.size]) - Fr::ONE;
    debug_assert!(value != Fr::ZERO, "the coset is not the domain itself");
    value.inverse().expect("the generator lies in no proper subgroup")
}
