//! What one may say to the incentive actor.

use crate::{
    actors::storage::StorageError,
    env::ChainError,
    types::{
        IntentId,
        chain::{Block, Call, Log, LogFilter, Receipt},
    },
};
use actix::Message;
use alloy::primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};

/// Do this on the chain, once. Answered when it is final: minutes later, as a rule.
///
/// The same intent ordered again, in this life of the node or a later one, is not done again: the answer is
/// that of the first order, whatever else the second says. What was ordered goes on if nobody waits for the
/// answer any more; but only an order whose transaction was signed survives a restart, so that whoever has had
/// no answer orders again.
#[derive(Clone, Debug, PartialEq, Eq, Message)]
#[rtype(result = "Result<TransactionEnd, TransactionError>")]
pub struct SubmitTransaction {
    /// Names it, for ever.
    pub intent: IntentId,
    /// What to do.
    pub order: TransactionOrder,
}

/// A transaction, but for what the outbox decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionOrder {
    /// To whom; `None` creates a contract.
    pub to: Option<Address>,
    /// Wei that go with it.
    pub value: U256,
    /// ABI-encoded selector and arguments, or creation code.
    pub data: Bytes,
    /// Most units of gas; `None` to estimate it, which needs what it depends on to be in a block already.
    pub gas: Option<u64>,
    /// Wei that all its gas may cost, if that is more than what the node pays for any transaction (`chain.most_fee_gwei`).
    pub worth: u128,
    /// The last block in which it is of use, after which the outbox gives it up; `None` for what is always of use.
    pub last_block: Option<u64>,
}

/// How a transaction ended, for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransactionEnd {
    /// It was executed.
    Executed {
        /// Its hash.
        transaction: B256,
        /// The height of its block.
        block: u64,
        /// The contract it created.
        contract: Option<Address>,
    },
    /// It was executed and reverted: nothing changed but that it paid its gas.
    Reverted {
        /// Its hash.
        transaction: B256,
        /// The height of its block.
        block: u64,
        /// What the same call says now; the chain does not keep what it said then.
        why: String,
    },
    /// The chain did not accept it, and another transaction took its nonce so that it never will.
    Refused {
        /// What the chain said.
        why: String,
    },
    /// Its last block was over before the chain executed it, and another transaction took its nonce so that it never will.
    Expired,
}

/// Why an order was not taken. Nothing was signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransactionError {
    /// The node has no chain or no wallet: order elsewhere.
    #[error("this node has no wallet on a chain")]
    NoChain,
    /// Too many wait already: order later.
    #[error("{0} orders wait already")]
    Busy(usize),
    /// It would revert: do not order it like this.
    #[error("the transaction would revert: {why}")]
    WouldRevert {
        /// What the contract returned, mostly an ABI-encoded error.
        data: Bytes,
        /// The same for people.
        why: String,
    },
    /// The chain would never accept it: do not order it like this.
    #[error("the chain would refuse the transaction: {0}")]
    Refused(String),
    /// Its last block is over: it is of no use any more.
    #[error("it was of use until block {0}")]
    Late(u64),
    /// What was ordered before under this intent cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// The transactions that are not final, in the order of their nonces.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Vec<OpenTransaction>")]
pub struct OpenTransactionsQuery;

/// One transaction that is not final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenTransaction {
    /// What for.
    pub intent: IntentId,
    /// Its nonce.
    pub nonce: u64,
    /// How often it was signed with higher fees.
    pub bumps: u32,
    /// Wei a unit of gas that it offers at most.
    pub max_fee: u128,
    /// The height of its block, if it is in one.
    pub block: Option<u64>,
    /// What stands in its way, as the chain said when it was offered last.
    pub trouble: Option<String>,
}

/// Which block is the newest?
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Block, ChainError>")]
pub struct HeadQuery;

/// What would a contract answer at the head?
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Bytes, ChainError>")]
pub struct ContractQuery(pub Call);

/// What became of a transaction? `None` if it is in no block.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Option<Receipt>, ChainError>")]
pub struct ReceiptQuery(pub B256);

/// What did contracts tell?
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Vec<Log>, ChainError>")]
pub struct LogsQuery(pub LogFilter);

/// How is the chain? `None` if the node has none.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Option<ChainStatus>")]
pub struct ChainStatusQuery;

/// The answer to [`ChainStatusQuery`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainStatus {
    /// Its id (EIP-155).
    pub id: u64,
    /// The account that sends; `None` if no wallet is open.
    pub account: Option<Address>,
    /// The height of the newest block; `None` if the chain does not answer.
    pub block: Option<u64>,
    /// What the account has of the chain's coin, in wei.
    pub balance: Option<U256>,
    /// The transactions that are not final.
    pub open: Vec<OpenTransaction>,
    /// Why the chain does not answer.
    pub trouble: Option<String>,
}
