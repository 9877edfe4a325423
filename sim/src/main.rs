//! The simulator's command line.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    holdfast_sim::cli::main(holdfast_sim::cli::Cli::parse())
}
