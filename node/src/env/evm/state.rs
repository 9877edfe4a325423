//! Accounts, storage and code, with what undoes each transaction's changes.

use alloy::primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use revm::{
    DatabaseRef,
    bytecode::Bytecode,
    state::{AccountInfo, EvmState},
};
use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
};

/// Block hashes that contracts can ask for (the `BLOCKHASH` instruction): the 256 before their own block, which
/// for a call is the head.
const HASHES: u64 = 257;

/// The world state at the head.
#[derive(Debug, Default)]
pub(super) struct State {
    accounts: HashMap<Address, AccountInfo>,
    storage: HashMap<(Address, U256), U256>,
    /// Code is never removed: it is found by its hash alone.
    code: HashMap<B256, Bytecode>,
    hashes: BTreeMap<u64, B256>,
}

/// What was there before a transaction.
#[derive(Debug, Default)]
pub(super) struct Undo {
    accounts: Vec<(Address, Option<AccountInfo>)>,
    storage: Vec<((Address, U256), U256)>,
}

impl State {
    /// The account of an address, without its code; `None` if nobody has heard of it.
    pub fn account(&self, address: Address) -> Option<&AccountInfo> {
        self.accounts.get(&address)
    }

    /// The value of a storage slot.
    pub fn slot(&self, address: Address, slot: U256) -> U256 {
        self.storage.get(&(address, slot)).copied().unwrap_or_default()
    }

    /// The code with this hash, empty if there is none.
    pub fn code(&self, hash: B256) -> Bytecode {
        self.code.get(&hash).cloned().unwrap_or_default()
    }

    /// Gives an address coins out of nothing: the genesis block does.
    pub fn fund(&mut self, address: Address, balance: U256) {
        let info = AccountInfo { balance, code: None, code_hash: KECCAK256_EMPTY, ..AccountInfo::default() };
        self.accounts.insert(address, info);
    }

    /// Puts code at an address: the genesis block does.
    pub fn install(&mut self, address: Address, code: &[u8]) {
        let code = Bytecode::new_raw(Bytes::copy_from_slice(code));
        let code_hash = code.hash_slow();
        let info = AccountInfo { nonce: 1, code: None, code_hash, ..AccountInfo::default() };
        self.accounts.insert(address, info);
        self.code.insert(code_hash, code);
    }

    /// Takes notice of a block's hash.
    pub fn note_block(&mut self, number: u64, hash: B256) {
        self.hashes.insert(number, hash);
        if self.hashes.len() as u64 > HASHES {
            self.hashes.pop_first();
        }
    }

    /// Carries out a transaction's changes.
    pub fn apply(&mut self, changes: EvmState) -> Undo {
        let mut undo = Undo::default();
        // Each account and slot is there once, so that the order does not matter.
        changes.into_iter().filter(|(_, account)| account.is_touched()).for_each(|(address, account)| {
            let mut info = account.info;
            if account.status.contains(revm::state::AccountStatus::SelfDestructed) {
                // Since EIP-6780 only what the same transaction created is destroyed: its slots were never kept.
                undo.accounts.push((address, self.accounts.remove(&address)));
                return;
            }
            if let Some(code) = info.code.take().filter(|code| !code.is_empty()) {
                self.code.entry(info.code_hash).or_insert(code);
            }
            undo.accounts.push((address, self.accounts.insert(address, info)));
            account.storage.into_iter().filter(|(_, slot)| slot.is_changed()).for_each(|(slot, value)| {
                let key = (address, slot);
                let before = self.storage.insert(key, value.present_value).unwrap_or_default();
                undo.storage.push((key, before));
            });
        });
        undo
    }

    /// Takes a transaction's changes back; the latest first.
    pub fn revert(&mut self, undo: Undo) {
        for (key, value) in undo.storage {
            self.storage.insert(key, value);
        }
        for (address, account) in undo.accounts {
            match account {
                Some(account) => self.accounts.insert(address, account),
                None => self.accounts.remove(&address),
            };
        }
    }

    /// Forgets the blocks from a height on; `older` tells the hashes that come back into reach.
    pub fn forget_blocks(&mut self, from: u64, older: impl Fn(u64) -> Option<B256>) {
        self.hashes.split_off(&from);
        for number in from.saturating_sub(HASHES)..from {
            let Some(hash) = older(number) else { continue };
            self.hashes.insert(number, hash);
        }
    }
}

impl DatabaseRef for State {
    type Error = Infallible;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(self.account(address).cloned())
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, Infallible> {
        Ok(self.code(hash))
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Infallible> {
        Ok(self.slot(address, slot))
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Infallible> {
        Ok(self.hashes.get(&number).copied().unwrap_or_default())
    }
}
