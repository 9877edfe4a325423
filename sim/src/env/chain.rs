//! The chain of a simulated world: one embedded chain that all nodes share, with block times, reorganisations and
//! rushes by chance, and the nodes' links to it, which fail by chance.

use super::{Time, rng};
use crate::{NodeNumber, trace::Recorder};
use alloy::primitives::{Address, B256, Bytes, U256};
use holdfast::{
    env::{
        Chain, ChainError,
        chain::Told,
        evm::{EvmChain, Genesis, MinedBlock, Proposal, Transaction},
    },
    types::{
        Timestamp, Wallet,
        chain::{Account, Block, Call, Fees, Log, LogFilter, Receipt},
    },
};
use rand::{RngExt, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1};
use serde::{Deserialize, Serialize};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

/// Gas of a block.
const GAS_LIMIT: u64 = 36_000_000;
/// Wei of a gwei.
const GWEI: f64 = 1e9;
/// Wei a unit of gas of the first base fee, and the least of any: others fill the blocks as far as that is cheap to them.
const BASE_FEE: u64 = 1_000_000_000;
/// Wei that each wallet has.
const FUNDS: u128 = 1_000_000_000_000_000_000_000;

/// What a world's chain is like.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChainPlan {
    /// The chain's id.
    pub id: u64,
    /// Wallets that have funds: those of so many first nodes.
    pub wallets: u32,
    /// Mean seconds between two blocks; exponential, at least one.
    pub block_s: f64,
    /// Chance that a block is not the next one but replaces some.
    pub reorg_chance: f64,
    /// Most blocks that are replaced at a time.
    pub max_reorg: u64,
    /// Chance that a transaction of a replaced block is forgotten; the others wait again.
    pub loss_chance: f64,
    /// Chance, for each block, that a rush begins.
    pub rush_chance: f64,
    /// Blocks that a rush lasts.
    pub rush_blocks: u32,
    /// Base fee in a rush, as a multiple of what it was before …
    pub rush_factor: f64,
    /// … up to so many gwei: nobody fills blocks that cost more, however soon rushes come after one another.
    pub peak_gwei: f64,
    /// Milliseconds until a question is answered; exponential.
    pub latency_ms: f64,
    /// Mean seconds between two outages of a node's link to the chain; exponential, 0 for none.
    pub outage_interval_s: f64,
    /// Mean seconds that an outage lasts; exponential.
    pub outage_s: f64,
}

impl Default for ChainPlan {
    /// A calm chain.
    fn default() -> Self {
        Self {
            id: 31_337,
            wallets: 100,
            block_s: 12.0,
            reorg_chance: 0.0,
            max_reorg: 6,
            loss_chance: 0.0,
            rush_chance: 0.0,
            rush_blocks: 10,
            rush_factor: 20.0,
            peak_gwei: 2_000.0,
            latency_ms: 50.0,
            outage_interval_s: 0.0,
            outage_s: 60.0,
        }
    }
}

impl ChainPlan {
    /// Checks what the types alone cannot.
    ///
    /// # Errors
    /// A sentence naming the first value that is out of its range.
    pub fn validate(&self) -> Result<(), String> {
        let chances = [
            ("reorg_chance", self.reorg_chance),
            ("loss_chance", self.loss_chance),
            ("rush_chance", self.rush_chance),
        ];
        if let Some((name, value)) = chances.into_iter().find(|(_, value)| !(0.0..=1.0).contains(value)) {
            return Err(format!("{name} is {value}, outside 0..=1"));
        }
        let spans = [
            ("block_s", self.block_s, 0.1),
            ("rush_factor", self.rush_factor, 1.0),
            ("peak_gwei", self.peak_gwei, 1.0),
            ("latency_ms", self.latency_ms, 0.0),
            ("outage_interval_s", self.outage_interval_s, 0.0),
            ("outage_s", self.outage_s, 0.0),
        ];
        if let Some((name, value, least)) =
            spans.into_iter().find(|(_, value, least)| !(*least..=1e6).contains(value))
        {
            return Err(format!("{name} is {value}, outside {least}..=1000000"));
        }
        match self.max_reorg {
            1..=32 => Ok(()),
            depth => Err(format!("max_reorg is {depth}, outside 1..=32")),
        }
    }
}

/// The wallet of a node; the numbers beyond the nodes' are for whoever else needs one.
///
/// # Panics
/// Once in 2^128.
pub fn wallet(seed: u64, number: u64) -> Wallet {
    let mut wallets =
        (0..).filter_map(|attempt| Wallet::from_secret(&mut rng::derive(seed, "wallet", number, attempt)));
    wallets.next().expect("all but one in 2^128 secrets are keys")
}

/// Something that wants to see the chain after each change of it.
pub type BlockSubscriber = Box<dyn FnMut(&EvmChain)>;

/// A world's chain. Clones are the same chain.
#[derive(Clone)]
pub struct SimChain(Rc<Inner>);

struct Inner {
    plan: Cell<ChainPlan>,
    seed: u64,
    time: Time,
    recorder: Recorder,
    evm: RefCell<EvmChain>,
    rng: RefCell<ChaCha8Rng>,
    rush: Cell<Rush>,
    subscribers: RefCell<Vec<BlockSubscriber>>,
}

/// Blocks that a rush still lasts, and its base fee.
#[derive(Clone, Copy, Default)]
struct Rush {
    left: u32,
    base_fee: u64,
}

impl SimChain {
    /// A chain with nothing but its genesis block.
    pub fn new(plan: ChainPlan, time: Time, recorder: Recorder, seed: u64) -> Self {
        let genesis = Genesis {
            chain_id: plan.id,
            time: time.now().as_secs(),
            gas_limit: GAS_LIMIT,
            base_fee: BASE_FEE,
            beneficiary: Address::with_last_byte(0xbe),
            balances: (0..plan.wallets)
                .map(|number| (wallet(seed, number.into()).address(), U256::from(FUNDS)))
                .collect(),
        };
        let mut evm = EvmChain::new(&genesis);
        evm.set_next_base_fee(BASE_FEE);
        let inner = Inner {
            plan: Cell::new(plan),
            seed,
            time,
            recorder,
            evm: RefCell::new(evm),
            rng: RefCell::new(rng::stream(seed, "chain", 0)),
            rush: Cell::default(),
            subscribers: RefCell::default(),
        };
        Self(Rc::new(inner))
    }

    /// Changes what the chain is like from now on, but for its id and funds.
    pub fn set_plan(&self, plan: ChainPlan) {
        self.0.plan.set(plan);
    }

    /// Looks at the chain, past all links.
    pub fn look<T>(&self, look: impl FnOnce(&EvmChain) -> T) -> T {
        look(&self.0.evm.borrow())
    }

    /// Offers a transaction, past all links.
    ///
    /// # Errors
    /// As [`Chain::submit`].
    pub fn submit(&self, raw: Bytes) -> Result<B256, ChainError> {
        self.0.evm.borrow_mut().submit(raw)
    }

    /// Calls `subscriber` after each block and each reorganisation from now on.
    pub fn subscribe(&self, subscriber: BlockSubscriber) {
        self.0.subscribers.borrow_mut().push(subscriber);
    }

    /// Makes a block of what waits, now.
    pub fn produce(&self) {
        let entropy: [u8; 32] = self.0.rng.borrow_mut().random();
        let proposal = Proposal { time: self.0.time.now().as_secs(), entropy: entropy.into() };
        let mut evm = self.0.evm.borrow_mut();
        let rush = self.0.rush.get();
        if rush.left > 0 {
            evm.set_next_base_fee(rush.base_fee);
            self.0.rush.set(Rush { left: rush.left - 1, ..rush });
        }
        let block = evm.produce(proposal).summary();
        let next = evm.next_base_fee().max(BASE_FEE);
        evm.set_next_base_fee(next);
        drop(evm);
        self.0.recorder.block(self.0.time.now(), block.number, block.hash.0);
        let evm = self.0.evm.borrow();
        self.0.subscribers.borrow_mut().iter_mut().for_each(|subscriber| subscriber(&evm));
    }

    /// Replaces the latest `depth` blocks by one more than that. Their transactions are dealt out over the new
    /// ones in another order, but for those that are forgotten.
    pub fn reorganise(&self, depth: u64) {
        let mut dropped = self.0.evm.borrow_mut().take_back(depth as usize);
        let loss = self.0.plan.get().loss_chance;
        let mut rng = self.0.rng.borrow_mut();
        dropped.retain(|_| !rng.random_bool(loss));
        dropped.shuffle(&mut rng);
        let mut deal: Vec<Vec<Transaction>> = (0..=depth).map(|_| Vec::new()).collect();
        for transaction in dropped {
            let block = rng.random_range(0..deal.len());
            deal[block].push(transaction);
        }
        drop(rng);
        for transactions in deal {
            for transaction in transactions {
                // Another of the same nonce may be in a block by now.
                let _ = self.submit(transaction.raw);
            }
            self.produce();
        }
    }

    /// Makes blocks for as long as the world lives.
    pub async fn drive(self) {
        loop {
            let plan = self.0.plan.get();
            let wait: f64 = Exp1.sample(&mut *self.0.rng.borrow_mut());
            self.0.time.sleep(Duration::from_secs_f64((wait * plan.block_s).max(1.0))).await;
            self.begin_rush(&plan);
            let depth = {
                let mut rng = self.0.rng.borrow_mut();
                rng.random_bool(plan.reorg_chance).then(|| rng.random_range(1..=plan.max_reorg))
            };
            match depth {
                Some(depth) => self.reorganise(depth),
                None => self.produce(),
            }
        }
    }

    fn begin_rush(&self, plan: &ChainPlan) {
        if self.0.rush.get().left > 0 || !self.0.rng.borrow_mut().random_bool(plan.rush_chance) {
            return;
        }
        let base_fee = self.look(EvmChain::next_base_fee) as f64;
        let dear = (base_fee * plan.rush_factor).min(plan.peak_gwei * GWEI).max(base_fee);
        self.0.rush.set(Rush { left: plan.rush_blocks, base_fee: dear as u64 });
    }

    /// A node's link to the chain in one of its lives.
    pub fn link(&self, node: NodeNumber, life: u32) -> SimChainLink {
        let stream = u64::from(node.0) << 32 | u64::from(life);
        let rng = RefCell::new(rng::stream(self.0.seed, "chain link", stream));
        SimChainLink { chain: self.clone(), state: Rc::new(LinkState { rng, outage: Cell::default() }) }
    }
}

/// The Chain capability of one node.
pub struct SimChainLink {
    chain: SimChain,
    state: Rc<LinkState>,
}

struct LinkState {
    rng: RefCell<ChaCha8Rng>,
    /// The next outage's begin and end.
    outage: Cell<Option<(Timestamp, Timestamp)>>,
}

impl LinkState {
    fn span(&self, mean_s: f64) -> Duration {
        let span: f64 = Exp1.sample(&mut *self.rng.borrow_mut());
        Duration::from_secs_f64(span * mean_s)
    }

    /// True if the link is down.
    fn is_down(&self, now: Timestamp, plan: &ChainPlan) -> bool {
        if plan.outage_interval_s == 0.0 {
            return false;
        }
        loop {
            let (begin, end) = self.outage.get().unwrap_or_else(|| {
                let begin = now + self.span(plan.outage_interval_s);
                (begin, begin + self.span(plan.outage_s))
            });
            if now < end {
                self.outage.set(Some((begin, end)));
                return now >= begin;
            }
            let begin = end + self.span(plan.outage_interval_s);
            self.outage.set(Some((begin, begin + self.span(plan.outage_s))));
        }
    }
}

impl SimChainLink {
    /// Asks after a while, and tells the answer after another. Either way may be cut: what was asked may then
    /// have been done.
    fn told<T: 'static>(
        &self,
        ask: impl FnOnce(&mut EvmChain) -> Result<T, ChainError> + 'static,
    ) -> Told<T> {
        let (chain, state) = (self.chain.clone(), self.state.clone());
        Box::pin(async move {
            let plan = chain.0.plan.get();
            let cut = || ChainError::Unreachable { why: "the link is down".into() };
            let time = &chain.0.time;
            time.sleep(state.span(plan.latency_ms / 2e3)).await;
            if state.is_down(time.now(), &plan) {
                return Err(cut());
            }
            let answer = ask(&mut chain.0.evm.borrow_mut());
            time.sleep(state.span(plan.latency_ms / 2e3)).await;
            if state.is_down(time.now(), &plan) { Err(cut()) } else { answer }
        })
    }
}

impl Chain for SimChainLink {
    fn id(&self) -> u64 {
        self.chain.look(EvmChain::id)
    }

    fn head(&self) -> Told<Block> {
        self.told(|evm| Ok(evm.head().summary()))
    }

    fn block(&self, number: u64) -> Told<Option<Block>> {
        self.told(move |evm| Ok(evm.block(number).map(MinedBlock::summary)))
    }

    fn account(&self, address: Address) -> Told<Account> {
        self.told(move |evm| Ok(evm.account(address)))
    }

    fn code(&self, address: Address) -> Told<Bytes> {
        self.told(move |evm| Ok(evm.code(address)))
    }

    fn fees(&self) -> Told<Fees> {
        self.told(|evm| Ok(evm.fees()))
    }

    fn call(&self, call: Call) -> Told<Bytes> {
        self.told(move |evm| evm.call(&call))
    }

    fn estimate_gas(&self, call: Call) -> Told<u64> {
        self.told(move |evm| evm.estimate_gas(&call))
    }

    fn submit(&self, raw: Bytes) -> Told<B256> {
        self.told(move |evm| evm.submit(raw))
    }

    fn receipt(&self, transaction: B256) -> Told<Option<Receipt>> {
        self.told(move |evm| Ok(evm.receipt(transaction).cloned()))
    }

    fn logs(&self, filter: LogFilter) -> Told<Vec<Log>> {
        self.told(move |evm| evm.logs(&filter))
    }
}
