//! The statements that are proven.

mod samples;
mod slot;
#[cfg(test)]
pub(crate) mod tests;

pub use samples::CircuitError;
pub use slot::{SlotCircuit, SlotWitness};
