//! One suite a capability, run against every world. Whoever changes the seam changes the suite first.
//!
//! Each suite is a function that panics with a sentence when the contract is broken; worlds call
//! them from their tests.

pub mod chain;
pub mod clock;
pub mod disk;
pub mod net;
pub mod prover;
pub mod record;
pub mod rng;
pub mod spawn;
