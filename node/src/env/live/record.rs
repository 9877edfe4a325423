//! Events become log lines and counters.

use crate::{env::Record, events::Event};
use std::{cell::RefCell, collections::BTreeMap};

/// Logs each event and counts it.
#[derive(Debug, Default)]
pub struct LiveRecord {
    counters: RefCell<BTreeMap<&'static str, u64>>,
}

impl LiveRecord {
    /// What happened since the start: events by kind, and bytes moved.
    pub fn counters(&self) -> BTreeMap<&'static str, u64> {
        self.counters.borrow().clone()
    }

    fn count(&self, name: &'static str, amount: u64) {
        *self.counters.borrow_mut().entry(name).or_default() += amount;
    }
}

impl Record for LiveRecord {
    fn record(&self, event: Event) {
        tracing::debug!(?event);
        match event {
            Event::ShardStored { len, .. } => {
                self.count("shards_stored", 1);
                self.count("bytes_stored", u64::from(len));
            }
            Event::ShardServed { len, .. } => {
                self.count("shards_served", 1);
                self.count("bytes_served", u64::from(len));
            }
            Event::ShardDamaged { .. } => self.count("shards_damaged", 1),
            Event::ShardDropped { .. } => self.count("shards_dropped", 1),
            Event::RepairStarted { .. } => self.count("repairs_started", 1),
            Event::ShardRepaired { fetched, sent, .. } => {
                self.count("shards_repaired", 1);
                self.count("repair_bytes_fetched", fetched);
                self.count("repair_bytes_sent", sent);
            }
            Event::RepairEnded { failed, .. } => {
                self.count("repairs_ended", 1);
                self.count("repair_shards_failed", u64::from(failed));
            }
            Event::RootsSigned { slots, .. } => self.count("slot_roots_signed", u64::from(slots)),
            Event::RootRefused { .. } => self.count("slot_roots_refused", 1),
            Event::ProbeEnded { .. } => self.count("probes_ended", 1),
            Event::TransactionSigned { bumps: 0, .. } => self.count("transactions_signed", 1),
            Event::TransactionSigned { .. } => self.count("transactions_bumped", 1),
            Event::TransactionEnded { success: true, .. } => self.count("transactions_executed", 1),
            Event::TransactionEnded { .. } => self.count("transactions_failed", 1),
        }
    }
}
