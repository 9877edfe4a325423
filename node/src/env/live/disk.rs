//! Files below one directory.

use crate::env::{Disk, DiskError, DiskFile};
use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// The files below a root directory; no path leads out of it.
#[derive(Debug)]
pub struct LiveDisk {
    root: PathBuf,
    /// Directories whose names are durable in their parents, so that they are synced once.
    durable: Mutex<BTreeSet<PathBuf>>,
    /// Keeps other nodes out for as long as this disk is used.
    _lock: Option<File>,
}

#[derive(Debug)]
struct LiveFile {
    file: File,
    path: String,
}

impl LiveDisk {
    /// Opens the tree below `root`, making the directory if it is missing.
    ///
    /// # Errors
    /// What the system says if it cannot be made or written.
    pub fn open(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        // Asks the file system itself whether it can be written: mode bits and mounts may disagree.
        let probe = root.join(".writable");
        File::create(&probe)?;
        fs::remove_file(&probe)?;
        if let Some(parent) = root.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            File::open(parent)?.sync_all()?;
        }
        Ok(Self { root: root.to_owned(), durable: Mutex::default(), _lock: None })
    }

    /// Keeps `lock` locked as long as this disk lives.
    pub fn holding(self, lock: File) -> Self {
        Self { _lock: Some(lock), ..self }
    }

    /// The real path of a relative one made of plain names.
    fn resolve(&self, path: &str) -> Result<PathBuf, DiskError> {
        let plain = |name: &str| !matches!(name, "" | "." | "..") && !name.contains(['\0', '\\']);
        if path.split('/').all(plain) {
            Ok(self.root.join(path))
        } else {
            Err(other(path, "not a relative path of plain names"))
        }
    }

    /// As [`Self::resolve`], but the empty path is the root.
    fn resolve_dir(&self, dir: &str) -> Result<PathBuf, DiskError> {
        if dir.is_empty() { Ok(self.root.clone()) } else { self.resolve(dir) }
    }

    fn make_parent(&self, target: &Path, path: &str) -> Result<(), DiskError> {
        let parent = target.parent().expect("a resolved path lies below the root");
        fs::create_dir_all(parent).map_err(|e| failed(path, &e))
    }
}

impl Disk for LiveDisk {
    fn open(&self, path: &str, create: bool) -> Result<Arc<dyn DiskFile>, DiskError> {
        let target = self.resolve(path)?;
        if create {
            self.make_parent(&target, path)?;
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(create)
            .truncate(false)
            .open(target)
            .map_err(|e| failed(path, &e))?;
        Ok(Arc::new(LiveFile { file, path: path.to_owned() }))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        let (source, target) = (self.resolve(from)?, self.resolve(to)?);
        self.make_parent(&target, to)?;
        fs::rename(source, target).map_err(|e| failed(from, &e))
    }

    fn remove(&self, path: &str) -> Result<(), DiskError> {
        let target = self.resolve(path)?;
        let kind = fs::symlink_metadata(&target).map_err(|e| failed(path, &e))?;
        if kind.is_dir() {
            self.durable.lock().unwrap_or_else(PoisonError::into_inner).remove(&target);
            fs::remove_dir(target).map_err(|e| failed(path, &e))
        } else {
            fs::remove_file(target).map_err(|e| failed(path, &e))
        }
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, DiskError> {
        let entries = match fs::read_dir(self.resolve_dir(dir)?) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|e| failed(dir, &e))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(|e| failed(dir, &e))?.file_name();
            names.push(name.into_string().map_err(|name| other(dir, &format!("{name:?} is not UTF-8")))?);
        }
        names.sort();
        Ok(names)
    }

    fn sync_dir(&self, dir: &str) -> Result<(), DiskError> {
        let mut target = self.resolve_dir(dir)?;
        loop {
            File::open(&target).and_then(|d| d.sync_all()).map_err(|e| failed(dir, &e))?;
            let mut durable = self.durable.lock().unwrap_or_else(PoisonError::into_inner);
            if target == self.root || !durable.insert(target.clone()) {
                return Ok(());
            }
            drop(durable);
            target.pop();
        }
    }

    fn free_bytes(&self) -> Result<u64, DiskError> {
        let stat = rustix::fs::statvfs(&self.root).map_err(|e| failed("", &e.into()))?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

impl DiskFile for LiveFile {
    fn len(&self) -> Result<u64, DiskError> {
        self.file.metadata().map(|meta| meta.len()).map_err(|e| failed(&self.path, &e))
    }

    fn set_len(&self, len: u64) -> Result<(), DiskError> {
        self.file.set_len(len).map_err(|e| failed(&self.path, &e))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), DiskError> {
        self.file.read_exact_at(buffer, offset).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => {
                other(&self.path, &format!("ends before byte {}", offset.saturating_add(buffer.len() as u64)))
            }
            _ => failed(&self.path, &e),
        })
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.file.write_all_at(bytes, offset).map_err(|e| failed(&self.path, &e))
    }

    fn sync(&self) -> Result<(), DiskError> {
        self.file.sync_data().map_err(|e| failed(&self.path, &e))
    }

    fn uncache(&self) {
        // A hint: nothing is lost if the system does not take it.
        let _ = rustix::fs::fadvise(&self.file, 0, None, rustix::fs::Advice::DontNeed);
    }
}

fn failed(path: &str, error: &io::Error) -> DiskError {
    use io::ErrorKind::{NotFound, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    match error.kind() {
        NotFound => DiskError::NotFound(path.to_owned()),
        StorageFull | QuotaExceeded => DiskError::Full(path.to_owned()),
        ReadOnlyFilesystem => other(path, "the file system is read-only"),
        _ => other(path, &error.to_string()),
    }
}

fn other(path: &str, why: &str) -> DiskError {
    DiskError::Other { path: path.to_owned(), why: why.to_owned() }
}
