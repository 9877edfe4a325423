//! On a source that the process set. One test: the source is the process's.

use futures_timer::{Delay, Sleep, set_source};
use std::{
    future::Future,
    pin::pin,
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    task::{Context, Poll, Waker},
    time::Duration,
};

static ASKED: AtomicU64 = AtomicU64::new(0);

fn at_once(duration: Duration) -> Sleep {
    ASKED.fetch_add(duration.as_secs(), SeqCst);
    Box::pin(std::future::ready(()))
}

fn never(_: Duration) -> Sleep {
    Box::pin(std::future::pending())
}

#[test]
fn the_source_that_was_set_is_asked_and_stays() {
    assert!(set_source(at_once));
    assert!(set_source(at_once), "the same source was refused");
    assert!(!set_source(never), "a second source was taken");
    let mut delay = pin!(Delay::new(Duration::from_secs(3)));
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(delay.as_mut().poll(&mut context), Poll::Ready(()));
    assert_eq!(
        delay.as_mut().poll(&mut context),
        Poll::Ready(()),
        "a source's future was polled after its end"
    );
    delay.reset(Duration::from_secs(4));
    assert_eq!(delay.as_mut().poll(&mut context), Poll::Ready(()));
    assert_eq!(ASKED.load(SeqCst), 7);
}
