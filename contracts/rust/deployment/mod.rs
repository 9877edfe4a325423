//! A deployment as data: what shall be chosen ([`Settings`]), the transactions that bring it about ([`Plan`]), what must
//! be true afterwards ([`Audit`]), and the file that remembers it ([`Record`]).
//!
//! Every contract is created by CREATE2 (EIP-1014) through the deterministic deployment proxy, so its address follows
//! from its creation code alone: whether it is there, and is what was meant, is one question to the chain, whatever
//! happened to the deployer's nonces in between; and nothing can be created twice.

mod audit;
mod network;
mod plan;
mod record;
mod settings;
mod steps;
mod values;

pub use audit::{Audit, Expectation, Finding, Holder};
pub use network::{DEVELOPMENT_KEY, Network, PUBLIC_MAINNETS};
pub use plan::{Addresses, CREATE2_FACTORY, CREATE2_FACTORY_CODE, Check, Plan, PlanError, Question, Step};
pub use record::{Record, RecordError};
pub use settings::{Circuit, Faucet, Governance, Multisig, Randomness, Settings, SettingsError, Windows};
pub use values::{NAMES, Values};
