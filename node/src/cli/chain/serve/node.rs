//! The chain that is served: when its blocks are made, and that they are kept.

use crate::env::{
    Disk, Rng,
    evm::{BlockLog, BlockLogError, EvmChain, Genesis, Proposal},
    live::LiveRng,
};
use alloy::primitives::{B256, Bytes};
use std::time::{SystemTime, UNIX_EPOCH};

use super::protocol::Fault;
use crate::env::ChainError;

/// When blocks are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// For every transaction at once.
    OnSubmit,
    /// Every so many seconds.
    Every(u64),
}

/// A chain on this machine's disk.
pub struct Node {
    pub(super) chain: EvmChain,
    log: BlockLog,
    pace: Pace,
    /// Seconds by which the chain's time is ahead of this machine's.
    ahead: u64,
}

impl Node {
    /// Opens the chain in a file of `disk`, or begins it.
    pub fn open(disk: &dyn Disk, file: &str, genesis: &Genesis, pace: Pace) -> Result<Self, BlockLogError> {
        let (log, chain) = BlockLog::open(disk, file, genesis)?;
        // A chain that was once moved ahead goes on from there.
        let ahead = chain.head().header.timestamp.saturating_sub(now());
        Ok(Self { chain, log, pace, ahead })
    }

    /// The newest block's.
    pub fn height(&self) -> u64 {
        self.chain.head().header.number
    }

    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// Takes a signed transaction.
    pub(super) fn submit(&mut self, raw: Bytes) -> Result<Result<B256, ChainError>, Fault> {
        let submitted = self.chain.submit(raw);
        if submitted.is_ok() && self.pace == Pace::OnSubmit {
            self.produce().map_err(|why| Fault::new(Fault::INTERNAL, why))?;
        }
        Ok(submitted)
    }

    /// Makes a block and keeps it. What was not kept must not be told.
    pub fn produce(&mut self) -> Result<(), String> {
        let mut entropy = B256::ZERO;
        LiveRng.fill(entropy.as_mut_slice());
        let block = self.chain.produce(Proposal { time: now() + self.ahead, entropy });
        let kept = self.log.append(block);
        kept.map_err(|why| {
            self.chain.take_back(1);
            format!("the block cannot be kept: {why}")
        })
    }

    /// Moves the chain's time ahead for good.
    pub(super) fn pass(&mut self, seconds: u64) -> u64 {
        self.ahead = self.ahead.saturating_add(seconds);
        self.ahead
    }
}

/// Seconds since the Unix epoch.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs())
}
