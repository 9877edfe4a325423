//! What is to be done on the chain, by names: the outbox does each intent once, and one that failed there is done again
//! under the next intent of its name, if it is still due.
//!
//! Nothing of it needs a note of its own: the outbox remembers how every intent ended, so after a restart the intents of
//! a name are gone through again until one is new.

use super::messages::MarketError;
use crate::{
    actors::{
        ask,
        incentive::{SubmitTransaction, TransactionEnd, TransactionError, TransactionOrder},
    },
    env::Spawn,
    limits,
    types::IntentId,
};
use actix::Recipient;
use alloy::primitives::{Address, B256, Bytes, U256};
use futures::FutureExt;
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

/// What one thing is called that is to be done on the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name([u8; 32]);

impl Name {
    /// The name of a kind of deed in one market, told apart by numbers and bytes.
    pub fn new((chain, market): (u64, Address), kind: &str, parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("holdfast market intent v1");
        hasher.update(&chain.to_be_bytes());
        hasher.update(market.as_slice());
        for part in [kind.as_bytes()].iter().chain(parts) {
            hasher.update(&(part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Self(*hasher.finalize().as_bytes())
    }

    /// The name of something that is done for the sake of another.
    pub fn part(&self, kind: &str, number: u32) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("holdfast market part v1");
        hasher.update(&self.0);
        hasher.update(&number.to_be_bytes());
        hasher.update(kind.as_bytes());
        Self(*hasher.finalize().as_bytes())
    }

    fn intent(&self, attempt: u32) -> IntentId {
        let mut hasher = blake3::Hasher::new_derive_key("holdfast market attempt v1");
        hasher.update(&self.0);
        hasher.update(&attempt.to_be_bytes());
        IntentId::from_bytes(*hasher.finalize().as_bytes())
    }
}

/// A call of a contract.
#[derive(Clone, Debug)]
pub(super) struct Deed {
    pub to: Address,
    pub data: Bytes,
    /// Most units of gas; `None` to estimate it, and refuse what would revert.
    pub gas: Option<u64>,
    /// Wei that it is worth to have it done in time; 0 for what can wait until blocks are cheap.
    pub worth: u128,
    /// The last block in which it is of use.
    pub last_block: Option<u64>,
}

impl Deed {
    fn order(&self) -> TransactionOrder {
        let Self { to, data, gas, worth, last_block } = self.clone();
        TransactionOrder { to: Some(to), value: U256::ZERO, data, gas, worth, last_block }
    }
}

/// Orders deeds.
pub(super) struct Orders {
    pub submit: Recipient<SubmitTransaction>,
    spawn: Rc<dyn Spawn>,
    under_way: RefCell<BTreeSet<Name>>,
    /// The attempts that failed.
    failed: RefCell<BTreeMap<Name, u32>>,
    trouble: RefCell<Option<String>>,
}

impl Orders {
    pub fn new(submit: Recipient<SubmitTransaction>, spawn: Rc<dyn Spawn>) -> Self {
        let (under_way, failed, trouble) = Default::default();
        Self { submit, spawn, under_way, failed, trouble }
    }

    /// True if a deed of this name is not over.
    pub fn is_under_way(&self, name: Name) -> bool {
        self.under_way.borrow().contains(&name)
    }

    /// What the chain said when something failed last.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.borrow().clone()
    }

    /// Something went wrong.
    pub fn tell(&self, trouble: String) {
        self.trouble.replace(Some(trouble));
    }

    /// Has a deed done in the background, unless it is under way. Whether it is still due is asked of the chain.
    pub fn start(self: &Rc<Self>, name: Name, deed: Deed) {
        if !self.under_way.borrow_mut().insert(name) {
            return;
        }
        let orders = self.clone();
        let task = async move {
            match orders.attempt(name, &deed).await {
                Ok(_) => drop(orders.trouble.take()),
                Err(why) => {
                    tracing::debug!(%why, "something is not done on the chain");
                    orders.tell(why.to_string());
                }
            }
            orders.under_way.borrow_mut().remove(&name);
        };
        self.spawn.local(task.boxed_local());
    }

    /// Has a deed done, again and again if it fails in its block; the hash of the transaction that did it.
    pub async fn done(&self, name: Name, deed: &Deed) -> Result<B256, Undone> {
        loop {
            match self.attempt(name, deed).await {
                Err(Undone::Failed(why)) => tracing::debug!(%why, "done again"),
                other => return other,
            }
        }
    }

    async fn attempt(&self, name: Name, deed: &Deed) -> Result<B256, Undone> {
        let failed = self.failed.borrow().get(&name).copied().unwrap_or_default();
        if failed >= limits::MAX_CHAIN_RETRIES {
            return Err(Undone::GivenUp(failed));
        }
        let submit = SubmitTransaction { intent: name.intent(failed), order: deed.order() };
        let why = match ask(&self.submit, submit).await? {
            TransactionEnd::Executed { transaction, .. } => return Ok(transaction),
            TransactionEnd::Reverted { why, .. } | TransactionEnd::Refused { why } => why,
            TransactionEnd::Expired => "its time was over before it came into a block".into(),
        };
        let mut all = self.failed.borrow_mut();
        if all.len() >= limits::MAX_PLEDGES {
            // What is forgotten is learnt again from the outbox.
            all.clear();
        }
        all.insert(name, failed + 1);
        Err(Undone::Failed(why))
    }
}

/// Why a deed is not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Undone {
    /// It failed in its block; it may be tried again.
    #[error("failed on the chain: {0}")]
    Failed(String),
    /// It failed too often.
    #[error("failed on the chain {0} times")]
    GivenUp(u32),
    /// It was not sent.
    #[error("{}", reason(.0))]
    Unsent(#[from] TransactionError),
}

impl Undone {
    /// True if nothing of the deed is on its way, and nothing will be.
    pub fn is_settled(&self) -> bool {
        let refused =
            matches!(self, Self::Unsent(TransactionError::WouldRevert { .. } | TransactionError::Refused(_)));
        refused || matches!(self, Self::GivenUp(_))
    }
}

impl From<Undone> for MarketError {
    fn from(why: Undone) -> Self {
        Self::Refused(why.to_string())
    }
}

/// Why nothing was sent, in the contracts' words.
fn reason(error: &TransactionError) -> String {
    match error {
        TransactionError::WouldRevert { data, .. } => match holdfast_contracts::reason(data) {
            Some(named) => format!("the contract refuses: {named}"),
            None => error.to_string(),
        },
        other => other.to_string(),
    }
}
