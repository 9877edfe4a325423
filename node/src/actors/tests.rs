//! Tests of what the actors share.

use super::race::{Race, Speeds};
use crate::types::{Code, Identity, PeerId};
use std::{collections::BTreeMap, time::Duration};

fn peer(number: u8) -> PeerId {
    Identity::from_secret(&mut [number; 32]).expect("a valid secret").peer()
}

/// Slot i is held by peer i + 1.
fn sources(n: u16) -> BTreeMap<u16, Vec<PeerId>> {
    (0..n).map(|slot| (slot, vec![peer(slot as u8 + 1)])).collect()
}

fn race(speeds: &Speeds) -> Race {
    Race::new(Code::new(3, 6, 4).expect("a code"), sources(6), speeds)
}

fn asked(race: &mut Race) -> Vec<u16> {
    std::iter::from_fn(|| race.next()).map(|(slot, _)| slot).collect()
}

#[test]
fn data_shards_are_asked_for_first() {
    let mut slots = asked(&mut race(&Speeds::default()));
    slots.sort_unstable();
    assert_eq!(slots, [0, 1, 2]);
}

#[test]
fn a_failure_is_made_up_for_at_once_and_a_hedge_asks_for_more() {
    let mut race = race(&Speeds::default());
    let first = asked(&mut race);
    race.failed(first[0]);
    assert_eq!(asked(&mut race).len(), 1);
    race.hedge();
    assert_eq!(asked(&mut race).len(), 1);
    assert!(!race.arrived(first[1]) && !race.arrived(first[2]));
    assert_eq!(asked(&mut race).len(), 0);
    assert!(race.arrived(4));
}

#[test]
fn slow_and_failed_peers_are_asked_last() {
    let mut speeds = Speeds::default();
    for number in 1..=6 {
        speeds.observe(peer(number), Duration::from_millis(20));
    }
    speeds.failed(peer(1));
    speeds.observe(peer(2), Duration::from_secs(9));
    let mut slots = asked(&mut race(&speeds));
    slots.sort_unstable();
    assert!(!slots.contains(&0) && !slots.contains(&1), "asked {slots:?}");
}

#[test]
fn patience_follows_what_peers_take() {
    let mut speeds = Speeds::default();
    for number in 1..=5 {
        speeds.observe(peer(number), Duration::from_millis(100));
    }
    let usual = speeds.patience();
    assert_eq!(usual, Duration::from_millis(300));
    speeds.failed(peer(1));
    assert_eq!(speeds.patience(), usual, "a failed peer says nothing about the others");
}
