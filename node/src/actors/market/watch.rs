//! What only the chain's log tells: which cells a dispute demands. Which part of it was read, and what is to be answered.
//!
//! The last blocks, which a reorganisation may replace, are read again at every look; disputes are told apart by slot and
//! deadline, so that one that is read twice is one.

use crate::{
    limits,
    types::chain::{Log, LogFilter},
};
use alloy::{
    primitives::{Address, Log as RawLog},
    sol_types::SolEvent,
};
use holdfast_contracts::{abi::Disputes, deployment::Addresses};
use std::{collections::BTreeMap, ops::RangeInclusive};

/// What a dispute demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    /// These cells.
    Cells(Vec<u32>),
    /// That this cell stands under the circuit root as well.
    Root(u32),
}

/// A dispute about a slot of this provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dispute {
    pub agreement: u64,
    pub slot: u16,
    /// The last block for an answer.
    pub deadline: u64,
    pub demand: Demand,
    /// The block that told of it.
    pub block: u64,
}

/// Agreement, slot and deadline of a dispute.
pub(super) type DisputeKey = (u64, u16, u64);

/// How far the log was read, and what was found.
#[derive(Debug)]
pub(super) struct Watch {
    /// The first block that was not read as a final one.
    next: u64,
    /// What was noted of that.
    noted: u64,
    /// Blocks that one question spans.
    span: u64,
    found: BTreeMap<DisputeKey, Dispute>,
}

impl Watch {
    /// Begins to read at a block.
    pub fn new(first: u64) -> Self {
        Self { next: first, noted: first, span: limits::MAX_LOG_BLOCKS, found: BTreeMap::new() }
    }

    /// Goes on after a block that an earlier run noted.
    pub fn restore(&mut self, read_to: Option<u64>) {
        if let Some(block) = read_to {
            (self.next, self.noted) = (block + 1, block + 1);
        }
    }

    /// Passes over blocks before anything was agreed on.
    pub fn skip_to(&mut self, head: u64) {
        self.next = self.next.max(head.saturating_sub(limits::CONFIRMATIONS));
    }

    /// Which blocks to read next, if the newest is `head`; `after` is the last that this look has read.
    pub fn range(&self, after: Option<u64>, head: u64) -> Option<RangeInclusive<u64>> {
        let from = after.map_or(self.next, |after| after + 1);
        (from <= head).then(|| from..=head.min(from + self.span - 1))
    }

    /// A range had too much to tell; false if it cannot be made smaller.
    pub fn narrow(&mut self) -> bool {
        let narrower = self.span > 1;
        self.span = (self.span / 2).max(1);
        narrower
    }

    /// Takes in what a range told.
    pub fn read(&mut self, range: &RangeInclusive<u64>, head: u64, told: impl IntoIterator<Item = Dispute>) {
        for dispute in told {
            self.found.entry((dispute.agreement, dispute.slot, dispute.deadline)).or_insert(dispute);
        }
        let last_final = head.saturating_sub(limits::CONFIRMATIONS);
        self.next = self.next.max((*range.end()).min(last_final) + 1);
        self.span = limits::MAX_LOG_BLOCKS;
    }

    /// What is to be noted, now and then: a block up to which nothing is left to be done.
    pub fn note(&mut self) -> Option<u64> {
        let open = self.found.values().map(|dispute| dispute.block).min();
        let done = open.map_or(self.next, |block| block.min(self.next));
        if done < self.noted + limits::LOG_NOTE_BLOCKS {
            return None;
        }
        self.noted = done;
        done.checked_sub(1)
    }

    /// The disputes that may be open.
    pub fn disputes(&self) -> Vec<Dispute> {
        self.found.values().cloned().collect()
    }

    /// A dispute is over.
    pub fn over(&mut self, dispute: &Dispute) {
        self.found.remove(&(dispute.agreement, dispute.slot, dispute.deadline));
    }
}

/// Which logs are read.
pub(super) fn filter(at: &Addresses, blocks: RangeInclusive<u64>) -> LogFilter {
    let events = vec![Disputes::DisputeOpened::SIGNATURE_HASH, Disputes::RootDoubted::SIGNATURE_HASH];
    LogFilter { addresses: vec![at.disputes], events, blocks }
}

/// The dispute that a log tells of, and about whose slot it is.
pub(super) fn dispute(log: Log) -> Option<(Address, Dispute)> {
    let block = log.block;
    let raw = RawLog::new_unchecked(log.address, log.topics, log.data);
    if let Ok(it) = Disputes::DisputeOpened::decode_log(&raw) {
        let demand = Demand::Cells(it.cells.clone());
        let place = (it.agreement.try_into().ok()?, it.index.try_into().ok()?, it.deadline.try_into().ok()?);
        return Some((it.provider, made(place, demand, block)));
    }
    let it = Disputes::RootDoubted::decode_log(&raw).ok()?;
    let place = (it.agreement.try_into().ok()?, it.index.try_into().ok()?, it.deadline.try_into().ok()?);
    Some((it.provider, made(place, Demand::Root(it.cell), block)))
}

fn made((agreement, slot, deadline): DisputeKey, demand: Demand, block: u64) -> Dispute {
    Dispute { agreement, slot, deadline, demand, block }
}
