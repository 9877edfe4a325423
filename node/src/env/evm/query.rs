//! Questions to the chain.

use super::{
    blocks::{EvmChain, MinedBlock},
    execute::{self, TRANSACTION_GAS},
    transaction::Transaction,
};
use crate::{
    env::ChainError,
    limits,
    types::chain::{Account, Call, Fees, Log, LogFilter, Receipt},
};
use alloy::primitives::{Address, B256, Bytes, U256};

/// Wei a unit of gas that a transaction in a hurry tips here.
const TIP: u128 = 1_000_000_000;

impl EvmChain {
    /// The chain's id (EIP-155).
    pub fn id(&self) -> u64 {
        self.chain_id
    }

    /// The block of a height.
    pub fn block(&self, number: u64) -> Option<&MinedBlock> {
        self.blocks.get(usize::try_from(number).ok()?)
    }

    /// The account of an address.
    pub fn account(&self, address: Address) -> Account {
        let account = self.state.account(address);
        account.map_or_else(Account::default, |it| Account { nonce: it.nonce, balance: it.balance })
    }

    /// The code of an address.
    pub fn code(&self, address: Address) -> Bytes {
        let hash = self.state.account(address).map(|account| account.code_hash);
        hash.map(|hash| self.state.code(hash).original_bytes()).unwrap_or_default()
    }

    /// The value of a contract's storage slot.
    pub fn storage(&self, address: Address, slot: U256) -> U256 {
        self.state.slot(address, slot)
    }

    /// What gas costs in the next block.
    pub fn fees(&self) -> Fees {
        Fees { base: self.next_base_fee().into(), tip: TIP }
    }

    /// What a call would return at the head.
    ///
    /// # Errors
    /// [`ChainError::Reverted`], or [`ChainError::Unfunded`] if the sender does not have the call's value.
    pub fn call(&self, call: &Call) -> Result<Bytes, ChainError> {
        let header = &self.head().header;
        let outcome = execute::call(&self.state, self.chain_id, header, call, header.gas_limit)?;
        if outcome.success {
            Ok(outcome.output)
        } else {
            Err(execute::reverted(&outcome.output, outcome.halted))
        }
    }

    /// The least gas, but for a 64th, with which a call would succeed at the head.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn estimate_gas(&self, call: &Call) -> Result<u64, ChainError> {
        let header = &self.head().header;
        let run = |gas| execute::call(&self.state, self.chain_id, header, call, gas);
        let mut enough = header.gas_limit.min(TRANSACTION_GAS);
        let outcome = run(enough)?;
        if !outcome.success {
            return Err(execute::reverted(&outcome.output, outcome.halted));
        }
        // Refunds come at the end, and a call hands on 63/64 of its gas (EIP-150): what was used may be too little.
        let mut too_little = outcome.gas_used - 1;
        while enough - too_little > enough / 64 {
            let guess = too_little + (enough - too_little) / if enough > 2 * too_little { 8 } else { 2 };
            match run(guess) {
                Ok(outcome) if outcome.success => enough = guess,
                _ => too_little = guess,
            }
        }
        Ok(enough)
    }

    /// A transaction, in a block or waiting, and the height of its block.
    pub fn transaction(&self, hash: B256) -> Option<(&Transaction, Option<u64>)> {
        if let Some(&(number, index)) = self.places.get(&hash) {
            return Some((&self.blocks[number as usize].transactions[index], Some(number)));
        }
        self.pool.iter().find(|it| it.hash() == hash).map(|it| (it, None))
    }

    /// Transactions that wait for a block.
    pub fn waiting(&self) -> impl Iterator<Item = &Transaction> {
        self.pool.iter()
    }

    /// What became of a transaction; `None` if it is in no block.
    pub fn receipt(&self, hash: B256) -> Option<&Receipt> {
        let &(number, index) = self.places.get(&hash)?;
        Some(&self.blocks[number as usize].receipts[index])
    }

    /// The logs that pass a filter.
    ///
    /// # Errors
    /// [`ChainError::TooMuch`].
    pub fn logs(&self, filter: &LogFilter) -> Result<Vec<Log>, ChainError> {
        check_range(filter)?;
        let last = (*filter.blocks.end()).min(self.head().header.number);
        let passes = |log: &&Log| {
            (filter.addresses.is_empty() || filter.addresses.contains(&log.address))
                && (filter.events.is_empty()
                    || log.topics.first().is_some_and(|it| filter.events.contains(it)))
        };
        let blocks = (*filter.blocks.start()..=last).filter_map(|number| self.block(number));
        let logs = blocks.flat_map(|block| &block.receipts).flat_map(|receipt| &receipt.logs).filter(passes);
        let logs: Vec<Log> = logs.take(limits::MAX_LOGS + 1).cloned().collect();
        if logs.len() > limits::MAX_LOGS {
            return Err(ChainError::TooMuch { why: format!("more than {} logs", limits::MAX_LOGS) });
        }
        Ok(logs)
    }
}

/// Refuses a range of blocks that is too long.
pub(in crate::env) fn check_range(filter: &LogFilter) -> Result<(), ChainError> {
    let span = filter.blocks.end().saturating_sub(*filter.blocks.start());
    if span < limits::MAX_LOG_BLOCKS {
        return Ok(());
    }
    Err(ChainError::TooMuch { why: format!("{span} blocks, the limit is {}", limits::MAX_LOG_BLOCKS) })
}
