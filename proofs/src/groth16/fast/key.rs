//! Blinded circuits and their keys.

use crate::{
    field::Fr,
    groth16::{
        SetupError, Trapdoor, VerifyingKey,
        key::Query,
        setup::{Evaluated, Tables, nonzero},
    },
    r1cs::{Circuit, System},
};
use ark_bn254::{G1Affine, G2Affine};
use ark_ff::AdditiveGroup;

/// A circuit with one more variable and the constraint `variable · 0 = 0`, which holds whatever the variable is.
#[derive(Debug)]
pub struct Blinded<'a, C> {
    pub(super) circuit: &'a C,
    pub(super) value: Fr,
}

impl<'a, C: Circuit> Blinded<'a, C> {
    /// The circuit's form for set-up; a proof draws the variable.
    #[must_use]
    pub fn new(circuit: &'a C) -> Self {
        Self { circuit, value: Fr::ZERO }
    }
}

impl<C: Circuit> Circuit for Blinded<'_, C> {
    type Witness = C::Witness;

    fn publics(&self) -> usize {
        self.circuit.publics()
    }

    fn blank(&self) -> C::Witness {
        self.circuit.blank()
    }

    fn synthesize<S: System>(&self, system: &mut S, witness: &C::Witness) {
        self.circuit.synthesize(system, witness);
        let blinding = system.witness(self.value);
        let zero = system.constant(Fr::ZERO);
        system.enforce(&blinding, &zero, &zero);
    }
}

/// What the fast prover needs of one circuit.
#[derive(Debug, Clone, PartialEq)]
pub struct FastKey {
    /// Rows of the blinded circuit, without those of public inputs.
    pub rows: usize,
    /// Variables of the blinded circuit.
    pub variables: usize,
    /// What the verifier knows; it names the blinded circuit.
    pub verifying: VerifyingKey,
    /// `[A_j(τ)]₁`
    pub a: Query<G1Affine>,
    /// `[B_j(τ)]₂`
    pub b: Query<G2Affine>,
    /// `[(β·A_j(τ) + α·B_j(τ) + (1 − Z(τ)/Z(g))·C_j(τ)) / δ]₁` for each private variable, then
    /// `[Λ_i(τ)·Z(τ) / (Z(g)·δ)]₁` for each point of the coset: one sum takes them all.
    pub c: Vec<G1Affine>,
}

/// Makes both keys of a blinded circuit, from a trapdoor that somebody knows.
///
/// # Errors
/// [`SetupError`].
pub fn fast_setup<C: Circuit>(circuit: &C, trapdoor: &Trapdoor) -> Result<FastKey, SetupError> {
    let it = Evaluated::of(&Blinded::new(circuit), trapdoor)?;
    let [a, b, c] = &it.sums;
    if c[..it.size.publics].iter().any(|value| *value != Fr::ZERO) {
        return Err(SetupError::ConstantProduct);
    }
    let moved = it.vanishing * it.scale;
    let private = it.size.publics..it.size.variables;
    let mut c_scalars: Vec<Fr> =
        private.map(|at| (it.combined(trapdoor, at) - moved * c[at]) * it.delta_inverse).collect();
    c_scalars.append(&mut it.quotient_basis(trapdoor));
    let ((a_variables, a_scalars), (b_variables, b_scalars)) = (nonzero(a), nonzero(b));
    let tables = Tables::new(c_scalars.len(), b_scalars.len());
    Ok(FastKey {
        rows: it.size.rows,
        variables: it.size.variables,
        verifying: tables.verifying(&it, trapdoor),
        a: Query { variables: a_variables, points: tables.g1(&a_scalars) },
        b: Query { variables: b_variables, points: tables.g2(&b_scalars) },
        c: tables.g1(&c_scalars),
    })
}
