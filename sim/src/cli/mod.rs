//! The command line: data to stdout, everything else to stderr.

mod args;
mod durability;
mod failure;
mod folder;
mod monitor;
mod replay;
mod run;
mod search;
mod style;
mod table;

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
        Command::Run(args) => run::main(&args),
        Command::Replay(args) => replay::main(&args),
        Command::Search(args) => search::main(&args),
        Command::Durability(args) => durability::main(&args).map(|()| ExitCode::SUCCESS),
        Command::Completions { shell } => {
            let mut command = Cli::command();
            clap_complete::generate(shell, &mut command, "holdfast-sim", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    }
}
