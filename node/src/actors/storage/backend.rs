//! redb's view of a [`DiskFile`].

use crate::env::{DiskError, DiskFile};
use std::{io, sync::Arc};

/// One index file on whatever disk the world has.
#[derive(Debug)]
pub(super) struct Backend(pub(super) Arc<dyn DiskFile>);

impl redb::StorageBackend for Backend {
    fn len(&self) -> Result<u64, io::Error> {
        self.0.len().map_err(io_error)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        self.0.read_at(offset, out).map_err(io_error)
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        self.0.set_len(len).map_err(io_error)
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        self.0.sync().map_err(io_error)
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.0.write_at(offset, data).map_err(io_error)
    }
}

/// Keeps "full" recognisable on its way through redb.
fn io_error(error: DiskError) -> io::Error {
    let kind = match error {
        DiskError::NotFound(_) => io::ErrorKind::NotFound,
        DiskError::Full(_) => io::ErrorKind::StorageFull,
        DiskError::Other { .. } => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}
