//! The verifier, its key, and proofs.

use super::setup::Trapdoor;
use crate::field::Fr;
use ark_bn254::{Bn254, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_groth16::{Groth16, PreparedVerifyingKey, prepare_verifying_key};

pub use ark_groth16::Proof as ArkProof;

/// A proof: A and C in G1, B in G2.
pub type Proof = ArkProof<Bn254>;

/// Why a proof was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Give as many public inputs as the circuit has.
    #[error("{got} public inputs, the circuit has {expected}")]
    Inputs {
        /// Inputs given.
        got: usize,
        /// Inputs of the circuit.
        expected: usize,
    },
    /// The proof shows something else, or nothing.
    #[error("proof does not show the statement")]
    Refused,
}

/// Chain ids of public main networks (EIP-155), as the generated verifier contracts list them.
pub const PUBLIC_MAINNETS: [(u64, &str); 11] = [
    (1, "Ethereum"),
    (10, "OP Mainnet"),
    (56, "BNB Smart Chain"),
    (100, "Gnosis"),
    (137, "Polygon"),
    (324, "ZKsync Era"),
    (8_453, "Base"),
    (42_161, "Arbitrum One"),
    (43_114, "Avalanche C-Chain"),
    (59_144, "Linea"),
    (534_352, "Scroll"),
];

/// A key that anybody can forge with was about to be used on a public main network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("development key, insecure, on a public main network: chain {chain_id}, {name}")]
pub struct DevelopmentKey {
    /// The network's chain id.
    pub chain_id: u64,
    /// Its name.
    pub name: &'static str,
}

/// What a verifier knows of a circuit.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifyingKey {
    /// What identifies the circuit: [`crate::r1cs::Measure::digest`].
    pub circuit: [u8; 32],
    /// The key proper.
    pub ark: ark_groth16::VerifyingKey<Bn254>,
}

impl VerifyingKey {
    pub(crate) fn new(
        circuit: [u8; 32],
        alpha_g1: G1Affine,
        beta_g2: G2Affine,
        delta_g2: G2Affine,
        gamma_abc_g1: Vec<G1Affine>,
    ) -> Self {
        let gamma_g2 = G2Affine::generator();
        Self {
            circuit,
            ark: ark_groth16::VerifyingKey { alpha_g1, beta_g2, gamma_g2, delta_g2, gamma_abc_g1 },
        }
    }

    /// Number of public inputs.
    #[must_use]
    pub fn publics(&self) -> usize {
        self.ark.gamma_abc_g1.len() - 1
    }

    /// True if anybody can forge proofs for this key, since it was made with the public development trapdoor.
    #[must_use]
    pub fn is_insecure_development(&self) -> bool {
        let trapdoor = Trapdoor::insecure_development();
        (G1Affine::generator() * trapdoor.alpha).into_affine() == self.ark.alpha_g1
            || (G2Affine::generator() * trapdoor.delta).into_affine() == self.ark.delta_g2
    }

    /// Refuses a development key where money is real.
    ///
    /// # Errors
    /// [`DevelopmentKey`] if this is one and the chain is one of [`PUBLIC_MAINNETS`].
    pub fn admit(&self, chain_id: u64) -> Result<(), DevelopmentKey> {
        let public = PUBLIC_MAINNETS.iter().find(|(id, _)| *id == chain_id);
        match public {
            Some((chain_id, name)) if self.is_insecure_development() => {
                Err(DevelopmentKey { chain_id: *chain_id, name })
            }
            _ => Ok(()),
        }
    }

    /// Makes ready to verify many proofs.
    #[must_use]
    pub fn prepare(&self) -> Verifier {
        Verifier { publics: self.publics(), ark: prepare_verifying_key(&self.ark) }
    }
}

/// A verifying key with its pairing done.
#[derive(Debug, Clone)]
pub struct Verifier {
    publics: usize,
    ark: PreparedVerifyingKey<Bn254>,
}

impl Verifier {
    /// Accepts or refuses a proof. The points must lie on their curves and in their groups, which decoding ensures.
    ///
    /// # Errors
    /// [`VerifyError`].
    pub fn verify(&self, publics: &[Fr], proof: &Proof) -> Result<(), VerifyError> {
        if publics.len() != self.publics {
            return Err(VerifyError::Inputs { got: publics.len(), expected: self.publics });
        }
        let accepted = Groth16::<Bn254>::verify_proof(&self.ark, proof, publics).unwrap_or(false);
        if accepted { Ok(()) } else { Err(VerifyError::Refused) }
    }
}
