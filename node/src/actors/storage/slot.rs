//! A provider's slot of a placement, as one run of bytes: its shard of every segment, one after another.

use super::{StorageError, files, files::Tag, store::Store};
use crate::{
    env::DiskError,
    types::{PlacementId, ShardKey},
};
use std::{fmt, ops::Range, sync::Arc};

/// Reads a slot's bytes as they are on disk. They are **not** checked: reading a few cells of a shard would
/// otherwise mean to read and hash all of it. Whoever uses them checks them against the slot's tree.
#[derive(Clone)]
pub struct SlotReader {
    store: Arc<Store>,
    slot: u16,
    shards: Arc<[Piece]>,
    length: u64,
}

/// A shard, and the slot's bytes that it is.
struct Piece {
    key: ShardKey,
    tag: Tag,
    range: Range<u64>,
}

impl SlotReader {
    /// Opens the slot that is held of a placement; `None` unless its record and a shard of every segment are here.
    pub(super) fn open(store: &Arc<Store>, id: PlacementId) -> Result<Option<Self>, StorageError> {
        let (Some(record), Some(slot)) = (store.record(id)?, store.look(|index| index.held_slot(id))?) else {
            return Ok(None);
        };
        let (mut shards, mut length) = (Vec::new(), 0);
        for segment in 0..record.segments() {
            let key = ShardKey { placement: id, segment, slot };
            let Some(entry) = store.look(|index| index.shard(key))? else { return Ok(None) };
            let end = length + u64::from(entry.len);
            shards.push(Piece { key, tag: entry.tag, range: length..end });
            length = end;
        }
        Ok(Some(Self { store: store.clone(), slot, shards: shards.into(), length }))
    }

    /// Which slot it is.
    pub fn slot(&self) -> u16 {
        self.slot
    }

    /// Its bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Reads a range of the slot. Blocking.
    ///
    /// # Errors
    /// [`StorageError::Disk`] if a shard is gone, shorter than it should be, or cannot be read.
    ///
    /// # Panics
    /// If the range ends beyond the slot.
    pub fn read(&self, range: Range<u64>) -> Result<Vec<u8>, StorageError> {
        assert!(range.end <= self.length, "bytes {range:?} of a slot of {} bytes", self.length);
        let mut bytes = vec![0; (range.end - range.start) as usize];
        for piece in self.shards.iter() {
            let (start, end) = (range.start.max(piece.range.start), range.end.min(piece.range.end));
            if start < end {
                let into = (start - range.start) as usize..(end - range.start) as usize;
                self.read_piece(piece, start - piece.range.start, &mut bytes[into])?;
            }
        }
        Ok(bytes)
    }

    fn read_piece(&self, piece: &Piece, offset: u64, into: &mut [u8]) -> Result<(), DiskError> {
        self.store.disk().open(&files::shard_path(piece.key, piece.tag), false)?.read_at(offset, into)
    }
}

impl fmt::Debug for SlotReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlotReader(slot {}, {} bytes)", self.slot, self.length)
    }
}
