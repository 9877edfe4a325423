//! Blocks, transactions, receipts and logs as Ethereum's JSON-RPC writes them.

use crate::{
    env::evm::{EvmChain, MinedBlock, Transaction},
    types::chain::{Log, Receipt},
};
use alloy::{
    consensus::{Eip658Value, ReceiptEnvelope, ReceiptWithBloom, TxEnvelope, transaction::Recovered},
    primitives::{B256, Bloom, TxKind},
    rpc::types::{self as rpc, BlockTransactions, FeeHistory, TransactionReceipt},
};
use serde::Serialize;
use serde_json::Value;
use std::ops::RangeInclusive;

fn value(it: &impl Serialize) -> Value {
    serde_json::to_value(it).expect("these types are JSON")
}

/// A block, with its transactions or with their hashes alone.
pub fn block(block: &MinedBlock, full: bool) -> Value {
    let transactions = if full {
        let all = block.transactions.iter().enumerate();
        BlockTransactions::Full(all.map(|(index, it)| placed(it, Some((block, index)))).collect())
    } else {
        BlockTransactions::Hashes(block.transactions.iter().map(Transaction::hash).collect())
    };
    let header =
        rpc::Header { hash: block.hash, inner: block.header.clone(), total_difficulty: None, size: None };
    value(&rpc::Block { header, uncles: Vec::new(), transactions, withdrawals: None })
}

/// A transaction, in a block or waiting; null if nobody knows it.
pub fn transaction(chain: &EvmChain, hash: B256) -> Value {
    let Some((transaction, height)) = chain.transaction(hash) else { return Value::Null };
    let place = height.and_then(|height| {
        let block = chain.block(height)?;
        Some((block, block.transactions.iter().position(|it| it.hash() == hash)?))
    });
    value(&placed(transaction, place))
}

fn placed(transaction: &Transaction, place: Option<(&MinedBlock, usize)>) -> rpc::Transaction {
    rpc::Transaction {
        inner: Recovered::new_unchecked(TxEnvelope::from(transaction.signed.clone()), transaction.sender),
        block_hash: place.map(|(block, _)| block.hash),
        block_number: place.map(|(block, _)| block.header.number),
        transaction_index: place.map(|(_, index)| index as u64),
        effective_gas_price: place.map(|(block, index)| block.receipts[index].gas_price),
        block_timestamp: place.map(|(block, _)| block.header.timestamp),
    }
}

/// The receipt of a transaction; null if it is in no block.
pub fn receipt(chain: &EvmChain, hash: B256) -> Value {
    let Some(receipt) = chain.receipt(hash) else { return Value::Null };
    let block = chain.block(receipt.block).expect("a receipt's block is there");
    let index = block.transactions.iter().position(|it| it.hash() == hash).expect("it is in its block");
    let transaction = &block.transactions[index];
    let cumulative_gas_used = block.receipts[..=index].iter().map(|it| it.gas_used).sum();
    let logs = receipt.logs.iter().map(|it| log_of(chain, it)).collect();
    let inner =
        alloy::consensus::Receipt { status: Eip658Value::Eip658(receipt.success), cumulative_gas_used, logs };
    let mut bloom = Bloom::ZERO;
    receipt.logs.iter().for_each(|it| bloom.accrue_log(&primitive(it)));
    value(&TransactionReceipt {
        inner: ReceiptEnvelope::Eip1559(ReceiptWithBloom { receipt: inner, logs_bloom: bloom }),
        transaction_hash: hash,
        transaction_index: Some(index as u64),
        block_hash: Some(receipt.block_hash),
        block_number: Some(receipt.block),
        gas_used: receipt.gas_used,
        effective_gas_price: receipt.gas_price,
        blob_gas_used: None,
        blob_gas_price: None,
        from: transaction.sender,
        to: match transaction.tx().to {
            TxKind::Call(to) => Some(to),
            TxKind::Create => None,
        },
        contract_address: receipt.contract,
    })
}

/// A log with its place.
pub fn log(chain: &EvmChain, log: &Log) -> Value {
    value(&log_of(chain, log))
}

fn primitive(log: &Log) -> alloy::primitives::Log {
    alloy::primitives::Log::new_unchecked(log.address, log.topics.clone(), log.data.clone())
}

fn log_of(chain: &EvmChain, log: &Log) -> rpc::Log {
    let block = chain.block(log.block);
    let index = block.and_then(|it| it.transactions.iter().position(|it| it.hash() == log.transaction));
    rpc::Log {
        inner: primitive(log),
        block_hash: Some(log.block_hash),
        block_number: Some(log.block),
        block_timestamp: block.map(|it| it.header.timestamp),
        transaction_hash: Some(log.transaction),
        transaction_index: index.map(|it| it as u64),
        log_index: Some(log.index),
        removed: false,
    }
}

/// What blocks took for gas; the tips of each are those of its cheapest and dearest transactions, interpolated by place.
pub fn fee_history(chain: &EvmChain, blocks: RangeInclusive<u64>, percentiles: usize) -> Value {
    let oldest_block = *blocks.start();
    let found: Vec<&MinedBlock> = blocks.filter_map(|height| chain.block(height)).collect();
    let base_fee = |block: &&MinedBlock| u128::from(block.header.base_fee_per_gas.unwrap_or_default());
    let mut base_fee_per_gas: Vec<u128> = found.iter().map(base_fee).collect();
    base_fee_per_gas.push(chain.next_base_fee().into());
    let reward = found.iter().map(|block| {
        let mut tips: Vec<u128> =
            block.receipts.iter().map(|it: &Receipt| it.gas_price.saturating_sub(base_fee(block))).collect();
        tips.sort_unstable();
        (0..percentiles)
            .map(|place| tips.get(place * tips.len() / percentiles.max(1)).copied().unwrap_or_default())
            .collect()
    });
    let reward = (percentiles > 0).then(|| reward.collect());
    let gas_used_ratio =
        found.iter().map(|it| it.header.gas_used as f64 / it.header.gas_limit as f64).collect();
    value(&FeeHistory { base_fee_per_gas, gas_used_ratio, oldest_block, reward, ..FeeHistory::default() })
}
