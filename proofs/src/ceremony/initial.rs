//! A circuit's first key, from phase 1 and the circuit alone: anybody computes the same.

use super::Phase1;
use crate::{
    field::Fr,
    groth16::{ProvingKey, Query, VerifyingKey, domain},
    r1cs::{Circuit, Lin, RowSink, Shape, measure},
};
use ark_bn254::{G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInt, FftField, Field, PrimeField};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// Why there is no first key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InitialError {
    /// Fetch a larger phase 1, or prove fewer samples.
    #[error("circuit needs 2^{needed} powers, phase 1 has 2^{got}")]
    TooSmall {
        /// Binary logarithm of the circuit's domain.
        needed: u32,
        /// Binary logarithm of the powers there are.
        got: u32,
    },
    /// The circuit is larger than any domain in use.
    #[error("circuit of {0} rows is too large")]
    TooLarge(usize),
}

/// Is told, from any thread, how many variables' points of how many are computed.
pub type Progress<'a> = dyn Fn(u64, u64) + Sync + 'a;

/// Times that every variable is gone through: L, A, B in G1, B in G2.
const STEPS: u64 = 4;

/// The circuit's expressions by variable. One expression may stand in several places: an S-box takes its input three
/// times, so that adding up the places' points first saves two thirds of the multiplications.
struct Columns<'a> {
    row: u32,
    /// The last expression of several terms, and its number.
    repeated: Lin,
    repeated_at: usize,
    /// Where each expression stands: rows of A, of B and of C.
    places: Vec<[Vec<u32>; 3]>,
    /// Of each variable the expressions that it occurs in, and its coefficient there.
    variables: Vec<Lin>,
    done: AtomicU64,
    told: &'a Progress<'a>,
}

impl Columns<'_> {
    fn put(&mut self, matrix: usize, row: u32, lin: &Lin) {
        let single = lin.len() < 2;
        if single || self.repeated != *lin {
            let expression =
                u32::try_from(self.places.len()).expect("there are at most three expressions a row");
            for (variable, coefficient) in lin {
                self.variables[*variable as usize].push((expression, *coefficient));
            }
            self.places.push(Default::default());
            if !single {
                self.repeated.clone_from(lin);
                self.repeated_at = self.places.len() - 1;
            }
        }
        let at = if single { self.places.len() - 1 } else { self.repeated_at };
        self.places[at][matrix].push(row);
    }

    /// Of each expression the sum of its places' points.
    fn sums<G: CurveGroup<ScalarField = Fr>>(&self, matrices: [Option<&[G::Affine]>; 3]) -> Vec<G::Affine> {
        let sum = |places: &[Vec<u32>; 3]| -> G {
            let parts = places.iter().zip(matrices).filter_map(|(rows, points)| Some((rows, points?)));
            parts.flat_map(|(rows, points)| rows.iter().map(|row| points[*row as usize])).sum()
        };
        let sums: Vec<G> = self.places.par_iter().map(sum).collect();
        G::normalize_batch(&sums)
    }

    /// Of each variable the sum of its expressions' points times its coefficients.
    fn combine<G: CurveGroup<ScalarField = Fr>>(
        &self,
        matrices: [Option<&[G::Affine]>; 3],
    ) -> Vec<G::Affine> {
        let points = self.sums::<G>(matrices);
        let combined = |column| {
            let sum = multiply_and_add::<G>(column, &points);
            (self.told)(self.done.fetch_add(1, Ordering::Relaxed) + 1, STEPS * self.variables.len() as u64);
            sum
        };
        let columns: Vec<G> = self.variables.par_iter().map(combined).collect();
        G::normalize_batch(&columns)
    }
}

impl RowSink for Columns<'_> {
    fn row(&mut self, a: &Lin, b: &Lin, c: &Lin) {
        for (matrix, lin) in [a, b, c].into_iter().enumerate() {
            self.put(matrix, self.row, lin);
        }
        self.row += 1;
    }
}

/// Lagrange polynomials at τ, in the groups and times the factors that the key needs.
struct Lagrange {
    one1: Vec<G1Affine>,
    one2: Vec<G2Affine>,
    alpha: Vec<G1Affine>,
    beta: Vec<G1Affine>,
}

/// The key of a circuit with δ = 1. Takes some minutes for the circuits in use: millions of multiplications of points; `told` hears
/// of each.
///
/// # Errors
/// [`InitialError`].
pub fn initial_key<C: Circuit>(
    phase1: &Phase1,
    circuit: &C,
    told: &Progress<'_>,
) -> Result<ProvingKey, InitialError> {
    let size = measure(circuit);
    let domain = domain::of(size.rows, size.publics).ok_or(InitialError::TooLarge(size.rows))?;
    let n = domain.size();
    if phase1.tau2.len() < n {
        return Err(InitialError::TooSmall { needed: n.ilog2(), got: phase1.tau2.len().ilog2() });
    }
    let mut columns = Columns {
        row: 0,
        repeated: Vec::new(),
        repeated_at: 0,
        places: Vec::new(),
        variables: vec![Vec::new(); size.variables],
        done: AtomicU64::new(0),
        told,
    };
    Shape::of(circuit, &mut columns);
    for (public, row) in (0..).zip(columns.row..).take(size.publics) {
        columns.put(0, row, &vec![(public, Fr::ONE)]);
    }
    let lagrange = Lagrange {
        one1: lagrange::<G1Projective>(domain, &phase1.tau1[..n]),
        one2: lagrange::<G2Projective>(domain, &phase1.tau2[..n]),
        alpha: lagrange::<G1Projective>(domain, &phase1.alpha1[..n]),
        beta: lagrange::<G1Projective>(domain, &phase1.beta1[..n]),
    };
    let Lagrange { one1, one2, alpha, beta } = &lagrange;
    let combined = columns.combine::<G1Projective>([Some(beta), Some(alpha), Some(one1)]);
    let (publics, private) = combined.split_at(size.publics);
    let delta2 = G2Affine::generator();
    let verifying = VerifyingKey::new(size.digest, phase1.alpha1[0], phase1.beta2, delta2, publics.to_vec());
    let (a_variables, a_points) = finite(columns.combine::<G1Projective>([Some(one1), None, None]));
    let (b_variables, b_points) = finite(columns.combine::<G1Projective>([None, Some(one1), None]));
    let (_, b2) = finite(columns.combine::<G2Projective>([None, Some(one2), None]));
    Ok(ProvingKey {
        rows: size.rows,
        variables: size.variables,
        verifying,
        beta: phase1.beta1[0],
        delta: G1Affine::generator(),
        a: Query { variables: a_variables, points: a_points },
        b1: Query { variables: b_variables, points: b_points },
        b2,
        l: private.to_vec(),
        h: quotient_basis(domain, &phase1.tau1),
    })
}

/// `[Lᵢ(τ)] = 1/n · Σ ω^(−ij)·[τʲ]`: the inverse transform of the powers.
fn lagrange<G: CurveGroup<ScalarField = Fr>>(
    domain: Radix2EvaluationDomain<Fr>,
    powers: &[G::Affine],
) -> Vec<G::Affine> {
    let mut points: Vec<G> = powers.iter().map(|point| point.into_group()).collect();
    domain.ifft_in_place(&mut points);
    G::normalize_batch(&points)
}

/// `[Λᵢ(τ)·Z(τ)/Z(g)]₁`, from `Λᵢ·Z = 1/n · Σ g^(−j)·ω^(−ij)·(X^(n+j) − X^j)`.
///
/// A phase 1 of just this size lacks τ^(2n−1). Any point may stand in for it, here infinity: an honest quotient has
/// degree n − 2, so that in a proof the factor of X^(n−1) on the coset, and with it that of the missing power, is zero.
fn quotient_basis(domain: Radix2EvaluationDomain<Fr>, powers: &[G1Affine]) -> Vec<G1Affine> {
    let n = domain.size();
    let inverse = Fr::GENERATOR.inverse().expect("the generator is not zero");
    let scale = domain::vanishing_inverse(domain);
    let mut points: Vec<G1Projective> = (0..n)
        .into_par_iter()
        .map(|at| {
            let high = powers.get(n + at).copied().unwrap_or_default();
            (high.into_group() - powers[at]) * (scale * inverse.pow([at as u64]))
        })
        .collect();
    domain.ifft_in_place(&mut points);
    G1Projective::normalize_batch(&points)
}

/// `Σ coefficient·point`, by buckets and on this thread alone: that of arkworks opens pools of threads in each call,
/// and there is a call for every variable.
fn multiply_and_add<G: CurveGroup<ScalarField = Fr>>(terms: &Lin, points: &[G::Affine]) -> G {
    let mut sum = G::zero();
    let mut scaled = Vec::new();
    for (at, coefficient) in terms {
        let point = points[*at as usize];
        if *coefficient == Fr::ONE {
            sum += point;
        } else if !point.is_zero() {
            scaled.push((point, coefficient.into_bigint()));
        }
    }
    let Some(size) = scaled.len().checked_ilog2() else { return sum };
    let bits = size.saturating_sub(2).clamp(3, 12) as usize;
    let mut product = G::zero();
    for window in (0..Fr::MODULUS_BIT_SIZE as usize).step_by(bits).rev() {
        (0..bits).for_each(|_| _ = product.double_in_place());
        let mut buckets = vec![G::zero(); (1 << bits) - 1];
        for (point, coefficient) in &scaled {
            if let Some(at) = digit(coefficient, window, bits).checked_sub(1) {
                buckets[at] += *point;
            }
        }
        let mut running = G::zero();
        for bucket in buckets.iter().rev() {
            running += bucket;
            product += running;
        }
    }
    sum + product
}

/// So many bits from a place on.
fn digit(number: &BigInt<4>, from: usize, bits: usize) -> usize {
    let (limb, shift) = (from / 64, from % 64);
    let high = number.0.get(limb + 1).map_or(0, |next| next << 1 << (63 - shift));
    ((number.0[limb] >> shift | high) & ((1 << bits) - 1)) as usize
}

/// The points that are not at infinity, and their variables.
fn finite<P: AffineRepr>(points: Vec<P>) -> (Vec<u32>, Vec<P>) {
    (0..).zip(points).filter(|(_, point)| !point.is_zero()).unzip()
}
