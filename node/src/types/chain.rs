//! What there is on a chain of Ethereum's kind.

use alloy::primitives::{Address, B256, Bytes, U256};
use holdfast_contracts::deployment::Addresses;
use std::ops::RangeInclusive;

/// Where contracts of ours stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contracts {
    /// Each of them.
    pub addresses: Addresses,
    /// No contract is older than this block.
    pub first_block: u64,
}

/// A block, as far as anybody here needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its height; the genesis block has 0.
    pub number: u64,
    /// Its hash, which pins all its ancestors.
    pub hash: B256,
    /// The hash of the block before it.
    pub parent: B256,
    /// Its time, in seconds since the Unix epoch, as its producer claims it.
    pub time: u64,
    /// Most gas of its transactions together.
    pub gas_limit: u64,
    /// Burned of each unit of gas, in wei (EIP-1559).
    pub base_fee: u128,
}

/// An account at the head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Number of its transactions in blocks, and so the nonce of its next.
    pub nonce: u64,
    /// In wei.
    pub balance: U256,
}

/// What gas costs, in wei a unit (EIP-1559).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fees {
    /// The next block's base fee.
    pub base: u128,
    /// What block producers are usually tipped.
    pub tip: u128,
}

/// A message to a contract, or a contract to be created.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// Whose account sends it; need not be one's own, or have funds for gas.
    pub from: Address,
    /// To whom; `None` creates a contract.
    pub to: Option<Address>,
    /// Wei that go with it.
    pub value: U256,
    /// ABI-encoded selector and arguments, or creation code.
    pub data: Bytes,
}

/// What a contract told the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Which contract.
    pub address: Address,
    /// The event's signature hash and its indexed arguments.
    pub topics: Vec<B256>,
    /// The other arguments, ABI-encoded.
    pub data: Bytes,
    /// In the block of this height …
    pub block: u64,
    /// … and this hash.
    pub block_hash: B256,
    /// By which transaction.
    pub transaction: B256,
    /// Which of all logs of the block.
    pub index: u64,
}

/// A transaction that is in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The transaction's hash.
    pub transaction: B256,
    /// The height of its block …
    pub block: u64,
    /// … and its hash.
    pub block_hash: B256,
    /// False if it reverted; then it paid its gas, used its nonce, and changed nothing else.
    pub success: bool,
    /// Units of gas it used.
    pub gas_used: u64,
    /// Wei it paid for each.
    pub gas_price: u128,
    /// The contract it created.
    pub contract: Option<Address>,
    /// What contracts told in it, in order.
    pub logs: Vec<Log>,
}

/// Which logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter {
    /// Of these contracts; of any if empty.
    pub addresses: Vec<Address>,
    /// With one of these first topics; with any if empty.
    pub events: Vec<B256>,
    /// In blocks of these heights, at most [`limits::MAX_LOG_BLOCKS`](crate::limits::MAX_LOG_BLOCKS).
    pub blocks: RangeInclusive<u64>,
}
