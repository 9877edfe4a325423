//! `holdfast wallet`: accounts, what they have, and sending it.

mod accounts;
mod keystores;
mod money;
pub mod password;
#[cfg(test)]
mod tests;

pub use keystores::Keystores;
pub use money::covered;

use super::{chain::args::WalletCommand, failure::Failure, home::Home, output::Output};

/// Carries out a command.
pub fn run(home: &Home, command: &WalletCommand, output: Output) -> Result<(), Failure> {
    match command {
        WalletCommand::New { name, password_file } => {
            accounts::create(home, name, password_file.as_deref(), output)
        }
        WalletCommand::Import(import) => accounts::import(home, import, output),
        WalletCommand::List => accounts::list(home, output),
        WalletCommand::Show { name } => accounts::show(home, name.as_deref(), output),
        WalletCommand::Balance { account, chain } => money::balance(home, account.as_deref(), chain, output),
        WalletCommand::Send { to, amount, coin, chain, account } => {
            money::send(home, *to, *amount, *coin, chain, account, output)
        }
        WalletCommand::Faucet { chain, account } => money::drip(home, chain, account, output),
    }
}
