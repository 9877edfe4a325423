//! Events go to the run's one recorder, with the node's number and the virtual time.

use super::clock::Time;
use crate::{NodeNumber, trace::Recorder};
use holdfast::{env::Record, events::Event};

/// The Record capability of one node.
pub struct SimRecord {
    /// Who reports.
    pub node: NodeNumber,
    /// When.
    pub time: Time,
    /// To whom.
    pub recorder: Recorder,
}

impl Record for SimRecord {
    fn record(&self, event: Event) {
        self.recorder.event(self.time.now(), self.node, &event);
    }
}
