//! The Chain capability over an embedded chain in the same process.

use super::blocks::{EvmChain, MinedBlock, Proposal};
use crate::{
    env::{Chain, ChainError, Clock, Rng, chain::Told},
    types::chain::{Account, Block, Call, Fees, Log, LogFilter, Receipt},
};
use alloy::primitives::{Address, B256, Bytes};
use std::{cell::RefCell, future::ready, rc::Rc};

/// When blocks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Production {
    /// As soon as a transaction was submitted.
    OnSubmit,
    /// When [`EvmClient::produce`] is called.
    OnDemand,
}

/// An embedded chain, shared by all who hold a clone.
#[derive(Clone)]
pub struct EvmClient {
    chain: Rc<RefCell<EvmChain>>,
    clock: Rc<dyn Clock>,
    rng: Rc<dyn Rng>,
    production: Production,
}

impl EvmClient {
    /// A client of `chain` whose blocks have the clock's times and random entropy.
    pub fn new(
        chain: Rc<RefCell<EvmChain>>,
        clock: Rc<dyn Clock>,
        rng: Rc<dyn Rng>,
        production: Production,
    ) -> Self {
        Self { chain, clock, rng, production }
    }

    /// Makes a block of what waits.
    pub fn produce(&self) -> Block {
        let mut entropy = [0; 32];
        self.rng.fill(&mut entropy);
        let proposal = Proposal { time: self.clock.now().as_secs(), entropy: entropy.into() };
        self.chain.borrow_mut().produce(proposal).summary()
    }

    fn told<T: 'static>(&self, ask: impl FnOnce(&EvmChain) -> Result<T, ChainError>) -> Told<T> {
        Box::pin(ready(ask(&self.chain.borrow())))
    }
}

impl Chain for EvmClient {
    fn id(&self) -> u64 {
        self.chain.borrow().id()
    }

    fn head(&self) -> Told<Block> {
        self.told(|chain| Ok(chain.head().summary()))
    }

    fn block(&self, number: u64) -> Told<Option<Block>> {
        self.told(|chain| Ok(chain.block(number).map(MinedBlock::summary)))
    }

    fn account(&self, address: Address) -> Told<Account> {
        self.told(|chain| Ok(chain.account(address)))
    }

    fn code(&self, address: Address) -> Told<Bytes> {
        self.told(|chain| Ok(chain.code(address)))
    }

    fn fees(&self) -> Told<Fees> {
        self.told(|chain| Ok(chain.fees()))
    }

    fn call(&self, call: Call) -> Told<Bytes> {
        self.told(|chain| chain.call(&call))
    }

    fn estimate_gas(&self, call: Call) -> Told<u64> {
        self.told(|chain| chain.estimate_gas(&call))
    }

    fn submit(&self, raw: Bytes) -> Told<B256> {
        let submitted = self.chain.borrow_mut().submit(raw);
        if submitted.is_ok() && self.production == Production::OnSubmit {
            self.produce();
        }
        Box::pin(ready(submitted))
    }

    fn receipt(&self, transaction: B256) -> Told<Option<Receipt>> {
        self.told(|chain| Ok(chain.receipt(transaction).cloned()))
    }

    fn logs(&self, filter: LogFilter) -> Told<Vec<Log>> {
        self.told(|chain| chain.logs(&filter))
    }
}
