//! What falls due when, placement by placement, with one timer for all of it and none while there
//! is nothing to wait for.

use crate::{
    env::Clock,
    types::{PlacementId, Timestamp},
};
use futures::{FutureExt, future::select};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};
use tokio::sync::Notify;

/// An agenda.
#[derive(Default)]
pub(crate) struct Agenda {
    entries: RefCell<Entries>,
    earlier: Notify,
}

#[derive(Default)]
struct Entries {
    due: BTreeMap<PlacementId, Timestamp>,
    queue: BTreeSet<(Timestamp, PlacementId)>,
}

impl Entries {
    fn remove(&mut self, id: PlacementId) -> bool {
        let Some(at) = self.due.remove(&id) else { return false };
        self.queue.remove(&(at, id))
    }
}

impl Agenda {
    /// `id` falls due at `at`, and no more when it would have before; true if it was on the agenda.
    pub(crate) fn schedule(&self, id: PlacementId, at: Timestamp) -> bool {
        let mut entries = self.entries.borrow_mut();
        let first = entries.queue.first().map(|entry| entry.0);
        let known = entries.remove(id);
        entries.due.insert(id, at);
        entries.queue.insert((at, id));
        if first.is_none_or(|first| at < first) {
            self.earlier.notify_one();
        }
        known
    }

    /// Strikes `id` off.
    pub(crate) fn cancel(&self, id: PlacementId) {
        self.entries.borrow_mut().remove(id);
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.borrow().due.len()
    }

    /// Waits until something falls due, and takes it off.
    pub(crate) async fn next(&self, clock: &dyn Clock) -> PlacementId {
        loop {
            let first = self.entries.borrow().queue.first().copied();
            match first {
                None => self.earlier.notified().await,
                Some((at, id)) if at <= clock.now() => {
                    self.entries.borrow_mut().remove(id);
                    return id;
                }
                Some((at, _)) => {
                    let wait = clock.sleep(at.since(clock.now()));
                    select(wait, self.earlier.notified().boxed_local()).await;
                }
            }
        }
    }
}
