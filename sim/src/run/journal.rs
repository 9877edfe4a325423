//! The run's log: what happened, in words, one line each.

use holdfast::{events::Event, types::Timestamp};
use std::fmt::Write;

/// Bytes of log that a run keeps; what comes after is counted, not kept.
const MAX_BYTES: usize = 64 << 20;

/// The log of a run, in memory.
#[derive(Debug, Default)]
pub struct Journal {
    text: String,
    omitted: u64,
}

impl Journal {
    /// Adds a line: virtual seconds since the start, who, what.
    pub fn note(&mut self, since_start: f64, who: &str, what: &str) {
        if self.text.len() >= MAX_BYTES {
            self.omitted += 1;
            return;
        }
        writeln!(self.text, "{since_start:.6} {who} {what}").expect("a string takes all that is written");
    }

    /// Adds what a node reported, but for probes and reads, which are many and tell little.
    pub fn event(&mut self, now: Timestamp, node: usize, event: &Event) {
        if !matches!(event, Event::ProbeEnded { .. } | Event::ShardServed { .. }) {
            self.note(since_start(now), &format!("node {node}"), &format!("{event:?}"));
        }
    }

    /// The whole log.
    pub fn finish(mut self) -> String {
        if self.omitted > 0 {
            let omitted = self.omitted;
            writeln!(self.text, "{omitted} more lines were not kept")
                .expect("a string takes all that is written");
        }
        self.text
    }
}

/// Virtual seconds since the start of the run.
pub fn since_start(now: Timestamp) -> f64 {
    now.since(crate::env::START).as_secs_f64()
}
