//! The network actor.

mod messages;

pub use messages::*;
