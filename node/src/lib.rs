//! The Holdfast node: actors that store, find, repair and return shards, behind one seam.
//!
//! Read in this order: [`types`] names the nouns, [`data`] is the path of a byte, [`env`](mod@env) is the
//! seam to a world (real or simulated), [`actors`] decide, and [`node`] connects them.

pub mod actors;
pub mod api;
pub mod chain;
pub mod cli;
pub mod data;
pub mod env;
pub mod events;
pub mod limits;
pub mod memory;
pub mod node;
pub mod settings;
pub mod types;
