//! The proof actor: commits to the slots this node holds, proves, when challenged, that it still holds them, and answers
//! disputes about them.
//!
//! An owner asks for the root of a slot and then for cells under it, before it signs that root: the tree is built when
//! it first asks.
//!
//! It reads a slot as it lies on disk. A challenged cell that is gone or altered is noticed here, before a proof
//! is tried, since it no longer fits the tree.

mod actor;
mod claims;
mod disputes;
mod gate;
mod kept;
mod lists;
mod messages;
mod trees;
mod windows;

pub use actor::{Neighbours, ProofActor};
pub use kept::{TreeFileError, read_tree_file, tree_file};
pub use lists::ListContract;
pub use messages::*;
