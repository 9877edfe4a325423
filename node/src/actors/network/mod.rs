//! The network actor: the only owner of [`Net`](crate::env::Net). It sends requests for the other
//! actors, has peers' requests answered, keeps this node's placements announced, and finds
//! peers that would store something. It never looks into a shard.

mod actor;
mod messages;
mod providers;
mod state;
#[cfg(test)]
mod tests;

pub use actor::NetworkActor;
pub use messages::*;
