//! The statements that are proven.

mod access;
mod provider;
mod samples;
mod slot;
#[cfg(test)]
pub(crate) mod tests;

pub use access::{AccessCircuit, AccessKey, AccessList, AccessWitness};
pub use provider::{MAX_SLOTS, ProviderCircuit, ProviderWitness, provider_publics, roots_hash};
pub use samples::{CircuitError, MAX_SAMPLES};
pub use slot::{SlotCircuit, SlotWitness};
