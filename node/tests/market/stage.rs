//! Short words for what people do on a chain.

use crate::{
    cast::Cast,
    prover::{Prover, Slot},
    report::{Report, Row},
    world::World,
};
use alloy::{
    primitives::{Address, B256, U256},
    sol_types::SolCall,
};
use holdfast::{
    chain::{SendError, Sender, view},
    env::{Chain, live::LiveClock},
    types::{Wallet, chain::Receipt},
};
use holdfast_contracts::{abi::Challenges, deployment::Addresses};
use holdfast_proofs::window::Challenge;
use std::{collections::BTreeMap, rc::Rc};

/// A chain with the contracts on it, and everybody.
pub struct Stage<'a> {
    pub world: &'a dyn World,
    pub chain: Rc<dyn Chain>,
    pub prover: &'a Prover,
    pub cast: Cast,
    pub it: Addresses,
    pub window_blocks: u64,
    pub open_blocks: u64,
    pub genesis: u64,
    pub report: Report,
}

impl Stage<'_> {
    /// Begins a step of the story.
    pub fn act(&mut self, step: &'static str) {
        self.report.rows.push(Row { step, ..Row::default() });
    }

    pub fn sender(&self, wallet: &Wallet) -> Sender {
        Sender::new(self.chain.clone(), Rc::new(LiveClock::default()), wallet.clone())
    }

    /// Sends a call, which must succeed.
    pub async fn send(&mut self, wallet: &Wallet, to: Address, call: &impl SolCall) -> Receipt {
        let receipt = self.sender(wallet).call(to, call).await;
        let receipt = receipt.unwrap_or_else(|why| panic!("{}: {why}", self.step()));
        self.count(&[&receipt]);
        receipt
    }

    /// Tries a call, which must be refused with an error.
    pub async fn refused(&self, wallet: &Wallet, to: Address, call: &impl SolCall, error: &str) {
        match self.sender(wallet).call(to, call).await {
            Err(SendError::Refused(why)) => {
                let why = holdfast::chain::reason(&why);
                assert!(why.contains(error), "{}: refused with {why}, expected {error}", self.step());
            }
            other => panic!("{}: {other:?}, expected {error}", self.step()),
        }
    }

    pub fn count(&mut self, receipts: &[&Receipt]) {
        let row = self.report.rows.last_mut().expect("a step has begun");
        row.transactions += receipts.len();
        row.gas += receipts.iter().map(|it| it.gas_used).sum::<u64>();
    }

    pub async fn ask<C: SolCall>(&self, to: Address, call: &C) -> C::Return {
        view(&*self.chain, to, call).await.unwrap()
    }

    fn step(&self) -> &'static str {
        self.report.rows.last().map_or("before the story", |row| row.step)
    }

    pub async fn height(&self) -> u64 {
        self.chain.head().await.unwrap().number
    }

    /// The window that the next transaction is in.
    pub async fn window(&self) -> u64 {
        (self.height().await + 1 - self.genesis) / self.window_blocks
    }

    /// Goes to the block after the next window's first, since gas is estimated in the newest block, and opens it.
    pub async fn next_window(&mut self) -> u64 {
        let window = self.window().await + 1;
        let second = self.genesis + window * self.window_blocks + 1;
        self.world.mine(second - self.height().await).await;
        let reporter = self.cast.reporter.clone();
        let call = Challenges::openWindowCall { window: U256::from(window), evidence: Default::default() };
        self.send(&reporter, self.it.challenges, &call).await;
        window
    }

    /// Goes to where nobody's set of slots is frozen: the window was not opened and can no longer be.
    pub async fn quiet_window(&mut self) {
        let window = self.window().await + 1;
        let quiet = self.genesis + window * self.window_blocks + self.open_blocks + 1;
        self.world.mine(quiet - self.height().await).await;
    }

    /// Proves a window for a provider that holds these slots.
    pub async fn prove(&mut self, operator: &Wallet, provider: Address, window: u64, held: &[&Slot]) {
        let challenges = self.it.challenges;
        let number = U256::from(window);
        let opened = self.ask(challenges, &Challenges::openedWindowCall { window: number }).await;
        let book = self.ask(challenges, &Challenges::bookOfCall { provider }).await;
        let set = self.ask(challenges, &Challenges::setOfCall { provider }).await;
        let random = opened.bits.to_be_bytes::<32>();
        let challenge = Challenge {
            chain_id: self.chain.id(),
            contract: challenges.into(),
            random: random[8..].try_into().unwrap(),
            window,
            provider: provider.into(),
            version: book.version,
        };
        let known: BTreeMap<B256, &Slot> = held.iter().map(|slot| (slot.root(), *slot)).collect();
        let slots: Vec<&Slot> = set.roots.iter().map(|root| known[root]).collect();
        let submission = self.prover.prove(&challenge, &slots);
        let call = Challenges::submitProofCall { window: number, submission };
        self.send(operator, challenges, &call).await;
        self.refused(operator, challenges, &call, "AlreadyProven").await;
    }
}
