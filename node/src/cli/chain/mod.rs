//! `holdfast chain`: a chain of this machine, and the contracts on any.

pub mod args;
pub mod connect;
mod deploy;
pub mod join;
mod run;
pub mod sent;
mod serve;
mod status;

use super::{failure::Failure, home::Home, output::Output};
use args::ChainCommand;

/// Carries out a command.
pub fn run(home: &Home, command: &ChainCommand, output: Output) -> Result<(), Failure> {
    match command {
        ChainCommand::Deploy(options) => deploy::run(home, options, output),
        ChainCommand::Status { chain } => status::run(home, chain, output),
        ChainCommand::Run(options) => run::run(home, options),
    }
}
