//! The transactions of a deployment, in order, each with the question whether it is done.

use super::{
    settings::{Settings, SettingsError},
    steps,
};
use alloy::{
    hex,
    primitives::{Address, B256, Bytes, address, keccak256},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The deterministic deployment proxy, at one address on nearly every chain: it takes a salt and creation code and
/// creates by CREATE2 (<https://github.com/Arachnid/deterministic-deployment-proxy>).
pub const CREATE2_FACTORY: Address = address!("4e59b44847b379578588920cA78FbF26c0B4956C");
/// The code that stands there.
pub const CREATE2_FACTORY_CODE: [u8; 69] = hex!(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b"
    "8082525050506014600cf3"
);

/// A call that changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The contract asked.
    pub to: Address,
    /// Selector and arguments.
    pub data: Bytes,
}

/// How to see that a step is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// There is code at this address.
    HasCode(Address),
    /// The question is answered so.
    Answers(Question, Bytes),
    /// The question is answered otherwise.
    Differs(Question, Bytes),
}

/// One transaction of the deployer's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it does, for people.
    pub name: String,
    /// The contract called.
    pub to: Address,
    /// Selector and arguments.
    pub data: Bytes,
    /// Whether it is done already.
    pub done: Check,
}

/// Where everything stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "each field is the contract of its name; verifier and openings are the two verifiers"
)]
pub struct Addresses {
    pub token: Address,
    pub timelock: Address,
    pub governor: Address,
    pub parameters: Address,
    pub providers: Address,
    pub stake: Address,
    pub verifier: Address,
    pub openings: Address,
    pub randomness: Address,
    pub challenges: Address,
    pub market: Address,
    pub disputes: Address,
    pub channels: Address,
    pub access_lists: Address,
    pub deletions: Address,
    pub treasury: Address,
    pub guardian: Address,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faucet: Option<Address>,
}

impl Addresses {
    /// All of them with the names of their contracts.
    #[must_use]
    pub fn named(&self) -> Vec<(&'static str, Address)> {
        let mut named = vec![
            ("token", self.token),
            ("timelock", self.timelock),
            ("governor", self.governor),
            ("parameters", self.parameters),
            ("providers", self.providers),
            ("stake", self.stake),
            ("verifier", self.verifier),
            ("openings", self.openings),
            ("randomness", self.randomness),
            ("challenges", self.challenges),
            ("market", self.market),
            ("disputes", self.disputes),
            ("channels", self.channels),
            ("access_lists", self.access_lists),
            ("deletions", self.deletions),
            ("treasury", self.treasury),
            ("guardian", self.guardian),
        ];
        named.extend(self.faucet.map(|faucet| ("faucet", faucet)));
        named
    }

    /// The contracts behind proxies, which the timelock alone upgrades.
    #[must_use]
    pub fn governed(&self) -> [(&'static str, Address); 9] {
        [
            ("parameters", self.parameters),
            ("providers", self.providers),
            ("stake", self.stake),
            ("challenges", self.challenges),
            ("market", self.market),
            ("disputes", self.disputes),
            ("channels", self.channels),
            ("access_lists", self.access_lists),
            ("deletions", self.deletions),
        ]
    }
}

/// A deployment that was thought through: on one chain, by one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The chain (EIP-155).
    pub chain_id: u64,
    /// Who sends the transactions, and holds all roles until the last of them.
    pub deployer: Address,
    /// What was chosen.
    pub settings: Settings,
    /// Where everything will stand.
    pub addresses: Addresses,
    /// What code each proxy runs.
    pub implementations: BTreeMap<Address, Address>,
    /// What remains to be done is done in this order.
    pub steps: Vec<Step>,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Choose otherwise.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

impl Plan {
    /// Plans a deployment. The same arguments give the same plan.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn new(settings: Settings, chain_id: u64, deployer: Address) -> Result<Self, PlanError> {
        settings.validate(chain_id)?;
        let (addresses, implementations, steps) = steps::build(&settings, deployer);
        Ok(Self { chain_id, deployer, settings, addresses, implementations, steps })
    }
}

/// Salt of everything that a deployment creates.
pub(super) fn salt(number: u64) -> B256 {
    keccak256([b"holdfast/deployment/1".as_slice(), &number.to_be_bytes()].concat())
}
