//! Oracle mode: how long does a segment last?
//!
//! A birth-and-death model that many papers solve by hand, simulated exactly event by event
//! (Gillespie, "Exact stochastic simulation of coupled chemical reactions", J. Phys. Chem. 1977) and
//! driven through the node's own repair decision, [`judge`](holdfast::actors::repair::verdict::judge).
//! It tells whether that decision behaves as the theory says, and gives the network's simulations
//! something to be compared with.

mod estimate;
mod model;

pub use estimate::{Durability, DurabilityJson, Estimator, Interval};
pub use model::{Life, Model, ModelError, Outcome};
