//! Time.

use crate::types::Timestamp;
use futures::{
    FutureExt,
    future::{Either, LocalBoxFuture, select},
};
use std::{future::Future, time::Duration};

/// Tells the time and waits.
///
/// Contract: `now` never goes back within one node's life, and a `sleep` of `d` that was made at `t`
/// completes when `now() ≥ t + d` and not before.
pub trait Clock {
    /// The time now.
    fn now(&self) -> Timestamp;
    /// Completes after `duration`. Dropping it forgets the timer.
    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()>;
}

/// The time allowed has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no answer within {0:?}")]
pub struct Elapsed(pub Duration);

/// Runs `future` for at most `limit`; it is dropped, and so cancelled, when that has passed.
///
/// # Errors
/// [`Elapsed`] if it did not complete in time.
pub async fn timeout<T>(
    clock: &dyn Clock,
    limit: Duration,
    future: impl Future<Output = T>,
) -> Result<T, Elapsed> {
    let future = std::pin::pin!(future);
    match select(future, clock.sleep(limit).fuse()).await {
        Either::Left((value, _)) => Ok(value),
        Either::Right(_) => Err(Elapsed(limit)),
    }
}
