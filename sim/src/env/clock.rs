//! Virtual time.
//!
//! Timers live in a queue of our own, and one driver task asks madsim for the earliest of them.
//! madsim's own `Sleep` cannot be cancelled (a request's time-out that never fires would stay in its
//! heap until then), adds a timer at every poll, and never sleeps less than a millisecond.

use futures::future::LocalBoxFuture;
use holdfast::{env::Clock, types::Timestamp};
use madsim::time::TimeHandle;
use std::{
    collections::BTreeMap,
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
    time::Duration,
};

/// Every run starts at 2026-01-01T00:00:00Z, in nanoseconds since the Unix epoch.
pub const START: Timestamp = Timestamp(1_767_225_600_000_000_000);

/// The run's clock and its timers.
#[derive(Clone)]
pub struct Time(Arc<Shared>);

struct Shared {
    handle: TimeHandle,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    /// Who waits, by deadline and order of arrival.
    sleepers: BTreeMap<(u64, u64), Waker>,
    arrivals: u64,
    alarm: Alarm,
}

impl Time {
    /// The clock of the current madsim runtime.
    pub fn current() -> Self {
        Self(Arc::new(Shared { handle: TimeHandle::current(), queue: Mutex::default() }))
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        START + self.0.handle.elapsed()
    }

    /// Completes at `deadline`, at once if it has passed. Dropping it forgets the timer.
    pub fn sleep_until(&self, deadline: Timestamp) -> Sleep {
        Sleep { time: self.clone(), deadline, arrival: None }
    }

    /// Completes after `duration`.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        self.sleep_until(self.now() + duration)
    }

    /// Wakes who is due, for as long as it is polled: the task that makes this clock go.
    pub async fn drive(self) {
        let mut due = Vec::new();
        poll_fn(move |cx| {
            let now = self.now();
            let mut queue = self.lock();
            while let Some(entry) = queue.sleepers.first_entry() {
                if entry.key().0 > now.0 {
                    break;
                }
                due.push(entry.remove());
            }
            let next = queue.sleepers.first_key_value().map(|(key, _)| Timestamp(key.0));
            queue.alarm.reset(&self, cx.waker(), next);
            drop(queue);
            due.drain(..).for_each(Waker::wake);
            Poll::<()>::Pending
        })
        .await;
    }

    /// Forgets all who wait: the world ends, and tasks that wait for ever would never be freed.
    pub fn end(&self) {
        let sleepers = std::mem::take(&mut self.lock().sleepers);
        drop(sleepers);
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().expect("nothing panics while it holds the timer queue")
    }
}

/// A wait for a moment of virtual time.
pub struct Sleep {
    time: Time,
    deadline: Timestamp,
    /// Our place in the queue once we are in it.
    arrival: Option<u64>,
}

impl Sleep {
    fn forget(&mut self) {
        if let Some(arrival) = self.arrival.take() {
            self.time.lock().sleepers.remove(&(self.deadline.0, arrival));
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.time.now() >= self.deadline {
            self.forget();
            return Poll::Ready(());
        }
        let (time, deadline) = (self.time.clone(), self.deadline);
        let mut queue = time.lock();
        let arrival = *self.arrival.get_or_insert_with(|| {
            queue.arrivals += 1;
            queue.arrivals
        });
        match queue.sleepers.get_mut(&(deadline.0, arrival)) {
            Some(waker) => waker.clone_from(cx.waker()),
            None => {
                queue.sleepers.insert((deadline.0, arrival), cx.waker().clone());
                queue.alarm.advance(&time, deadline);
            }
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.forget();
    }
}

/// Wakes a driver task at the earliest moment it was asked for.
#[derive(Default)]
pub struct Alarm {
    driver: Option<Waker>,
    set: Option<Timestamp>,
}

impl Alarm {
    /// Called by the driver when it runs: it wants to run again at `next`.
    pub fn reset(&mut self, time: &Time, driver: &Waker, next: Option<Timestamp>) {
        self.driver = Some(driver.clone());
        if self.set.is_some_and(|set| set <= time.now()) {
            self.set = None;
        }
        if let Some(next) = next {
            self.advance(time, next);
        }
    }

    /// Makes the driver run at `at`, if it would otherwise run later.
    pub fn advance(&mut self, time: &Time, at: Timestamp) {
        let Some(driver) = &self.driver else { return };
        if self.set.is_some_and(|set| set <= at) {
            return;
        }
        self.set = Some(at);
        let handle = &time.0.handle;
        let mut sleep = handle.sleep(Duration::ZERO);
        // `sleep` would round up to a millisecond; a deadline that is set later stays exact.
        Pin::new(&mut sleep).reset(handle.now_instant() + at.since(time.now()));
        if Pin::new(&mut sleep).poll(&mut Context::from_waker(driver)).is_ready() {
            driver.wake_by_ref();
        }
    }
}

/// The Clock capability.
pub struct SimClock(pub Time);

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        Box::pin(self.0.sleep(duration))
    }
}
