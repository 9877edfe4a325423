//! The actors. Each is a folder: `messages.rs` is what one may say to it, `state.rs` decides without
//! time, disk or network, and `actor.rs` carries the decisions out.

pub mod client;
pub mod incentive;
pub mod market;
pub mod network;
pub mod proof;
pub mod repair;
pub mod storage;

mod agenda;
mod fetch;
mod holders;
mod locate;
mod passes;
mod peers;
mod purse;
mod race;
mod service;
#[cfg(test)]
mod tests;

pub use passes::Passes;
pub use service::Service;

use actix::{Message, Recipient};

/// Sends a message to another actor of the same node and waits for its answer.
///
/// The mailboxes of a node live and die together with its `LocalSet`, so an asker that is still
/// polled always finds the other side alive.
pub(crate) async fn ask<M>(to: &Recipient<M>, message: M) -> M::Result
where
    M: Message + Send,
    M::Result: Send,
{
    to.send(message).await.expect("the actors of a node live and die together")
}
