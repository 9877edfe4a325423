//! Tasks, and work that computes or blocks.

use futures::{channel::oneshot, future::LocalBoxFuture};

/// What a piece of blocking work is, so that a simulated world can give it a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Encrypt, code, hash: `bytes` of input.
    Compute {
        /// Input bytes.
        bytes: u64,
    },
    /// Read from disk.
    Read {
        /// Bytes read.
        bytes: u64,
    },
    /// Write to disk and wait until it is durable.
    Write {
        /// Bytes written.
        bytes: u64,
        /// Times a sync was waited for.
        syncs: u32,
    },
}

/// Runs tasks on the node's thread and blocking work beside it.
pub trait Spawn {
    /// Starts a task on this node's thread; it ends at the latest when the node does.
    fn local(&self, task: LocalBoxFuture<'static, ()>);

    /// Runs `job` where it holds up nobody: on a bounded pool in live, inline with a modelled
    /// duration in sim. Completes when the job has run. Use [`blocking`] to get its result.
    fn run_blocking(&self, work: Work, job: Box<dyn FnOnce() + Send>) -> LocalBoxFuture<'static, ()>;
}

/// Runs `job` as blocking work and returns its result.
pub async fn blocking<T: Send + 'static>(
    spawn: &dyn Spawn,
    work: Work,
    job: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (sender, receiver) = oneshot::channel();
    let job = move || {
        // The receiver is gone only if the asker was cancelled: then nobody misses the result.
        let _ = sender.send(job());
    };
    spawn.run_blocking(work, Box::new(job)).await;
    receiver.await.expect("run_blocking completes only after its job has run")
}
