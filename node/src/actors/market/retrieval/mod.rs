//! Retrieval that is paid (ADR 21). A provider asks for pay before a shard is read, and takes vouchers of one-way channels;
//! a reader opens channels and signs vouchers.
//!
//! [`state`] decides whether a voucher counts and what is due on the chain, [`till`] counts what is paid and read. [`serve`]
//! answers readers and [`collect`] acts on the chain for both sides; [`payer`] opens channels and signs.

mod collect;
mod desk;
mod messages;
mod notes;
mod payer;
mod serve;
mod state;
#[cfg(test)]
mod tests;
mod till;

pub(super) use desk::Desk;
pub use messages::*;
