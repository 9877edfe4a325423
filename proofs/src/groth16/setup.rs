//! Keys from a trapdoor that somebody knows: for development and tests. Keys for real money come out of
//! a ceremony.

use super::{
    domain,
    key::{ProvingKey, Query},
    verifier::VerifyingKey,
};
use crate::{
    field::Fr,
    r1cs::{Circuit, Lin, Measure, RowSink, Shape, measure},
};
use ark_bn254::{G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{PrimeGroup, scalar_mul::BatchMulPreprocessing};
use ark_ff::{AdditiveGroup, Field, PrimeField};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
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
    /// Write the circuit's products without constants, or use the textbook prover.
    #[cfg(feature = "fast")]
    #[error("a product of the circuit has a constant term")]
    ConstantProduct,
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

/// A circuit's polynomials at a trapdoor's τ, and the bases that a key needs there.
pub(super) struct Evaluated {
    pub size: Measure,
    /// A, B, C by variable.
    pub sums: [Vec<Fr>; 3],
    /// `Z(τ)`
    pub vanishing: Fr,
    /// `1 / Z(g)`
    pub scale: Fr,
    /// `1 / δ`
    pub delta_inverse: Fr,
    domain: Radix2EvaluationDomain<Fr>,
}

impl Evaluated {
    pub fn of<C: Circuit>(circuit: &C, trapdoor: &Trapdoor) -> Result<Self, SetupError> {
        let size = measure(circuit);
        let too_large = SetupError::TooLarge { rows: size.rows + size.publics };
        let domain = domain::of(size.rows, size.publics).ok_or(too_large)?;
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
            at_tau.add(0, size.rows + public, &vec![(index, Fr::ONE)]);
        }
        let scale = domain::vanishing_inverse(domain);
        Ok(Self { size, sums: at_tau.sums, vanishing, scale, delta_inverse, domain })
    }

    /// `β·Aⱼ(τ) + α·Bⱼ(τ) + Cⱼ(τ)`
    pub fn combined(&self, trapdoor: &Trapdoor, at: usize) -> Fr {
        let [a, b, c] = &self.sums;
        trapdoor.beta * a[at] + trapdoor.alpha * b[at] + c[at]
    }

    /// `Λᵢ(τ)·Z(τ) / (Z(g)·δ)`
    pub fn quotient_basis(&self, trapdoor: &Trapdoor) -> Vec<Fr> {
        let coset = domain::coset(self.domain).evaluate_all_lagrange_coefficients(trapdoor.tau);
        let factor = self.vanishing * self.scale * self.delta_inverse;
        coset.into_iter().map(|value| value * factor).collect()
    }
}

/// Multiples of both generators.
pub(super) struct Tables {
    one1: BatchMulPreprocessing<G1Projective>,
    one2: BatchMulPreprocessing<G2Projective>,
}

impl Tables {
    pub fn new(count1: usize, count2: usize) -> Self {
        Self {
            one1: BatchMulPreprocessing::new(G1Projective::generator(), count1),
            one2: BatchMulPreprocessing::new(G2Projective::generator(), count2),
        }
    }

    pub fn g1(&self, scalars: &[Fr]) -> Vec<G1Affine> {
        self.one1.batch_mul(scalars)
    }

    pub fn g2(&self, scalars: &[Fr]) -> Vec<G2Affine> {
        self.one2.batch_mul(scalars)
    }

    pub fn verifying(&self, it: &Evaluated, trapdoor: &Trapdoor) -> VerifyingKey {
        let publics: Vec<Fr> = (0..it.size.publics).map(|at| it.combined(trapdoor, at)).collect();
        let g2 = self.g2(&[trapdoor.beta, trapdoor.delta]);
        VerifyingKey::new(it.size.digest, self.g1(&[trapdoor.alpha])[0], g2[0], g2[1], self.g1(&publics))
    }
}

/// Makes both keys of a circuit.
///
/// # Errors
/// [`SetupError`].
pub fn setup<C: Circuit>(circuit: &C, trapdoor: &Trapdoor) -> Result<ProvingKey, SetupError> {
    let it = Evaluated::of(circuit, trapdoor)?;
    let private = it.size.publics..it.size.variables;
    let l_scalars: Vec<Fr> = private.map(|at| it.combined(trapdoor, at) * it.delta_inverse).collect();
    let (a_variables, a_scalars) = nonzero(&it.sums[0]);
    let (b_variables, b_scalars) = nonzero(&it.sums[1]);
    let tables = Tables::new(it.size.variables, b_scalars.len());
    let secrets = tables.g1(&[trapdoor.beta, trapdoor.delta]);
    Ok(ProvingKey {
        rows: it.size.rows,
        variables: it.size.variables,
        verifying: tables.verifying(&it, trapdoor),
        beta: secrets[0],
        delta: secrets[1],
        a: Query { variables: a_variables, points: tables.g1(&a_scalars) },
        b1: Query { variables: b_variables, points: tables.g1(&b_scalars) },
        b2: tables.g2(&b_scalars),
        l: tables.g1(&l_scalars),
        h: tables.g1(&it.quotient_basis(trapdoor)),
    })
}

pub(super) fn nonzero(values: &[Fr]) -> (Vec<u32>, Vec<Fr>) {
    (0..).zip(values).filter(|(_, value)| **value != Fr::ZERO).unzip::<u32, &Fr, Vec<_>, Vec<_>>()
}
