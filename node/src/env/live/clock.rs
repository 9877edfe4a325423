//! Time, by the system's monotonic clock.

use crate::{env::Clock, types::Timestamp};
use futures::future::LocalBoxFuture;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The system's time at the start, and the monotonic clock since: setting the system's clock while
/// the node runs moves nothing.
#[derive(Debug)]
pub struct LiveClock {
    started: Timestamp,
    since: Instant,
}

impl LiveClock {
    /// Reads the system's clock once.
    pub fn new() -> Self {
        // A system clock before 1970 counts as 1970: signed records will then be refused as expired.
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Timestamp::default() + started, since: Instant::now() }
    }
}

impl Default for LiveClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for LiveClock {
    fn now(&self) -> Timestamp {
        self.started + self.since.elapsed()
    }

    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}
