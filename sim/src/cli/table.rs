//! The table that ends a run.

use crate::{
    checks::Verdict,
    report::{bytes, milliseconds, thousands},
    result::RunResult,
};

/// Sentences shown for each broken promise; the log has all.
const SHOWN: usize = 3;

pub(super) fn print(result: &RunResult) {
    let latency = result.retrieval_latency_ms;
    let time = |ms: Option<f64>| ms.map_or("none".to_owned(), milliseconds);
    let rows = [
        ("plan", format!("{}, seed {}", result.name, result.seed)),
        ("virtual time", format!("{:.2} days", result.virtual_seconds / 86_400.0)),
        (
            "nodes",
            format!(
                "{} at the start, {} departed, {} ever, {:.1} % online on average",
                result.nodes,
                result.nodes_departed,
                result.nodes_ever,
                result.availability * 100.0
            ),
        ),
        ("files stored", format!("{} ({})", result.files_stored, bytes(result.bytes_stored))),
        ("files never stored", result.files_not_stored.to_string()),
        ("files retrieved ok", result.files_retrieved_ok.to_string()),
        ("files unavailable", result.files_unavailable.to_string()),
        ("files lost", result.files_lost.to_string()),
        (
            "fetches during the run",
            format!(
                "{} ok, {} failed, {} interrupted",
                result.gets_ok, result.gets_failed, result.gets_interrupted
            ),
        ),
        (
            "retrieval latency",
            format!("p50 {}, p95 {}, p99 {}", time(latency.p50), time(latency.p95), time(latency.p99)),
        ),
        ("repair", format!("{} shards, {}", thousands(result.shards_repaired), bytes(result.repair_bytes))),
        ("fewest live shards", result.fewest_live_shards.to_string()),
        (
            "events",
            format!(
                "{}, {} a second, {} a processor second",
                thousands(result.events),
                thousands(result.events_per_second as u64),
                thousands(result.events_per_cpu_second as u64)
            ),
        ),
        (
            "memory",
            format!("{} at most, {} a node", bytes(result.peak_rss_bytes), bytes(result.bytes_per_node)),
        ),
        ("real time", format!("{:.1} s", result.wall_seconds)),
        ("trace hash", result.trace_hash.clone()),
    ];
    for (name, value) in rows {
        println!("{name:<24}{value}");
    }
    audit(result);
    checks(result);
}

/// How often each kind of provider was found out.
fn audit(result: &RunResult) {
    for kind in result.audit.iter().flat_map(|audit| &audit.kinds) {
        let (low, high) = kind.interval();
        println!(
            "{:<24}{} of {} challenges missed ({:.2} %), expected {low} to {high} ({:.2} %)",
            format!("{:.0} % cells dropped", kind.dropped * 100.0),
            kind.missed,
            kind.answered(),
            kind.measured() * 100.0,
            kind.expected() * 100.0
        );
    }
}

/// Which promises held, and why others did not.
fn checks(result: &RunResult) {
    for (id, verdict) in &result.checks {
        let word = if *verdict == Verdict::Pass { "pass" } else { "FAIL" };
        println!("{:<24}{word}", format!("check {id}"));
        for why in result.broken.get(id).into_iter().flatten().take(SHOWN) {
            println!("{:<24}  {why}", "");
        }
    }
    for (id, how) in &result.not_evaluated {
        println!("{:<24}not evaluated: {how}", format!("check {id}"));
    }
}
