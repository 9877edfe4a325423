//! A plan: a simulated run as data. Same binary, same plan, same seed: the same run.

mod error;
mod load;
mod model;
mod validate;

pub use error::PlanError;
pub use load::parse_assignment;
pub use model::{NodePlan, Plan, PopulationPlan};
