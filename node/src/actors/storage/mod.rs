//! The storage actor: keeps shards, placement records and the owner's notes on disk, and answers
//! what peers ask of them. It alone is given the [`Disk`](crate::env::Disk).
//!
//! Shards are plain files, because they are large and written once; what is said of them is in one
//! transactional index (redb), because it is small and must be consistent. Placement records are
//! files too: one may take 16 MiB, and the index never gives the space of a large value back.
//!
//! ```text
//! format                                    "holdfast storage 1"
//! index.redb                                which shards, records, removals and notes there are
//! shards/<placement>/<segment>-<slot>-<tag> the bytes of one shard
//! placements/<placement>-<tag>              one placement record, with its owner's signature
//! trees/<placement>                         the tree of the slot held of it, which can be built again
//! ```
//!
//! **Invariant:** the name of a shard's or a record's file holds a random tag that is never used twice, and a file without an
//! index entry is garbage. So a write never touches a file that someone may be reading or deleting,
//! a crash at any instant leaves only whole shards and garbage, and deleting needs no lock.
//!
//! **Invariant:** a receipt leaves only when the file's bytes, its name and its index entry are
//! durable, in this order. Commits are grouped: while one is under way, finished writes gather for
//! the next.

mod actor;
mod backend;
mod changes;
mod files;
mod grants;
mod holdings;
mod index;
mod messages;
mod notices;
mod reads;
mod roots;
mod scrub;
mod slot;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod trees;

pub use actor::StorageActor;
pub use messages::*;
