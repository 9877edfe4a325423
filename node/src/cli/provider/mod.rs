//! `holdfast provider`: a node's place in the market.

mod exit;
mod register;
mod stake;
mod status;

use super::{
    chain::args::{ChainOptions, ProviderCommand},
    failure::Failure,
    home::Home,
    keys::{self, Role},
    output::Output,
};
use crate::types::Wallet;
use alloy::primitives::Address;

/// Carries out a command.
pub fn run(home: &Home, command: &ProviderCommand, output: Output) -> Result<(), Failure> {
    match command {
        ProviderCommand::Register(options) => register::run(home, options, output),
        ProviderCommand::Stake { amount, whose } => stake::add(home, *amount, whose, output),
        ProviderCommand::Unstake { amount, whose } => stake::announce(home, *amount, whose, output),
        ProviderCommand::Withdraw { whose } => stake::withdraw(home, whose, output),
        ProviderCommand::Exit { undo, whose } => exit::run(home, *undo, whose, output),
        ProviderCommand::Status { provider, chain, wallet } => {
            status::run(home, *provider, chain, wallet.as_deref(), output)
        }
    }
}

/// This node's peer key, as the chain knows it.
fn peer(home: &Home) -> Result<Wallet, Failure> {
    home.must_exist()?;
    let mut secret = keys::read(&home.peer_key_path(), Role::Peer)?;
    Wallet::from_secret(&mut secret).ok_or_else(|| {
        Failure::failed(format!("{}: no secp256k1 secret", home.peer_key_path().display()))
            .hint("restore the key file from a copy")
    })
}

/// The provider that is meant.
fn provider(home: &Home, named: Option<Address>) -> Result<Address, Failure> {
    named.map_or_else(|| Ok(peer(home)?.address()), Ok)
}

/// The file of the deployment that the options name.
fn first_block(home: &Home, options: &ChainOptions) -> Result<u64, Failure> {
    let record = super::chain::connect::record(&super::chain::connect::record_path(home, options))?;
    Ok(record.map_or(0, |record| record.first_block))
}
