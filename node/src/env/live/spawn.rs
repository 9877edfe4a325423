//! Tasks on the node's thread, and a bounded pool beside it.

use crate::{
    env::{Spawn, Work},
    limits,
};
use futures::future::LocalBoxFuture;
use std::{panic::resume_unwind, sync::Arc};
use tokio::{
    sync::Semaphore,
    task::{spawn_blocking, spawn_local},
};

/// Tokio's `LocalSet` and its blocking pool, of which at most
/// [`limits::MAX_BLOCKING_JOBS`] threads are used at a time.
#[derive(Debug)]
pub struct LiveSpawn {
    slots: Arc<Semaphore>,
}

impl LiveSpawn {
    /// A pool with nothing to do.
    pub fn new() -> Self {
        Self { slots: Arc::new(Semaphore::new(limits::MAX_BLOCKING_JOBS)) }
    }
}

impl Default for LiveSpawn {
    fn default() -> Self {
        Self::new()
    }
}

impl Spawn for LiveSpawn {
    fn local(&self, task: LocalBoxFuture<'static, ()>) {
        spawn_local(task);
    }

    fn run_blocking(&self, _work: Work, job: Box<dyn FnOnce() + Send>) -> LocalBoxFuture<'static, ()> {
        let slots = self.slots.clone();
        Box::pin(async move {
            let slot = slots.acquire_owned().await.expect("the semaphore is never closed");
            let run = spawn_blocking(move || {
                job();
                // Held by the job, not by its asker, who may be gone before it ends.
                drop(slot);
            });
            match run.await {
                Ok(()) => {}
                Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
                // The runtime is shutting down, and with it this task: nobody is left to be told.
                Err(_) => std::future::pending().await,
            }
        })
    }
}
