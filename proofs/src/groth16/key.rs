//! The proving key.

use super::verifier::VerifyingKey;
use ark_bn254::{G1Affine, G2Affine};

/// The points of one sum, only those that are not at infinity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query<G> {
    /// The variables that the points belong to, ascending.
    pub variables: Vec<u32>,
    /// A point for each.
    pub points: Vec<G>,
}

/// What a prover needs of one circuit.
///
/// The H query is kept in the Lagrange basis of the coset on which the quotient is computed; so the quotient's
/// coefficients are never needed. The proof is the same group element either way.
#[derive(Debug, Clone, PartialEq)]
pub struct ProvingKey {
    /// Rows of the circuit, without those of public inputs.
    pub rows: usize,
    /// Variables of the circuit.
    pub variables: usize,
    /// What the verifier knows; it names the circuit.
    pub verifying: VerifyingKey,
    /// `[β]₁`
    pub beta: G1Affine,
    /// `[δ]₁`
    pub delta: G1Affine,
    /// `[A_j(τ)]₁`
    pub a: Query<G1Affine>,
    /// `[B_j(τ)]₁`
    pub b1: Query<G1Affine>,
    /// `[B_j(τ)]₂`, for the variables of `b1`.
    pub b2: Vec<G2Affine>,
    /// `[(β·A_j(τ) + α·B_j(τ) + C_j(τ)) / δ]₁` for each private variable.
    pub l: Vec<G1Affine>,
    /// `[Λ_i(τ)·Z(τ) / (Z(g)·δ)]₁` for each point of the coset, Λ its Lagrange basis.
    pub h: Vec<G1Affine>,
}
