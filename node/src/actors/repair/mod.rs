//! The repair actor: watches the placements this node holds part of, and rebuilds what is lost.

mod messages;
pub mod verdict;

pub use messages::*;
