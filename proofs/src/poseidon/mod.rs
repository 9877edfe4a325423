//! Poseidon (Grassi, Khovratovich, Rechberger, Roy, Schofnegger: USENIX Security 2021, eprint 2019/458) over
//! the scalar field of BN254 with S-box x^5, in compression mode.
//!
//! Parameters come out of the paper's own procedure and nothing else: round numbers out of its security
//! inequalities ([`rounds`]), constants and matrices out of its Grain generator ([`params`]), matrices tried by
//! its criterion against invariant subspaces ([`matrix`]). A width is a permutation of its own, so that the
//! widths separate what is hashed: a cell (16), a node of the tree (8), a challenge (3).

pub mod matrix;
pub mod params;
pub mod rounds;

mod permutation;
#[cfg(test)]
mod tests;

pub use params::Parameters;
pub use permutation::{Poseidon, cell_hash, challenge_hash, node_hash};
