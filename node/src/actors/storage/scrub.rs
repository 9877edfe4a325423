//! Looking after what is stored: reads every shard back, drops the damaged, deletes what nobody came
//! for and the files that no entry names. One shard in memory at a time; others write meanwhile.

use super::{
    StorageError,
    actor::Shell,
    changes::{Change, Outcome},
    files::{self, Tag},
    index::{PlacementRow, ShardEntry},
    messages::ScrubReport,
    store::{ShardRead, Store},
};
use crate::{
    env::Work,
    limits,
    types::{PlacementId, ShardKey, Timestamp},
};
use futures::future::LocalBoxFuture;
use rand::RngExt as _;
use std::{
    rc::{Rc, Weak},
    time::Duration,
};

/// Scrubs at intervals of `mean`, half as long to half as long again so that nodes which started
/// together do not read together, until the actor is gone.
pub(super) async fn scrub_for_ever(shell: Weak<Shell>, mean: Duration) {
    loop {
        let Some(wait) = shell.upgrade().map(|shell| shell.next_scrub(mean)) else { return };
        wait.await;
        let Some(shell) = shell.upgrade() else { return };
        match shell.scrub().await {
            Ok(report) => tracing::debug!(?report, "scrubbed"),
            Err(error) => tracing::warn!(%error, "scrub failed; it is repeated when it falls due"),
        }
    }
}

impl Shell {
    fn next_scrub(&self, mean: Duration) -> LocalBoxFuture<'static, ()> {
        let factor = self.random.borrow_mut().random_range(0.5..1.5);
        self.common.clock.sleep(mean.mul_f64(factor))
    }

    /// Reads every shard back. A second scrub waits for the first to end.
    ///
    /// # Errors
    /// [`StorageError`] if the disk or the index fails.
    pub(super) async fn scrub(self: &Rc<Self>) -> Result<ScrubReport, StorageError> {
        let _one_at_a_time = self.scrubbing.lock().await;
        let mut report = ScrubReport::default();
        self.scrub_placements().await?;
        self.scrub_shards(&mut report).await?;
        self.scrub_files(&mut report).await?;
        self.commit(Change::ForgetRemovals { now: self.common.clock.now() }).await?;
        Ok(report)
    }

    /// Forgets records whose file is damaged, and those for which no shard came.
    async fn scrub_placements(self: &Rc<Self>) -> Result<(), StorageError> {
        let mut after = None;
        loop {
            let page =
                move |store: &Store| store.look(|index| index.placements_after(after, limits::INDEX_PAGE));
            let rows = self.job(Work::Read { bytes: 0 }, page).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = Some(last.id);
            for PlacementRow { id, entry, has_shards } in rows {
                let now = self.common.clock.now();
                let tag = entry.tag;
                if !has_shards && is_over(entry.stored, now) {
                    self.commit(Change::DropPlacement { id, tag }).await?;
                    continue;
                }
                let work = Work::Read { bytes: u64::from(entry.file_len) };
                if self.job(work, move |store| store.record_is_damaged(id, &entry)).await? {
                    self.commit(Change::ForgetPlacement { id, tag, now }).await?;
                }
            }
        }
    }

    async fn scrub_shards(self: &Rc<Self>, report: &mut ScrubReport) -> Result<(), StorageError> {
        let mut after = None;
        loop {
            let page = move |store: &Store| store.look(|index| index.shards_after(after, limits::INDEX_PAGE));
            let rows = self.job(Work::Read { bytes: 0 }, page).await?;
            let Some((last, _)) = rows.last() else { return Ok(()) };
            after = Some(*last);
            for (key, entry) in rows {
                self.scrub_shard(key, entry, report).await?;
            }
        }
    }

    async fn scrub_shard(
        self: &Rc<Self>,
        key: ShardKey,
        entry: ShardEntry,
        report: &mut ScrubReport,
    ) -> Result<(), StorageError> {
        if is_over(entry.stored, self.common.clock.now()) {
            // The commit sees whether the placement record is here; only then is nobody to come.
            let unclaimed = Change::DropUnclaimed { key, tag: entry.tag };
            if self.is_staged(key.placement).await? && self.commit(unclaimed).await? == Outcome::Applied {
                report.expired += 1;
                return Ok(());
            }
        }
        let work = Work::Read { bytes: u64::from(entry.len) };
        match self.job(work, move |store| store.read_shard(key, &entry).map(ShardRead::without_bytes)).await {
            Ok(ShardRead::Whole(_)) => report.checked += 1,
            Ok(ShardRead::Damaged(tag)) => {
                report.checked += 1;
                report.damaged += u64::from(self.drop_damaged(key, tag).await?);
            }
            Ok(ShardRead::Absent) => {}
            Err(_) => report.unreadable += 1,
        }
        Ok(())
    }

    async fn is_staged(&self, id: PlacementId) -> Result<bool, StorageError> {
        let look = move |store: &Store| store.look(|index| index.placement(id));
        Ok(self.job(Work::Read { bytes: 0 }, look).await?.is_none())
    }

    /// Deletes files that no entry names. First they are listed, then those under way are left out,
    /// then the index is asked: a file that was under way when listed is committed by then, or garbage.
    async fn scrub_files(self: &Rc<Self>, report: &mut ScrubReport) -> Result<(), StorageError> {
        for dir in self.job(Work::Read { bytes: 0 }, |store| store.disk().list(files::SHARDS)).await? {
            let Some(id) = files::parse_shard_dir(&dir) else { continue };
            let list = move |store: &Store| store.disk().list(&files::shard_dir(id));
            let names = self.job(Work::Read { bytes: 0 }, list).await?;
            let mut found: Vec<(ShardKey, Tag)> =
                names.iter().filter_map(|name| files::parse_shard_name(id, name)).collect();
            found.retain(|(_, tag)| !self.state.borrow().is_writing(*tag));
            let delete = move |store: &Store| store.delete_orphan_shards(id, &found);
            report.orphans += self.job(Work::Read { bytes: 0 }, delete).await?;
        }
        let names = self.job(Work::Read { bytes: 0 }, |store| store.disk().list(files::PLACEMENTS)).await?;
        let mut found: Vec<(PlacementId, Tag)> =
            names.iter().filter_map(|name| files::parse_placement_name(name)).collect();
        found.retain(|(_, tag)| !self.state.borrow().is_writing(*tag));
        let delete = move |store: &Store| store.delete_orphan_records(&found);
        report.orphans += self.job(Work::Read { bytes: 0 }, delete).await?;
        report.orphans += self.job(Work::Read { bytes: 0 }, Store::delete_orphan_trees).await?;
        Ok(())
    }
}

impl ShardRead {
    /// Lets the bytes go where they were read.
    fn without_bytes(self) -> Self {
        match self {
            Self::Whole(_) => Self::Whole(bytes::Bytes::new()),
            other => other,
        }
    }
}

impl Store {
    fn record_is_damaged(
        &self,
        id: PlacementId,
        entry: &super::index::PlacementEntry,
    ) -> Result<bool, StorageError> {
        let path = files::placement_path(id, entry.tag);
        let bytes = files::read_exact(self.disk(), &path, entry.file_len as usize)?;
        Ok(bytes.is_none_or(|bytes| crate::types::ContentHash::of(&bytes) != entry.file_hash))
    }

    fn delete_orphan_shards(&self, id: PlacementId, found: &[(ShardKey, Tag)]) -> Result<u64, StorageError> {
        let mut orphans = 0;
        for &(key, tag) in found {
            if self.look(|index| index.shard(key))?.is_none_or(|entry| entry.tag != tag) {
                self.delete(&[files::shard_path(key, tag)]);
                orphans += 1;
            }
        }
        // A folder that is not empty stays.
        self.delete(&[files::shard_dir(id)]);
        Ok(orphans)
    }

    fn delete_orphan_records(&self, found: &[(PlacementId, Tag)]) -> Result<u64, StorageError> {
        let mut orphans = 0;
        for &(id, tag) in found {
            if self.look(|index| index.placement(id))?.is_none_or(|entry| entry.tag != tag) {
                self.delete(&[files::placement_path(id, tag)]);
                orphans += 1;
            }
        }
        Ok(orphans)
    }
}

/// True if what came at `stored` was waited for long enough.
fn is_over(stored: Timestamp, now: Timestamp) -> bool {
    now.since(stored) > limits::STAGED_TTL
}
