//! The client actor.

mod messages;

pub use messages::*;
