//! Acceptance: the stories that the whole must be able to tell, on release builds and real processes.

mod churn;
mod provider;

use crate::{Failure, contracts, localnet, suite::cargo};
use bytesize::ByteSize;
use clap::Subcommand;
use std::{fs, path::Path};

#[derive(Subcommand)]
pub enum Story {
    /// Twelve processes, a file at k = 4 of n = 8: four holders killed, repaired, four others killed
    Localnet {
        /// Bytes of the file
        #[arg(long, default_value = "1GiB")]
        size: ByteSize,
    },
    /// The market's story on the embedded chain and on anvil, with proofs of the circuit in use
    Chain,
    /// Owner and providers as processes on a served chain: one is killed before it sends its proof; slots are disputed
    Market,
    /// A provider at rest with many shards
    Provider {
        /// How many shards it holds
        #[arg(long, default_value_t = 10_000)]
        shards: u64,
    },
}

/// Tells a story in a scratch directory below cargo's target directory.
pub fn run(root: &Path, story: &Story) -> Result<(), Failure> {
    match story {
        Story::Chain => return chain(root),
        Story::Market => return market(root),
        _ => {}
    }
    let program = localnet::release_binary(root)?;
    let scratch = scratch(root, "accept")?;
    let told = match story {
        Story::Localnet { size } => churn::run(&program, &scratch, size.as_u64()),
        Story::Provider { shards } => provider::run(&program, &scratch, *shards),
        Story::Chain | Story::Market => unreachable!("told above"),
    };
    fs::remove_dir_all(&scratch).map_err(|why| format!("{}: {why}", scratch.display()))?;
    told
}

/// Of the whole workspace, so that what `cargo xtask test` built serves here as well.
const TEST: [&str; 4] = ["test", "--locked", "--workspace", "--test"];

/// Every step is a test's: it fails unless both chains end with the same figures. One of them is anvil.
fn chain(root: &Path) -> Result<(), Failure> {
    contracts::install(root)?;
    let how = ["market", "--", "--ignored", "--exact", "--nocapture", "the_story_with_the_circuit_in_use"];
    cargo(root, &[&TEST[..], &how].concat())
}

/// The stories are tests', told one after the other: blocks come by the second, whatever else runs.
fn market(root: &Path) -> Result<(), Failure> {
    let how = ["earn", "--", "--include-ignored", "--nocapture", "--test-threads=1"];
    cargo(root, &[&TEST[..], &how].concat())
}

/// An empty directory for one run. Its name is short: a control socket's path has some 100 bytes.
pub fn scratch(root: &Path, name: &str) -> Result<std::path::PathBuf, Failure> {
    let path = localnet::target_directory(root)?.join(name);
    if path.exists() {
        fs::remove_dir_all(&path).map_err(|why| format!("{}: {why}", path.display()))?;
    }
    fs::create_dir_all(&path).map_err(|why| format!("{}: {why}", path.display()))?;
    Ok(path)
}
