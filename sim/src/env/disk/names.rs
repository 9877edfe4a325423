//! The directory tree: which names exist, which of them are durable, and what a crash leaves.

use super::content::Content;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};

/// One file's content, shared by its name, its durable name and its open handles.
#[derive(Debug, Default)]
pub struct Inode {
    content: Mutex<Content>,
    named: AtomicBool,
}

impl Inode {
    /// Its content.
    pub fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().expect("nothing panics while it holds a file's content")
    }

    /// True while the file has a name: only then does it count as used space.
    pub fn is_named(&self) -> bool {
        self.named.load(Ordering::Relaxed)
    }

    fn set_named(&self, named: bool) {
        self.named.store(named, Ordering::Relaxed);
    }
}

type Names = BTreeMap<Arc<str>, Arc<Inode>>;

/// A change of names that is not durable yet.
#[derive(Debug)]
enum Change {
    Create { path: Arc<str>, inode: Arc<Inode> },
    Rename { from: Arc<str>, to: Arc<str>, inode: Arc<Inode> },
    Remove { path: Arc<str> },
}

impl Change {
    /// The name whose directory must be synced for this change to be durable.
    fn path(&self) -> &str {
        match self {
            Change::Create { path, .. } | Change::Remove { path } => path,
            Change::Rename { to, .. } => to,
        }
    }
}

/// The names of one disk.
#[derive(Debug, Default)]
pub struct Tree {
    names: Names,
    dirs: BTreeSet<Arc<str>>,
    durable: Names,
    changes: Vec<Change>,
}

impl Tree {
    /// The file at `path`.
    pub fn get(&self, path: &str) -> Option<&Arc<Inode>> {
        self.names.get(path)
    }

    /// True if `path` is a directory.
    pub fn is_dir(&self, path: &str) -> bool {
        path.is_empty() || self.dirs.contains(path)
    }

    /// Makes an empty file; its parents too.
    pub fn create(&mut self, path: &str) -> Arc<Inode> {
        let (path, inode) = (Arc::from(path), Arc::new(Inode::default()));
        inode.set_named(true);
        self.make_parents(&path);
        self.names.insert(Arc::clone(&path), Arc::clone(&inode));
        self.changes.push(Change::Create { path, inode: Arc::clone(&inode) });
        inode
    }

    /// Renames a file that exists, making the target's parents; returns what the target was before.
    pub fn rename(&mut self, from: &str, to: &str) -> Option<Arc<Inode>> {
        let (from, inode) = self.names.remove_entry(from).expect("the caller looked the name up");
        let to = Arc::from(to);
        self.make_parents(&to);
        let replaced = self.names.insert(Arc::clone(&to), Arc::clone(&inode));
        self.changes.push(Change::Rename { from, to, inode });
        if let Some(replaced) = &replaced {
            replaced.set_named(false);
        }
        replaced
    }

    /// Removes a file's name.
    pub fn remove(&mut self, path: &str) -> Option<Arc<Inode>> {
        let (path, inode) = self.names.remove_entry(path)?;
        self.changes.push(Change::Remove { path });
        inode.set_named(false);
        Some(inode)
    }

    /// Removes an empty directory; `false` if something is in it.
    pub fn remove_dir(&mut self, path: &str) -> bool {
        let empty = self.list(path).is_empty();
        if empty {
            self.dirs.remove(path);
        }
        empty
    }

    /// The names in a directory, sorted.
    pub fn list(&self, dir: &str) -> Vec<String> {
        let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        let within = |path: &Arc<str>| path.strip_prefix(prefix.as_str()).map(str::to_owned);
        let from = (Bound::Included(prefix.as_str()), Bound::Unbounded);
        let files = self.names.range::<str, _>(from).map(|(path, _)| path);
        let dirs = self.dirs.range::<str, _>(from);
        let mut found: Vec<String> = files.map_while(within).collect();
        found.extend(dirs.map_while(within));
        found.retain(|name| !name.contains('/'));
        found.sort();
        found
    }

    /// Makes the names in a directory durable.
    pub fn sync_dir(&mut self, dir: &str) {
        let (ready, waiting) =
            std::mem::take(&mut self.changes).into_iter().partition(|change| parent(change.path()) == dir);
        self.changes = waiting;
        for change in ready {
            self.make_durable(change);
        }
    }

    /// What is left after a crash: durable names, and of the later changes any subset, in order.
    pub fn crash(&mut self, rng: &mut ChaCha8Rng) {
        for change in std::mem::take(&mut self.changes) {
            if rng.random() {
                self.make_durable(change);
            }
        }
        self.names = self.durable.clone();
        self.dirs.clear();
        let paths: Vec<Arc<str>> = self.names.keys().cloned().collect();
        for path in paths {
            self.make_parents(&path);
        }
        let mut crashed: BTreeSet<*const Inode> = BTreeSet::new();
        for inode in self.names.values() {
            if crashed.insert(Arc::as_ptr(inode)) {
                inode.set_named(true);
                inode.content().crash(rng);
            }
        }
    }

    /// All files whose path begins with `prefix`, in name order.
    pub fn files(&self, prefix: &str) -> impl Iterator<Item = (&Arc<str>, &Arc<Inode>)> {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        self.names.range::<str, _>(from).take_while(move |(path, _)| path.starts_with(prefix))
    }

    fn make_durable(&mut self, change: Change) {
        match change {
            Change::Create { path, inode } => {
                self.durable.insert(path, inode);
            }
            Change::Remove { path } => {
                self.durable.remove(&path);
            }
            Change::Rename { from, to, inode } => {
                if self.durable.get(&from).is_some_and(|old| Arc::ptr_eq(old, &inode)) {
                    self.durable.remove(&from);
                }
                // The old name must not come back as a second name of the same file.
                self.changes.retain(|change| {
                    !matches!(change, Change::Create { inode: created, .. } if Arc::ptr_eq(created, &inode))
                });
                self.durable.insert(to, inode);
            }
        }
    }

    fn make_parents(&mut self, path: &str) {
        for (slash, _) in path.match_indices('/') {
            if !self.dirs.contains(&path[..slash]) {
                self.dirs.insert(Arc::from(&path[..slash]));
            }
        }
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::SeedableRng;

    fn after_crash(tree: &mut Tree, seed: u64) -> Vec<String> {
        tree.crash(&mut ChaCha8Rng::seed_from_u64(seed));
        tree.files("").map(|(path, _)| path.to_string()).collect()
    }

    #[test]
    fn a_synced_name_survives_and_an_un_synced_one_may_not() {
        let mut outcomes = BTreeSet::new();
        for seed in 0..50 {
            let mut tree = Tree::default();
            tree.create("d/kept");
            tree.sync_dir("d");
            tree.create("d/new");
            let left = after_crash(&mut tree, seed);
            assert!(left.contains(&"d/kept".to_owned()));
            outcomes.insert(left.len());
        }
        assert_eq!(outcomes, BTreeSet::from([1, 2]));
    }

    #[test]
    fn a_rename_is_atomic_whatever_survives() {
        let mut outcomes = BTreeSet::new();
        for seed in 0..50 {
            let mut tree = Tree::default();
            tree.create("tmp/a").content().write(0, b"whole");
            tree.get("tmp/a").unwrap().content().sync();
            tree.sync_dir("tmp");
            tree.rename("tmp/a", "final/a");
            let left = after_crash(&mut tree, seed);
            assert_eq!(left.len(), 1, "{left:?}");
            outcomes.insert(left[0].clone());
        }
        assert_eq!(outcomes.len(), 2, "{outcomes:?}");
    }

    #[test]
    fn a_removed_file_may_come_back_until_its_directory_is_synced() {
        let mut outcomes = BTreeSet::new();
        for seed in 0..50 {
            let mut tree = Tree::default();
            tree.create("a");
            tree.sync_dir("");
            tree.remove("a");
            outcomes.insert(after_crash(&mut tree, seed).len());
            tree.remove("a");
            tree.sync_dir("");
            assert!(after_crash(&mut tree, seed).is_empty());
        }
        assert_eq!(outcomes, BTreeSet::from([0, 1]));
    }

    #[test]
    fn lists_files_and_directories_of_one_level() {
        let mut tree = Tree::default();
        for path in ["b/2", "b/1", "b/c/3", "a", "bb/4"] {
            tree.create(path);
        }
        assert_eq!(tree.list(""), ["a", "b", "bb"]);
        assert_eq!(tree.list("b"), ["1", "2", "c"]);
        assert!(tree.list("nothing").is_empty());
        assert!(!tree.remove_dir("b"));
    }
}
