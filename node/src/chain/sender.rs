//! One account's transactions, one after the other.

use super::reason;
use crate::{
    env::{Chain, ChainError, Clock},
    types::{
        Wallet,
        chain::{Call, Receipt},
    },
};
use alloy::{
    consensus::TxEip1559,
    primitives::{Address, B256, Bytes, TxKind, U256},
    sol_types::SolCall,
};
use std::{rc::Rc, time::Duration};

/// How long a transaction may wait for its block.
const PATIENCE: Duration = Duration::from_secs(600);
/// Between two looks for its receipt; the first comes at once.
const INTERVAL: Duration = Duration::from_millis(500);
/// What is added to an estimate, in per cent: state may change before the transaction's block.
const MARGIN_PERCENT: u64 = 20;

/// Why a transaction did not do what it was sent for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Nothing was sent, or it was refused.
    #[error("{}", reason(.0))]
    Refused(#[from] ChainError),
    /// It is in a block and paid its gas, but changed nothing: ask again, since somebody else was quicker.
    #[error("transaction {0} failed in its block")]
    Failed(B256),
    /// It may still come into a block: look for it before anything is sent again.
    #[error("transaction {0} is in no block after {PATIENCE:?}")]
    Waiting(B256),
}

/// Sends from one account and waits for each receipt.
#[derive(Clone)]
pub struct Sender {
    chain: Rc<dyn Chain>,
    clock: Rc<dyn Clock>,
    wallet: Wallet,
}

impl Sender {
    /// Sends from a wallet's account, which nobody else uses meanwhile.
    pub fn new(chain: Rc<dyn Chain>, clock: Rc<dyn Clock>, wallet: Wallet) -> Self {
        Self { chain, clock, wallet }
    }

    /// The account.
    pub fn address(&self) -> Address {
        self.wallet.address()
    }

    /// The key of the account.
    pub fn wallet(&self) -> &Wallet {
        &self.wallet
    }

    /// The chain it sends to.
    pub fn chain(&self) -> &Rc<dyn Chain> {
        &self.chain
    }

    /// Sends a contract's function call.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn call(&self, to: Address, call: &impl SolCall) -> Result<Receipt, SendError> {
        self.send(to, U256::ZERO, call.abi_encode().into()).await
    }

    /// Sends wei, data, or both.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send(&self, to: Address, value: U256, data: Bytes) -> Result<Receipt, SendError> {
        let call = Call { from: self.address(), to: Some(to), value, data: data.clone() };
        let estimate = self.chain.estimate_gas(call).await?;
        let limit = self.chain.head().await?.gas_limit;
        let fees = self.chain.fees().await?;
        let transaction = TxEip1559 {
            chain_id: self.chain.id(),
            nonce: self.chain.account(self.address()).await?.nonce,
            gas_limit: (estimate + estimate * MARGIN_PERCENT / 100).min(limit),
            // The base fee at most doubles within six full blocks (EIP-1559).
            max_fee_per_gas: 2 * fees.base + fees.tip,
            max_priority_fee_per_gas: fees.tip,
            to: TxKind::Call(to),
            value,
            input: data,
            ..TxEip1559::default()
        };
        let (hash, raw) = self.wallet.sign(transaction);
        self.chain.submit(raw).await?;
        self.wait(hash).await
    }

    async fn wait(&self, hash: B256) -> Result<Receipt, SendError> {
        let deadline = self.clock.now() + PATIENCE;
        loop {
            match self.chain.receipt(hash).await? {
                Some(receipt) if receipt.success => return Ok(receipt),
                Some(_) => return Err(SendError::Failed(hash)),
                None if self.clock.now() >= deadline => return Err(SendError::Waiting(hash)),
                None => self.clock.sleep(INTERVAL).await,
            }
        }
    }
}
