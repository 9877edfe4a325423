//! The workload: which files are stored, when, and when they are fetched again.

mod plan;

pub use plan::{SizePlan, WorkloadPlan};
