//! Groth16 (eprint 2016/260) over BN254, textbook form: set-up, keys, prover, verifier.
//!
//! Types of the verifier are those of `ark-groth16`, and its verifier is the one used. The prover is written here,
//! since it takes the products of each constraint from [`crate::r1cs::Assignment`] and keeps a key without points at
//! infinity; tests hold its proofs equal, byte for byte, to those of `ark-groth16`.

pub(crate) mod domain;
pub mod encoding;
#[cfg(feature = "fast")]
pub mod fast;
#[cfg(any(test, feature = "forge"))]
mod forge;
mod key;
mod msm;
mod prover;
mod setup;
#[cfg(test)]
mod tests;
mod verifier;

pub use key::{ProvingKey, Query};
pub use prover::{ProveError, prove};
pub use setup::{SetupError, Trapdoor, setup};
pub use verifier::{DevelopmentKey, PUBLIC_MAINNETS, Proof, Verifier, VerifyError, VerifyingKey};
