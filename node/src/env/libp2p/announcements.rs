//! What a node keeps of the DHT's announcements: who provides which key, until when.
//!
//! Kademlia's own memory store forgets nothing that nobody asks for, and its bound is on keys alone.
//! This one is bounded as a whole: when it is full, what expires first makes room. Values are not part
//! of our DHT.

use crate::limits;
use libp2p::{
    PeerId,
    kad::{
        ProviderRecord, Record, RecordKey,
        store::{Error, RecordStore, Result},
    },
};
use std::{
    borrow::Cow,
    cell::Cell,
    collections::{BTreeMap, btree_map},
    iter,
    time::Instant,
};

/// The announcements that a node keeps, its own among them.
pub(super) struct Announcements {
    local: PeerId,
    /// What this node announces itself; it knows its number and never drops one.
    own: BTreeMap<Vec<u8>, ProviderRecord>,
    others: BTreeMap<Vec<u8>, Vec<Held>>,
    /// Others' announcements by when they expire.
    expiry: BTreeMap<Due, (Vec<u8>, PeerId)>,
    counter: u64,
    /// Where the next answer about others begins, since an answer carries only a part of a long list.
    turn: Cell<usize>,
}

/// When an announcement expires, and a number that tells those of one instant apart.
type Due = (Instant, u64);

struct Held {
    record: ProviderRecord,
    due: Due,
}

impl Announcements {
    /// An empty store of node `local`.
    pub fn new(local: PeerId) -> Self {
        Self {
            local,
            own: BTreeMap::new(),
            others: BTreeMap::new(),
            expiry: BTreeMap::new(),
            counter: 0,
            turn: Cell::new(0),
        }
    }

    fn forget(&mut self, key: &[u8], provider: &PeerId) {
        let Some(held) = self.others.get_mut(key) else {
            return;
        };
        if let Some(at) = held.iter().position(|held| held.record.provider == *provider) {
            self.expiry.remove(&held.remove(at).due);
        }
        if held.is_empty() {
            self.others.remove(key);
        }
    }
}

impl RecordStore for Announcements {
    type RecordsIter<'a> = iter::Empty<Cow<'a, Record>>;
    type ProvidedIter<'a> = iter::Map<
        btree_map::Values<'a, Vec<u8>, ProviderRecord>,
        fn(&'a ProviderRecord) -> Cow<'a, ProviderRecord>,
    >;

    fn get(&self, _key: &RecordKey) -> Option<Cow<'_, Record>> {
        None
    }

    fn put(&mut self, _record: Record) -> Result<()> {
        Err(Error::MaxRecords)
    }

    fn remove(&mut self, _key: &RecordKey) {}

    fn records(&self) -> Self::RecordsIter<'_> {
        iter::empty()
    }

    fn add_provider(&mut self, mut record: ProviderRecord) -> Result<()> {
        let key = record.key.to_vec();
        let expires = match record.expires {
            Some(expires) if record.provider != self.local => expires,
            Some(_) => return Ok(()),
            None => {
                self.own.insert(key, record);
                return Ok(());
            }
        };
        self.forget(&key, &record.provider);
        if self.others.get(&key).is_some_and(|held| held.len() >= usize::from(limits::MAX_SHARDS)) {
            return Err(Error::MaxProvidedKeys);
        }
        if self.expiry.len() >= limits::MAX_DHT_RECORDS
            && let Some((_, (key, provider))) = self.expiry.pop_first()
        {
            self.forget(&key, &provider);
        }
        record.addresses.truncate(limits::MAX_ADDRESSES_PER_PEER);
        self.counter += 1;
        let due = (expires, self.counter);
        self.expiry.insert(due, (key.clone(), record.provider));
        self.others.entry(key).or_default().push(Held { record, due });
        Ok(())
    }

    fn providers(&self, key: &RecordKey) -> Vec<ProviderRecord> {
        let key: &[u8] = key.as_ref();
        let mut found: Vec<_> =
            self.others.get(key).into_iter().flatten().map(|held| held.record.clone()).collect();
        if !found.is_empty() {
            let turn = self.turn.get();
            self.turn.set(turn.wrapping_add(1));
            let begin = turn % found.len();
            found.rotate_left(begin);
        }
        found.splice(0..0, self.own.get(key).cloned());
        found
    }

    fn provided(&self) -> Self::ProvidedIter<'_> {
        self.own.values().map(Cow::Borrowed)
    }

    fn remove_provider(&mut self, key: &RecordKey, provider: &PeerId) {
        if *provider == self.local {
            self.own.remove(key.as_ref());
        } else {
            self.forget(key.as_ref(), provider);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Identity;
    use std::time::Duration;

    fn peer(number: u16) -> PeerId {
        let mut secret = [7; 32];
        secret[..2].copy_from_slice(&(number + 1).to_be_bytes());
        Identity::from_secret(&mut secret).unwrap().peer()
    }

    fn store() -> Announcements {
        Announcements::new(peer(0))
    }

    fn told(start: Instant, key: u32, by: PeerId, seconds: u64) -> ProviderRecord {
        let mut record = ProviderRecord::new(RecordKey::new(&key.to_be_bytes()), by, vec![]);
        record.expires = Some(start + Duration::from_secs(seconds));
        record
    }

    fn start() -> Instant {
        #[allow(clippy::disallowed_methods)]
        Instant::now()
    }

    #[test]
    fn what_expires_first_makes_room() {
        let (mut store, start, other) = (store(), start(), peer(1));
        for key in 0..limits::MAX_DHT_RECORDS as u32 {
            store.add_provider(told(start, key, other, u64::from(key ^ 1) + 1)).unwrap();
        }
        store.add_provider(told(start, 1_000_000, other, 1)).unwrap();
        assert!(store.providers(&RecordKey::new(&1u32.to_be_bytes())).is_empty());
        assert_eq!(store.providers(&RecordKey::new(&0u32.to_be_bytes())).len(), 1);
        assert_eq!(store.providers(&RecordKey::new(&1_000_000u32.to_be_bytes())).len(), 1);
        assert_eq!(store.expiry.len(), limits::MAX_DHT_RECORDS);
        assert_eq!(store.others.len(), limits::MAX_DHT_RECORDS);
    }

    #[test]
    fn an_announcement_repeated_replaces_the_first() {
        let (mut store, start, other) = (store(), start(), peer(1));
        store.add_provider(told(start, 5, other, 1)).unwrap();
        store.add_provider(told(start, 5, other, 9)).unwrap();
        let found = store.providers(&RecordKey::new(&5u32.to_be_bytes()));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].expires, Some(start + Duration::from_secs(9)));
        assert_eq!(store.expiry.len(), 1);
        store.remove_provider(&found[0].key, &other);
        assert!(store.others.is_empty() && store.expiry.is_empty());
    }

    #[test]
    fn own_announcements_stay_until_withdrawn() {
        let mut store = store();
        let key = RecordKey::new(&[1; 32]);
        store.add_provider(ProviderRecord::new(key.clone(), peer(0), vec![])).unwrap();
        assert_eq!(store.provided().count(), 1);
        assert_eq!(store.providers(&key)[0].provider, peer(0));
        // Nobody else speaks for this node.
        store.add_provider(told(start(), 9, peer(0), 100)).unwrap();
        assert!(store.providers(&RecordKey::new(&9u32.to_be_bytes())).is_empty());
        store.remove_provider(&key, &peer(0));
        assert!(store.providers(&key).is_empty());
    }

    #[test]
    fn a_long_list_is_told_from_changing_beginnings() {
        let (mut store, start) = (store(), start());
        for number in 1..=3 {
            store.add_provider(told(start, 5, peer(number), 1)).unwrap();
        }
        let key = RecordKey::new(&5u32.to_be_bytes());
        let firsts: std::collections::BTreeSet<_> =
            (0..3).map(|_| store.providers(&key)[0].provider).collect();
        assert_eq!(firsts.len(), 3);
    }

    #[test]
    fn one_key_takes_as_many_as_a_placement_has_slots() {
        let (mut store, start) = (store(), start());
        for number in 1..=limits::MAX_SHARDS {
            store.add_provider(told(start, 5, peer(number), 1)).unwrap();
        }
        assert!(store.add_provider(told(start, 5, peer(limits::MAX_SHARDS + 1), 1)).is_err());
        assert!(store.add_provider(told(start, 5, peer(1), 2)).is_ok());
    }

    #[test]
    fn values_are_refused() {
        let mut store = store();
        assert!(store.put(Record::new(vec![1], vec![2])).is_err());
        assert!(store.get(&RecordKey::new(&[1])).is_none());
    }
}
