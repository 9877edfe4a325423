//! Churn: when nodes come, go, and leave for good.
//!
//! Owns the order of these transitions over a run, drawn from distributions or read from a trace.
//! It never touches a node: the runner does what a [`Transition`] says.

mod distribution;
mod plan;
mod timeline;
pub mod trace;

pub use distribution::{HOUR, Lifetime};
pub use plan::{ChurnModel, ChurnPlan, DeparturePlan, Leave, Preset};
pub use timeline::{Change, Timeline, Transition};
