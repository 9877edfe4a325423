//! Tasks on the node's `LocalSet`, and blocking work that runs inline and takes a modelled time.

use super::{clock::Time, disk::DiskPlan};
use futures::future::LocalBoxFuture;
use holdfast::{
    env::{Spawn, Work},
    types::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::{cell::Cell, rc::Rc, time::Duration};

/// How fast a node computes. Modelled: the work itself runs, its duration is this.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ComputePlan {
    /// Megabytes of input a second that a node encrypts, codes or hashes.
    pub mb_per_s: f64,
    /// Spread of speeds over nodes: the standard deviation of the logarithm of a node's factor.
    pub speed_sigma: f64,
}

impl Default for ComputePlan {
    fn default() -> Self {
        Self { mb_per_s: 500.0, speed_sigma: 0.0 }
    }
}

/// One node's processor and disk as queues: a job begins when the one before it has ended.
pub struct Machine {
    compute: ComputePlan,
    disk: DiskPlan,
    /// A factor on the processor's speed.
    speed: f64,
    /// A factor on the duration of disk work; above 1 is a slow disk.
    pub disk_slowness: Cell<f64>,
    processor_free: Cell<Timestamp>,
    disk_free: Cell<Timestamp>,
}

impl Machine {
    /// An idle machine; `speed` is a factor on the plan's.
    pub fn new(compute: ComputePlan, disk: DiskPlan, speed: f64) -> Self {
        Self {
            compute,
            disk,
            speed,
            disk_slowness: Cell::new(1.0),
            processor_free: Cell::default(),
            disk_free: Cell::default(),
        }
    }

    /// How long `work` takes by itself.
    fn duration(&self, work: Work) -> Duration {
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let seconds = match work {
            Work::Compute { bytes } => megabytes(bytes) / (self.compute.mb_per_s * self.speed),
            Work::Read { bytes } => {
                (self.disk.access_ms / 1e3 + megabytes(bytes) / self.disk.read_mb_per_s)
                    * self.disk_slowness.get()
            }
            Work::Write { bytes, syncs } => {
                let sync = f64::from(syncs) * self.disk.sync_ms / 1e3;
                (self.disk.access_ms / 1e3 + megabytes(bytes) / self.disk.write_mb_per_s + sync)
                    * self.disk_slowness.get()
            }
        };
        Duration::from_secs_f64(seconds)
    }

    /// Queues `work` and tells when it ends.
    fn enqueue(&self, now: Timestamp, work: Work) -> Timestamp {
        let free = match work {
            Work::Compute { .. } => &self.processor_free,
            Work::Read { .. } | Work::Write { .. } => &self.disk_free,
        };
        let end = free.get().max(now) + self.duration(work);
        free.set(end);
        end
    }

    /// Forgets what was queued: the process that queued it is gone.
    pub fn reset(&self) {
        self.processor_free.set(Timestamp::default());
        self.disk_free.set(Timestamp::default());
    }
}

/// The Spawn capability of one node.
pub struct SimSpawn {
    /// When jobs end.
    pub time: Time,
    /// How long they take.
    pub machine: Rc<Machine>,
}

#[allow(clippy::disallowed_methods, reason = "this is where the world starts a node's tasks")]
impl Spawn for SimSpawn {
    fn local(&self, task: LocalBoxFuture<'static, ()>) {
        tokio::task::spawn_local(task);
    }

    fn run_blocking(&self, work: Work, job: Box<dyn FnOnce() + Send>) -> LocalBoxFuture<'static, ()> {
        let (time, machine) = (self.time.clone(), self.machine.clone());
        Box::pin(async move {
            job();
            let end = machine.enqueue(time.now(), work);
            time.sleep_until(end).await;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_of_one_resource_queue_and_those_of_two_do_not() {
        let compute = ComputePlan { mb_per_s: 1.0, speed_sigma: 0.0 };
        let machine = Machine::new(compute, DiskPlan::default(), 2.0);
        let work = Work::Compute { bytes: 1_000_000 };
        let now = Timestamp(0);
        assert_eq!(machine.enqueue(now, work), now + Duration::from_millis(500));
        assert_eq!(machine.enqueue(now, work), now + Duration::from_millis(1_000));
        assert!(machine.enqueue(now, Work::Read { bytes: 0 }) < now + Duration::from_millis(500));
    }

    #[test]
    fn a_slow_disk_takes_longer() {
        let machine = Machine::new(ComputePlan::default(), DiskPlan::default(), 1.0);
        let work = Work::Write { bytes: 1 << 20, syncs: 2 };
        let normal = machine.duration(work);
        machine.disk_slowness.set(3.0);
        assert!(machine.duration(work).abs_diff(normal * 3) < Duration::from_micros(1));
    }
}
