//! The trees of the slots that were challenged lately.

use crate::types::PlacementId;
use holdfast_proofs::tree::{GROUP_BYTES, SlotTree};
use std::{collections::BTreeMap, sync::Arc};

/// Bytes of a node of a tree.
const NODE_BYTES: u64 = 32;

/// Keeps trees until they take too much memory, and then forgets those that were used longest ago.
#[derive(Debug, Default)]
pub(super) struct Trees {
    kept: BTreeMap<PlacementId, Kept>,
    bytes: u64,
    uses: u64,
}

#[derive(Debug)]
struct Kept {
    tree: Arc<SlotTree>,
    used: u64,
}

/// Bytes that a tree takes, about: a node for every eight cells, and a seventh of that above.
fn size(tree: &SlotTree) -> u64 {
    tree.length().div_ceil(GROUP_BYTES as u64) * NODE_BYTES * 8 / 7
}

impl Trees {
    /// A kept tree.
    pub(super) fn get(&mut self, id: PlacementId) -> Option<Arc<SlotTree>> {
        self.uses += 1;
        let kept = self.kept.get_mut(&id)?;
        kept.used = self.uses;
        Some(kept.tree.clone())
    }

    /// Whether a tree is kept; it is not used by this.
    pub(super) fn contains(&self, id: PlacementId) -> bool {
        self.kept.contains_key(&id)
    }

    /// Keeps a tree; all trees together take at most `limit` bytes, or are one.
    pub(super) fn keep(&mut self, id: PlacementId, tree: Arc<SlotTree>, limit: u64) {
        self.forget(id);
        self.uses += 1;
        self.bytes += size(&tree);
        self.kept.insert(id, Kept { tree, used: self.uses });
        while self.bytes > limit && self.kept.len() > 1 {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.used).map(|(id, _)| *id);
            oldest.into_iter().for_each(|id| self.forget(id));
        }
    }

    fn forget(&mut self, id: PlacementId) {
        if let Some(kept) = self.kept.remove(&id) {
            self.bytes -= size(&kept.tree);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_proofs::tree::{Schedule, SlotTreeBuilder};

    fn tree(bytes: usize) -> Arc<SlotTree> {
        let mut builder = SlotTreeBuilder::new(2, Schedule::Inline).expect("two levels");
        builder.push(&vec![1; bytes]).expect("it fits");
        Arc::new(builder.finish())
    }

    #[test]
    fn what_was_used_longest_ago_is_forgotten_first_and_one_always_stays() {
        let [a, b, c] = [1, 2, 3].map(|byte| PlacementId::from_bytes([byte; 32]));
        let limit = 2 * size(&tree(1000));
        let mut trees = Trees::default();
        trees.keep(a, tree(1000), limit);
        trees.keep(b, tree(1000), limit);
        assert!(trees.get(a).is_some());
        trees.keep(c, tree(1000), limit);
        assert_eq!([a, b, c].map(|id| trees.get(id).is_some()), [true, false, true]);
        trees.keep(b, tree(30_000), limit);
        assert_eq!([a, b, c].map(|id| trees.get(id).is_some()), [false, true, false]);
        trees.forget(b);
        assert_eq!(trees.bytes, 0);
    }
}
