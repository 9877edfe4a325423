//! A disk in memory that may crash, rot, fill up and slow down.

mod content;
mod handle;
mod names;

pub use handle::{PowerCut, SimDisk};

use serde::{Deserialize, Serialize};

/// How large and how fast a node's disk is. Durations are modelled.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiskPlan {
    /// Bytes it holds.
    pub capacity_bytes: u64,
    /// Megabytes a second that it reads.
    pub read_mb_per_s: f64,
    /// Megabytes a second that it writes.
    pub write_mb_per_s: f64,
    /// Milliseconds before the first byte of an access.
    pub access_ms: f64,
    /// Milliseconds that a sync takes.
    pub sync_ms: f64,
}

impl Default for DiskPlan {
    /// A SATA solid-state disk.
    fn default() -> Self {
        Self {
            capacity_bytes: 64 << 30,
            read_mb_per_s: 500.0,
            write_mb_per_s: 400.0,
            access_ms: 0.1,
            sync_ms: 2.0,
        }
    }
}
