//! The chain itself: blocks are made, and taken back.

use super::{
    execute::{self, Outcome, TRANSACTION_GAS},
    pool::Pool,
    state::{State, Undo},
    transaction::Transaction,
};
use crate::{
    env::ChainError,
    limits,
    types::chain::{Block, Log, Receipt},
};
use alloy::{
    consensus::{Header, TxEnvelope, proofs::calculate_transaction_root},
    eips::eip1559::{BaseFeeParams, calc_next_block_base_fee},
    primitives::{Address, B256, Bytes, U256, keccak256},
};
use holdfast_contracts::deployment::{CREATE2_FACTORY, CREATE2_FACTORY_CODE};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How a chain begins. Two chains of one genesis agree in all that they do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Genesis {
    /// The chain's id (EIP-155).
    pub chain_id: u64,
    /// The first block's time, in seconds since the Unix epoch.
    pub time: u64,
    /// Most gas of each block.
    pub gas_limit: u64,
    /// The first block's base fee, in wei a unit of gas.
    pub base_fee: u64,
    /// Who gets the tips.
    pub beneficiary: Address,
    /// Who has how much in wei.
    pub balances: BTreeMap<Address, U256>,
}

/// What whoever makes a block decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Its time, in seconds since the Unix epoch; it becomes later than its parent's if it is not.
    pub time: u64,
    /// What contracts see as RANDAO mix (EIP-4399); it also tells two blocks of one height apart.
    pub entropy: B256,
}

/// A block with all that is known of it.
#[derive(Clone, Debug)]
pub struct MinedBlock {
    /// Its header.
    pub header: Header,
    /// Its hash.
    pub hash: B256,
    /// Its transactions, in order …
    pub transactions: Vec<Transaction>,
    /// … and what became of each.
    pub receipts: Vec<Receipt>,
}

impl MinedBlock {
    /// The block as the [`Chain`](crate::env::Chain) capability tells it.
    pub fn summary(&self) -> Block {
        Block {
            number: self.header.number,
            hash: self.hash,
            parent: self.header.parent_hash,
            time: self.header.timestamp,
            gas_limit: self.header.gas_limit,
            base_fee: self.header.base_fee_per_gas.unwrap_or_default().into(),
        }
    }
}

/// A chain of one block producer, in memory.
#[derive(Debug)]
pub struct EvmChain {
    pub(super) chain_id: u64,
    pub(super) state: State,
    pub(super) blocks: Vec<MinedBlock>,
    /// What undoes the latest blocks, transaction by transaction.
    undo: Vec<Vec<Undo>>,
    pub(super) places: HashMap<B256, (u64, usize)>,
    pub(super) pool: Pool,
    next_base_fee: u64,
}

impl EvmChain {
    /// A chain with nothing but its genesis block.
    pub fn new(genesis: &Genesis) -> Self {
        let mut state = State::default();
        for (address, balance) in &genesis.balances {
            state.fund(*address, *balance);
        }
        // As nearly every chain has it, so that contracts stand at the same addresses here.
        state.install(CREATE2_FACTORY, &CREATE2_FACTORY_CODE);
        let header = Header {
            number: 0,
            timestamp: genesis.time,
            gas_limit: genesis.gas_limit,
            beneficiary: genesis.beneficiary,
            base_fee_per_gas: Some(genesis.base_fee),
            // Chains of different balances differ from their first block on.
            state_root: digest(genesis),
            ..Header::default()
        };
        let hash = header.hash_slow();
        state.note_block(0, hash);
        let next_base_fee = base_fee_after(&header);
        let first = MinedBlock { header, hash, transactions: Vec::new(), receipts: Vec::new() };
        Self {
            chain_id: genesis.chain_id,
            state,
            blocks: vec![first],
            undo: Vec::new(),
            places: HashMap::new(),
            pool: Pool::default(),
            next_base_fee,
        }
    }

    /// The newest block.
    pub fn head(&self) -> &MinedBlock {
        self.blocks.last().expect("the genesis block stays")
    }

    /// The base fee of the next block, in wei a unit of gas.
    pub fn next_base_fee(&self) -> u64 {
        self.next_base_fee
    }

    /// Sets the base fee of the next block; those after it follow from it (EIP-1559). For tests and simulated
    /// rushes.
    pub fn set_next_base_fee(&mut self, wei: u64) {
        self.next_base_fee = wei;
    }

    /// Takes a signed transaction that may be executed some day; returns its hash. Idempotent.
    ///
    /// # Errors
    /// [`ChainError`], as [`Chain::submit`](crate::env::Chain::submit) tells it.
    pub fn submit(&mut self, raw: Bytes) -> Result<B256, ChainError> {
        // To recover who signed it costs more than all else, and most is offered again and again.
        let hash = keccak256(&raw);
        if self.pool.contains(&hash) || self.places.contains_key(&hash) {
            return Ok(hash);
        }
        let transaction = Transaction::decode(raw)?;
        self.check(&transaction)?;
        self.pool.insert(transaction)?;
        Ok(hash)
    }

    /// Makes a block of what waits and pays.
    pub fn produce(&mut self, proposal: Proposal) -> &MinedBlock {
        let mut draft = Draft::new(self, proposal);
        while let Some(transaction) = draft.choose(self) {
            match execute::transact(&self.state, self.chain_id, &draft.header, transaction.env()) {
                Ok(outcome) => draft.add(&mut self.state, transaction, outcome),
                // It waits for funds, and all later ones of its sender with it.
                Err(_) => drop(draft.passed_over.insert(transaction.sender)),
            }
        }
        self.seal(draft)
    }

    /// Makes a block of these transactions and no other, as a log of blocks tells it.
    ///
    /// # Errors
    /// A sentence that says which transaction does not fit.
    pub(super) fn replay(
        &mut self,
        proposal: Proposal,
        transactions: Vec<Transaction>,
    ) -> Result<&MinedBlock, String> {
        let mut draft = Draft::new(self, proposal);
        for transaction in transactions {
            let ran = execute::transact(&self.state, self.chain_id, &draft.header, transaction.env());
            let outcome = ran.map_err(|why| format!("transaction {}: {why}", transaction.hash()))?;
            draft.add(&mut self.state, transaction, outcome);
        }
        Ok(self.seal(draft))
    }

    /// Takes the latest `depth` blocks back and returns their transactions, oldest first, which no longer are
    /// anywhere: whoever reorganises decides which of them come back. At most
    /// [`limits::MAX_REORG`](crate::limits::MAX_REORG) blocks, and never the genesis block.
    pub fn take_back(&mut self, depth: usize) -> Vec<Transaction> {
        let depth = depth.min(self.undo.len()).min(self.blocks.len() - 1);
        let mut dropped = Vec::new();
        for _ in 0..depth {
            let undo = self.undo.pop().expect("there are as many as blocks that are taken back");
            undo.into_iter().rev().for_each(|undo| self.state.revert(undo));
            let block = self.blocks.pop().expect("the genesis block stays");
            self.next_base_fee = block.header.base_fee_per_gas.unwrap_or_default();
            for transaction in block.transactions.into_iter().rev() {
                self.places.remove(&transaction.hash());
                dropped.push(transaction);
            }
        }
        let from = self.blocks.len() as u64;
        let blocks = &self.blocks;
        self.state.forget_blocks(from, |number| blocks.get(number as usize).map(|block| block.hash));
        dropped.reverse();
        dropped
    }

    /// Forgets a waiting transaction and returns its bytes, as a node does that runs out of room.
    pub fn forget(&mut self, hash: B256) -> Option<Bytes> {
        self.pool.forget(hash)
    }

    fn check(&self, transaction: &Transaction) -> Result<(), ChainError> {
        let tx = transaction.tx();
        let account = self.account(transaction.sender);
        let invalid = |why: String| Err(ChainError::Invalid { why });
        if tx.chain_id != self.chain_id {
            return invalid(format!("it is for chain {}, this is chain {}", tx.chain_id, self.chain_id));
        }
        if tx.max_priority_fee_per_gas > tx.max_fee_per_gas {
            return invalid("its tip is above its largest fee".into());
        }
        let most = self.head().header.gas_limit.min(TRANSACTION_GAS);
        if tx.gas_limit > most {
            return invalid(format!("it asks for {} gas, the limit is {most}", tx.gas_limit));
        }
        execute::check_intrinsic_gas(&transaction.env())?;
        if tx.nonce < account.nonce {
            return Err(ChainError::NonceTooLow { nonce: tx.nonce });
        }
        let cost = transaction.cost();
        if cost > account.balance {
            let why = format!("{} has {} wei, it may cost {cost}", transaction.sender, account.balance);
            return Err(ChainError::Unfunded { why });
        }
        Ok(())
    }

    fn seal(&mut self, draft: Draft) -> &MinedBlock {
        let Draft { mut header, transactions, mut receipts, undo, .. } = draft;
        header.transactions_root = calculate_transaction_root::<TxEnvelope>(
            &transactions.iter().map(|it| it.signed.clone().into()).collect::<Vec<_>>(),
        );
        let hash = header.hash_slow();
        let logs = receipts.iter_mut().flat_map(|receipt| {
            receipt.block_hash = hash;
            &mut receipt.logs
        });
        for (index, log) in logs.enumerate() {
            log.block_hash = hash;
            log.index = index as u64;
        }
        for (index, transaction) in transactions.iter().enumerate() {
            self.places.insert(transaction.hash(), (header.number, index));
        }
        self.state.note_block(header.number, hash);
        self.next_base_fee = base_fee_after(&header);
        self.undo.push(undo);
        if self.undo.len() > limits::MAX_REORG {
            self.undo.remove(0);
        }
        let state = &self.state;
        self.pool.prune(|sender| state.account(sender).map_or(0, |account| account.nonce));
        self.blocks.push(MinedBlock { header, hash, transactions, receipts });
        self.head()
    }
}

/// A block that is being made.
struct Draft {
    header: Header,
    transactions: Vec<Transaction>,
    receipts: Vec<Receipt>,
    undo: Vec<Undo>,
    passed_over: BTreeSet<Address>,
}

impl Draft {
    fn new(chain: &EvmChain, proposal: Proposal) -> Self {
        let parent = chain.head();
        let header = Header {
            parent_hash: parent.hash,
            number: parent.header.number + 1,
            timestamp: proposal.time.max(parent.header.timestamp + 1),
            gas_limit: parent.header.gas_limit,
            beneficiary: parent.header.beneficiary,
            base_fee_per_gas: Some(chain.next_base_fee),
            mix_hash: proposal.entropy,
            ..Header::default()
        };
        let (transactions, receipts, undo, passed_over) = Default::default();
        Self { header, transactions, receipts, undo, passed_over }
    }

    /// The next transaction that fits.
    fn choose(&mut self, chain: &EvmChain) -> Option<Transaction> {
        loop {
            let next = |sender| {
                let known = chain.state.account(sender).map_or(0, |account| account.nonce);
                (!self.passed_over.contains(&sender)).then_some(known)
            };
            let best = chain.pool.best(self.header.base_fee_per_gas.unwrap_or_default(), next)?;
            if self.header.gas_used + best.tx().gas_limit <= self.header.gas_limit {
                return Some(best.clone());
            }
            self.passed_over.insert(best.sender);
        }
    }

    fn add(&mut self, state: &mut State, transaction: Transaction, outcome: Outcome) {
        let base_fee = self.header.base_fee_per_gas.unwrap_or_default();
        let (hash, block) = (transaction.hash(), self.header.number);
        self.header.gas_used += outcome.gas_used;
        let logs = outcome.logs.into_iter().map(|log| {
            self.header.logs_bloom.accrue_log(&log);
            let (topics, data) = log.data.split();
            // The block's hash and the log's index are known when the block is sealed.
            let (block_hash, index) = (B256::ZERO, 0);
            Log { address: log.address, topics, data, block, block_hash, transaction: hash, index }
        });
        let logs = logs.collect();
        self.receipts.push(Receipt {
            transaction: hash,
            block,
            block_hash: B256::ZERO,
            success: outcome.success,
            gas_used: outcome.gas_used,
            gas_price: u128::from(base_fee) + transaction.tip(base_fee).unwrap_or_default(),
            contract: outcome.contract,
            logs,
        });
        self.undo.push(state.apply(outcome.changes));
        self.transactions.push(transaction);
    }
}

fn base_fee_after(header: &Header) -> u64 {
    let base_fee = header.base_fee_per_gas.unwrap_or_default();
    calc_next_block_base_fee(header.gas_used, header.gas_limit, base_fee, BaseFeeParams::ethereum())
}

fn digest(genesis: &Genesis) -> B256 {
    let bytes = postcard::to_stdvec(genesis).expect("a genesis in memory always encodes");
    keccak256(bytes)
}
