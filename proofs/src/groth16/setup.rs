//! Keys from a trapdoor that somebody knows: for development and tests. Keys for real money come out of
//! a ceremony.

use super::{
    domain,
    key::{ProvingKey, Query},
    verifier::VerifyingKey,
};
use crate::{
    field::Fr,
    r1cs::{Circuit, Lin, RowSink, Shape, measure},
};
use ark_bn254::{G1Projective, G2Projective};
use ark_ec::{PrimeGroup, scalar_mul::BatchMulPreprocessing};
use ark_ff::{AdditiveGroup, Field, PrimeField};
use ark_poly::EvaluationDomain;
use sha2::{Digest, Sha512};
use zeroize::Zeroize;

/// Why no key was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// Prove fewer samples.
    #[error("circuit has {rows} rows, at most {} fit", domain::MAX_ROWS)]
    TooLarge {
        /// Constraints and public inputs.
        rows: usize,
    },
    /// Draw another trapdoor; by chance this never happens.
    #[error("trapdoor is degenerate: τ is a root of unity, or a factor is zero")]
    Degenerate,
}

/// The secrets of a set-up. Who knows them can forge proofs. γ is 1, as in a ceremony.
#[derive(Debug, Clone, PartialEq, Eq, Zeroize)]
#[zeroize(drop)]
pub struct Trapdoor {
    /// Where the polynomials are evaluated.
    pub tau: Fr,
    /// Binds A.
    pub alpha: Fr,
    /// Binds B.
    pub beta: Fr,
    /// Keeps private parts apart from public ones.
    pub delta: Fr,
}

impl Trapdoor {
    /// The trapdoor of every development key: public, the same for everybody, **insecure**. A verifier made with it
    /// must never guard anything of worth; [`VerifyingKey::is_insecure_development`] tells.
    #[must_use]
    pub fn insecure_development() -> Self {
        let element = |name: &str| {
            let bytes = Sha512::digest(format!("holdfast insecure development trapdoor v1: {name}"));
            Fr::from_le_bytes_mod_order(&bytes)
        };
        Self { tau: element("tau"), alpha: element("alpha"), beta: element("beta"), delta: element("delta") }
    }
}

/// Adds up each variable's polynomials at τ, row by row.
struct AtTau {
    /// Value of the row's Lagrange polynomial.
    lagrange: Vec<Fr>,
    row: usize,
    /// A, B, C by variable.
    sums: [Vec<Fr>; 3],
}

impl AtTau {
    fn add(&mut self, matrix: usize, row: usize, lin: &Lin) {
        for (index, coefficient) in lin {
            self.sums[matrix][*index as usize] += *coefficient * self.lagrange[row];
        }
    }
}

impl RowSink for AtTau {
    fn row(&mut self, a: &Lin, b: &Lin, c: &Lin) {
        for (matrix, lin) in [a, b, c].into_iter().enumerate() {
            self.add(matrix, self.row, lin);
        }
        self.row += 1;
    }
}

/// Makes both keys of a circuit.
///
/// # Errors
/// [`SetupError`].
pub fn setup<C: Circuit>(circuit: &C, trapdoor: &Trapdoor) -> Result<ProvingKey, SetupError> {
    let size = measure(circuit);
    let rows = size.rows;
    let too_large = SetupError::TooLarge { rows: rows + size.publics };
    let domain = domain::of(rows, size.publics).ok_or(too_large)?;
    let vanishing = domain.evaluate_vanishing_polynomial(trapdoor.tau);
    let factors = vanishing * trapdoor.alpha * trapdoor.beta * trapdoor.delta;
    if factors == Fr::ZERO {
        return Err(SetupError::Degenerate);
    }
    let delta_inverse = trapdoor.delta.inverse().ok_or(SetupError::Degenerate)?;
    let sums = || vec![Fr::ZERO; size.variables];
    let lagrange = domain.evaluate_all_lagrange_coefficients(trapdoor.tau);
    let mut at_tau = AtTau { lagrange, row: 0, sums: [sums(), sums(), sums()] };
    Shape::of(circuit, &mut at_tau);
    for public in 0..size.publics {
        let index = u32::try_from(public).expect("there are few public inputs");
        at_tau.add(0, rows + public, &vec![(index, Fr::ONE)]);
    }
    let [a, b, c] = at_tau.sums;

    let combined = |at: usize| trapdoor.beta * a[at] + trapdoor.alpha * b[at] + c[at];
    let public_scalars: Vec<Fr> = (0..size.publics).map(combined).collect();
    let l_scalars: Vec<Fr> = (size.publics..size.variables).map(|at| combined(at) * delta_inverse).collect();
    let coset = domain::coset(domain).evaluate_all_lagrange_coefficients(trapdoor.tau);
    let h_factor = vanishing * domain::vanishing_inverse(domain) * delta_inverse;
    let h_scalars: Vec<Fr> = coset.into_iter().map(|value| value * h_factor).collect();

    let (a_variables, a_scalars) = nonzero(&a);
    let (b_variables, b_scalars) = nonzero(&b);
    let table1 = BatchMulPreprocessing::new(G1Projective::generator(), size.variables);
    let table2 = BatchMulPreprocessing::new(G2Projective::generator(), b_scalars.len());
    let single1 = |scalar: &Fr| table1.batch_mul(std::slice::from_ref(scalar))[0];
    let single2 = |scalar: &Fr| table2.batch_mul(std::slice::from_ref(scalar))[0];
    let verifying = VerifyingKey::new(
        size.digest,
        single1(&trapdoor.alpha),
        single2(&trapdoor.beta),
        single2(&trapdoor.delta),
        table1.batch_mul(&public_scalars),
    );
    Ok(ProvingKey {
        rows,
        variables: size.variables,
        verifying,
        beta: single1(&trapdoor.beta),
        delta: single1(&trapdoor.delta),
        a: Query { variables: a_variables, points: table1.batch_mul(&a_scalars) },
        b1: Query { variables: b_variables, points: table1.batch_mul(&b_scalars) },
        b2: table2.batch_mul(&b_scalars),
        l: table1.batch_mul(&l_scalars),
        h: table1.batch_mul(&h_scalars),
    })
}

fn nonzero(values: &[Fr]) -> (Vec<u32>, Vec<Fr>) {
    (0..).zip(values).filter(|(_, value)| **value != Fr::ZERO).unzip::<u32, &Fr, Vec<_>, Vec<_>>()
}
