//! The client actor: the owner's verbs. It holds no capability of its own; all it does is ask the
//! other actors. [`put`] reads as one function, [`get`] is its mirror.

mod actor;
mod catalogue;
mod cells;
mod get;
mod journal;
mod messages;
mod put;
mod remove;
mod signing;
mod state;
#[cfg(test)]
mod tests;
mod upload;

pub use actor::{ClientActor, Neighbours};
pub use messages::*;
