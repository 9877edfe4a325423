//! What runs as blocking work: files and index together. Every method may take as long as the disk
//! does; none is called on the node's own thread.

use super::{
    StorageError,
    changes::{Change, Committed},
    files::{self, Tag},
    holdings::held_slots,
    index::{Index, PlacementEntry, ShardEntry, Totals},
    state::Recent,
};
use crate::{
    env::{Disk, DiskError},
    limits,
    settings::Settings,
    types::{
        ContentHash, Identity, PlacementId, PlacementRecord, ProviderRecord, Receipt, Refusal, ShardHash,
        ShardKey, Signed, Timestamp, decode_versioned, encode_versioned,
    },
};
use bytes::Bytes;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

/// Version of a placement record's file: the signed record behind one version byte.
const RECORD_FILE_VERSION: u8 = 1;
/// Most bytes of that file: the record, its signature and their lengths.
const RECORD_FILE_LIMIT: usize = limits::MAX_PLACEMENT_RECORD + limits::MAX_SMALL_RECORD;

/// The index, opened when something is first stored: an idle node costs nothing.
#[derive(Debug)]
enum Slot {
    /// There is no index file yet.
    Absent,
    /// A commit failed, and redb works no more until it is opened again.
    Closed,
    /// In use.
    Open(Index),
}

type RecordCache = Recent<(PlacementId, Tag), Arc<PlacementRecord>>;

/// The node's files and their index.
#[derive(Debug)]
pub(super) struct Store {
    disk: Arc<dyn Disk>,
    identity: Identity,
    operator: String,
    region: String,
    index: RwLock<Slot>,
    records: Mutex<RecordCache>,
}

/// A shard that is to be written.
#[derive(Debug)]
pub(super) struct ShardWrite {
    pub(super) key: ShardKey,
    pub(super) hash: ShardHash,
    pub(super) body: Bytes,
    pub(super) tag: Tag,
    /// False if there is no room: then it is only looked up.
    pub(super) may_write: bool,
    pub(super) now: Timestamp,
}

/// What became of a [`ShardWrite`]. The receipt may leave only once the shard is committed.
#[derive(Debug)]
pub(super) enum Written {
    /// It was here already.
    Held(Signed<Receipt>),
    /// Its file is durable; its name and its entry are not yet.
    File { receipt: Signed<Receipt>, change: Change },
}

/// What reading a shard found.
#[derive(Debug)]
pub(super) enum ShardRead {
    /// Its bytes, whole.
    Whole(Bytes),
    /// It was dropped meanwhile.
    Absent,
    /// The file of this tag no longer holds it.
    Damaged(Tag),
}

impl Store {
    /// Opens a data directory and recovers it from whatever happened to it.
    ///
    /// # Errors
    /// [`StorageError`] if it cannot be used.
    pub(super) fn open(
        disk: Arc<dyn Disk>,
        identity: Identity,
        settings: &Settings,
    ) -> Result<(Self, Totals), StorageError> {
        files::check_format(&*disk)?;
        let (slot, totals) = match disk.open(files::INDEX, false) {
            Err(DiskError::NotFound(_)) => (Slot::Absent, Totals::default()),
            Err(error) => return Err(error.into()),
            Ok(file) => {
                drop(file);
                let index = Index::open(&*disk)?;
                let totals = index.totals()?;
                (Slot::Open(index), totals)
            }
        };
        let store = Self {
            disk,
            identity,
            operator: settings.operator.clone(),
            region: settings.region.clone(),
            index: RwLock::new(slot),
            records: Mutex::default(),
        };
        Ok((store, totals))
    }

    /// Reads from the index; without one there is nothing.
    pub(super) fn look<T: Default>(
        &self,
        look: impl FnOnce(&Index) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        match &*self.index.read().unwrap_or_else(PoisonError::into_inner) {
            Slot::Open(index) => return look(index),
            Slot::Absent => return Ok(T::default()),
            Slot::Closed => {}
        }
        self.open_index()?;
        match &*self.index.read().unwrap_or_else(PoisonError::into_inner) {
            Slot::Open(index) => look(index),
            _ => Err(StorageError::Index("it could not be opened again".into())),
        }
    }

    fn open_index(&self) -> Result<(), StorageError> {
        let mut slot = self.index.write().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*slot, Slot::Open(_)) {
            *slot = Slot::Open(Index::open(&*self.disk)?);
        }
        Ok(())
    }

    /// Makes the names of written files durable, then commits `changes` to the index.
    ///
    /// # Errors
    /// [`StorageError`] if that failed. No file is removed then: the commit may have reached the disk
    /// all the same. The index is opened anew at its next use.
    pub(super) fn commit(&self, changes: &[Change], totals: Totals) -> Result<Committed, StorageError> {
        let dirs: BTreeSet<String> = changes.iter().filter_map(written_dir).collect();
        for dir in dirs {
            self.disk.sync_dir(&dir)?;
        }
        self.open_index()?;
        let committed = self.look(|index| index.commit(changes, totals).map(Some));
        if committed.is_err() {
            *self.index.write().unwrap_or_else(PoisonError::into_inner) = Slot::Closed;
        }
        committed.map(|committed| committed.expect("the index was just opened"))
    }

    /// Removes files that no entry names; what cannot be removed now is left to a scrub.
    pub(super) fn delete(&self, paths: &[String]) {
        for path in paths {
            let _ = self.disk.remove(path);
        }
    }

    /// The disk itself, for a scrub.
    pub(super) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    /// Bytes that the disk can take, less the index's reserve.
    pub(super) fn disk_free(&self) -> Result<u64, StorageError> {
        Ok(self.disk.free_bytes()?.saturating_sub(limits::DISK_RESERVE))
    }

    /// Checks a shard against its hash and its placement record, and writes its file.
    ///
    /// # Errors
    /// The [`Refusal`] to answer with.
    pub(super) fn write_shard(&self, write: ShardWrite) -> Result<Written, Refusal> {
        let ShardWrite { key, hash, body, tag, may_write, now } = write;
        let len = body.len() as u32;
        if ShardHash::of(&body) != hash {
            return Err(Refusal::Mismatch(format!("the body of {len} bytes has another hash than {hash}")));
        }
        let receipt = |len| {
            let provider = self.identity.peer();
            Signed::new(&self.identity, &Receipt { provider, shard: key, hash, len, stored: now })
        };
        let checked = self.check_shard(key, hash, len)?;
        match self.look(|index| index.shard(key)).map_err(refusal)? {
            Some(held) if held.hash == hash => return Ok(Written::Held(receipt(held.len))),
            Some(_) => return Err(conflict()),
            None => {}
        }
        let free = self.disk_free().map_err(refusal)?;
        if !may_write || free < u64::from(len) {
            return Err(Refusal::Full { free_bytes: if may_write { free } else { 0 } });
        }
        files::write_durably(&*self.disk, &files::shard_path(key, tag), &body)
            .map_err(|error| refusal(error.into()))?;
        let entry = ShardEntry { tag, hash, len, stored: now };
        Ok(Written::File { receipt: receipt(len), change: Change::PutShard { key, entry, checked } })
    }

    /// Compares a shard with its placement record; `false` if that has not come yet.
    fn check_shard(&self, key: ShardKey, hash: ShardHash, len: u32) -> Result<bool, Refusal> {
        if self.look(|index| index.removed(key.placement)).map_err(refusal)? {
            return Err(removed());
        }
        let Some(record) = self.record(key.placement).map_err(refusal)? else { return Ok(false) };
        let Some(expected) = record.shard_hash(key.segment, key.slot) else {
            return Err(Refusal::Invalid(format!(
                "the placement has {} segments of {} slots, no segment {} slot {}",
                record.segments(),
                record.code.n(),
                key.segment,
                key.slot
            )));
        };
        if expected != hash || record.shard_len(key.segment) != len as usize {
            let why = format!(
                "the placement record has hash {expected} and {} bytes",
                record.shard_len(key.segment)
            );
            return Err(Refusal::Mismatch(why));
        }
        Ok(true)
    }

    /// Reads a whole shard and checks its hash. It counts as damaged only if its bytes are missing or
    /// differ, never because the disk would not answer: that may pass.
    ///
    /// # Errors
    /// [`StorageError`] if the disk or the index fails.
    pub(super) fn read_shard(&self, key: ShardKey, entry: &ShardEntry) -> Result<ShardRead, StorageError> {
        let path = files::shard_path(key, entry.tag);
        let bytes = files::read_exact(&*self.disk, &path, entry.len as usize)?;
        if let Some(bytes) = bytes.filter(|bytes| ShardHash::of(bytes) == entry.hash) {
            return Ok(ShardRead::Whole(bytes.into()));
        }
        let still = self.look(|index| index.shard(key))?.is_some_and(|now| now.tag == entry.tag);
        Ok(if still { ShardRead::Damaged(entry.tag) } else { ShardRead::Absent })
    }

    /// Checks an owner's record and writes its file; `None` if the same or a later one is here.
    ///
    /// # Errors
    /// The [`Refusal`] to answer with.
    pub(super) fn write_placement(
        &self,
        signed: &Signed<PlacementRecord>,
        tag: Tag,
        may_write: bool,
        now: Timestamp,
    ) -> Result<(PlacementId, Option<Change>), Refusal> {
        let invalid = |why: String| Refusal::Invalid(why);
        let record = signed.verify().map_err(|error| invalid(error.to_string()))?;
        record.validate().map_err(|error| invalid(error.to_string()))?;
        let id = record.id();
        if self.look(|index| index.removed(id)).map_err(refusal)? {
            return Err(removed());
        }
        let known = self.look(|index| index.placement(id)).map_err(refusal)?;
        if known.is_some_and(|known| known.created >= record.created) {
            return Ok((id, None));
        }
        let bytes = encode_versioned(RECORD_FILE_VERSION, signed);
        let free = self.disk_free().map_err(refusal)?;
        if !may_write || free < bytes.len() as u64 {
            return Err(Refusal::Full { free_bytes: if may_write { free } else { 0 } });
        }
        files::write_durably(&*self.disk, &files::placement_path(id, tag), &bytes)
            .map_err(|error| refusal(error.into()))?;
        let entry = PlacementEntry {
            tag,
            file_hash: ContentHash::of(&bytes),
            file_len: bytes.len() as u32,
            segments: record.segments(),
            created: record.created,
            stored: now,
        };
        Ok((id, Some(Change::PutPlacement { id, entry, record: Arc::new(record) })))
    }

    fn cache(&self) -> MutexGuard<'_, RecordCache> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The decoded record of a placement, if it is here.
    ///
    /// # Errors
    /// [`StorageError`] if it is, and cannot be read whole.
    pub(super) fn record(&self, id: PlacementId) -> Result<Option<Arc<PlacementRecord>>, StorageError> {
        let Some(entry) = self.look(|index| index.placement(id))? else { return Ok(None) };
        if let Some(record) = self.cache().get(&(id, entry.tag)) {
            return Ok(Some(record));
        }
        let Some(signed) = self.read_record(id, &entry)? else { return Ok(None) };
        let record = Arc::new(signed.decode_unverified()?);
        self.cache().put((id, entry.tag), record.clone(), signed.encoded_len());
        Ok(Some(record))
    }

    /// The record of a placement as its owner signed it, if it is here.
    ///
    /// # Errors
    /// [`StorageError`] if it is, and cannot be read whole.
    pub(super) fn signed_record(
        &self,
        id: PlacementId,
    ) -> Result<Option<Signed<PlacementRecord>>, StorageError> {
        match self.look(|index| index.placement(id))? {
            Some(entry) => self.read_record(id, &entry),
            None => Ok(None),
        }
    }

    /// Reads a record's file; `None` if it was dropped meanwhile.
    pub(super) fn read_record(
        &self,
        id: PlacementId,
        entry: &PlacementEntry,
    ) -> Result<Option<Signed<PlacementRecord>>, StorageError> {
        let path = files::placement_path(id, entry.tag);
        let read = files::read_whole(&*self.disk, &path, RECORD_FILE_LIMIT);
        let whole = read.and_then(|bytes| {
            if ContentHash::of(&bytes) == entry.file_hash {
                return Ok(bytes);
            }
            let why = "its bytes no longer match their hash".into();
            Err(DiskError::Other { path: path.clone(), why })
        });
        match whole {
            Ok(bytes) => {
                let what = "placement record file";
                Ok(Some(decode_versioned(what, RECORD_FILE_VERSION, RECORD_FILE_LIMIT, &bytes)?))
            }
            Err(error) => {
                let still = self.look(|index| index.placement(id))?.is_some_and(|now| now.tag == entry.tag);
                if still { Err(error.into()) } else { Ok(None) }
            }
        }
    }

    /// Signs what this node holds of a placement; `None` if its record is not here.
    ///
    /// # Errors
    /// [`StorageError`] if the index fails.
    pub(super) fn holdings(
        &self,
        id: PlacementId,
        now: Timestamp,
    ) -> Result<Option<Signed<ProviderRecord>>, StorageError> {
        let Some(entry) = self.look(|index| index.placement(id))? else { return Ok(None) };
        let held = self.look(|index| index.held(id))?;
        let record = ProviderRecord {
            provider: self.identity.peer(),
            placement: id,
            slots: held_slots(entry.segments, &held),
            operator: self.operator.clone(),
            region: self.region.clone(),
            issued: now,
            expires: now + limits::PROVIDER_RECORD_TTL,
        };
        Ok(Some(Signed::new(&self.identity, &record)))
    }

    /// Who this node is and says it is.
    pub(super) fn labels(&self) -> (String, String) {
        (self.operator.clone(), self.region.clone())
    }
}

/// The folder that a change's new file is in.
fn written_dir(change: &Change) -> Option<String> {
    match change {
        Change::PutShard { key, .. } => Some(files::shard_dir(key.placement)),
        Change::PutPlacement { .. } => Some(files::PLACEMENTS.into()),
        _ => None,
    }
}

/// What to tell a peer when this node's own storage fails.
pub(super) fn refusal(error: StorageError) -> Refusal {
    match error {
        StorageError::Disk(DiskError::Full(_)) => Refusal::Full { free_bytes: 0 },
        other => Refusal::Storage(other.to_string()),
    }
}

/// Another shard has this key.
pub(super) fn conflict() -> Refusal {
    Refusal::Mismatch("another shard is held under this key".into())
}

/// The owner wants this placement forgotten.
pub(super) fn removed() -> Refusal {
    Refusal::Invalid("the placement was removed by its owner".into())
}
