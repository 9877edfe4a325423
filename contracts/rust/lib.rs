//! The contracts for Rust: their ABI and bytecode, why they refuse, how they are deployed, and the generator of their
//! proof verifiers. Nothing here talks to a chain: calls and answers are data.

pub mod abi;
pub mod amount;
pub mod deployment;
pub mod messages;
mod reason;
pub mod verifier;

pub use amount::Amount;
pub use reason::reason;
