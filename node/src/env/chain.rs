//! The chain.

use crate::types::chain::{Account, Block, Call, Fees, Log, LogFilter, Receipt};
use alloy::primitives::{Address, B256, Bytes};
use futures::future::LocalBoxFuture;

/// What every question to the chain returns.
pub type Told<T> = LocalBoxFuture<'static, Result<T, ChainError>>;

/// Why the chain did not do what it was asked, by what the caller does about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// Execution failed: tell whoever ordered it. Nothing was sent.
    #[error("the chain reverts: {why}")]
    Reverted {
        /// What the contract returned, mostly an ABI-encoded error; empty if it ran out of gas or into an
        /// invalid instruction.
        data: Bytes,
        /// The same for people.
        why: String,
    },
    /// The sender's nonce is used by another transaction that is in a block: look which.
    #[error("nonce {nonce} is used already")]
    NonceTooLow {
        /// The transaction's nonce.
        nonce: u64,
    },
    /// It pays too little, for the next block or to take another's place: raise its fees.
    #[error("the transaction pays too little: {why}")]
    Underpriced {
        /// What the chain said.
        why: String,
    },
    /// The sender cannot pay for it: wait for funds.
    #[error("the sender's balance is too low: {why}")]
    Unfunded {
        /// What the chain said.
        why: String,
    },
    /// It can never be accepted as it is: do not send it again.
    #[error("the chain refuses: {why}")]
    Invalid {
        /// What the chain said.
        why: String,
    },
    /// The answer would be too large: ask for less.
    #[error("the answer is too large: {why}")]
    TooMuch {
        /// Which bound it broke.
        why: String,
    },
    /// No answer, or one that makes no sense: ask again later. What was sent may have arrived.
    #[error("the chain cannot be reached: {why}")]
    Unreachable {
        /// What the transport said.
        why: String,
    },
}

/// Reads and writes one chain of Ethereum's kind.
///
/// **What a reorganisation may take back.** Everything told here is told of the chain that the other side
/// takes for the longest *now*. A later block may have another parent: then blocks of the heights before it
/// have other hashes, and receipts, logs, nonces, balances and code of theirs are gone or changed. A
/// transaction of a dropped block may come back in another block, in another order, with another outcome, or
/// never; it is still valid as long as its nonce is unused, and whoever needs it submits the same bytes
/// again. Only what lies some blocks below the head is to be relied on, and only if the hash at its height
/// is still the same. Answers to two questions need not be of the same head.
///
/// Futures complete or fail within [`limits::CHAIN_TIMEOUT`](crate::limits::CHAIN_TIMEOUT), or are dropped by
/// the caller, which may not stop what was sent. Answers are bounded before they are parsed.
pub trait Chain {
    /// The chain's id (EIP-155): a transaction signed for it is worth nothing on another.
    fn id(&self) -> u64;
    /// The newest block.
    fn head(&self) -> Told<Block>;
    /// The block of a height; `None` if the head is lower.
    fn block(&self, number: u64) -> Told<Option<Block>>;
    /// The account of an address; one nobody has heard of is empty.
    fn account(&self, address: Address) -> Told<Account>;
    /// The code of an address, empty if it is no contract.
    fn code(&self, address: Address) -> Told<Bytes>;
    /// What gas costs now.
    fn fees(&self) -> Told<Fees>;
    /// What a call would return at the head; it changes nothing.
    ///
    /// Fails with [`ChainError::Reverted`] if it would revert.
    fn call(&self, call: Call) -> Told<Bytes>;
    /// Units of gas with which a transaction that makes this call would succeed at the head.
    ///
    /// Fails with [`ChainError::Reverted`] if it would not whatever the gas.
    fn estimate_gas(&self, call: Call) -> Told<u64>;
    /// Offers a signed transaction (EIP-1559's type 2, EIP-2718 encoding) and returns its hash. That it was
    /// taken does not mean that it will ever be in a block. Idempotent: bytes that wait or are in a block
    /// are taken again and change nothing.
    ///
    /// A transaction of the same sender and nonce that waits is replaced if both its fees rise by
    /// [`limits::FEE_BUMP_PERCENT`](crate::limits::FEE_BUMP_PERCENT). If they rise by less it depends on the
    /// chain, and if they do not rise this fails with [`ChainError::Underpriced`].
    fn submit(&self, raw: Bytes) -> Told<B256>;
    /// The receipt of a transaction; `None` if it is in no block.
    fn receipt(&self, transaction: B256) -> Told<Option<Receipt>>;
    /// The logs that pass a filter, in the order of their blocks and indices.
    ///
    /// Fails with [`ChainError::TooMuch`] if the range or the answer is too large.
    fn logs(&self, filter: LogFilter) -> Told<Vec<Log>>;
}
