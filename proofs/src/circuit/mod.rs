//! The statements that are proven.

mod access;
mod hash;
mod opening;
mod path;
mod provider;
mod samples;
mod slot;
#[cfg(test)]
pub(crate) mod tests;

pub use access::{AccessCircuit, AccessKey, AccessList, AccessWitness};
pub use hash::CircuitTree;
pub use opening::{OpeningCircuit, OpeningWitness, opening_publics};
pub use provider::{MAX_SLOTS, ProviderCircuit, ProviderWitness, SlotOpenings, provider_publics, roots_hash};
pub use samples::{CircuitError, MAX_SAMPLES};
pub use slot::{SlotCircuit, SlotWitness};
