//! Carrying out faults.

use super::{Cluster, ClusterError};
use crate::faults::Fault;
use std::{sync::Arc, time::Duration};

impl<H: Clone + 'static> Cluster<H> {
    /// Carries out a fault. A fault that finds its node in a state where it means nothing (a restart
    /// of a node that is up, say) does nothing: schedules need not know what else happened.
    ///
    /// # Errors
    /// [`ClusterError::Unknown`].
    pub fn apply(&self, fault: Fault) -> Result<(), ClusterError> {
        match fault {
            Fault::Crash { node } => self.crash(node),
            Fault::Kill { node } => self.kill(node),
            Fault::Restart { node } => ignore_state(self.begin(node).map(drop)),
            Fault::Pause { node } => ignore_state(self.pause(node)),
            Fault::Resume { node } => self.resume(node),
            Fault::Depart { node } => self.depart(node),
            Fault::CrashInWrite { node, operations } => {
                let told = self.0.power_cuts.clone();
                // The receiver is gone only when the world ends.
                let told = Arc::new(move || drop(told.unbounded_send(node)));
                self.disk(node)?.cut_power_after(operations, told);
                Ok(())
            }
            Fault::Rot { node, prefix, flips } => {
                self.disk(node)?.rot(&prefix, flips);
                Ok(())
            }
            Fault::FillDisk { node, free_bytes } => self.disk(node).map(|disk| disk.fill(free_bytes)),
            Fault::FreeDisk { node } => self.disk(node).map(|disk| disk.unfill()),
            Fault::SlowDisk { node, factor } => {
                self.member(node)?.machine.disk_slowness.set(factor);
                Ok(())
            }
            Fault::Cut(cut) => {
                self.0.network.links(|links| links.cut(cut));
                Ok(())
            }
            Fault::Loss { probability } => {
                self.0.network.links(|links| links.set_loss(probability));
                Ok(())
            }
            Fault::Heal => {
                let loss = self.0.plan.links.loss;
                self.0.network.links(|links| {
                    links.heal();
                    links.set_loss(loss);
                });
                Ok(())
            }
        }
    }

    /// Carries out a fault after a while, whatever happens until then.
    pub fn apply_later(&self, after: Duration, fault: Fault) {
        let cluster = self.clone();
        madsim::task::spawn_local(async move {
            cluster.0.time.sleep(after).await;
            // A fault that names no node has no effect now either.
            let _ = cluster.apply(fault);
        });
    }
}

fn ignore_state(outcome: Result<(), ClusterError>) -> Result<(), ClusterError> {
    match outcome {
        Err(ClusterError::State { .. }) => Ok(()),
        outcome => outcome,
    }
}
