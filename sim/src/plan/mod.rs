//! A plan: a simulated run as data. Same binary, same plan, same seed: the same run.

mod audit;
mod error;
mod load;
mod model;
mod validate;

pub use audit::{AuditPlan, CheaterPlan};
pub use error::PlanError;
pub use load::{TRACE_FILE, parse_assignment};
pub use model::{FaultsPlan, NodePlan, Plan, Population, TimedFault};
