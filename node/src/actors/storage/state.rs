//! What the storage actor decides about writes: is there room, is the same shard being written
//! already, what goes into the next commit. Pure: no disk, no clock.

use super::{files::Tag, index::Totals};
use crate::{
    limits,
    types::{Refusal, ShardKey},
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What to do with a shard that someone wants to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Write it; its bytes are reserved.
    Write,
    /// There is no room; but if it is here already, say so.
    OnlyIfHeld,
    /// The same key is being written: look again when that has ended.
    Wait,
    /// No.
    Refuse(Refusal),
}

/// Room and writes under way.
#[derive(Debug)]
pub(super) struct State {
    capacity: u64,
    totals: Totals,
    reserved: u64,
    writing: BTreeSet<ShardKey>,
    tags: BTreeSet<Tag>,
}

impl State {
    /// A state in which `totals` are stored of `capacity` bytes.
    pub(super) fn new(capacity: u64, totals: Totals) -> Self {
        Self { capacity, totals, reserved: 0, writing: BTreeSet::new(), tags: BTreeSet::new() }
    }

    /// What is stored.
    pub(super) fn totals(&self) -> Totals {
        self.totals
    }

    /// Takes note of what a commit left.
    pub(super) fn committed(&mut self, totals: Totals) {
        self.totals = totals;
    }

    /// Bytes that may still be taken, writes under way counted as done.
    pub(super) fn free(&self) -> u64 {
        let taken = self.totals.shard_bytes + self.totals.record_bytes + self.reserved;
        self.capacity.saturating_sub(taken)
    }

    /// Bytes offered in all.
    pub(super) fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Judges a shard of `len` bytes; anything but [`Admission::Refuse`] and [`Admission::Wait`] is to
    /// be followed by [`State::ended`].
    pub(super) fn admit(&mut self, key: ShardKey, len: usize, tag: Tag) -> Admission {
        if len == 0 || len > limits::MAX_SHARD {
            let why = format!("a shard of {len} bytes is outside 1..={}", limits::MAX_SHARD);
            return Admission::Refuse(Refusal::Invalid(why));
        }
        if !self.writing.insert(key) {
            return Admission::Wait;
        }
        if self.reserve(len as u64, tag) { Admission::Write } else { Admission::OnlyIfHeld }
    }

    /// Sets room for a file of `len` bytes aside; `false` if there is none.
    pub(super) fn reserve(&mut self, len: u64, tag: Tag) -> bool {
        let fits = len <= self.free();
        if fits {
            self.reserved += len;
            self.tags.insert(tag);
        }
        fits
    }

    /// A file written under `tag` is committed or given up.
    pub(super) fn release(&mut self, len: u64, tag: Tag) {
        if self.tags.remove(&tag) {
            self.reserved -= len;
        }
    }

    /// The write of `key` ended, well or not.
    pub(super) fn ended(&mut self, key: ShardKey, len: usize, tag: Tag) {
        self.release(len as u64, tag);
        self.writing.remove(&key);
    }

    /// True if a file of this tag is being written or waits for its commit.
    pub(super) fn is_writing(&self, tag: Tag) -> bool {
        self.tags.contains(&tag)
    }
}

/// Changes that wait for the one commit under way to end; the next takes as many as it may.
#[derive(Debug)]
pub(super) struct CommitQueue<T> {
    waiting: VecDeque<T>,
    committing: bool,
}

impl<T> Default for CommitQueue<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), committing: false }
    }
}

impl<T> CommitQueue<T> {
    /// Adds a change; true if the caller is to start committing now.
    pub(super) fn push(&mut self, change: T) -> bool {
        self.waiting.push_back(change);
        !std::mem::replace(&mut self.committing, true)
    }

    /// What the next commit carries; empty, and committing ends, if nothing waits.
    pub(super) fn next_batch(&mut self) -> Vec<T> {
        let count = self.waiting.len().min(limits::MAX_COMMIT_BATCH);
        self.committing = count > 0;
        self.waiting.drain(..count).collect()
    }
}

/// A small cache that forgets what was not asked for longest.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    newest_last: Vec<(K, V, usize)>,
    bytes: usize,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self { newest_last: Vec::new(), bytes: 0 }
    }
}

impl<K: PartialEq, V: Clone> Recent<K, V> {
    /// The value of `key`, if it is still known.
    pub(super) fn get(&mut self, key: &K) -> Option<V> {
        let index = self.newest_last.iter().position(|(known, ..)| known == key)?;
        let entry = self.newest_last.remove(index);
        let value = entry.1.clone();
        self.newest_last.push(entry);
        Some(value)
    }

    /// Keeps a value of `bytes` bytes, and it at least.
    pub(super) fn put(&mut self, key: K, value: V, bytes: usize) {
        self.newest_last.push((key, value, bytes));
        self.bytes += bytes;
        let too_much = |cache: &Self| {
            cache.newest_last.len() > limits::RECORD_CACHE || cache.bytes > limits::RECORD_CACHE_BYTES
        };
        while self.newest_last.len() > 1 && too_much(self) {
            self.bytes -= self.newest_last.remove(0).2;
        }
    }
}

/// Who waits for the end of a write, by its key.
#[derive(Debug)]
pub(super) struct Waiters<W>(BTreeMap<ShardKey, Vec<W>>);

impl<W> Default for Waiters<W> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<W> Waiters<W> {
    /// Lets `waiter` wait for `key`.
    pub(super) fn add(&mut self, key: ShardKey, waiter: W) {
        self.0.entry(key).or_default().push(waiter);
    }

    /// All who waited for `key`.
    pub(super) fn take(&mut self, key: ShardKey) -> Vec<W> {
        self.0.remove(&key).unwrap_or_default()
    }
}
