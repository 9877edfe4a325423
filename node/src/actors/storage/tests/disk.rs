//! A disk in memory whose power fails at a chosen operation and which then keeps only what the
//! contract of [`Disk`] promises, and a random part of the rest.

use crate::env::{Disk, DiskError, DiskFile};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

const SECTOR: usize = 512;

#[derive(Clone, Debug, Default)]
struct Inode {
    now: Vec<u8>,
    durable: Vec<u8>,
}

#[derive(Debug, Default)]
struct Platter {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    capacity: u64,
    operations: u64,
    power_fails_at: Option<u64>,
    lies: bool,
    syncs: u64,
}

/// The disk; clones share it.
#[derive(Clone, Debug)]
pub(super) struct MemDisk(Arc<Mutex<Platter>>);

#[derive(Debug)]
struct MemFile {
    disk: MemDisk,
    path: String,
    inode: usize,
}

fn other(path: &str, why: &str) -> DiskError {
    DiskError::Other { path: path.into(), why: why.into() }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

impl Platter {
    /// Counts an operation that changes something, and fails it if the power is off.
    fn step(&mut self, path: &str) -> Result<(), DiskError> {
        self.operations += 1;
        self.powered(path)
    }

    fn powered(&self, path: &str) -> Result<(), DiskError> {
        let off = self.power_fails_at.is_some_and(|at| self.operations >= at);
        if off { Err(other(path, "the power is off")) } else { Ok(()) }
    }

    fn used(&self) -> u64 {
        self.names.values().map(|&inode| self.inodes[inode].now.len() as u64).sum()
    }
}

impl MemDisk {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Platter { capacity: 1 << 30, ..Platter::default() })))
    }

    fn with<T>(&self, run: impl FnOnce(&mut Platter) -> T) -> T {
        run(&mut self.0.lock().expect("no test panics while it holds the disk"))
    }

    /// From the `operation`-th change on, counted from now, nothing works.
    pub(super) fn fail_power_after(&self, operation: u64) {
        self.with(|platter| platter.power_fails_at = Some(platter.operations + operation));
    }

    /// From now on a sync says that it is done and does nothing.
    pub(super) fn lie(&self) {
        self.with(|platter| platter.lies = true);
    }

    pub(super) fn set_capacity(&self, bytes: u64) {
        self.with(|platter| platter.capacity = bytes);
    }

    pub(super) fn operations(&self) -> u64 {
        self.with(|platter| platter.operations)
    }

    pub(super) fn syncs(&self) -> u64 {
        self.with(|platter| platter.syncs)
    }

    pub(super) fn paths(&self) -> Vec<String> {
        self.with(|platter| platter.names.keys().cloned().collect())
    }

    /// Flips a bit of the one file whose path starts so.
    pub(super) fn rot(&self, prefix: &str) {
        self.with(|platter| {
            let (_, &inode) =
                platter.names.iter().find(|(path, _)| path.starts_with(prefix)).expect("a file");
            let inode = &mut platter.inodes[inode];
            let middle = inode.now.len() / 2;
            inode.now[middle] ^= 1;
            inode.durable = inode.now.clone();
        });
    }

    /// The disk as it is when the power is back: of all that was not synced, any part.
    pub(super) fn after_crash(&self, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut coin = move || random.next_u32() & 1 == 0;
        let (inodes, names, capacity) = self.with(|platter| {
            let inodes: Vec<Inode> = platter.inodes.iter().map(|inode| torn(inode, &mut coin)).collect();
            let paths: BTreeSet<&String> = platter.names.keys().chain(platter.durable_names.keys()).collect();
            let mut names = BTreeMap::new();
            for path in paths {
                let (now, durable) = (platter.names.get(path), platter.durable_names.get(path));
                if let Some(&inode) = if now == durable || coin() { now } else { durable } {
                    names.insert(path.clone(), inode);
                }
            }
            (inodes, names, platter.capacity)
        });
        let durable_names = names.clone();
        Self(Arc::new(Mutex::new(Platter { inodes, names, durable_names, capacity, ..Platter::default() })))
    }
}

fn torn(inode: &Inode, coin: &mut impl FnMut() -> bool) -> Inode {
    let len = if coin() { inode.now.len() } else { inode.durable.len() };
    let mut bytes = vec![0; len];
    for start in (0..len).step_by(SECTOR) {
        let source = if coin() { &inode.now } else { &inode.durable };
        let end = len.min(start + SECTOR).min(source.len());
        if start < end {
            bytes[start..end].copy_from_slice(&source[start..end]);
        }
    }
    Inode { now: bytes.clone(), durable: bytes }
}

impl Disk for MemDisk {
    fn open(&self, path: &str, create: bool) -> Result<Arc<dyn DiskFile>, DiskError> {
        let inode = self.with(|platter| {
            platter.powered(path)?;
            if let Some(&inode) = platter.names.get(path) {
                return Ok(inode);
            }
            if !create {
                return Err(DiskError::NotFound(path.into()));
            }
            platter.step(path)?;
            platter.inodes.push(Inode::default());
            let inode = platter.inodes.len() - 1;
            platter.names.insert(path.into(), inode);
            Ok(inode)
        })?;
        Ok(Arc::new(MemFile { disk: self.clone(), path: path.into(), inode }))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        self.with(|platter| {
            platter.step(from)?;
            let inode = platter.names.remove(from).ok_or_else(|| DiskError::NotFound(from.into()))?;
            platter.names.insert(to.into(), inode);
            Ok(())
        })
    }

    fn remove(&self, path: &str) -> Result<(), DiskError> {
        self.with(|platter| {
            platter.step(path)?;
            platter.names.remove(path).map(|_| ()).ok_or_else(|| DiskError::NotFound(path.into()))
        })
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, DiskError> {
        let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        self.with(|platter| {
            platter.powered(dir)?;
            let below = platter.names.keys().filter_map(|path| path.strip_prefix(&prefix));
            let names: BTreeSet<String> =
                below.filter_map(|rest| rest.split('/').next()).map(String::from).collect();
            Ok(names.into_iter().collect())
        })
    }

    fn sync_dir(&self, dir: &str) -> Result<(), DiskError> {
        self.with(|platter| {
            platter.step(dir)?;
            platter.syncs += 1;
            platter.durable_names.retain(|path, _| parent(path) != dir);
            let here = platter.names.iter().filter(|(path, _)| parent(path) == dir);
            platter.durable_names.extend(here.map(|(path, &inode)| (path.clone(), inode)));
            Ok(())
        })
    }

    fn free_bytes(&self) -> Result<u64, DiskError> {
        self.with(|platter| Ok(platter.capacity.saturating_sub(platter.used())))
    }
}

impl MemFile {
    fn with<T>(&self, run: impl FnOnce(&mut Platter) -> Result<T, DiskError>) -> Result<T, DiskError> {
        self.disk.with(|platter| {
            platter.powered(&self.path)?;
            run(platter)
        })
    }

    fn change<T>(&self, run: impl FnOnce(&mut Inode) -> T) -> Result<T, DiskError> {
        self.with(|platter| {
            platter.step(&self.path)?;
            Ok(run(&mut platter.inodes[self.inode]))
        })
    }
}

impl DiskFile for MemFile {
    fn len(&self) -> Result<u64, DiskError> {
        self.with(|platter| Ok(platter.inodes[self.inode].now.len() as u64))
    }

    fn set_len(&self, len: u64) -> Result<(), DiskError> {
        self.change(|inode| inode.now.resize(len as usize, 0))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), DiskError> {
        self.with(|platter| {
            let range = offset as usize..offset as usize + buffer.len();
            let bytes = platter.inodes[self.inode].now.get(range);
            buffer.copy_from_slice(bytes.ok_or_else(|| other(&self.path, "the file ends before"))?);
            Ok(())
        })
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        let end = offset as usize + bytes.len();
        let full = self.with(|platter| {
            let growth = end.saturating_sub(platter.inodes[self.inode].now.len()) as u64;
            Ok(platter.used() + growth > platter.capacity)
        })?;
        if full {
            return Err(DiskError::Full(self.path.clone()));
        }
        self.change(|inode| {
            let len = inode.now.len().max(end);
            inode.now.resize(len, 0);
            inode.now[offset as usize..end].copy_from_slice(bytes);
        })
    }

    fn sync(&self) -> Result<(), DiskError> {
        self.with(|platter| {
            platter.step(&self.path)?;
            platter.syncs += 1;
            if !platter.lies {
                let inode = &mut platter.inodes[self.inode];
                inode.durable = inode.now.clone();
            }
            Ok(())
        })
    }
}
