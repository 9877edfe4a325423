//! The promises, as checks over a whole run, and the observer that they ask.
//!
//! The observer sees what no node can: every shard on every disk. It is fed by recorded events and by
//! the runner's own deeds, and at the end its books are compared with the nodes' disks.

mod observer;
mod promises;

pub use observer::{Observer, Redundancy, SegmentKey};
pub use promises::{Check, FileFate, Verdict, evaluate};
