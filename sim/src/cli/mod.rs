//! The command line: data to stdout, everything else to stderr.

mod args;
mod durability;
mod failure;
pub mod style;

pub use args::Cli;
pub use failure::Failure;

use args::Command;
use clap::CommandFactory;
use std::process::ExitCode;

/// Runs a command and says how it went: 0 done, 1 failed, 2 bad input, 3 a promise was broken.
pub fn main(cli: Cli) -> ExitCode {
    match dispatch(cli.command) {
        Ok(code) => code,
        Err(failure) => {
            eprint!("{failure}");
            ExitCode::from(failure.exit_code)
        }
    }
}

fn dispatch(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Durability(args) => durability::main(&args)?,
        Command::Completions { shell } => {
            let mut command = Cli::command();
            clap_complete::generate(shell, &mut command, "holdfast-sim", &mut std::io::stdout());
        }
    }
    Ok(ExitCode::SUCCESS)
}
