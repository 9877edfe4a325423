//! The proof actor: commits to the slots this node holds, and proves, when challenged, that it still holds them.
//!
//! It reads a slot as it lies on disk. A challenged cell that is gone or altered is noticed here, before a proof
//! is tried, since it no longer fits the tree.

mod actor;
mod messages;
mod trees;

pub use actor::ProofActor;
pub use messages::*;
