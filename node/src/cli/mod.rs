//! The command line: data to stdout, everything else to stderr, an exit code for every kind of failure.
//!
//! `init`, `run`, `doctor` and `localnet` work on a node's directory, others talk to a node over its control socket ([`crate::api`]).

#![allow(clippy::disallowed_methods, reason = "here a person meets the real clock, threads and runtime")]

mod access;
mod agree;
mod args;
mod ceremony;
mod chain;
mod channel;
mod config;
mod connection;
mod dispute;
mod doctor;
mod extend;
mod failure;
mod files;
mod home;
mod init;
mod keys;
mod localnet;
mod output;
mod provider;
mod run;
mod status;
#[cfg(test)]
mod tests;
mod wallet;

use args::{Arguments, Command, ConfigCommand};
use clap::{CommandFactory, Parser};
use failure::Failure;
use home::Home;
use output::Output;
use std::process::ExitCode;

/// Runs the command that the process was called with.
pub fn main() -> ExitCode {
    dispatch(Arguments::parse()).unwrap_or_else(|failure| failure.report())
}

fn dispatch(arguments: Arguments) -> Result<ExitCode, Failure> {
    let output = Output::new(arguments.json);
    if let Command::Completions { shell } = arguments.command {
        clap_complete::generate(shell, &mut Arguments::command(), "holdfast", &mut std::io::stdout());
        return Ok(ExitCode::SUCCESS);
    }
    match &arguments.command {
        Command::Localnet(options) => return done(localnet::run(arguments.dir, options, output)),
        Command::Ceremony { command } => return done(ceremony::run(command, output)),
        _ => {}
    }
    let home = Home::find(arguments.dir)?;
    done(match arguments.command {
        Command::Init(options) => init::run(&home, &options, output),
        Command::Run(options) => run::run(&home, &options),
        Command::Put(options) => files::put(&home, &options, output),
        Command::Get(options) => files::get(&home, &options, output),
        Command::Agree(options) => agree::run(&home, &options, output),
        Command::Extend(options) => extend::run(&home, &options, output),
        Command::Dispute(options) => dispute::run(&home, &options, output),
        Command::Channel { command } => channel::run(&home, &command, output),
        Command::Ls => files::list(&home, output),
        Command::Rm { name } => files::remove(&home, name, output),
        Command::Status => status::run(&home, output),
        Command::Config { command: ConfigCommand::Show } => config::show(&home, output),
        Command::Access { command } => access::run(&home, &command, output),
        Command::Chain { command } => chain::run(&home, &command, output),
        Command::Wallet { command } => wallet::run(&home, &command, output),
        Command::Provider { command } => provider::run(&home, &command, output),
        Command::Doctor => return doctor::run(&home, output),
        Command::Ceremony { .. } | Command::Localnet(_) | Command::Completions { .. } => {
            unreachable!("handled above")
        }
    })
}

fn done(result: Result<(), Failure>) -> Result<ExitCode, Failure> {
    result.map(|()| ExitCode::SUCCESS)
}
