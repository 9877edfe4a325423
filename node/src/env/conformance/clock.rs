//! What a clock must do.

use crate::env::{Clock, timeout};
use futures::{
    FutureExt,
    future::{Either, join_all, pending, select},
};
use std::{cell::Cell, time::Duration};

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_millis(80);

/// Checks a clock.
///
/// # Panics
/// With a sentence that says what is broken.
pub async fn check(clock: &dyn Clock) {
    never_goes_back(clock);
    sleeps_long_enough(clock).await;
    sleeps_side_by_side(clock).await;
    forgets_what_is_dropped(clock).await;
    times_out(clock).await;
}

fn never_goes_back(clock: &dyn Clock) {
    let mut last = clock.now();
    for _ in 0..10_000 {
        let now = clock.now();
        assert!(now >= last, "the clock went back from {last} to {now}");
        last = now;
    }
}

async fn sleeps_long_enough(clock: &dyn Clock) {
    for duration in [Duration::ZERO, Duration::from_nanos(1), Duration::from_micros(1500), SHORT] {
        let start = clock.now();
        clock.sleep(duration).await;
        let slept = clock.now().since(start);
        assert!(slept >= duration, "a sleep of {duration:?} ended after {slept:?}");
    }
    let waits = clock.sleep(Duration::MAX).now_or_never().is_none();
    assert!(waits, "the longest sleep there is ended at once");
}

async fn sleeps_side_by_side(clock: &dyn Clock) {
    match select(clock.sleep(LONG), clock.sleep(SHORT)).await {
        Either::Right(((), long)) => long.await,
        Either::Left(_) => panic!("of two sleeps the longer one ended first"),
    }
    let start = clock.now();
    join_all((0..100).map(|_| clock.sleep(SHORT))).await;
    let slept = clock.now().since(start);
    assert!(slept < SHORT * 50, "a hundred sleeps of {SHORT:?} took {slept:?}: they ran one by one");
}

async fn forgets_what_is_dropped(clock: &dyn Clock) {
    let start = clock.now();
    drop(clock.sleep(Duration::from_secs(3600)));
    clock.sleep(SHORT).await;
    let slept = clock.now().since(start);
    assert!(slept < Duration::from_secs(3600), "a dropped sleep of an hour held up the next: {slept:?}");
}

async fn times_out(clock: &dyn Clock) {
    struct Dropped<'a>(&'a Cell<bool>);
    impl Drop for Dropped<'_> {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let dropped = Cell::new(false);
    let guard = Dropped(&dropped);
    let stuck = async move {
        let _guard = guard;
        pending::<()>().await;
    };
    assert!(timeout(clock, SHORT, stuck).await.is_err(), "a future that never ends did not time out");
    assert!(dropped.get(), "a future that timed out was not dropped");
    let quick = timeout(clock, LONG, async { 7 }).await;
    assert_eq!(quick, Ok(7), "a future that was ready timed out");
}
