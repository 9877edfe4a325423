//! Files of this machine as source and sink of the client actor.

use crate::{
    actors::client::{Sink, Source},
    limits,
};
use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

/// A file that is read at any place.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    path: PathBuf,
}

impl FileSource {
    /// Opens a regular file.
    ///
    /// # Errors
    /// As the system says; [`io::ErrorKind::InvalidInput`] if it is something else than a file.
    pub fn open(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize()?;
        if !fs::metadata(&path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(Self { file: File::open(&path)?, path })
    }
}

impl Source for FileSource {
    fn identity(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    /// The time of the last change of the file's bytes or attributes, which unlike the time of modification
    /// nobody can set.
    fn version(&self) -> io::Result<u64> {
        let metadata = self.file.metadata()?;
        Ok((metadata.ctime() as u64).wrapping_mul(1_000_000_000).wrapping_add(metadata.ctime_nsec() as u64))
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}

/// A file that appears, whole, when all is written.
///
/// Until then its bytes stand beside it in a hidden file, which is deleted if the sink is dropped before.
#[derive(Debug)]
pub struct FileSink {
    file: File,
    part: PathBuf,
    target: PathBuf,
    written: AtomicU64,
    finished: AtomicBool,
}

impl FileSink {
    /// Starts a file; what is at `target` stays until [`Sink::finish`].
    ///
    /// # Errors
    /// As the system says; [`io::ErrorKind::IsADirectory`] if `target` is one.
    pub fn create(target: &Path) -> io::Result<Self> {
        static PARTS: AtomicU64 = AtomicU64::new(0);
        if target.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
        let number = PARTS.fetch_add(1, Ordering::Relaxed);
        let part = target.with_file_name(format!(".{name}.{}-{number}.part", process::id()));
        let file = OpenOptions::new().write(true).create_new(true).open(&part)?;
        let (target, written) = (target.to_path_buf(), AtomicU64::new(0));
        Ok(Self { file, part, target, written, finished: AtomicBool::new(false) })
    }

    /// Brings what was written to the disk and gives its memory back. A large file then goes through the
    /// same few pages of memory, and there is little left to wait for at its end.
    fn write_back(&self) -> io::Result<()> {
        self.file.sync_data()?;
        // A hint: nothing is lost if the system does not take it.
        let _ = rustix::fs::fadvise(&self.file, 0, None, rustix::fs::Advice::DontNeed);
        Ok(())
    }
}

impl Sink for FileSink {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)?;
        let (len, every) = (bytes.len() as u64, limits::WRITE_BACK_BYTES);
        let before = self.written.fetch_add(len, Ordering::Relaxed);
        if before / every == (before + len) / every { Ok(()) } else { self.write_back() }
    }

    fn finish(&self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.part, &self.target)?;
        self.finished.store(true, Ordering::Release);
        let parent = self.target.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for FileSink {
    fn drop(&mut self) {
        if !self.finished.load(Ordering::Acquire)
            && let Err(why) = fs::remove_file(&self.part)
        {
            tracing::warn!(path = %self.part.display(), %why, "an unfinished file stays behind");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sink_shows_its_file_when_it_is_whole_and_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("file");
        fs::write(&target, "old").unwrap();
        drop(FileSink::create(&target).unwrap());
        assert_eq!(fs::read(&target).unwrap(), b"old");
        let sink = FileSink::create(&target).unwrap();
        sink.write_at(2, b"cd").unwrap();
        sink.write_at(0, b"ab").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"old");
        sink.finish().unwrap();
        drop(sink);
        assert_eq!(fs::read(&target).unwrap(), b"abcd");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_sink_refuses_a_directory() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(FileSink::create(dir.path()).unwrap_err().kind(), io::ErrorKind::IsADirectory);
    }

    #[test]
    fn a_source_reads_anywhere_and_is_a_regular_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "abcd").unwrap();
        let source = FileSource::open(&path).unwrap();
        let mut buffer = [0; 2];
        source.read_at(1, &mut buffer).unwrap();
        assert_eq!((&buffer, source.len().unwrap()), (b"bc", 4));
        assert_eq!(source.read_at(3, &mut buffer).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(FileSource::open(dir.path()).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
