//! What a run cost in the real world. Used outside the simulated one, where clocks are real.

#![allow(clippy::disallowed_methods, reason = "measures real time, outside the simulated world")]

use holdfast::types::ContentHash;
use std::time::Instant;

/// Processor time of `/proc` is counted in hundredths of a second on every Linux architecture that
/// Rust supports (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

/// What a run cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    /// Real time.
    pub wall_seconds: f64,
    /// Processor time of the whole process; 0 where the system does not tell.
    pub cpu_seconds: f64,
    /// Most memory that the process ever held; 0 where the system does not tell.
    pub peak_rss_bytes: u64,
    /// How much that is above what it held before.
    pub added_bytes: u64,
}

/// Starts measuring; calling the result ends it.
pub fn stopwatch() -> impl FnOnce() -> Measured {
    let (start, cpu, before) = (Instant::now(), cpu_seconds(), resident_bytes("VmRSS:"));
    move || {
        let peak = resident_bytes("VmHWM:");
        Measured {
            wall_seconds: start.elapsed().as_secs_f64(),
            cpu_seconds: cpu_seconds() - cpu,
            peak_rss_bytes: peak,
            added_bytes: peak.saturating_sub(before),
        }
    }
}

/// Hash of the running program.
pub fn binary_hash() -> String {
    let program = std::env::current_exe().and_then(std::fs::read);
    program.map_or_else(|_| "unknown".to_owned(), |bytes| ContentHash::of(&bytes).to_string())
}

/// A field of `/proc/self/status`, in bytes; 0 where there is none.
pub fn resident_bytes(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kib = line.and_then(|rest| rest.split_whitespace().next()).and_then(|text| text.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// User and system time of this process (proc(5): fields 14 and 15, after the name in parentheses).
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = rest.split_whitespace().skip(11).take(2).filter_map(|text| text.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS_PER_SECOND
}
