//! What a deployment chooses, and what may be chosen.

use super::{
    network::{DEVELOPMENT_KEY, Network, PUBLIC_MAINNETS},
    values::{NAMES, Values},
};
use crate::Amount;
use alloy::primitives::{Address, U256};
use serde::{Deserialize, Serialize};

/// Everything that a deployment decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Tells deployments of one deployer with the same settings apart.
    pub salt: u64,
    /// All tokens that exist at the start.
    pub supply: Amount,
    /// Which circuit's proofs the chain accepts.
    pub circuit: Circuit,
    /// Votes.
    pub governance: Governance,
    /// Windows of proofs.
    pub windows: Windows,
    /// The Safe that receives the supply.
    pub treasury: Multisig,
    /// The Safe that may pause new agreements.
    pub guardian: Multisig,
    /// Gives test tokens; only on development chains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faucet: Option<Faucet>,
    /// First values of what governance may tune.
    pub parameters: Values,
}

/// The circuit of the provider form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Circuit {
    /// Sixteen slots of 2^21 cells, five cells each: the one in use.
    Full,
    /// Sixteen slots of 64 cells, one cell each: proves in a moment, for tests on a local chain.
    Small,
}

/// How votes run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Governance {
    /// Seconds between a decision and its execution.
    pub timelock_seconds: u64,
    /// Blocks between a proposal and its vote.
    pub voting_delay_blocks: u32,
    /// Blocks that a vote is open.
    pub voting_period_blocks: u32,
    /// Votes that a proposer must have.
    pub proposal_threshold: Amount,
}

/// Windows of proofs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Windows {
    /// Blocks of a window.
    pub blocks: u64,
    /// Blocks, from a window's second on, in which it can be opened.
    pub open_blocks: u64,
    /// What fixes a window's randomness.
    pub randomness: Randomness,
}

/// Where randomness comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Randomness {
    /// The hash of a block.
    Blockhash,
    /// Its RANDAO mix: Ethereum alone.
    Prevrandao,
}

/// A Safe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Multisig {
    /// Who signs.
    pub owners: Vec<Address>,
    /// How many of them must.
    pub threshold: u64,
}

/// Test tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Faucet {
    /// What it has to give.
    pub stock: Amount,
    /// What an address receives, once a day.
    pub portion: Amount,
}

/// Why nothing is deployed with these settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Wait for the ceremony's key, or take a test network.
    #[error(
        "the verifying key is a development key, anybody can forge proofs, and chain {0} is a public mainnet"
    )]
    DevelopmentKey(u64),
    /// Take the circuit in use.
    #[error("the small circuit is for local chains, and {0} is none")]
    SmallCircuit(u64),
    /// Leave the faucet out.
    #[error("chain {0} is no development chain, so it has no faucet")]
    Faucet(u64),
    /// Choose a value within.
    #[error("parameters: {name} = {value}, must be {low} to {high}")]
    Bounds {
        /// The contract's name of it.
        name: &'static str,
        /// The value given.
        value: U256,
        /// The least.
        low: U256,
        /// The most.
        high: U256,
    },
    /// Correct this field.
    #[error("{field}: {why}")]
    Field {
        /// Which.
        field: &'static str,
        /// What is wrong.
        why: &'static str,
    },
}

impl Settings {
    /// For a chain on this machine, where one account is treasury and guardian.
    #[must_use]
    pub fn local(account: Address) -> Self {
        let alone = Multisig { owners: vec![account], threshold: 1 };
        Self {
            salt: 0,
            supply: Amount::whole(1_000_000_000),
            circuit: Circuit::Full,
            governance: Governance {
                timelock_seconds: 86_400,
                voting_delay_blocks: 5,
                voting_period_blocks: 20,
                proposal_threshold: Amount::whole(1),
            },
            windows: Windows { blocks: 50, open_blocks: 10, randomness: Randomness::Blockhash },
            treasury: alone.clone(),
            guardian: alone,
            faucet: Some(Faucet { stock: Amount::whole(10_000_000), portion: Amount::whole(10_000) }),
            parameters: Values::local(),
        }
    }

    /// A start for a public chain with a block in 12 seconds; whose treasury and guardian remain to be named.
    #[must_use]
    pub fn public(network: Network) -> Self {
        let nobody = Multisig { owners: Vec::new(), threshold: 2 };
        let faucet = Faucet { stock: Amount::whole(10_000_000), portion: Amount::whole(10_000) };
        Self {
            salt: 0,
            supply: Amount::whole(1_000_000_000),
            circuit: Circuit::Full,
            governance: Governance {
                timelock_seconds: 172_800,
                voting_delay_blocks: 7_200,
                voting_period_blocks: 50_400,
                proposal_threshold: Amount::whole(1_000_000),
            },
            windows: Windows { blocks: 7_200, open_blocks: 200, randomness: Randomness::Blockhash },
            treasury: nobody.clone(),
            guardian: nobody,
            faucet: network.may_have_faucet().then_some(faucet),
            parameters: Values::public(),
        }
    }

    /// Checks what would otherwise fail half-way, or must not be on this chain.
    ///
    /// # Errors
    /// [`SettingsError`] naming the first thing that is wrong.
    pub fn validate(&self, chain_id: u64) -> Result<(), SettingsError> {
        let network = Network::of(chain_id);
        if DEVELOPMENT_KEY && PUBLIC_MAINNETS.contains(&chain_id) {
            return Err(SettingsError::DevelopmentKey(chain_id));
        }
        if self.circuit == Circuit::Small && network != Network::Local {
            return Err(SettingsError::SmallCircuit(chain_id));
        }
        if self.faucet.is_some() && !network.may_have_faucet() {
            return Err(SettingsError::Faucet(chain_id));
        }
        self.check_numbers()?;
        check_multisig("treasury", &self.treasury)?;
        check_multisig("guardian", &self.guardian)?;
        for ((name, value), (low, high)) in
            NAMES.into_iter().zip(self.parameters.words()).zip(Values::bounds())
        {
            if value < low || value > high {
                return Err(SettingsError::Bounds { name, value, low, high });
            }
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), SettingsError> {
        let fail = |field, why| Err(SettingsError::Field { field, why });
        // ERC20Votes counts votes in 208 bits.
        if self.supply.0.is_zero() || self.supply.0.bit_len() > 208 {
            return fail("supply", "must be more than nothing and below 2^208 units");
        }
        if let Some(faucet) = &self.faucet
            && (faucet.stock > self.supply || faucet.portion > faucet.stock || faucet.portion.0.is_zero())
        {
            return fail("faucet", "the portion must be within the stock, and the stock within the supply");
        }
        if self.governance.voting_period_blocks == 0 {
            return fail("governance.voting_period_blocks", "a vote must be open for a block at least");
        }
        let least = self.windows.open_blocks.saturating_mul(2).saturating_add(8);
        if self.windows.open_blocks == 0 || self.windows.blocks < least {
            return fail("windows", "a window must be at least twice open_blocks and 8 blocks long");
        }
        // The opcode reaches 256 blocks back; EIP-2935 is not on every chain.
        if self.windows.open_blocks > 255 {
            return fail("windows.open_blocks", "a block's hash can be had for 255 blocks only");
        }
        Ok(())
    }
}

fn check_multisig(field: &'static str, multisig: &Multisig) -> Result<(), SettingsError> {
    let fail = |why| Err(SettingsError::Field { field, why });
    let mut owners = multisig.owners.clone();
    owners.sort_unstable();
    owners.dedup();
    // A Safe's list of owners begins and ends with address 1.
    let reserved = |owner: &Address| *owner == Address::ZERO || *owner == Address::with_last_byte(1);
    if owners.is_empty() {
        return fail("name its owners");
    }
    if owners.len() != multisig.owners.len() || owners.iter().any(reserved) {
        return fail("an owner is named twice, or is nobody");
    }
    if multisig.threshold == 0 || multisig.threshold > owners.len() as u64 {
        return fail("the threshold must be 1 to the number of owners");
    }
    Ok(())
}
