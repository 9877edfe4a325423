//! Groth16 with less work for the prover: two transforms less and no sum over B in G1. It leaves the textbook, so it stands
//! behind a feature that is off by default; the argument is written out in docs/spec/proof.md, section 8. Verifier and
//! verifying key are the textbook's.
//!
//! - A blinding variable that occurs in A alone takes the place of the factor r.
//! - C is linear in the witness, so its share of the quotient moves into the key's points.

mod encoding;
mod key;
mod prover;
#[cfg(test)]
mod tests;

pub use encoding::{fast_key_from_bytes, fast_key_to_bytes};
pub use key::{Blinded, FastKey, fast_setup};
pub use prover::fast_prove;
