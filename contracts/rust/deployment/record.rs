//! The file that remembers a deployment.

use super::plan::{Addresses, Plan};
use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version that this program writes and reads.
const VERSION: u32 = 1;

/// What stands where. Written as TOML.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Of this format.
    version: u32,
    /// False while the deployment is under way.
    complete: bool,
    /// The chain (EIP-155).
    pub chain_id: u64,
    /// Who deployed.
    pub deployer: Address,
    /// No contract is older than this block.
    pub first_block: u64,
    /// Where to send calls.
    pub addresses: Addresses,
    /// Keccak-256 of the code at each address, implementations behind proxies included.
    pub code_hashes: BTreeMap<Address, B256>,
}

/// Why a file is no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Restore it, or deploy again: what is there already is found and kept.
    #[error("not a record of a deployment: {0}")]
    Unreadable(String),
    /// Use the program that wrote it.
    #[error("version {0} of the format, this program reads version {VERSION}")]
    Version(u32),
}

impl Record {
    /// What a deployment that begins will bring about: all addresses are known before the first transaction.
    #[must_use]
    pub fn planned(plan: &Plan, first_block: u64) -> Self {
        let Plan { chain_id, deployer, addresses, .. } = plan.clone();
        let code_hashes = BTreeMap::new();
        Self { version: VERSION, complete: false, chain_id, deployer, first_block, addresses, code_hashes }
    }

    /// Notes that everything was read back and is sound.
    pub fn complete(&mut self, code_hashes: BTreeMap<Address, B256>) {
        (self.complete, self.code_hashes) = (true, code_hashes);
    }

    /// True if the deployment was carried out and found sound.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// As a file.
    ///
    /// # Panics
    /// Never: every field has a form in TOML.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let body = toml::to_string(self).expect("strings, numbers and tables are TOML");
        format!("# Where Holdfast's contracts stand. Written by `holdfast chain deploy`.\n{body}")
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn from_toml(text: &str) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let unreadable = |why: toml::de::Error| RecordError::Unreadable(why.message().to_string());
        let Versioned { version } = toml::from_str(text).map_err(unreadable)?;
        if version != VERSION {
            return Err(RecordError::Version(version));
        }
        toml::from_str(text).map_err(unreadable)
    }
}
