//! What a spawner of tasks must do.

use crate::{
    env::{Clock, Spawn, Work, blocking},
    limits,
};
use futures::{
    StreamExt,
    channel::{mpsc, oneshot},
    future::{Either, join_all, select},
};
use std::{
    cell::Cell,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

/// Work that takes a while in any world.
const HEAVY: Work = Work::Compute { bytes: 1 << 30 };

/// Checks a spawner. `slow` is a job that takes some 50 ms of this world's time, or none where
/// durations are modelled.
///
/// # Panics
/// With a sentence that says what is broken.
pub async fn check(clock: Rc<dyn Clock>, spawn: Rc<dyn Spawn>, slow: fn()) {
    runs_tasks(&*spawn).await;
    runs_tasks_of_tasks(&spawn).await;
    returns_results(&*spawn).await;
    waits_for_its_job(&*spawn, slow).await;
    keeps_within_its_pool(&*spawn, slow).await;
    holds_up_nobody(clock, &*spawn, slow).await;
}

async fn runs_tasks(spawn: &dyn Spawn) {
    let (sender, receiver) = mpsc::unbounded();
    for number in 0..100 {
        let sender = sender.clone();
        spawn.local(Box::pin(async move {
            sender.unbounded_send(number).expect("the suite is listening");
        }));
    }
    drop(sender);
    let mut ran: Vec<i32> = receiver.collect().await;
    ran.sort_unstable();
    assert!(ran.into_iter().eq(0..100), "a task did not run, or ran twice");
}

async fn runs_tasks_of_tasks(spawn: &Rc<dyn Spawn>) {
    let (sender, receiver) = oneshot::channel();
    let inner = spawn.clone();
    spawn.local(Box::pin(async move {
        inner.local(Box::pin(async move {
            sender.send(()).expect("the suite is listening");
        }));
    }));
    assert!(receiver.await.is_ok(), "a task that a task started did not run");
}

async fn returns_results(spawn: &dyn Spawn) {
    let jobs = (0..100u64).map(|number| {
        let work = match number % 3 {
            0 => Work::Compute { bytes: 1 },
            1 => Work::Read { bytes: 1 },
            _ => Work::Write { bytes: 1, syncs: 1 },
        };
        blocking(spawn, work, move || number * number)
    });
    let results = join_all(jobs).await;
    assert!(results.into_iter().eq((0..100).map(|n| n * n)), "blocking work returned another job's result");
}

async fn waits_for_its_job(spawn: &dyn Spawn, slow: fn()) {
    let ran = Arc::new(AtomicUsize::new(0));
    let job = ran.clone();
    let job = move || {
        slow();
        job.store(1, SeqCst);
    };
    spawn.run_blocking(HEAVY, Box::new(job)).await;
    assert_eq!(ran.load(SeqCst), 1, "blocking work completed before its job had run");
}

async fn keeps_within_its_pool(spawn: &dyn Spawn, slow: fn()) {
    let running = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let jobs = (0..limits::MAX_BLOCKING_JOBS * 3).map(|_| {
        let (running, most) = (running.clone(), most.clone());
        blocking(spawn, HEAVY, move || {
            most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
            slow();
            running.fetch_sub(1, SeqCst);
        })
    });
    join_all(jobs).await;
    let (most, limit) = (most.load(SeqCst), limits::MAX_BLOCKING_JOBS);
    assert!(most <= limit, "{most} blocking jobs ran at once, the limit is {limit}");
}

async fn holds_up_nobody(clock: Rc<dyn Clock>, spawn: &dyn Spawn, slow: fn()) {
    let ticks = Rc::new(Cell::new(0));
    let (stop, stopped) = oneshot::channel::<()>();
    let counted = ticks.clone();
    spawn.local(Box::pin(async move {
        let mut stopped = stopped;
        while let Either::Right(((), rest)) = select(stopped, clock.sleep(Duration::from_millis(1))).await {
            counted.set(counted.get() + 1);
            stopped = rest;
        }
    }));
    blocking(spawn, HEAVY, slow).await;
    drop(stop);
    let ticks = ticks.get();
    assert!(ticks > 1, "a task ran {ticks} times while blocking work was under way: it was held up");
}
