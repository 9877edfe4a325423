//! The repair actor: watches the placements this node holds part of, and rebuilds what is lost.
//!
//! There is no coordinator. Every holder of a placement asks the others, now and then, what they
//! still hold. When the live shards of a segment fall to the owner's threshold, the holders take
//! their turns in an order that follows from the placement and who is live: the first acts at once,
//! each later one waits a while longer, looks again, and acts only if it is still needed.

mod actor;
mod memory;
mod messages;
mod rebuild;
mod state;
#[cfg(test)]
mod tests;
pub mod verdict;

pub use actor::{Neighbours, RepairActor};
pub use messages::*;
