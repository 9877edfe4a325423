//! Tests of when a holder repairs.

use super::{
    state::{Next, Scene, Watch},
    verdict::{Verdict, judge},
};
use crate::types::{Code, HeldSlot, Identity, PeerId, PlacementId, ProviderRecord, Timestamp};
use std::time::Duration;

const GRACE: Duration = Duration::from_secs(100);
const STAGGER: Duration = Duration::from_secs(10);

fn peer(number: u8) -> PeerId {
    Identity::from_secret(&mut [number; 32]).expect("a valid secret").peer()
}

fn id() -> PlacementId {
    PlacementId::from_bytes([5; 32])
}

fn code() -> Code {
    Code::new(2, 5, 3).expect("a code")
}

fn holding(number: u8, missing: Vec<u32>) -> ProviderRecord {
    ProviderRecord {
        provider: peer(number),
        placement: id(),
        slots: vec![HeldSlot { slot: u16::from(number) - 1, missing }],
        operator: String::new(),
        region: String::new(),
        issued: Timestamp(0),
        expires: Timestamp(u64::MAX),
    }
}

fn at(seconds: u64) -> Scene {
    let now = Timestamp(seconds * 1_000_000_000);
    Scene { id: id(), code: code(), segments: 4, now, grace: GRACE, stagger: STAGGER }
}

fn watch(live: u8, now: u64) -> Watch {
    let mut watch = Watch::new(Timestamp(0));
    for number in 1..=live {
        watch.answered(holding(number, Vec::new()), at(now).now);
    }
    watch
}

#[test]
fn the_verdict_follows_the_threshold() {
    let verdicts = [1, 2, 3, 4, 5].map(|live| judge(code(), live));
    assert_eq!(
        verdicts,
        [Verdict::Lost, Verdict::Repair, Verdict::Repair, Verdict::Healthy, Verdict::Healthy]
    );
}

#[test]
fn exactly_one_holder_acts_at_once_and_the_others_wait_in_turn() {
    let mut delays: Vec<u64> = (1..=3)
        .map(|number| match watch(3, 200).decide(&peer(number), &at(200)) {
            Next::Repair => 0,
            Next::Wait(turn) => turn.since(at(200).now).as_secs(),
            Next::Rest => panic!("three of five live is at the threshold"),
        })
        .collect();
    delays.sort_unstable();
    assert_eq!(delays, [0, 10, 20]);
}

#[test]
fn whoever_waits_acts_when_the_turn_comes_and_rests_when_it_is_not_needed_any_more() {
    let last = (1..=3).max_by_key(|&number| match watch(3, 200).decide(&peer(number), &at(200)) {
        Next::Wait(turn) => turn,
        _ => Timestamp(0),
    });
    let me = peer(last.expect("three holders"));
    let mut waiting = watch(3, 200);
    assert!(matches!(waiting.decide(&me, &at(200)), Next::Wait(_)));
    assert_eq!(waiting.decide(&me, &at(220)), Next::Repair);
    waiting.answered(holding(4, Vec::new()), at(220).now);
    assert_eq!(waiting.decide(&me, &at(221)), Next::Rest);
}

#[test]
fn whoever_sees_a_repair_under_way_gives_it_another_turn() {
    let last = (1..=3).max_by_key(|&number| match watch(3, 200).decide(&peer(number), &at(200)) {
        Next::Wait(turn) => turn,
        _ => Timestamp(0),
    });
    let me = peer(last.expect("three holders"));
    let mut waiting = watch(3, 200);
    waiting.decide(&me, &at(200));
    waiting.answered(holding(4, vec![1, 2, 3]), at(220).now);
    assert!(
        matches!(waiting.decide(&me, &at(220)), Next::Wait(turn) if turn > at(220).now),
        "one shard came"
    );
    assert_eq!(waiting.decide(&me, &at(260)), Next::Repair, "nothing came any more");
}

#[test]
fn a_newcomer_cannot_tell_gone_from_away_and_leaves_repair_to_others() {
    let mut watch = watch(3, 50);
    assert!((1..=3).all(|number| watch.decide(&peer(number), &at(50)) == Next::Rest));
}

#[test]
fn a_silent_holder_counts_until_the_grace_is_over() {
    let mut watch = watch(4, 200);
    watch.silent(&peer(4), at(299).now, GRACE);
    assert_eq!(watch.holders().min_live(code(), 4), 4);
    watch.silent(&peer(4), at(300).now, GRACE);
    assert_eq!(watch.holders().min_live(code(), 4), 3);
}

#[test]
fn a_restarted_holder_goes_on_watching_and_gives_the_silent_a_second_chance() {
    let mut before = watch(4, 200);
    before.recall(None, at(200).now);
    assert_eq!(before.memory(at(200).now, GRACE), None, "written a moment ago");
    let memory = before.memory(at(213).now, GRACE).expect("an eighth of the grace is over");
    let mut after = Watch::new(at(900).now);
    assert!(after.must_recall());
    after.recall(Some(memory), at(900).now);
    assert!(!after.must_recall());
    after.answered(holding(1, Vec::new()), at(900).now);
    for number in 2..=4 {
        after.silent(&peer(number), at(900).now, GRACE);
    }
    assert_eq!(after.holders().min_live(code(), 4), 4, "all were away, this node too");
    after.answered(holding(2, Vec::new()), at(910).now);
    after.answered(holding(3, Vec::new()), at(910).now);
    after.silent(&peer(4), at(910).now, GRACE);
    assert_eq!(after.holders().min_live(code(), 4), 3);
    assert_ne!(after.decide(&peer(1), &at(910)), Next::Rest, "it is no newcomer");
}

#[test]
fn one_missing_segment_of_a_slot_counts() {
    let mut watch = watch(4, 200);
    watch.answered(holding(4, vec![2]), at(201).now);
    assert_eq!(watch.holders().min_live(code(), 4), 3);
    assert_eq!(watch.holders().missing(code(), 2), [3, 4]);
    assert_eq!(watch.holders().missing(code(), 1), [4]);
}

#[test]
fn whoever_began_a_repair_goes_on_until_all_shards_are_back() {
    let mut watch = watch(4, 200);
    assert_eq!(watch.decide(&peer(1), &at(200)), Next::Rest, "four of five are enough");
    watch.repaired(code(), 4);
    assert_eq!(watch.decide(&peer(1), &at(210)), Next::Repair, "one slot found no provider");
    watch.answered(holding(5, vec![3]), at(210).now);
    watch.repaired(code(), 4);
    assert_eq!(watch.decide(&peer(1), &at(220)), Next::Repair, "one shard of one segment was not placed");
    watch.answered(holding(5, Vec::new()), at(220).now);
    watch.repaired(code(), 4);
    assert_eq!(watch.decide(&peer(1), &at(230)), Next::Rest);
    watch.denied(&peer(5));
    assert_eq!(watch.decide(&peer(1), &at(240)), Next::Rest, "a shard lost later is another repair's");
}
