//! The Holdfast node in a deterministic world of thousands of nodes.
//!
//! Read in this order: [`plan`] is a run as data, [`churn`] says when nodes come and go, [`workload`]
//! which files they store, and [`cli`] is what people touch. [`durability`] is the oracle without a
//! network.

pub mod churn;
pub mod cli;
pub mod durability;
pub mod plan;
pub mod workload;
