//! The index: which shards, placement records, removals and notes there are. redb tables on the
//! node's own disk, read here and changed by `changes.rs`.

use super::{
    StorageError,
    backend::Backend,
    files::{self, Tag},
    messages::Shelf,
};
use crate::{
    env::{Disk, DiskError, DiskFile},
    limits,
    types::{ContentHash, PlacementId, ShardHash, ShardKey, Timestamp},
};
use bytes::Bytes;
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, TableError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    ops::Bound,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// Placement, segment and slot, big-endian, so that a placement's shards lie together in order.
pub(super) type RawShardKey = [u8; 38];

pub(super) const SHARDS: TableDefinition<&RawShardKey, &[u8]> = TableDefinition::new("shards");
pub(super) const PLACEMENTS: TableDefinition<&[u8; 32], &[u8]> = TableDefinition::new("placements");
/// Removed placements, and when each may be forgotten (nanoseconds since the epoch).
pub(super) const REMOVED: TableDefinition<&[u8; 32], u64> = TableDefinition::new("removed");
pub(super) const NOTES: TableDefinition<(u8, &str), &[u8]> = TableDefinition::new("notes");

/// What the index says of a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ShardEntry {
    pub(super) tag: Tag,
    pub(super) hash: ShardHash,
    pub(super) len: u32,
    /// When it came here, or since when its placement record is wanting.
    pub(super) stored: Timestamp,
}

/// What the index says of a placement record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PlacementEntry {
    pub(super) tag: Tag,
    /// Hash of the file, so that rot in it is noticed.
    pub(super) file_hash: ContentHash,
    pub(super) file_len: u32,
    pub(super) segments: u32,
    /// When the owner signed it: of two records the later one counts.
    pub(super) created: Timestamp,
    /// When it came here.
    pub(super) stored: Timestamp,
}

/// What is stored, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) shards: u64,
    pub(super) shard_bytes: u64,
    /// Placements with at least one shard.
    pub(super) placements: u64,
    pub(super) record_bytes: u64,
}

/// The open index.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) database: Database,
}

impl Index {
    /// Opens the index, and makes it if there is none; redb repairs it if a crash left it half-written.
    ///
    /// # Errors
    /// [`StorageError`] if the disk fails or the file is damaged beyond that.
    pub(super) fn open(disk: &dyn Disk) -> Result<Self, StorageError> {
        match disk.open(files::INDEX, false) {
            Ok(file) => Self::open_file(file, true),
            Err(DiskError::NotFound(_)) => Self::make(disk),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes an empty index under another name first: redb cannot repair what a crash left of a file
    /// that was never whole.
    fn make(disk: &dyn Disk) -> Result<Self, StorageError> {
        let fresh = format!("{}.new", files::INDEX);
        let file = disk.open(&fresh, true)?;
        file.set_len(0)?;
        guarded(|| Self::builder(false).create_with_backend(Backend(file.clone()))?.close())?;
        file.sync()?;
        disk.rename(&fresh, files::INDEX)?;
        files::sync_root(disk)?;
        Self::open_file(disk.open(files::INDEX, false)?, false)
    }

    fn open_file(file: Arc<dyn DiskFile>, check: bool) -> Result<Self, StorageError> {
        let database = guarded(|| Self::builder(check).create_with_backend(Backend(file)))?;
        Ok(Self { database })
    }

    fn builder(check: bool) -> redb::Builder {
        let mut builder = Database::builder();
        builder.set_cache_size(limits::INDEX_CACHE).set_check_integrity_on_open(check);
        builder
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, StorageError> {
        guarded(|| read(&self.database.begin_read()?))
    }

    /// Counts everything; done once when the node starts.
    pub(super) fn totals(&self) -> Result<Totals, StorageError> {
        self.read(|transaction| {
            let mut totals = Totals::default();
            let mut last = None;
            if let Some(shards) = absent(transaction.open_table(SHARDS))? {
                for row in shards.iter()? {
                    let (key, value) = row?;
                    let placement = parse_key(key.value()).placement;
                    totals.placements += u64::from(last.replace(placement) != Some(placement));
                    totals.shards += 1;
                    totals.shard_bytes += u64::from(decode::<ShardEntry>(value.value())?.len);
                }
            }
            if let Some(placements) = absent(transaction.open_table(PLACEMENTS))? {
                for row in placements.iter()? {
                    totals.record_bytes += u64::from(decode::<PlacementEntry>(row?.1.value())?.file_len);
                }
            }
            Ok(totals)
        })
    }

    /// One shard's entry.
    pub(super) fn shard(&self, key: ShardKey) -> Result<Option<ShardEntry>, StorageError> {
        self.read(|transaction| {
            let Some(shards) = absent(transaction.open_table(SHARDS))? else { return Ok(None) };
            shards.get(&raw_key(key))?.map(|value| decode(value.value())).transpose()
        })
    }

    /// At most `limit` shards after `after`, in key order.
    pub(super) fn shards_after(
        &self,
        after: Option<ShardKey>,
        limit: usize,
    ) -> Result<Vec<(ShardKey, ShardEntry)>, StorageError> {
        self.read(|transaction| {
            let Some(shards) = absent(transaction.open_table(SHARDS))? else { return Ok(Vec::new()) };
            let after = after.map(raw_key);
            let start = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
            let range = shards.range::<&RawShardKey>((start, Bound::Unbounded))?;
            range.take(limit).map(|row| shard_row(row?)).collect()
        })
    }

    /// The slots and segments of a placement that are here, segment by segment.
    pub(super) fn held(&self, id: PlacementId) -> Result<Vec<(u32, u16)>, StorageError> {
        self.read(|transaction| {
            let Some(shards) = absent(transaction.open_table(SHARDS))? else { return Ok(Vec::new()) };
            let (first, last) = key_range(id);
            let range = shards.range::<&RawShardKey>(&first..=&last)?;
            range.map(|row| Ok(parse_key(row?.0.value())).map(|key| (key.segment, key.slot))).collect()
        })
    }

    /// Some slot of a placement that is here.
    pub(super) fn held_slot(&self, id: PlacementId) -> Result<Option<u16>, StorageError> {
        self.read(|transaction| {
            let Some(shards) = absent(transaction.open_table(SHARDS))? else { return Ok(None) };
            first_slot(&shards, id)
        })
    }

    /// The entry of a placement record.
    pub(super) fn placement(&self, id: PlacementId) -> Result<Option<PlacementEntry>, StorageError> {
        self.read(|transaction| {
            let Some(placements) = absent(transaction.open_table(PLACEMENTS))? else { return Ok(None) };
            placements.get(id.as_bytes())?.map(|value| decode(value.value())).transpose()
        })
    }

    /// At most `limit` placement records after `after`, in order, and whether a shard of each is here.
    pub(super) fn placements_after(
        &self,
        after: Option<PlacementId>,
        limit: usize,
    ) -> Result<Vec<PlacementRow>, StorageError> {
        self.read(|transaction| {
            let Some(placements) = absent(transaction.open_table(PLACEMENTS))? else { return Ok(Vec::new()) };
            let shards = absent(transaction.open_table(SHARDS))?;
            let after = after.map(|id| *id.as_bytes());
            let start = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
            let mut rows = Vec::new();
            for row in placements.range::<&[u8; 32]>((start, Bound::Unbounded))?.take(limit) {
                let (key, value) = row?;
                let id = PlacementId::from_bytes(*key.value());
                let has_shards = shards.as_ref().map_or(Ok(false), |shards| any_shard(shards, id))?;
                rows.push(PlacementRow { id, entry: decode(value.value())?, has_shards });
            }
            Ok(rows)
        })
    }

    /// True if the owner removed this placement, as long as that is remembered.
    pub(super) fn removed(&self, id: PlacementId) -> Result<bool, StorageError> {
        self.read(|transaction| {
            let Some(removed) = absent(transaction.open_table(REMOVED))? else { return Ok(false) };
            Ok(removed.get(id.as_bytes())?.is_some())
        })
    }

    /// One note.
    pub(super) fn note(&self, shelf: Shelf, key: &str) -> Result<Option<Bytes>, StorageError> {
        self.read(|transaction| {
            let Some(notes) = absent(transaction.open_table(NOTES))? else { return Ok(None) };
            Ok(notes.get((shelf_number(shelf), key))?.map(|value| Bytes::copy_from_slice(value.value())))
        })
    }

    /// All notes of a shelf, in key order.
    pub(super) fn notes(&self, shelf: Shelf) -> Result<Vec<(String, Bytes)>, StorageError> {
        self.read(|transaction| {
            let Some(notes) = absent(transaction.open_table(NOTES))? else { return Ok(Vec::new()) };
            let number = shelf_number(shelf);
            let mut found = Vec::new();
            for row in notes.range((number, "")..(number + 1, ""))? {
                let (key, value) = row?;
                found.push((key.value().1.to_owned(), Bytes::copy_from_slice(value.value())));
            }
            Ok(found)
        })
    }
}

/// One row of [`Index::placements_after`].
#[derive(Clone, Debug)]
pub(super) struct PlacementRow {
    pub(super) id: PlacementId,
    pub(super) entry: PlacementEntry,
    pub(super) has_shards: bool,
}

/// True if `table` has any shard of `id`.
pub(super) fn any_shard(
    table: &impl ReadableTable<&'static RawShardKey, &'static [u8]>,
    id: PlacementId,
) -> Result<bool, redb::Error> {
    first_slot(table, id).map(|slot| slot.is_some())
}

/// The slot of the first shard of `id` in `table`.
pub(super) fn first_slot(
    table: &impl ReadableTable<&'static RawShardKey, &'static [u8]>,
    id: PlacementId,
) -> Result<Option<u16>, redb::Error> {
    let (first, last) = key_range(id);
    let row = table.range::<&RawShardKey>(&first..=&last)?.next().transpose()?;
    Ok(row.map(|(key, _)| parse_key(key.value()).slot))
}

/// Runs redb code. redb may panic on a file that rotted under it: that too becomes an error.
pub(super) fn guarded<T, E: Into<redb::Error>>(
    run: impl FnOnce() -> Result<T, E>,
) -> Result<T, StorageError> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(result) => result.map_err(|error| storage_error(error.into())),
        Err(_) => Err(StorageError::Index(format!("{} is damaged", files::INDEX))),
    }
}

fn storage_error(error: redb::Error) -> StorageError {
    match error {
        redb::Error::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => {
            StorageError::Disk(DiskError::Full(files::INDEX.into()))
        }
        other => StorageError::Index(other.to_string()),
    }
}

/// A table that was never written is as good as an empty one.
fn absent<T>(table: Result<T, TableError>) -> Result<Option<T>, redb::Error> {
    match table {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Encodes an entry. The data directory's format version covers its layout.
pub(super) fn encode(entry: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(entry).expect("in-memory records always encode")
}

/// Decodes an entry.
///
/// # Errors
/// [`redb::Error::Corrupted`] if it is not one.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, redb::Error> {
    postcard::from_bytes(bytes).map_err(|error| redb::Error::Corrupted(format!("index entry: {error}")))
}

/// A shard's key as the index orders it.
pub(super) fn raw_key(key: ShardKey) -> RawShardKey {
    let mut raw = [0; 38];
    raw[..32].copy_from_slice(key.placement.as_bytes());
    raw[32..36].copy_from_slice(&key.segment.to_be_bytes());
    raw[36..].copy_from_slice(&key.slot.to_be_bytes());
    raw
}

fn parse_key(raw: &RawShardKey) -> ShardKey {
    let (placement, rest) = raw.split_first_chunk::<32>().expect("38 bytes hold 32");
    let (segment, slot) = rest.split_first_chunk::<4>().expect("the 6 left hold 4");
    ShardKey {
        placement: PlacementId::from_bytes(*placement),
        segment: u32::from_be_bytes(*segment),
        slot: u16::from_be_bytes(slot.try_into().expect("2 bytes are left")),
    }
}

/// The first and the last key that a shard of `id` can have.
pub(super) fn key_range(placement: PlacementId) -> (RawShardKey, RawShardKey) {
    let key = |segment, slot| raw_key(ShardKey { placement, segment, slot });
    (key(0, 0), key(u32::MAX, u16::MAX))
}

/// Decodes one row of the shard table.
pub(super) fn shard_row(
    (key, value): (redb::AccessGuard<'_, &'static RawShardKey>, redb::AccessGuard<'_, &'static [u8]>),
) -> Result<(ShardKey, ShardEntry), redb::Error> {
    Ok((parse_key(key.value()), decode(value.value())?))
}

/// A shelf's number in the index.
pub(super) fn shelf_number(shelf: Shelf) -> u8 {
    match shelf {
        Shelf::Catalogue => 0,
        Shelf::Journal => 1,
        Shelf::Watch => 2,
        Shelf::Sending => 3,
        Shelf::Sent => 4,
        Shelf::Roots => 5,
        Shelf::Signing => 6,
        Shelf::Access => 7,
        Shelf::Pledges => 8,
        Shelf::Agreements => 9,
        Shelf::Market => 10,
        Shelf::Tabs => 11,
        Shelf::Channels => 12,
    }
}
