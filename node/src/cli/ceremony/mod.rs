//! `holdfast ceremony`: the trusted set-up of a circuit, from somebody else's powers of τ to keys.
//!
//! One file goes from contributor to contributor: the transcript and the key so far ([`Ceremony`]). Each command
//! that changes it writes a new one beside it and renames, so that what was there is never half overwritten.
//!
//! [`Ceremony`]: holdfast_proofs::ceremony::Ceremony

pub mod args;
mod circuit;
mod commands;
mod export;
mod files;

use super::{failure::Failure, output::Output};
use args::Command;

/// Runs one of the commands.
pub fn run(command: &Command, output: Output) -> Result<(), Failure> {
    match command {
        Command::ImportPhase1(options) => commands::import(options, output),
        Command::Contribute(options) => commands::contribute(options, output),
        Command::Beacon(options) => commands::beacon(options, output),
        Command::Verify(options) => commands::verify(options, output),
        Command::Export(options) => export::run(options, output),
    }
}
