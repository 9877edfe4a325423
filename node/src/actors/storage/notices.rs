//! Who is told that a placement became held or is held no more.

use super::{
    actor::Shell,
    changes::Touched,
    messages::{PlacementDropped, PlacementHeld, Subscribe},
};
use crate::{env::Work, limits, types::PlacementId};

/// The subscribers, and how many commits there were since the start.
#[derive(Debug, Default)]
pub(super) struct Notices {
    subscribers: Vec<Subscribe>,
    commits: u64,
}

impl Notices {
    /// Tells everyone what a commit changed.
    pub(super) fn committed(&mut self, touched: &[Touched]) {
        self.commits += 1;
        for Touched { id, was_held, is_held } in touched {
            for subscriber in &self.subscribers {
                match (was_held, is_held) {
                    (false, true) => subscriber.held.do_send(PlacementHeld(*id)),
                    (true, false) => subscriber.dropped.do_send(PlacementDropped(*id)),
                    _ => {}
                }
            }
        }
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits
    }
}

impl Shell {
    /// Adds a subscriber and tells it all that is held. It hears of commits from now on; a page of the
    /// index that was read before a commit is read again, so that what it drops is never told as held.
    pub(super) async fn subscribe(&self, subscriber: Subscribe) {
        let held = subscriber.held.clone();
        self.notices.borrow_mut().subscribers.push(subscriber);
        let mut after: Option<PlacementId> = None;
        loop {
            let commits = self.notices.borrow().commits();
            let page = self
                .job(Work::Read { bytes: 0 }, move |store| {
                    store.look(|index| index.placements_after(after, limits::INDEX_PAGE))
                })
                .await;
            if self.notices.borrow().commits() != commits {
                continue;
            }
            // An index that cannot be read has nothing to tell; whoever uses it next is told why.
            let rows = page.unwrap_or_default();
            let Some(last) = rows.last() else { return };
            after = Some(last.id);
            for row in rows.iter().filter(|row| row.has_shards) {
                held.do_send(PlacementHeld(row.id));
            }
        }
    }
}
