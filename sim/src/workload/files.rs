//! The files: real ones from a directory, or generated ones.

use super::WorkloadPlan;
use crate::env::rng;
use bytes::Bytes;
use holdfast::{
    actors::client::{Sink, Source},
    types::ContentHash,
};
use rand_core::Rng;
use std::{
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard},
};

/// Most bytes of all input files together: they are held in memory, as are their shards.
const MAX_INPUT_BYTES: u64 = 8 << 30;

/// One file of the workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name: a path relative to the input directory, or a number.
    pub name: String,
    /// Its bytes.
    pub bytes: Bytes,
    /// Their hash.
    pub hash: ContentHash,
}

/// Why a directory cannot be the input of a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// Something in it could not be read.
    #[error("cannot read {path}: {why}")]
    Read {
        /// What.
        path: String,
        /// What the system said.
        why: String,
    },
    /// There are no files in it.
    #[error("{0} has no files in it")]
    Empty(String),
    /// It is too large for memory.
    #[error("{path} has more than {} bytes of files", MAX_INPUT_BYTES)]
    TooLarge {
        /// Which directory.
        path: String,
    },
}

/// Real files, read before the run starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The directory they come from.
    pub dir: PathBuf,
    /// All its files, in order of their names.
    pub files: Vec<File>,
}

impl File {
    fn new(name: String, bytes: Bytes) -> Self {
        let hash = ContentHash::of(&bytes);
        Self { name, bytes, hash }
    }
}

impl Input {
    /// Reads a directory and all below it; symbolic links are not followed.
    ///
    /// # Errors
    /// [`InputError`] by what is wrong.
    pub fn read(dir: &Path) -> Result<Self, InputError> {
        let failed = |path: &Path, e: io::Error| InputError::Read {
            path: path.display().to_string(),
            why: e.to_string(),
        };
        let (mut waiting, mut paths, mut total) = (vec![dir.to_owned()], Vec::new(), 0);
        while let Some(next) = waiting.pop() {
            for entry in std::fs::read_dir(&next).map_err(|e| failed(&next, e))? {
                let entry = entry.map_err(|e| failed(&next, e))?;
                let meta = entry.metadata().map_err(|e| failed(&entry.path(), e))?;
                if meta.is_dir() {
                    waiting.push(entry.path());
                } else if meta.is_file() {
                    total += meta.len();
                    paths.push(entry.path());
                }
            }
        }
        if total > MAX_INPUT_BYTES {
            return Err(InputError::TooLarge { path: dir.display().to_string() });
        }
        paths.sort();
        let mut files = Vec::with_capacity(paths.len());
        for path in paths {
            let bytes = std::fs::read(&path).map_err(|e| failed(&path, e))?;
            let name = path.strip_prefix(dir).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            files.push(File::new(name, bytes.into()));
        }
        if files.is_empty() {
            return Err(InputError::Empty(dir.display().to_string()));
        }
        Ok(Self { dir: dir.to_owned(), files })
    }

    /// BLAKE3 of all names and contents: tells a replay that the directory has changed.
    pub fn hash(&self) -> ContentHash {
        let mut hasher = blake3::Hasher::new_derive_key("holdfast-sim input v1");
        for file in &self.files {
            hasher.update(&(file.name.len() as u64).to_le_bytes());
            hasher.update(file.name.as_bytes());
            hasher.update(file.hash.as_bytes());
        }
        ContentHash::from_bytes(*hasher.finalize().as_bytes())
    }
}

/// Generates the files of a plan: sizes and bytes follow from the seed.
pub fn generated(plan: &WorkloadPlan, seed: u64) -> Vec<File> {
    let mut sizes = rng::stream(seed, "file sizes", 0);
    let make = |number: usize| {
        let mut bytes = vec![0; plan.size.sample(&mut sizes) as usize];
        rng::stream(seed, "file bytes", number as u64).fill_bytes(&mut bytes);
        File::new(format!("file-{number:05}"), bytes.into())
    };
    (0..plan.files).map(make).collect()
}

impl Source for File {
    fn identity(&self) -> String {
        format!("sim:{}", self.name)
    }

    /// The bytes were read before the run and never change.
    fn version(&self) -> io::Result<u64> {
        Ok(0)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let range =
            usize::try_from(offset).ok().and_then(|start| Some(start..start.checked_add(buffer.len())?));
        let bytes = range.and_then(|range| self.bytes.get(range)).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}

/// Where fetched bytes are gathered to be compared.
#[derive(Debug, Default)]
pub struct MemorySink(Mutex<Vec<u8>>);

impl MemorySink {
    /// The hash of what was written.
    pub fn hash(&self) -> ContentHash {
        ContentHash::of(&self.bytes())
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().expect("nothing panics while it holds these bytes")
    }
}

impl Sink for MemorySink {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut all = self.bytes();
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;
        let end = start.checked_add(bytes.len()).ok_or(io::ErrorKind::InvalidInput)?;
        if all.len() < end {
            all.resize(end, 0);
        }
        all[start..end].copy_from_slice(bytes);
        Ok(())
    }

    fn finish(&self) -> io::Result<()> {
        Ok(())
    }
}
