//! What one may type.

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use std::path::PathBuf;

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
    /// Carry out a plan: store files, let the network churn, get them back, judge and report.
    Run(RunArgs),
    /// Carry out a finished run again and compare the trace hashes: promise D1.
    Replay(ReplayArgs),
    /// Carry out a plan with many seeds and keep those that break a promise.
    Search(SearchArgs),
    /// Simulate one segment's life through the node's repair decision, without a network.
    Durability(DurabilityArgs),
    /// Print a completion script for a shell.
    Completions {
        /// Which shell.
        shell: Shell,
    },
}

/// Which plan, changed how, with which files.
#[derive(Clone, Debug, Args)]
pub struct PlanArgs {
    /// The plan, a TOML file.
    #[arg(value_name = "PLAN.toml")]
    pub plan: PathBuf,
    /// Change a key of the plan; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Store the real files of this directory instead of generated ones.
    #[arg(long, value_name = "DIR")]
    pub input: Option<PathBuf>,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Which plan.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// Seed of all randomness, instead of the plan's.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Where plan, result, tables, log and report go; holdfast-sim-out/NAME-SEED unless given.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print result.json to stdout instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Run a second time in a process of its own and compare the trace hashes: promise D1.
    #[arg(long)]
    pub verify_determinism: bool,
    /// Print only the trace hash, and write nothing.
    #[arg(long, conflicts_with_all = ["out", "json", "verify_determinism"])]
    pub print_trace_hash: bool,
}

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The folder that a run has written.
    #[arg(value_name = "OUT_DIR")]
    pub dir: PathBuf,
    /// Write the replay's own files to this folder; nothing is written unless given.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print the replay's result as JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `search`.
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// Which plan.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// Seeds from A up to, and without, B.
    #[arg(long, value_name = "A..B", value_parser = parse_seeds)]
    pub seeds: std::ops::Range<u64>,
    /// Where the folders of seeds that break a promise go; holdfast-sim-out/search-NAME unless given.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The file that keeps a line for each seed that breaks a promise.
    #[arg(long, value_name = "FILE", default_value = "sim/seeds/regressions.txt")]
    pub regressions: PathBuf,
    /// Print one JSON array instead of a table.
    #[arg(long)]
    pub json: bool,
}

fn parse_seeds(text: &str) -> Result<std::ops::Range<u64>, String> {
    let (first, end) = text.split_once("..").ok_or("expected A..B, for example 0..100")?;
    let number = |text: &str| text.parse::<u64>().map_err(|_| format!("{text} is no whole number"));
    let range = number(first)?..number(end)?;
    if range.is_empty() { Err(format!("{text} holds no seed")) } else { Ok(range) }
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
