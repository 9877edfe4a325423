//! The workload: which files are stored, when, and when they are fetched again.
//!
//! Owns the files' bytes and the order of puts and gets. It never talks to a node: the runner does.

mod files;
mod plan;
mod schedule;

pub use files::{File, Input, InputError, MemorySink, generated};
pub use plan::{SizePlan, WorkloadPlan};
pub use schedule::{Get, Schedule};
