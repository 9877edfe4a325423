//! What the outbox decides.
//!
//! **One intent, one nonce.** An intent is given a nonce, that is journalled before anything is sent, and every
//! transaction that is ever signed for it has this nonce: the chain executes one of them at most, whichever
//! block it comes into. Only after another transaction was seen to hold the nonce for as long as it takes to be
//! final is the intent given another.

use super::{
    fees::{Waiting, cancel, ceiling, first, funded, lower, raise},
    messages::{OpenTransaction, TransactionEnd, TransactionOrder},
};
use crate::{
    env::ChainError,
    limits,
    types::{
        IntentId,
        chain::{Block, Fees, Receipt},
    },
};
use alloy::primitives::{B256, U256};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Units of gas of a transaction that does nothing.
pub(super) const PLAIN_GAS: u64 = 21_000;

/// What is journalled of an intent before anything of it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub intent: IntentId,
    pub order: TransactionOrder,
    pub nonce: u64,
    pub gas_limit: u64,
    /// All fees it was ever signed with; they rise, unless its account ran out of funds.
    pub attempts: Vec<Attempt>,
    /// Why it is given up, if that is not for want of time: the chain said that it will never accept it.
    pub refused: Option<String>,
}

impl Entry {
    /// True if a transaction that does nothing is to use its nonce, or does.
    fn is_given_up(&self, sight: &Sight) -> bool {
        let cancelled = self.attempts.last().is_some_and(|attempt| attempt.cancels);
        self.refused.is_some() || cancelled || sight.is_late(&self.order)
    }

    /// How it ends if nothing of it is executed.
    pub fn void_end(&self) -> TransactionEnd {
        match &self.refused {
            Some(why) => TransactionEnd::Refused { why: why.clone() },
            None => TransactionEnd::Expired,
        }
    }
}

/// One transaction of an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempt {
    pub max_fee: u128,
    pub tip: u128,
    /// It does nothing but use the nonce.
    pub cancels: bool,
}

/// What the chain looks like.
#[derive(Clone, Debug)]
pub(super) struct Sight {
    /// The head's height.
    pub height: u64,
    /// The account's nonce.
    pub nonce: u64,
    /// Wei that the account has.
    pub balance: U256,
    pub fees: Fees,
    /// Of this outbox's transactions, those that are in blocks.
    pub receipts: BTreeMap<B256, Receipt>,
}

impl Sight {
    /// True if no block will come in which an order is of use.
    pub fn is_late(&self, order: &TransactionOrder) -> bool {
        order.last_block.is_some_and(|last| self.height >= last)
    }
}

/// What is to be done about one nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Offer the latest attempt, again if it must be.
    Offer(u64),
    /// Journal and offer one more attempt.
    Bump(u64, Attempt),
    /// Another's transaction has the nonce, for good: journal another one.
    Move(u64),
    /// Nobody has the nonce, and those after it wait for it: journal and offer a transaction that does nothing.
    Fill(u64),
    /// It is final: note how it ended, and forget it.
    End(u64, B256),
}

#[derive(Debug)]
struct Open {
    entry: Entry,
    /// The hash of each attempt.
    hashes: Vec<B256>,
    /// The height at which its fees rose last, or its turn came.
    patient_since: Option<u64>,
    /// The height at which it was first seen that another transaction has its nonce.
    displaced_since: Option<u64>,
    block: Option<u64>,
    trouble: Option<String>,
}

/// The transactions that are not final.
#[derive(Debug)]
pub(super) struct Outbox {
    /// Most wei a unit of gas for a transaction that is worth no more to whoever ordered it.
    most_fee: u128,
    open: BTreeMap<u64, Open>,
    /// All nonces below are used up for good, as far as this node did it.
    floor: u64,
    /// A nonce that nobody has though later ones wait, and the height at which that was first seen.
    gap: Option<(u64, u64)>,
}

impl Outbox {
    /// An outbox without transactions; `most_fee` is what the operator lets any of them pay, in wei a unit of gas.
    pub fn new(most_fee: u128) -> Self {
        Self { most_fee, open: BTreeMap::new(), floor: 0, gap: None }
    }

    /// Takes what a journal tells; `hashes` names an entry's attempts.
    pub fn restore(&mut self, floor: u64, entries: Vec<Entry>, hashes: impl Fn(&Entry) -> Vec<B256>) {
        self.floor = floor;
        for entry in entries {
            let hashes = hashes(&entry);
            self.put(entry, hashes);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub fn is_full(&self) -> bool {
        self.open.len() >= limits::MAX_OPEN_TRANSACTIONS
    }

    pub fn floor(&self) -> u64 {
        self.floor
    }

    pub fn contains(&self, intent: IntentId) -> bool {
        self.open.values().any(|open| open.entry.intent == intent)
    }

    pub fn entry(&self, nonce: u64) -> Option<&Entry> {
        self.open.get(&nonce).map(|open| &open.entry)
    }

    /// All transactions that may be in blocks, given the account's nonce.
    pub fn hashes(&self, nonce: u64) -> Vec<B256> {
        self.open.range(..nonce).flat_map(|(_, open)| open.hashes.iter().copied()).collect()
    }

    /// The entry of a new intent, with the lowest nonce that nobody has. It counts once it is put.
    pub fn draft(&self, intent: IntentId, order: TransactionOrder, gas_limit: u64, sight: &Sight) -> Entry {
        let nonce = self.free_nonce(sight.nonce);
        let attempts = vec![self.first(&order, gas_limit, sight)];
        Entry { intent, order, nonce, gas_limit, attempts, refused: None }
    }

    /// The first attempt of an order.
    fn first(&self, order: &TransactionOrder, gas: u64, sight: &Sight) -> Attempt {
        let most = ceiling([self.waiting(order, gas)]);
        first(sight.fees, funded(most, sight.fees.base, (sight.balance, order.value), gas))
    }

    /// Takes an entry that was journalled, in place of one with the same nonce.
    pub fn put(&mut self, entry: Entry, hashes: Vec<B256>) {
        debug_assert_eq!(entry.attempts.len(), hashes.len());
        let (patient_since, displaced_since, block, trouble) = Default::default();
        let nonce = entry.nonce;
        self.open.insert(nonce, Open { entry, hashes, patient_since, displaced_since, block, trouble });
    }

    /// What is to be done, given what the chain looks like.
    pub fn plan(&mut self, sight: &Sight) -> Vec<Action> {
        let fill = self.gap(sight).then_some(Action::Fill(sight.nonce));
        let most = self.most_at(sight.nonce, sight);
        let plans = self.open.iter_mut().filter_map(|(nonce, open)| open.plan(*nonce, sight, most));
        fill.into_iter().chain(plans).collect()
    }

    /// True if the next nonce is nobody's for as long as it takes to be final: another program's transaction, or
    /// one of ours that was final, was taken back and is not coming again.
    fn gap(&mut self, sight: &Sight) -> bool {
        let next = sight.nonce;
        let missing = !self.open.contains_key(&next) && self.open.range(next..).next().is_some();
        self.gap = self.gap.filter(|(nonce, _)| missing && *nonce == next);
        let since = missing.then(|| self.gap.get_or_insert((next, sight.height)).1);
        since.is_some_and(|since| sight.height.saturating_sub(since) >= limits::CONFIRMATIONS)
    }

    /// The entry of a transaction that does nothing but use a nonce.
    pub fn filler(&self, nonce: u64, sight: &Sight) -> Entry {
        let mut name = [0xff; 32];
        name[24..].copy_from_slice(&nonce.to_be_bytes());
        let order = TransactionOrder::default();
        let attempt = Attempt { cancels: true, ..self.first(&order, PLAIN_GAS, sight) };
        Entry {
            intent: IntentId::from_bytes(name),
            order,
            nonce,
            gas_limit: 0,
            attempts: vec![attempt],
            refused: Some("it only fills a gap".into()),
        }
    }

    /// What is to be done about what the chain said to an offer.
    pub fn offered(&mut self, nonce: u64, sight: &Sight, said: &Result<B256, ChainError>) -> Option<Action> {
        let most = self.most_at(nonce, sight);
        let open = self.open.get_mut(&nonce)?;
        open.trouble = said.as_ref().err().map(ToString::to_string);
        match said {
            Err(ChainError::Underpriced { .. }) => open.bump(nonce, sight.fees, most),
            Err(ChainError::Invalid { why }) => {
                open.entry.refused.get_or_insert_with(|| why.clone());
                open.bump(nonce, sight.fees, most)
            }
            // Those before it may leave less: what it can pay is known when its turn comes.
            Err(ChainError::Unfunded { .. }) if nonce == sight.nonce => open.lower(nonce, sight.fees, most),
            // The next look at the chain tells who has the nonce, or that it was not this chain.
            Ok(_) | Err(_) => None,
        }
    }

    /// The entry of a nonce with one more attempt.
    pub fn bumped(&self, nonce: u64, attempt: Attempt) -> Option<Entry> {
        let mut entry = self.open.get(&nonce)?.entry.clone();
        entry.attempts.push(attempt);
        Some(entry)
    }

    /// The entry of a nonce that is another's, with a nonce of its own. It counts once it is put and the old
    /// one taken. `None` if it is given up: then it needs no other.
    pub fn moved(&self, nonce: u64, sight: &Sight) -> Option<Entry> {
        let entry = self.entry(nonce)?;
        let attempts = vec![self.first(&entry.order, entry.gas_limit, sight)];
        let moved = Entry { nonce: self.free_nonce(sight.nonce), attempts, ..entry.clone() };
        (!entry.is_given_up(sight)).then_some(moved)
    }

    /// How an entry ended whose transaction is final; `at` is the block that the chain has at the receipt's height, and
    /// `why` tells what the entry's call says now. `None` if `at` is another block than the receipt's: then the receipt
    /// is of a server that lags behind the one that told the head, and the transaction may be in no block at all.
    pub fn end(
        &self,
        nonce: u64,
        receipt: &Receipt,
        at: Option<Block>,
        why: String,
    ) -> Option<TransactionEnd> {
        let open = self.open.get(&nonce)?;
        let Receipt { transaction, block, contract, .. } = *receipt;
        at.filter(|at| (at.number, at.hash) == (block, receipt.block_hash))?;
        let attempt = open.hashes.iter().position(|hash| *hash == transaction)?;
        if open.entry.attempts[attempt].cancels {
            return Some(open.entry.void_end());
        }
        Some(if receipt.success {
            TransactionEnd::Executed { transaction, block, contract }
        } else {
            TransactionEnd::Reverted { transaction, block, why }
        })
    }

    /// Forgets an entry that ended: its nonce is used up.
    pub fn ended(&mut self, nonce: u64) {
        self.open.remove(&nonce);
        self.floor = self.floor.max(nonce + 1);
    }

    /// Forgets an entry that was moved.
    pub fn left(&mut self, nonce: u64) {
        self.open.remove(&nonce);
    }

    /// For people.
    pub fn report(&self) -> Vec<OpenTransaction> {
        let report = |open: &Open| OpenTransaction {
            intent: open.entry.intent,
            nonce: open.entry.nonce,
            bumps: open.entry.attempts.len().saturating_sub(1) as u32,
            max_fee: open.last().max_fee,
            block: open.block,
            trouble: open.trouble.clone(),
        };
        self.open.values().map(report).collect()
    }

    /// Most wei a unit of gas that the transaction of a nonce may offer now.
    fn most_at(&self, nonce: u64, sight: &Sight) -> u128 {
        let line = self.open.range(nonce..).map(|(_, Open { entry, .. })| match entry.is_given_up(sight) {
            false => self.waiting(&entry.order, entry.gas_limit),
            true => Waiting { gas: PLAIN_GAS, worth: self.most_fee * u128::from(PLAIN_GAS) },
        });
        let most = ceiling(line);
        let (value, gas) = match self.entry(nonce) {
            Some(entry) if !entry.is_given_up(sight) => (entry.order.value, entry.gas_limit),
            _ => (U256::ZERO, PLAIN_GAS),
        };
        funded(most, sight.fees.base, (sight.balance, value), gas)
    }

    fn waiting(&self, order: &TransactionOrder, gas: u64) -> Waiting {
        Waiting { gas, worth: order.worth.max(self.most_fee.saturating_mul(gas.into())) }
    }

    /// The lowest nonce that is used neither on the chain nor here.
    fn free_nonce(&self, on_chain: u64) -> u64 {
        let mut free = self.floor.max(on_chain);
        while self.open.contains_key(&free) {
            free += 1;
        }
        free
    }
}

impl Open {
    fn last(&self) -> Attempt {
        *self.entry.attempts.last().expect("an entry is journalled with its first attempt")
    }

    fn plan(&mut self, nonce: u64, sight: &Sight, most: u128) -> Option<Action> {
        let mined = self.hashes.iter().find_map(|hash| sight.receipts.get(hash));
        self.block = mined.map(|receipt| receipt.block);
        if let Some(receipt) = mined {
            self.displaced_since = None;
            self.patient_since = None;
            let buried = sight.height.saturating_add(1).saturating_sub(receipt.block);
            return (buried >= limits::CONFIRMATIONS).then_some(Action::End(nonce, receipt.transaction));
        }
        if sight.nonce > nonce {
            let since = *self.displaced_since.get_or_insert(sight.height);
            let passed = sight.height.saturating_sub(since);
            return (passed >= limits::CONFIRMATIONS).then_some(Action::Move(nonce));
        }
        self.displaced_since = None;
        if sight.is_late(&self.entry.order)
            && let Some(cancel) = self.cancel(nonce, sight.fees, most)
        {
            return Some(cancel);
        }
        if sight.nonce < nonce {
            // Those before it have their turn; what it pays does not matter yet.
            self.patient_since = None;
            return Some(Action::Offer(nonce));
        }
        let since = *self.patient_since.get_or_insert(sight.height);
        if sight.height.saturating_sub(since) < limits::FEE_PATIENCE {
            return Some(Action::Offer(nonce));
        }
        self.bump(nonce, sight.fees, most).or(Some(Action::Offer(nonce)))
    }

    /// Another transaction in its place, which does nothing but let those behind it have their turn.
    fn cancel(&self, nonce: u64, fees: Fees, most: u128) -> Option<Action> {
        let last = self.last();
        let may = !last.cancels && self.entry.attempts.len() < limits::MAX_ATTEMPTS;
        let attempt = cancel(last, fees, most).filter(|_| may)?;
        Some(Action::Bump(nonce, attempt))
    }

    /// One more attempt that its account can pay, if there may be one: what was refused for want of funds waits nowhere.
    fn lower(&self, nonce: u64, fees: Fees, most: u128) -> Option<Action> {
        let attempt =
            lower(self.last(), fees, most).filter(|_| self.entry.attempts.len() < limits::MAX_ATTEMPTS);
        attempt.map(|attempt| Action::Bump(nonce, attempt))
    }

    /// One more attempt, if there may be one.
    fn bump(&self, nonce: u64, fees: Fees, most: u128) -> Option<Action> {
        if self.entry.attempts.len() >= limits::MAX_ATTEMPTS {
            return None;
        }
        let attempt = raise(self.last(), fees, most)?;
        let cancels = attempt.cancels || self.entry.refused.is_some();
        Some(Action::Bump(nonce, Attempt { cancels, ..attempt }))
    }
}
