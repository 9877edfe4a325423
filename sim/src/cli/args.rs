//! What one may type.

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

/// The Holdfast node in a deterministic world of thousands of nodes.
#[derive(Debug, Parser)]
#[command(
    name = "holdfast-sim",
    version,
    about,
    after_help = "Exit codes: 0 done, 1 the run could not be carried out, 2 bad arguments or plan, \
                  3 a promise was broken.\nColours and progress bars are left out when stderr is no \
                  terminal; NO_COLOR is obeyed."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Simulate one segment's life through the node's repair decision, without a network.
    Durability(DurabilityArgs),
    /// Print a completion script for a shell.
    Completions {
        /// Which shell.
        shell: Shell,
    },
}

/// Arguments of `durability`.
#[derive(Debug, Args)]
pub struct DurabilityArgs {
    /// Shards in all.
    #[arg(long)]
    pub n: u16,
    /// Shards needed; fewer live ones are a loss.
    #[arg(long)]
    pub k: u16,
    /// Live shards at or below which a repair starts.
    #[arg(long, value_name = "M")]
    pub repair_at: u16,
    /// Mean days until a shard dies for good.
    #[arg(long, value_name = "X")]
    pub mttf_days: f64,
    /// Mean days from the start of a repair to all n shards live.
    #[arg(long, value_name = "Y")]
    pub mttr_days: f64,
    /// Lives to simulate, each until its loss.
    #[arg(long, value_name = "R", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    pub runs: u64,
    /// Seed of all randomness.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Give up after so many shard deaths and repairs over all runs.
    #[arg(long, default_value_t = 5_000_000_000)]
    pub max_events: u64,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}
