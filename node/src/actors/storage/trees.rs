//! The trees of held slots, as the proof actor wrote them down: a file a placement, beside the index. None is missed that
//! a crash takes or for which there is no room.

use super::{StorageError, files, store::Store};
use crate::{env::DiskError, limits, types::PlacementId};
use bytes::Bytes;

impl Store {
    /// Keeps a tree; nothing happens if there is no room.
    ///
    /// # Errors
    /// [`StorageError`] if the disk fails.
    pub(super) fn keep_tree(&self, id: PlacementId, bytes: &[u8]) -> Result<(), StorageError> {
        if self.disk_free()? < bytes.len() as u64 {
            return Ok(());
        }
        let fresh = files::fresh_tree_path(id);
        files::write_durably(self.disk(), &fresh, bytes)?;
        Ok(self.disk().rename(&fresh, &files::tree_path(id))?)
    }

    /// What is kept of a tree.
    ///
    /// # Errors
    /// [`StorageError`] if the disk fails, or the file is larger than any tree.
    pub(super) fn kept_tree(&self, id: PlacementId) -> Result<Option<Bytes>, StorageError> {
        match files::read_whole(self.disk(), &files::tree_path(id), limits::MAX_TREE_FILE) {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(DiskError::NotFound(_)) => Ok(None),
            Err(other) => Err(other.into()),
        }
    }

    /// Deletes the trees of placements that are not held any more, and returns how many there were.
    ///
    /// # Errors
    /// [`StorageError`] if the disk or the index fails.
    pub(super) fn delete_orphan_trees(&self) -> Result<u64, StorageError> {
        let mut orphans = 0;
        for name in self.disk().list(files::TREES)? {
            let Some(id) = files::parse_tree_name(&name) else { continue };
            if self.look(|index| index.held_slot(id))?.is_none() {
                self.delete(&[format!("{}/{name}", files::TREES)]);
                orphans += 1;
            }
        }
        Ok(orphans)
    }
}
