//! Drop-in `futures-timer` whose clock is chosen at run time.
//!
//! libp2p waits through this crate. The published one starts a thread of its own, which a
//! deterministic simulator can neither see nor steer; this one asks a timer source that the
//! world sets once: tokio's clock unless [`set_source`] names another.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::OnceLock,
    task::{Context, Poll},
    time::Duration,
};

/// A future that completes after a while.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Makes a [`Sleep`] of the given duration.
pub type Source = fn(Duration) -> Sleep;

static SOURCE: OnceLock<Source> = OnceLock::new();

/// Sets the timer source of this process; a second, different source is refused with `false`.
pub fn set_source(source: Source) -> bool {
    std::ptr::fn_addr_eq(*SOURCE.get_or_init(|| source), source)
}

#[allow(clippy::disallowed_methods, reason = "tokio's clock is the source unless the world names another")]
fn sleep(duration: Duration) -> Sleep {
    let source = SOURCE.get_or_init(|| |duration| Box::pin(tokio::time::sleep(duration)));
    source(duration)
}

/// A future that completes once its duration has passed.
///
/// It is made where its source works: tokio's clock wants a runtime. Polled again after it completed, it
/// is still complete.
pub struct Delay(Option<Sleep>);

impl Delay {
    /// Completes `duration` from now.
    pub fn new(duration: Duration) -> Self {
        Self(Some(sleep(duration)))
    }

    /// Starts over: completes `duration` from now.
    pub fn reset(&mut self, duration: Duration) {
        self.0 = Some(sleep(duration));
    }
}

impl Future for Delay {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(sleep) = &mut self.0 else {
            return Poll::Ready(());
        };
        let polled = sleep.as_mut().poll(cx);
        if polled.is_ready() {
            self.0 = None;
        }
        polled
    }
}

impl fmt::Debug for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Delay")
    }
}
