//! The proof actor: commits to the slots this node holds, and proves, when challenged, that it still holds them.
//!
//! An owner asks for the root of a slot and then for cells under it, before it signs that root: the tree is built when
//! it first asks.
//!
//! It reads a slot as it lies on disk. A challenged cell that is gone or altered is noticed here, before a proof
//! is tried, since it no longer fits the tree.

mod actor;
mod claims;
mod gate;
mod messages;
mod trees;

pub use actor::{Neighbours, ProofActor};
pub use messages::*;
