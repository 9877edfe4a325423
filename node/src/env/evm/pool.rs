//! Transactions that wait for a block.

use super::transaction::Transaction;
use crate::{env::ChainError, limits};
use alloy::primitives::{Address, B256, Bytes};
use std::collections::{BTreeMap, BTreeSet};

/// The transactions that wait, by sender and nonce.
#[derive(Debug, Default)]
pub(super) struct Pool {
    waiting: BTreeMap<Address, BTreeMap<u64, (u64, Transaction)>>,
    hashes: BTreeSet<B256>,
    arrivals: u64,
}

impl Pool {
    pub fn contains(&self, hash: &B256) -> bool {
        self.hashes.contains(hash)
    }

    /// All of them, senders in order and nonces rising.
    pub fn iter(&self) -> impl Iterator<Item = &Transaction> {
        self.waiting.values().flat_map(|nonces| nonces.values().map(|(_, transaction)| transaction))
    }

    /// Takes a transaction; one of the same sender and nonce only gives way to one that pays more.
    pub fn insert(&mut self, transaction: Transaction) -> Result<(), ChainError> {
        let (sender, nonce) = (transaction.sender, transaction.tx().nonce);
        let others = self.waiting.get(&sender).map_or(0, BTreeMap::len);
        match self.waiting.get(&sender).and_then(|nonces| nonces.get(&nonce)) {
            Some((_, before)) if before.hash() == transaction.hash() => return Ok(()),
            Some((_, before)) => {
                pays_more(before, &transaction)?;
                self.hashes.remove(&before.hash());
            }
            None if others >= limits::MAX_POOLED_PER_SENDER || self.hashes.len() >= limits::MAX_POOLED => {
                return Err(ChainError::Underpriced { why: "too many transactions wait".into() });
            }
            None => {}
        }
        self.arrivals += 1;
        self.hashes.insert(transaction.hash());
        self.waiting.entry(sender).or_default().insert(nonce, (self.arrivals, transaction));
        Ok(())
    }

    /// The one to be executed next: of all senders' next ones the one with the highest tip, then the earliest.
    /// `next` tells a sender's next nonce, `None` to pass the sender over.
    pub fn best(&self, base_fee: u64, next: impl Fn(Address) -> Option<u64>) -> Option<&Transaction> {
        let candidates = self.waiting.iter().filter_map(|(sender, nonces)| {
            let (arrival, transaction) = nonces.get(&next(*sender)?)?;
            Some((transaction.tip(base_fee)?, std::cmp::Reverse(*arrival), transaction))
        });
        let best = candidates.max_by_key(|(tip, arrival, _)| (*tip, *arrival));
        best.map(|(_, _, transaction)| transaction)
    }

    /// Forgets all whose nonce is used up.
    pub fn prune(&mut self, nonce: impl Fn(Address) -> u64) {
        let hashes = &mut self.hashes;
        self.waiting.retain(|sender, nonces| {
            let keep = nonces.split_off(&nonce(*sender));
            for (_, gone) in std::mem::replace(nonces, keep).into_values() {
                hashes.remove(&gone.hash());
            }
            !nonces.is_empty()
        });
    }

    /// Forgets a transaction, as a node does that restarts or runs out of room.
    pub fn forget(&mut self, hash: B256) -> Option<Bytes> {
        let mut found = None;
        self.waiting.retain(|_, nonces| {
            nonces.retain(|_, (_, transaction)| {
                let same = transaction.hash() == hash;
                if same {
                    found = Some(transaction.raw.clone());
                }
                !same
            });
            !nonces.is_empty()
        });
        self.hashes.remove(&hash);
        found
    }
}

/// Both fees must rise by an eighth: the strictest of the usual nodes' rules.
fn pays_more(before: &Transaction, after: &Transaction) -> Result<(), ChainError> {
    let more = |before: u128, after: u128| after.saturating_mul(8) >= before.saturating_mul(9);
    let (old, new) = (before.tx(), after.tx());
    if more(old.max_fee_per_gas, new.max_fee_per_gas)
        && more(old.max_priority_fee_per_gas, new.max_priority_fee_per_gas)
    {
        return Ok(());
    }
    Err(ChainError::Underpriced {
        why: format!("it would replace {}, and both fees must rise by an eighth for that", before.hash()),
    })
}
