//! Nodes order transactions on a chain that reorganises, rushes and cannot be reached, and lose power meanwhile: at
//! the end each is on the chain exactly once. The contracts are the real bytecode of `contracts/artifacts`.
//!
//! `HOLDFAST_OUTBOX_SEEDS` sets how many seeds run (30 by default) and `HOLDFAST_OUTBOX_FIRST` which is the first:
//!
//! ```text
//! HOLDFAST_OUTBOX_SEEDS=1000 cargo test -p holdfast-sim --test outbox -- --nocapture
//! ```

mod funds;
mod lagging;
mod late;
mod market;
mod storm;
mod token;
