//! What may be changed in the index, a batch at a time, in one transaction. Here and nowhere else it
//! is decided whether a change still holds: commits are the one place where everything is in order.

use super::{
    StorageError,
    files::{self, Tag},
    index::{
        self, Index, NOTES, PLACEMENTS, PlacementEntry, REMOVED, RawShardKey, SHARDS, ShardEntry, Totals,
        guarded,
    },
    messages::Shelf,
    roots,
};
use crate::{
    events::Event,
    limits,
    types::{PlacementId, PlacementRecord, ShardKey, Timestamp},
};
use bytes::Bytes;
use redb::{ReadableTable, Table, WriteTransaction};
use std::{collections::BTreeMap, sync::Arc};

/// One change, asked for after its file is durable.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// A shard's file is written. `checked` says that the placement record was known then and agrees.
    PutShard { key: ShardKey, entry: ShardEntry, checked: bool },
    /// The shard in the file `tag` is damaged.
    DropDamaged { key: ShardKey, tag: Tag },
    /// Nobody came for the shard in the file `tag`.
    DropUnclaimed { key: ShardKey, tag: Tag },
    /// A placement record's file is written.
    PutPlacement { id: PlacementId, entry: PlacementEntry, record: Arc<PlacementRecord> },
    /// The record in the file `tag` is damaged: its shards wait for it to come again from `now` on.
    ForgetPlacement { id: PlacementId, tag: Tag, now: Timestamp },
    /// No shard came for the record in the file `tag`.
    DropPlacement { id: PlacementId, tag: Tag },
    /// The owner removed a placement.
    Remove { id: PlacementId, now: Timestamp },
    /// Old removals may be forgotten.
    ForgetRemovals { now: Timestamp },
    /// An owner signed the roots of a placement's slots at this time.
    PutRoots { id: PlacementId, signed: Timestamp, bytes: Bytes },
    /// A note is to be written or deleted.
    Note { shelf: Shelf, key: String, value: Option<Bytes> },
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is done.
    Applied,
    /// The same is there already, or what was to be dropped is gone.
    Unneeded,
    /// Another shard is held under this key.
    Conflict,
    /// Another slot of this placement is held here, and its record says what that means.
    SecondSlot(u16),
    /// The placement record came meanwhile: the shard must be checked against it.
    RecordCame,
    /// The owner removed this placement.
    Removed,
}

/// What a commit did.
#[derive(Debug, Default)]
pub(super) struct Committed {
    /// One for each change, in order.
    pub(super) outcomes: Vec<Outcome>,
    /// What is stored now.
    pub(super) totals: Totals,
    /// What happened to shards, to be recorded. The commit tells it rather than who asked for the
    /// change: an asker may have gone before the commit ended.
    pub(super) events: Vec<Event>,
    /// Files that no entry names any more.
    pub(super) garbage: Vec<String>,
    /// Every placement that was touched.
    pub(super) touched: Vec<Touched>,
}

/// A placement before and after a commit. It is held if its record and a shard are here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Touched {
    pub(super) id: PlacementId,
    pub(super) was_held: bool,
    pub(super) is_held: bool,
}

#[derive(Clone, Copy, Default)]
struct Presence {
    record: bool,
    shards: bool,
}

impl Index {
    /// Applies all changes in one durable transaction.
    ///
    /// # Errors
    /// [`StorageError`] if it could not be committed; it is then unknown whether it was.
    pub(super) fn commit(&self, changes: &[Change], totals: Totals) -> Result<Committed, StorageError> {
        guarded(|| -> Result<Committed, redb::Error> {
            let transaction = self.database.begin_write()?;
            let committed = Batch::open(&transaction, totals)?.apply_all(changes)?;
            transaction.commit()?;
            Ok(committed)
        })
    }
}

struct Batch<'t> {
    shards: Table<'t, &'static RawShardKey, &'static [u8]>,
    placements: Table<'t, &'static [u8; 32], &'static [u8]>,
    removed: Table<'t, &'static [u8; 32], u64>,
    notes: Table<'t, (u8, &'static str), &'static [u8]>,
    before: BTreeMap<PlacementId, Presence>,
    done: Committed,
}

impl<'t> Batch<'t> {
    fn open(transaction: &'t WriteTransaction, totals: Totals) -> Result<Self, redb::Error> {
        Ok(Self {
            shards: transaction.open_table(SHARDS)?,
            placements: transaction.open_table(PLACEMENTS)?,
            removed: transaction.open_table(REMOVED)?,
            notes: transaction.open_table(NOTES)?,
            before: BTreeMap::new(),
            done: Committed { totals, ..Committed::default() },
        })
    }

    fn apply_all(mut self, changes: &[Change]) -> Result<Committed, redb::Error> {
        for change in changes {
            let outcome = self.apply(change)?;
            self.done.outcomes.push(outcome);
        }
        for (id, was) in std::mem::take(&mut self.before) {
            let is = self.presence(id)?;
            let placements = &mut self.done.totals.placements;
            *placements = *placements + u64::from(is.shards) - u64::from(was.shards);
            let (was_held, is_held) = (was.record && was.shards, is.record && is.shards);
            self.done.touched.push(Touched { id, was_held, is_held });
        }
        Ok(self.done)
    }

    fn apply(&mut self, change: &Change) -> Result<Outcome, redb::Error> {
        match change {
            Change::PutShard { key, entry, checked } => self.put_shard(*key, entry, *checked),
            Change::DropDamaged { key, tag } => {
                if !self.take_shard(*key, *tag)? {
                    return Ok(Outcome::Unneeded);
                }
                self.done.events.push(Event::ShardDamaged { key: *key });
                Ok(Outcome::Applied)
            }
            Change::DropUnclaimed { key, tag } => self.drop_unclaimed(*key, *tag),
            Change::PutPlacement { id, entry, record } => self.put_placement(*id, entry, record),
            Change::ForgetPlacement { id, tag, now } => self.forget_placement(*id, *tag, *now),
            Change::DropPlacement { id, tag } => self.drop_placement(*id, *tag),
            Change::Remove { id, now } => self.remove(*id, *now),
            Change::ForgetRemovals { now } => self.forget_removals(*now),
            Change::PutRoots { id, signed, bytes } => self.put_roots(*id, *signed, bytes),
            Change::Note { shelf, key, value } => self.note(*shelf, key, value.as_ref()),
        }
    }

    fn presence(&self, id: PlacementId) -> Result<Presence, redb::Error> {
        let record = self.placements.get(id.as_bytes())?.is_some();
        Ok(Presence { record, shards: index::any_shard(&self.shards, id)? })
    }

    fn touch(&mut self, id: PlacementId) -> Result<(), redb::Error> {
        if !self.before.contains_key(&id) {
            let presence = self.presence(id)?;
            self.before.insert(id, presence);
        }
        Ok(())
    }

    fn shard(&self, key: ShardKey) -> Result<Option<ShardEntry>, redb::Error> {
        self.shards.get(&index::raw_key(key))?.map(|value| index::decode(value.value())).transpose()
    }

    fn placement(&self, id: PlacementId) -> Result<Option<PlacementEntry>, redb::Error> {
        self.placements.get(id.as_bytes())?.map(|value| index::decode(value.value())).transpose()
    }

    fn shards_of(&self, id: PlacementId) -> Result<Vec<(ShardKey, ShardEntry)>, redb::Error> {
        let (first, last) = index::key_range(id);
        self.shards.range::<&RawShardKey>(&first..=&last)?.map(|row| index::shard_row(row?)).collect()
    }

    fn put_shard(
        &mut self,
        key: ShardKey,
        entry: &ShardEntry,
        checked: bool,
    ) -> Result<Outcome, redb::Error> {
        let outcome = if self.removed.get(key.placement.as_bytes())?.is_some() {
            Outcome::Removed
        } else if !checked && self.placements.get(key.placement.as_bytes())?.is_some() {
            Outcome::RecordCame
        } else {
            match self.shard(key)? {
                Some(held) if held.hash == entry.hash => Outcome::Unneeded,
                Some(_) => Outcome::Conflict,
                None => match index::first_slot(&self.shards, key.placement)? {
                    Some(held) if checked && held != key.slot => Outcome::SecondSlot(held),
                    _ => Outcome::Applied,
                },
            }
        };
        if outcome == Outcome::Applied {
            self.touch(key.placement)?;
            self.shards.insert(&index::raw_key(key), index::encode(entry).as_slice())?;
            self.done.totals.shards += 1;
            self.done.totals.shard_bytes += u64::from(entry.len);
            self.done.events.push(Event::ShardStored { key, hash: entry.hash, len: entry.len });
        } else if outcome != Outcome::RecordCame {
            // A shard whose record came is checked, and its file written, once more.
            self.done.garbage.push(files::shard_path(key, entry.tag));
        }
        Ok(outcome)
    }

    /// Deletes a shard's entry if it still names the file `tag`; true if it did.
    fn take_shard(&mut self, key: ShardKey, tag: Tag) -> Result<bool, redb::Error> {
        let Some(entry) = self.shard(key)?.filter(|entry| entry.tag == tag) else { return Ok(false) };
        self.touch(key.placement)?;
        self.shards.remove(&index::raw_key(key))?;
        self.done.totals.shards -= 1;
        self.done.totals.shard_bytes -= u64::from(entry.len);
        self.done.garbage.push(files::shard_path(key, tag));
        Ok(true)
    }

    fn drop_unclaimed(&mut self, key: ShardKey, tag: Tag) -> Result<Outcome, redb::Error> {
        let claimed = self.placements.get(key.placement.as_bytes())?.is_some();
        if claimed || !self.take_shard(key, tag)? {
            return Ok(Outcome::Unneeded);
        }
        self.done.events.push(Event::ShardDropped { key });
        Ok(Outcome::Applied)
    }

    fn put_placement(
        &mut self,
        id: PlacementId,
        entry: &PlacementEntry,
        record: &PlacementRecord,
    ) -> Result<Outcome, redb::Error> {
        let removed = self.removed.get(id.as_bytes())?.is_some();
        let known = self.placement(id)?;
        let newest = known.as_ref().is_none_or(|known| known.created < entry.created);
        if removed || !newest {
            self.done.garbage.push(files::placement_path(id, entry.tag));
            return Ok(if removed { Outcome::Removed } else { Outcome::Unneeded });
        }
        self.touch(id)?;
        if let Some(known) = known {
            self.done.garbage.push(files::placement_path(id, known.tag));
            self.done.totals.record_bytes -= u64::from(known.file_len);
        }
        self.placements.insert(id.as_bytes(), index::encode(entry).as_slice())?;
        self.done.totals.record_bytes += u64::from(entry.file_len);
        let access = record.access.map(|access| Bytes::from(access.to_bytes()));
        self.note(Shelf::Access, &id.to_string(), access.as_ref())?;
        for (key, held) in self.shards_of(id)? {
            if record.shard_hash(key.segment, key.slot) != Some(held.hash)
                && self.take_shard(key, held.tag)?
            {
                self.done.events.push(Event::ShardDropped { key });
            }
        }
        Ok(Outcome::Applied)
    }

    fn take_placement(&mut self, id: PlacementId, entry: &PlacementEntry) -> Result<(), redb::Error> {
        self.touch(id)?;
        self.placements.remove(id.as_bytes())?;
        self.done.totals.record_bytes -= u64::from(entry.file_len);
        self.done.garbage.push(files::placement_path(id, entry.tag));
        for shelf in [Shelf::Roots, Shelf::Access] {
            self.note(shelf, &id.to_string(), None)?;
        }
        Ok(())
    }

    fn put_roots(
        &mut self,
        id: PlacementId,
        signed: Timestamp,
        bytes: &Bytes,
    ) -> Result<Outcome, redb::Error> {
        if self.placement(id)?.is_none() {
            return Ok(Outcome::Removed);
        }
        let key = id.to_string();
        let known = self.notes.get((index::shelf_number(Shelf::Roots), key.as_str()))?;
        if known.is_some_and(|known| roots::signed_at(known.value()) >= Some(signed)) {
            return Ok(Outcome::Unneeded);
        }
        self.note(Shelf::Roots, &key, Some(bytes))
    }

    fn forget_placement(
        &mut self,
        id: PlacementId,
        tag: Tag,
        now: Timestamp,
    ) -> Result<Outcome, redb::Error> {
        let Some(entry) = self.placement(id)?.filter(|entry| entry.tag == tag) else {
            return Ok(Outcome::Unneeded);
        };
        self.take_placement(id, &entry)?;
        for (key, mut held) in self.shards_of(id)? {
            held.stored = now;
            self.shards.insert(&index::raw_key(key), index::encode(&held).as_slice())?;
        }
        Ok(Outcome::Applied)
    }

    fn drop_placement(&mut self, id: PlacementId, tag: Tag) -> Result<Outcome, redb::Error> {
        let entry = self.placement(id)?.filter(|entry| entry.tag == tag);
        match entry {
            Some(entry) if !index::any_shard(&self.shards, id)? => {
                self.take_placement(id, &entry)?;
                Ok(Outcome::Applied)
            }
            _ => Ok(Outcome::Unneeded),
        }
    }

    fn remove(&mut self, id: PlacementId, now: Timestamp) -> Result<Outcome, redb::Error> {
        for (key, held) in self.shards_of(id)? {
            if self.take_shard(key, held.tag)? {
                self.done.events.push(Event::ShardDropped { key });
            }
        }
        if let Some(entry) = self.placement(id)? {
            self.take_placement(id, &entry)?;
        }
        self.removed.insert(id.as_bytes(), (now + limits::REMOVAL_TTL).0)?;
        Ok(Outcome::Applied)
    }

    /// Forgets removals whose time is over, and the oldest of them if there are too many.
    fn forget_removals(&mut self, now: Timestamp) -> Result<Outcome, redb::Error> {
        let mut until = Vec::new();
        for row in self.removed.iter()? {
            let (id, time) = row?;
            until.push((Timestamp(time.value()), *id.value()));
        }
        until.sort_unstable();
        let over = until.iter().take_while(|(time, _)| *time <= now).count();
        let forget = over.max(until.len().saturating_sub(limits::MAX_REMOVALS));
        for (_, id) in &until[..forget] {
            self.removed.remove(id)?;
        }
        Ok(Outcome::Applied)
    }

    fn note(&mut self, shelf: Shelf, key: &str, value: Option<&Bytes>) -> Result<Outcome, redb::Error> {
        let key = (index::shelf_number(shelf), key);
        match value {
            Some(value) => self.notes.insert(key, &value[..])?.is_some(),
            None => self.notes.remove(key)?.is_some(),
        };
        Ok(Outcome::Applied)
    }
}
