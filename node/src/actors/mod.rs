//! The actors. Each is a folder: `messages.rs` is what one may say to it, `state.rs` decides without
//! time, disk or network, and `actor.rs` carries the decisions out.

pub mod client;
pub mod network;
pub mod repair;
pub mod storage;
