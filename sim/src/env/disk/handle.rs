//! The disk as a node sees it, and as the world treats it.

use super::names::{Inode, Tree};
use holdfast::env::{Disk, DiskError, DiskFile};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard},
};

/// Told when the power fails at the operation that a fault chose.
pub type PowerCut = Arc<dyn Fn() + Send + Sync>;

/// One node's disk. Clones are views of the same disk; a view dies with the process it was given
/// to, so that what is dropped after a crash can no longer write.
#[derive(Clone)]
pub struct SimDisk {
    shared: Arc<Mutex<State>>,
    life: u32,
}

struct State {
    tree: Tree,
    rng: ChaCha8Rng,
    capacity: u64,
    /// Bytes that a fault took away.
    reserved: u64,
    /// Bytes of all files that have a name.
    used: u64,
    /// Views of an earlier life are dead.
    life: u32,
    /// Operations until the power fails.
    fuse: Option<(u64, PowerCut)>,
    /// The power has failed.
    dark: bool,
}

impl State {
    fn free(&self) -> u64 {
        self.capacity.saturating_sub(self.used).saturating_sub(self.reserved)
    }

    /// Burns the fuse by one operation that changes the disk.
    fn burn(&mut self) {
        let Some((left, told)) = &mut self.fuse else { return };
        if *left > 0 {
            *left -= 1;
            return;
        }
        self.dark = true;
        told();
        self.fuse = None;
    }
}

impl SimDisk {
    /// An empty disk; crashes and rot draw from `rng`.
    pub fn new(capacity: u64, rng: ChaCha8Rng) -> Self {
        let state = State {
            tree: Tree::default(),
            rng,
            capacity,
            reserved: 0,
            used: 0,
            life: 0,
            fuse: None,
            dark: false,
        };
        Self { shared: Arc::new(Mutex::new(state)), life: 0 }
    }

    /// A view for the next process; all earlier views are dead from now on.
    pub fn next_life(&self) -> Self {
        let mut state = self.state();
        state.life += 1;
        state.dark = false;
        Self { shared: Arc::clone(&self.shared), life: state.life }
    }

    /// Another view for as long as the present process lives, as the machine's operator has.
    pub fn beside(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), life: self.state().life }
    }

    /// The power failed: un-synced bytes and names are lost or torn, and all views are dead.
    pub fn crash(&self) {
        let mut state = self.state();
        let State { tree, rng, .. } = &mut *state;
        tree.crash(rng);
        state.used = state.tree.files("").map(|(_, inode)| inode.content().len()).sum();
        self.detach(&mut state);
    }

    /// The process was killed: the system keeps what was written, and all views are dead.
    pub fn kill(&self) {
        self.detach(&mut self.state());
    }

    /// Everything on it is gone for good.
    pub fn wipe(&self) {
        let mut state = self.state();
        state.tree = Tree::default();
        state.used = 0;
        self.detach(&mut state);
    }

    /// Flips one bit in each of `flips` randomly chosen files under `prefix`; returns how many it did.
    pub fn rot(&self, prefix: &str, flips: u32) -> u32 {
        let mut state = self.state();
        let State { tree, rng, .. } = &mut *state;
        let files: Vec<&Arc<Inode>> = tree.files(prefix).map(|(_, inode)| inode).collect();
        if files.is_empty() {
            return 0;
        }
        let flipped = (0..flips).filter(|_| files[rng.random_range(0..files.len())].content().rot(rng));
        flipped.count() as u32
    }

    /// Leaves at most `free` bytes to write.
    pub fn fill(&self, free: u64) {
        let mut state = self.state();
        state.reserved = state.capacity.saturating_sub(state.used).saturating_sub(free);
    }

    /// Gives back what [`fill`](Self::fill) took.
    pub fn unfill(&self) {
        self.state().reserved = 0;
    }

    /// Lets the power fail at the operation after the next `operations` that change the disk.
    pub fn cut_power_after(&self, operations: u64, told: PowerCut) {
        self.state().fuse = Some((operations, told));
    }

    /// Bytes of all files.
    pub fn used_bytes(&self) -> u64 {
        self.state().used
    }

    fn detach(&self, state: &mut State) {
        state.life += 1;
        state.fuse = None;
        state.dark = false;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.lock().expect("nothing panics while it holds the disk")
    }

    /// The state, if this view is alive and the power is on.
    fn alive(&self, path: &str) -> Result<MutexGuard<'_, State>, DiskError> {
        let state = self.state();
        if state.life != self.life {
            return Err(other(path, "the process is dead"));
        }
        if state.dark {
            return Err(other(path, "the power is off"));
        }
        Ok(state)
    }

    /// The state, for an operation that changes the disk.
    fn change(&self, path: &str) -> Result<MutexGuard<'_, State>, DiskError> {
        self.alive(path)?.burn();
        self.alive(path)
    }
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimDisk(life {})", self.life)
    }
}

impl Disk for SimDisk {
    fn open(&self, path: &str, create: bool) -> Result<Arc<dyn DiskFile>, DiskError> {
        check_path(path)?;
        let state = self.alive(path)?;
        if state.tree.is_dir(path) {
            return Err(other(path, "is a directory"));
        }
        let found = state.tree.get(path).cloned();
        drop(state);
        let inode = match (found, create) {
            (Some(inode), _) => inode,
            (None, true) => {
                let mut state = self.change(path)?;
                check_parents(&state.tree, path)?;
                state.tree.create(path)
            }
            (None, false) => return Err(DiskError::NotFound(path.to_owned())),
        };
        Ok(Arc::new(SimFile { disk: self.clone(), path: Arc::from(path), inode }))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        check_path(from)?;
        check_path(to)?;
        let mut state = self.change(from)?;
        if state.tree.get(from).is_none() {
            return Err(DiskError::NotFound(from.to_owned()));
        }
        if state.tree.is_dir(to) {
            return Err(other(to, "is a directory"));
        }
        check_parents(&state.tree, to)?;
        if from == to {
            return Ok(());
        }
        if let Some(replaced) = state.tree.rename(from, to) {
            state.used -= replaced.content().len();
        }
        Ok(())
    }

    fn remove(&self, path: &str) -> Result<(), DiskError> {
        check_path(path)?;
        let mut state = self.change(path)?;
        if let Some(removed) = state.tree.remove(path) {
            state.used -= removed.content().len();
            return Ok(());
        }
        if !state.tree.is_dir(path) {
            return Err(DiskError::NotFound(path.to_owned()));
        }
        if state.tree.remove_dir(path) { Ok(()) } else { Err(other(path, "directory not empty")) }
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, DiskError> {
        check_dir(dir)?;
        Ok(self.alive(dir)?.tree.list(dir))
    }

    fn sync_dir(&self, dir: &str) -> Result<(), DiskError> {
        check_dir(dir)?;
        let mut state = self.change(dir)?;
        if !state.tree.is_dir(dir) {
            return Err(DiskError::NotFound(dir.to_owned()));
        }
        state.tree.sync_dir(dir);
        Ok(())
    }

    fn free_bytes(&self) -> Result<u64, DiskError> {
        Ok(self.alive("")?.free())
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    path: Arc<str>,
    inode: Arc<Inode>,
}

impl DiskFile for SimFile {
    fn len(&self) -> Result<u64, DiskError> {
        let _state = self.disk.alive(&self.path)?;
        Ok(self.inode.content().len())
    }

    fn set_len(&self, len: u64) -> Result<(), DiskError> {
        let mut state = self.disk.change(&self.path)?;
        let mut content = self.inode.content();
        let old = content.len();
        if self.inode.is_named() {
            if len.saturating_sub(old) > state.free() {
                return Err(DiskError::Full(self.path.to_string()));
            }
            state.used = state.used + len - old;
        }
        content.set_len(len);
        Ok(())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), DiskError> {
        let _state = self.disk.alive(&self.path)?;
        if self.inode.content().read(offset, buffer) {
            Ok(())
        } else {
            Err(other(&self.path, "unexpected end of file"))
        }
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        let mut state = self.disk.change(&self.path)?;
        let mut content = self.inode.content();
        let old = content.len();
        let growth = offset.saturating_add(bytes.len() as u64).saturating_sub(old);
        let fits = if self.inode.is_named() { growth.min(state.free()) } else { growth };
        let cut = usize::try_from(growth - fits).unwrap_or(usize::MAX).min(bytes.len());
        let part = &bytes[..bytes.len() - cut];
        if !part.is_empty() {
            content.write(offset, part);
        }
        if self.inode.is_named() {
            state.used += content.len() - old;
        }
        if cut > 0 { Err(DiskError::Full(self.path.to_string())) } else { Ok(()) }
    }

    fn sync(&self) -> Result<(), DiskError> {
        let _state = self.disk.change(&self.path)?;
        self.inode.content().sync();
        Ok(())
    }
}

fn other(path: &str, why: &str) -> DiskError {
    DiskError::Other { path: path.to_owned(), why: why.to_owned() }
}

fn check_path(path: &str) -> Result<(), DiskError> {
    let plain = |name: &str| !name.is_empty() && name != "." && name != ".." && !name.contains('\0');
    if path.split('/').all(plain) { Ok(()) } else { Err(other(path, "not a relative path of plain names")) }
}

fn check_dir(dir: &str) -> Result<(), DiskError> {
    if dir.is_empty() { Ok(()) } else { check_path(dir) }
}

fn check_parents(tree: &Tree, path: &str) -> Result<(), DiskError> {
    match path.match_indices('/').map(|(slash, _)| &path[..slash]).find(|dir| tree.get(dir).is_some()) {
        Some(file) => Err(other(file, "is not a directory")),
        None => Ok(()),
    }
}
