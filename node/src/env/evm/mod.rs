//! The embedded chain: an Ethereum of one block producer, in memory, executing real bytecode by revm. It serves
//! a local network and the simulator.
//!
//! [`EvmChain`] is a plain data structure: it reads no clock, draws no randomness and does no input or output.
//! Whoever owns it says when a block is made, of which time and entropy. [`EvmClient`] is the
//! [`Chain`](super::Chain) capability over it, [`BlockLog`] keeps its blocks on a disk.
//!
//! What differs from Ethereum: blocks have no state and receipts roots (their hashes pin transactions and
//! ancestors alone), only EIP-1559 transactions are taken, and there are no withdrawals, blobs or system calls.

mod blocks;
mod client;
mod execute;
mod log;
mod pool;
mod query;
mod state;
mod transaction;

#[cfg(test)]
mod tests;

pub use blocks::{EvmChain, Genesis, MinedBlock, Proposal};
pub use client::{EvmClient, Production};
pub use execute::reason;
pub use log::{BlockLog, BlockLogError};
pub(in crate::env) use query::check_range;
pub use transaction::Transaction;
