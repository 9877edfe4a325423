//! Proofs without a witness.

use super::{Proof, Trapdoor, VerifyError, VerifyingKey};
use crate::field::Fr;
use ark_bn254::{G1Affine, G1Projective, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};

impl Trapdoor {
    /// A proof without a witness, which the verifier accepts: what a trapdoor is good for. The simulator models
    /// a prover's time with it; what it decides beforehand is its own affair.
    ///
    /// # Errors
    /// [`VerifyError::Inputs`].
    pub fn forge(&self, key: &VerifyingKey, publics: &[Fr], a: Fr, b: Fr) -> Result<Proof, VerifyError> {
        if publics.len() != key.publics() {
            return Err(VerifyError::Inputs { got: publics.len(), expected: key.publics() });
        }
        let mut inputs: G1Projective = key.ark.gamma_abc_g1[0].into();
        for (point, input) in key.ark.gamma_abc_g1[1..].iter().zip(publics) {
            inputs += *point * input;
        }
        let delta_inverse = ark_ff::Field::inverse(&self.delta).unwrap_or_default();
        let c = (G1Affine::generator() * (a * b - self.alpha * self.beta) - inputs) * delta_inverse;
        Ok(Proof {
            a: (G1Affine::generator() * a).into_affine(),
            b: (G2Affine::generator() * b).into_affine(),
            c: c.into_affine(),
        })
    }
}
