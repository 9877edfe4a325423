//! What the rest of Holdfast needs of the contracts: the generator of their proof verifiers.

pub mod verifier;
