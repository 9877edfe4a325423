//! Proofs of retrievability: a provider shows, window after window, that it still holds the cells of a slot
//! that nobody could have foretold, without showing a byte of them, and a contract checks it in one call.
//!
//! | room | what it does |
//! |---|---|
//! | [`field`] | bytes to field elements and back |
//! | [`poseidon`] | the hash that circuits can afford: parameters, checks, permutation |
//! | `poseidon2` | the same, faster and younger; behind a feature that is off by default |
//! | [`tree`] | a slot's trees of cells: streaming commitment, openings |
//! | [`spot_check`] | what an owner checks before it signs a root |
//! | [`challenge`] | from a seed to the challenged cells |
//! | [`r1cs`] | one way to write a circuit, for set-up and for proving |
//! | [`circuit`] | the statements |
//! | [`groth16`] | development set-up, keys, prover, verifier |
//! | [`ceremony`] | the trusted set-up |
//! | [`window`] | a contract's challenge, and its checks off the chain |
//! | [`access`] | what a provider asks for before it serves a protected shard |
//!
//! Nothing here waits, opens a file or a socket, reads a clock or draws randomness of its own. What may run in
//! parallel runs in the rayon pool of the caller. The format is specified in `docs/spec/proof.md`.

pub mod access;
pub mod ceremony;
pub mod challenge;
pub mod circuit;
pub mod field;
pub mod groth16;
pub mod poseidon;
#[cfg(feature = "poseidon2")]
pub mod poseidon2;
pub mod r1cs;
pub mod spot_check;
pub mod tree;
pub mod window;
