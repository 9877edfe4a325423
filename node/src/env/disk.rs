//! The disk.

use std::{fmt, sync::Arc};

/// Why a disk operation failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiskError {
    /// There is no such file.
    #[error("{0}: no such file")]
    NotFound(String),
    /// The disk is full.
    #[error("{0}: no space left on disk")]
    Full(String),
    /// Anything else the system said.
    #[error("{path}: {why}")]
    Other {
        /// Which file.
        path: String,
        /// What the system said.
        why: String,
    },
}

/// A directory tree of files. Synchronous: call it from [`Spawn::run_blocking`](super::Spawn).
///
/// Paths are relative, `/`-separated, of plain names; parents are made as needed.
///
/// **What a crash may do.** Written bytes survive only from the last `sync` of their file that
/// returned; of bytes written after it, any subset of 512-byte sectors may survive. The file's length
/// is then any that it had since: `set_len` survives or not as a whole (journalled, as in ext4, XFS and
/// Btrfs), a write that extends the file may have extended it in part. A new or renamed file's *name* survives only once `sync_dir` of its parent returned. A removed file may come back
/// until then. Bytes whose sync returned stay as they are, but for bit rot.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Opens a file for reading and writing, making it if `create` is set and it is missing.
    ///
    /// # Errors
    /// [`DiskError::NotFound`] if it is missing and `create` is not set.
    fn open(&self, path: &str, create: bool) -> Result<Arc<dyn DiskFile>, DiskError>;
    /// Gives a file a new name, replacing what had it. Atomic.
    ///
    /// # Errors
    /// [`DiskError`] as the system says.
    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError>;
    /// Removes a file, or a directory that is empty.
    ///
    /// # Errors
    /// [`DiskError::NotFound`] if it is missing.
    fn remove(&self, path: &str) -> Result<(), DiskError>;
    /// The names in a directory, sorted; empty if there is no such directory.
    ///
    /// # Errors
    /// [`DiskError`] as the system says.
    fn list(&self, dir: &str) -> Result<Vec<String>, DiskError>;
    /// Makes the names in a directory, and its own name in its parents, durable.
    ///
    /// # Errors
    /// [`DiskError`] as the system says.
    fn sync_dir(&self, dir: &str) -> Result<(), DiskError>;
    /// Bytes that can still be written.
    ///
    /// # Errors
    /// [`DiskError`] as the system says.
    fn free_bytes(&self) -> Result<u64, DiskError>;
}

/// An open file. Reads and writes may come from several threads.
pub trait DiskFile: Send + Sync + fmt::Debug {
    /// Its length in bytes.
    ///
    /// # Errors
    /// [`DiskError`] as the system says.
    fn len(&self) -> Result<u64, DiskError>;
    /// True if it has no bytes.
    ///
    /// # Errors
    /// [`DiskError`] as the system says.
    fn is_empty(&self) -> Result<bool, DiskError> {
        Ok(self.len()? == 0)
    }
    /// Cuts or extends it with zeros.
    ///
    /// # Errors
    /// [`DiskError`] as the system says.
    fn set_len(&self, len: u64) -> Result<(), DiskError>;
    /// Fills `buffer` from `offset`.
    ///
    /// # Errors
    /// [`DiskError`] if the file ends before the buffer is full, or as the system says.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), DiskError>;
    /// Writes all of `bytes` at `offset`, extending the file as needed.
    ///
    /// # Errors
    /// [`DiskError::Full`] or as the system says; part of the bytes may then be written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), DiskError>;
    /// Makes all that was written durable.
    ///
    /// # Errors
    /// [`DiskError`] as the system says.
    fn sync(&self) -> Result<(), DiskError>;
    /// Says that these bytes, once durable, will not be read soon: the system may use the memory that
    /// caches them for something else. A hint without a promise.
    fn uncache(&self) {}
}
