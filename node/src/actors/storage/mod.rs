//! The storage actor.

mod messages;

pub use messages::*;
