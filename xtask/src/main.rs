//! The project's own chores: `cargo xtask <chore>`.
//!
//! Every rule that a machine can keep is kept here, so that a review can be about the rest.

// Chores talk to people and processes of this machine: they live in real time.
#![allow(clippy::disallowed_methods, reason = "chores run in real time on a real machine")]

mod accept;
mod compare;
mod contracts;
mod layouts;
mod licences;
mod localnet;
mod process;
mod suite;
mod tidy;

use clap::{Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode};

/// What went wrong, in words for the person at the terminal.
type Failure = String;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own chores")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Check the import rules, the budgets and the words of the sources.
    Tidy,
    /// Check every dependency's licence, name and source against deny.toml.
    Licences,
    /// Install the contracts' toolchain, build and test them, compare their artifacts with those in git.
    Contracts {
        /// Write the artifacts instead of comparing them.
        #[arg(long)]
        write: bool,
    },
    /// Run everything that must pass: format, clippy, tidy, licences, tests.
    Test,
    /// Tell a story of the whole on real processes; takes minutes.
    Accept {
        #[command(subcommand)]
        story: accept::Story,
    },
    /// Do the same job beside another system; takes minutes.
    Compare {
        #[command(subcommand)]
        peer: compare::Peer,
    },
}

fn main() -> ExitCode {
    let root = workspace_root();
    let done = match Arguments::parse().chore {
        Chore::Tidy => tidy::run(&root),
        Chore::Licences => licences::run(&root),
        Chore::Contracts { write } => contracts::run(&root, write),
        Chore::Test => suite::run(&root),
        Chore::Accept { story } => accept::run(&root, &story),
        Chore::Compare { peer } => compare::run(&root, &peer),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the workspace whose cargo runs this program.
fn workspace_root() -> PathBuf {
    let xtask = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    xtask.parent().expect("xtask is a folder of the workspace").to_path_buf()
}
