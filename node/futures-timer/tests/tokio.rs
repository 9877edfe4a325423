//! On tokio's clock, which is the source unless another is set.
#![allow(clippy::disallowed_methods)]

use futures_timer::Delay;
use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
    time::{Duration, Instant},
};

const SHORT: Duration = Duration::from_millis(20);

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(test);
}

async fn is_ready(delay: &mut Delay) -> bool {
    poll_fn(|cx| Poll::Ready(Pin::new(&mut *delay).poll(cx).is_ready())).await
}

#[test]
fn it_can_be_moved_anywhere() {
    fn check<T: Send + Unpin + std::fmt::Debug + 'static>() {}
    check::<Delay>();
}

#[test]
fn it_is_not_early_and_stays_complete() {
    run(async {
        let start = Instant::now();
        let mut delay = Delay::new(SHORT);
        assert!(!is_ready(&mut delay).await);
        (&mut delay).await;
        assert!(start.elapsed() >= SHORT);
        assert!(is_ready(&mut delay).await);
    });
}

#[test]
fn reset_starts_over() {
    run(async {
        let mut delay = Delay::new(Duration::from_secs(3600));
        assert!(!is_ready(&mut delay).await);
        let start = Instant::now();
        delay.reset(SHORT);
        (&mut delay).await;
        assert!(start.elapsed() >= SHORT && start.elapsed() < Duration::from_secs(60));
        delay.reset(Duration::from_secs(3600));
        assert!(!is_ready(&mut delay).await, "a completed delay that was reset did not start over");
        delay.reset(Duration::ZERO);
        delay.await;
    });
}

#[test]
fn the_longest_duration_is_waited_for() {
    run(async {
        let mut delay = Delay::new(Duration::MAX);
        assert!(!is_ready(&mut delay).await);
        delay.reset(Duration::MAX);
        assert!(!is_ready(&mut delay).await);
    });
}
