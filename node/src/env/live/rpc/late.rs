//! A chain whose server need not answer yet: a node starts without it, and connects when it is first asked something.

use super::{client::ConnectError, client::JsonRpcChain, transport::BoundedHttp};
use crate::{
    env::{Chain, ChainError, Clock, chain::Told},
    limits,
    types::{
        Timestamp,
        chain::{Account, Block, Call, Fees, Log, LogFilter, Receipt},
    },
};
use alloy::primitives::{Address, B256, Bytes};
use std::{cell::RefCell, rc::Rc, time::Duration};

/// The chain of one id, served at one URL. Whoever else answers there is not asked: nothing is ever sent to a chain of
/// another id.
pub struct LateChain(Rc<Late>);

struct Late {
    url: String,
    id: u64,
    clock: Rc<dyn Clock>,
    link: RefCell<Link>,
}

/// The connection, or when the next try may be.
struct Link {
    chain: Option<JsonRpcChain>,
    pause: Duration,
    next_try: Timestamp,
    trouble: String,
}

impl LateChain {
    /// A chain that is connected to later.
    ///
    /// # Errors
    /// [`ConnectError::Url`].
    pub fn new(url: &str, id: u64, clock: Rc<dyn Clock>) -> Result<Self, ConnectError> {
        BoundedHttp::new(url)?;
        let pause = limits::CHAIN_RETRY;
        let link = Link { chain: None, pause, next_try: Timestamp(0), trouble: String::new() };
        Ok(Self(Rc::new(Late { url: url.to_owned(), id, clock, link: RefCell::new(link) })))
    }

    fn told<T: 'static>(&self, ask: impl FnOnce(&JsonRpcChain) -> Told<T> + 'static) -> Told<T> {
        let late = self.0.clone();
        Box::pin(async move {
            let chain = late.connected().await?;
            let answer = ask(&chain).await;
            if matches!(answer, Err(ChainError::Unreachable { .. })) {
                // Another server may answer next time: its chain is looked at first.
                late.link.borrow_mut().chain = None;
            }
            answer
        })
    }
}

impl Late {
    async fn connected(&self) -> Result<JsonRpcChain, ChainError> {
        {
            let link = self.link.borrow();
            if let Some(chain) = &link.chain {
                return Ok(chain.clone());
            }
            if self.clock.now() < link.next_try {
                return Err(ChainError::Unreachable { why: link.trouble.clone() });
            }
        }
        let why = match JsonRpcChain::connect(&self.url).await {
            Ok(chain) if chain.id() == self.id => {
                let mut link = self.link.borrow_mut();
                (link.chain, link.pause) = (Some(chain.clone()), limits::CHAIN_RETRY);
                return Ok(chain);
            }
            Ok(chain) => format!("the server has chain {}, expected {}", chain.id(), self.id),
            Err(ConnectError::Chain(ChainError::Unreachable { why })) => why,
            Err(why) => why.to_string(),
        };
        let mut link = self.link.borrow_mut();
        link.next_try = self.clock.now() + link.pause;
        link.pause = (link.pause * 2).min(limits::CHAIN_RETRY_MAX);
        link.trouble.clone_from(&why);
        Err(ChainError::Unreachable { why })
    }
}

impl Chain for LateChain {
    fn id(&self) -> u64 {
        self.0.id
    }

    fn head(&self) -> Told<Block> {
        self.told(Chain::head)
    }

    fn block(&self, number: u64) -> Told<Option<Block>> {
        self.told(move |chain| chain.block(number))
    }

    fn account(&self, address: Address) -> Told<Account> {
        self.told(move |chain| chain.account(address))
    }

    fn code(&self, address: Address) -> Told<Bytes> {
        self.told(move |chain| chain.code(address))
    }

    fn fees(&self) -> Told<Fees> {
        self.told(Chain::fees)
    }

    fn call(&self, call: Call) -> Told<Bytes> {
        self.told(move |chain| chain.call(call))
    }

    fn estimate_gas(&self, call: Call) -> Told<u64> {
        self.told(move |chain| chain.estimate_gas(call))
    }

    fn submit(&self, raw: Bytes) -> Told<B256> {
        self.told(move |chain| chain.submit(raw))
    }

    fn receipt(&self, transaction: B256) -> Told<Option<Receipt>> {
        self.told(move |chain| chain.receipt(transaction))
    }

    fn logs(&self, filter: LogFilter) -> Told<Vec<Log>> {
        self.told(move |chain| chain.logs(filter))
    }
}
