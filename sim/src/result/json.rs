//! `result.json`: the fields that others rely on.

use super::{AuditResult, Retrieval};
use crate::checks::Verdict;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One run's result. Fields may be added; none is renamed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// The plan's name.
    pub name: String,
    /// Hash of everything that happened: promise D1 compares it.
    pub trace_hash: String,
    /// Seed of all randomness.
    pub seed: u64,
    /// Hash of the resolved plan, without its seed.
    pub plan_hash: String,
    /// Hash of the program that ran: another build may trace differently.
    pub binary_hash: String,
    /// Virtual time that passed.
    pub virtual_seconds: f64,
    /// Real time that passed.
    pub wall_seconds: f64,
    /// Processor time that was used.
    pub cpu_seconds: f64,
    /// Node events and delivered messages.
    pub events: u64,
    /// The same for each second of real time.
    pub events_per_second: f64,
    /// The same for each second of processor time: the run uses one core.
    pub events_per_cpu_second: f64,
    /// Requests whose answer reached the asker.
    pub round_trips: u64,
    /// Most memory that the process held; 0 where the system does not tell.
    pub peak_rss_bytes: u64,
    /// What the run added to the process's memory for each node that ever was, data included.
    pub bytes_per_node: u64,
    /// Nodes at the start.
    pub nodes: usize,
    /// Nodes that ever were, replacements included.
    pub nodes_ever: usize,
    /// Nodes that left for good.
    pub nodes_departed: usize,
    /// Mean share of the remaining nodes that were online before the network settled.
    pub availability: f64,
    /// Files whose put was acknowledged.
    pub files_stored: usize,
    /// Files of the workload whose put never was.
    pub files_not_stored: usize,
    /// Bytes of the stored files.
    pub bytes_stored: u64,
    /// Stored files with a segment of fewer than k live shards.
    pub files_lost: usize,
    /// Stored files that came back byte for byte at the end.
    pub files_retrieved_ok: usize,
    /// Stored files that did not come back at the end although they can be rebuilt.
    pub files_unavailable: usize,
    /// Fetches during the run that succeeded.
    pub gets_ok: usize,
    /// Fetches during the run that failed: too few holders were online.
    pub gets_failed: usize,
    /// Fetches during the run whose own node went offline first.
    pub gets_interrupted: usize,
    /// The fewest live shards that any stored segment ever had.
    pub fewest_live_shards: usize,
    /// Shards that repairs rebuilt and placed.
    pub shards_repaired: u64,
    /// Bytes that repairs fetched and sent.
    pub repair_bytes: u64,
    /// Bytes that all messages carried.
    pub network_bytes: u64,
    /// Time from request to last byte, of all fetches that succeeded.
    pub retrieval_latency_ms: Latency,
    /// Challenges, if there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditResult>,
    /// Promises, and whether they were kept.
    pub checks: BTreeMap<String, Verdict>,
    /// What was broken, by promise, as sentences.
    pub broken: BTreeMap<String, Vec<String>>,
    /// Promises that this run could not tell, and the command that tells.
    pub not_evaluated: BTreeMap<String, String>,
    /// Which figures come from a model and not from a measurement.
    pub modelled: Vec<String>,
    /// The directory of real files, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<InputJson>,
    /// Which programs made this.
    pub versions: Versions,
    /// The command that repeats the run.
    pub replay: String,
}

/// Where a run's real files came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputJson {
    /// The directory.
    pub dir: String,
    /// Hash of its files' names and contents.
    pub hash: String,
}

/// Which programs made a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// Of this format.
    pub result: u32,
    /// Of the simulator and the node in it.
    pub holdfast_sim: String,
}

impl Versions {
    /// This program's.
    pub fn current() -> Self {
        Self { result: 1, holdfast_sim: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

/// Quantiles in virtual milliseconds; `None` if nothing was fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Median.
    pub p50: Option<f64>,
    /// 95 % are below.
    pub p95: Option<f64>,
    /// 99 % are below.
    pub p99: Option<f64>,
}

impl Latency {
    /// The quantiles of the fetches that succeeded (nearest rank).
    pub fn of(retrievals: &[Retrieval]) -> Self {
        let mut times: Vec<f64> = retrievals.iter().filter(|get| get.ok).map(|get| get.latency_ms).collect();
        times.sort_by(f64::total_cmp);
        let quantile = |share: f64| {
            let rank = (share * times.len() as f64).ceil() as usize;
            times.get(rank.max(1) - 1).copied()
        };
        Self { p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99) }
    }
}

impl RunResult {
    /// True if no promise was broken.
    pub fn kept(&self) -> bool {
        self.checks.values().all(|&verdict| verdict == Verdict::Pass)
    }

    /// The JSON text, exactly as in `result.json`.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a result is plain data with string keys") + "\n"
    }
}
