//! What a run leaves: one JSON object, two tables in Parquet, and the run's log.

mod audit;
mod json;
mod measure;
mod series;
mod tables;

pub use audit::{AuditResult, Tally};
pub use json::{InputJson, Latency, RunResult, Versions};
pub use measure::{Measured, binary_hash, resident_bytes, stopwatch};
pub use series::{Retrieval, Sample, Series};
pub use tables::{TableError, write_retrievals, write_samples};
