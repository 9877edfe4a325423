//! The market actor: what this node agrees on with others, for pay, on a chain. As an owner it opens agreements about its
//! placements and offers their slots; as a provider it takes slots, proves them window by window, and is paid.
//!
//! [`state`] decides what is due from what the chain says at one head; [`provider`] looks and acts on it. Everything is
//! done through the incentive actor's outbox under a name that follows from what it is, so that nothing is done twice
//! whatever crashes, and done again if a reorganisation took it back.

mod actor;
mod challenge;
mod disputes;
mod extending;
mod messages;
mod neighbours;
mod notes;
mod offers;
mod orders;
mod owner;
mod policy;
mod provider;
mod proving;
mod retrieval;
mod state;
#[cfg(test)]
mod tests;
mod view;
mod watch;

pub use actor::{MarketActor, Membership, Neighbours};
pub use messages::*;
pub use retrieval::*;
