//! What a Kademlia DHT knows, without its messages: who is near a point of the key space, and who
//! keeps which announcement. Pure.
//!
//! An announcement is kept by the 20 nodes nearest to its key among those up when it is made, in
//! memory, until it expires; a lookup finds it if one of these nodes is still up, in the same life.

use crate::NodeNumber;
use holdfast::types::{PlacementId, Timestamp};
use std::collections::BTreeMap;

/// Kademlia's k: nodes that keep an announcement, and peers that a lookup returns.
pub const REPLICATION: usize = 20;

/// A point of the key space; 128 bits of a BLAKE3 hash are enough to order nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(u128);

impl Key {
    /// The key of arbitrary bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self::at(blake3::hash(bytes).as_bytes())
    }

    /// The point itself.
    pub fn at(point: &[u8; 32]) -> Self {
        let (head, _) = point.split_first_chunk().expect("32 bytes begin with 16");
        Self(u128::from_be_bytes(*head))
    }
}

/// Nodes ordered by key: finds the nearest by exclusive or without looking at all of them.
#[derive(Debug, Default)]
pub struct KeySpace(Vec<(Key, NodeNumber)>);

impl KeySpace {
    /// Adds a node; nothing happens if it is there.
    pub fn insert(&mut self, key: Key, node: NodeNumber) {
        if let Err(at) = self.0.binary_search(&(key, node)) {
            self.0.insert(at, (key, node));
        }
    }

    /// Removes a node; nothing happens if it is not there.
    pub fn remove(&mut self, key: Key, node: NodeNumber) {
        if let Ok(at) = self.0.binary_search(&(key, node)) {
            self.0.remove(at);
        }
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The node at a place in key order.
    pub fn get(&self, index: usize) -> NodeNumber {
        self.0[index].1
    }

    /// The `limit` nodes nearest to `target` that `wanted` accepts, nearest first.
    pub fn nearest(&self, target: Key, limit: usize, wanted: impl Fn(NodeNumber) -> bool) -> Vec<NodeNumber> {
        let mut found = Vec::with_capacity(limit);
        // Ranges of nodes that share their first `bit` bits, the nearest on top.
        let mut open = vec![(&self.0[..], 0u32)];
        while let Some((range, bit)) = open.pop() {
            if found.len() == limit {
                break;
            }
            match range {
                [] => {}
                [(_, node)] => found.extend(wanted(*node).then_some(*node)),
                _ if bit == u128::BITS => found.extend(range.iter().map(|e| e.1).filter(|&n| wanted(n))),
                _ => {
                    let mask = 1 << (u128::BITS - 1 - bit);
                    let (zeros, ones) = range.split_at(range.partition_point(|(key, _)| key.0 & mask == 0));
                    let (near, far) = if target.0 & mask == 0 { (zeros, ones) } else { (ones, zeros) };
                    open.extend([(far, bit + 1), (near, bit + 1)]);
                }
            }
        }
        found.truncate(limit);
        found
    }
}

/// A node in one of its lives: what it keeps in memory ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Living {
    /// Which node.
    pub node: NodeNumber,
    /// Which of its lives.
    pub life: u32,
}

#[derive(Debug)]
struct Announcement {
    keepers: Vec<Living>,
    expires: Timestamp,
}

/// All announcements of a world.
#[derive(Debug, Default)]
pub struct Announcements(BTreeMap<PlacementId, BTreeMap<NodeNumber, Announcement>>);

impl Announcements {
    /// `provider` announces that it holds part of `id`; `keepers` keep that until `expires`.
    pub fn announce(
        &mut self,
        now: Timestamp,
        id: PlacementId,
        provider: NodeNumber,
        keepers: Vec<Living>,
        expires: Timestamp,
    ) {
        let providers = self.0.entry(id).or_default();
        providers.retain(|_, announcement| announcement.expires > now);
        providers.insert(provider, Announcement { keepers, expires });
    }

    /// Who announced `id`, as far as a keeper that `reachable` accepts still knows.
    pub fn providers(
        &mut self,
        now: Timestamp,
        id: PlacementId,
        reachable: impl Fn(Living) -> bool,
    ) -> Vec<NodeNumber> {
        let Some(providers) = self.0.get_mut(&id) else { return Vec::new() };
        providers.retain(|_, announcement| announcement.expires > now);
        let found = providers
            .iter()
            .filter(|(_, announcement)| announcement.keepers.iter().any(|&keeper| reachable(keeper)))
            .map(|(&provider, _)| provider)
            .collect();
        if providers.is_empty() {
            self.0.remove(&id);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nearest_is_what_sorting_by_distance_gives(
            keys in proptest::collection::btree_set(any::<u128>(), 0..200),
            clustered in proptest::collection::btree_set(0..64u128, 0..40),
            target in any::<u128>(),
            limit in 0..30usize,
        ) {
            let mut space = KeySpace::default();
            let mut all = Vec::new();
            for (i, key) in keys.union(&clustered).enumerate() {
                let node = NodeNumber(i as u32);
                space.insert(Key(*key), node);
                if i % 3 != 0 {
                    all.push((key ^ target, node));
                }
            }
            all.sort();
            let expected: Vec<_> = all.into_iter().take(limit).map(|(_, node)| node).collect();
            prop_assert_eq!(space.nearest(Key(target), limit, |node| node.0 % 3 != 0), expected);
        }
    }

    #[test]
    fn an_announcement_lives_as_long_as_a_keeper_and_its_time() {
        let id = PlacementId::from_bytes([1; 32]);
        let keeper = Living { node: NodeNumber(5), life: 1 };
        let mut announcements = Announcements::default();
        announcements.announce(Timestamp(0), id, NodeNumber(9), vec![keeper], Timestamp(100));
        assert_eq!(announcements.providers(Timestamp(99), id, |k| k == keeper), [NodeNumber(9)]);
        assert!(announcements.providers(Timestamp(99), id, |k| k.life == 2).is_empty());
        assert!(announcements.providers(Timestamp(100), id, |_| true).is_empty());
        assert!(announcements.0.is_empty());
    }

    #[test]
    fn inserting_twice_and_removing_twice_are_harmless() {
        let mut space = KeySpace::default();
        for _ in 0..2 {
            space.insert(Key(3), NodeNumber(1));
        }
        assert_eq!(space.len(), 1);
        for _ in 0..2 {
            space.remove(Key(3), NodeNumber(1));
        }
        assert_eq!(space.len(), 0);
    }
}
