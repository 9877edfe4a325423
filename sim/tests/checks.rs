//! Every check must be able to fail: the observer is told of runs in which a promise is broken.

use holdfast::{
    events::Event,
    types::{Code, PlacementId, Policy, ShardHash, ShardKey},
};
use holdfast_sim::{
    checks::{FileFate, Observer, Verdict, evaluate},
    plan::Plan,
};

const FILE: PlacementId = PlacementId::from_bytes([7; 32]);

/// Twelve nodes of four operators, files of 2 of 4 shards repaired at 3, two slots an operator at most.
fn observer() -> Observer {
    let plan = Plan::parse("test", "name = \"test\"\nnodes = 20\noperators = 4\n", &[]).expect("valid");
    let policy = Policy { max_per_operator: 2, max_per_region: u16::MAX };
    Observer::new(Code::new(2, 4, 3).expect("valid"), policy, plan.population())
}

fn store(observer: &mut Observer, node: usize, slot: u16) {
    let key = ShardKey { placement: FILE, segment: 0, slot };
    observer.event(node, &Event::ShardStored { key, hash: ShardHash::of(b""), len: 1 });
}

/// A file stored at nodes 0 to 3.
fn with_a_file() -> Observer {
    let mut observer = observer();
    for slot in 0..4 {
        store(&mut observer, usize::from(slot), slot);
    }
    observer.stored(FILE, 1);
    observer
}

fn failed(observer: &Observer, fate: FileFate, altered: u64, books: &[&str]) -> Vec<&'static str> {
    let files = [("file".to_owned(), FILE, fate)];
    let books = books.iter().map(|&text| text.to_owned()).collect();
    let checks = evaluate(observer, &files, altered, books, 1.0);
    checks.into_iter().filter(|check| check.verdict == Verdict::Fail).map(|check| check.id).collect()
}

#[test]
fn a_healthy_file_breaks_nothing() {
    let observer = with_a_file();
    assert!(failed(&observer, FileFate::Retrieved, 0, &[]).is_empty());
    assert_eq!((observer.live_of(FILE), observer.fewest_of(FILE), observer.safe()), (vec![4], vec![4], 1));
}

#[test]
fn s1_fails_for_other_bytes_and_for_files_that_should_come_back() {
    let observer = with_a_file();
    assert_eq!(failed(&observer, FileFate::Altered, 0, &[]), ["S1"]);
    assert_eq!(failed(&observer, FileFate::Unavailable, 0, &[]), ["S1"]);
    assert_eq!(failed(&observer, FileFate::Retrieved, 1, &[]), ["S1"]);
    assert_eq!(failed(&observer, FileFate::Retrieved, 0, &["node 3 differs"]), ["BOOKS"]);
}

#[test]
fn l1_fails_while_a_segment_waits_for_repair_and_not_for_one_that_is_lost() {
    let mut observer = with_a_file();
    observer.departed(0);
    assert_eq!(failed(&observer, FileFate::Retrieved, 0, &[]), ["L1"], "three live shards are the threshold");
    store(&mut observer, 5, 0);
    assert!(failed(&observer, FileFate::Retrieved, 0, &[]).is_empty(), "the repair was in time");
    for node in [1, 2, 3] {
        observer.departed(node);
    }
    assert_eq!((observer.live_of(FILE), observer.safe()), (vec![1], 0));
    assert!(failed(&observer, FileFate::Lost, 0, &[]).is_empty(), "a loss is counted, no promise covers it");
    assert_eq!(observer.fewest_of(FILE), [1]);
}

#[test]
fn s5_fails_when_a_provider_gets_two_slots() {
    let mut observer = with_a_file();
    store(&mut observer, 1, 3);
    assert_eq!(failed(&observer, FileFate::Retrieved, 0, &[]), ["S5"]);
}

#[test]
fn s5_fails_when_an_owner_gives_an_operator_too_many_slots() {
    let mut observer = observer();
    // Nodes 0, 4 and 8 belong to operator 0.
    for (slot, node) in [(0, 0), (1, 4), (2, 8), (3, 1)] {
        store(&mut observer, node, slot);
    }
    assert!(observer.violations().is_empty(), "only an acknowledged placement is judged");
    observer.stored(FILE, 1);
    assert_eq!(failed(&observer, FileFate::Retrieved, 0, &[]), ["S5"]);
}

#[test]
fn s5_fails_when_a_repairer_exceeds_a_bound_that_it_must_have_known() {
    let repair = |steady: bool, just_gone: Option<usize>| {
        let mut observer = observer();
        for (slot, node) in [(0, 0), (1, 4), (2, 1), (3, 2)] {
            store(&mut observer, node, slot);
        }
        observer.stored(FILE, 1);
        observer.set_steady(vec![steady; 20]);
        observer.departed(2);
        just_gone.into_iter().for_each(|node| observer.away(node));
        // Node 8 belongs to operator 0, which has slots 0 and 1 already.
        store(&mut observer, 8, 3);
        failed(&observer, FileFate::Retrieved, 0, &[])
    };
    assert_eq!(repair(true, None), ["S5"]);
    assert!(repair(false, None).is_empty(), "who has just come back need not be known yet");
    assert!(repair(true, Some(4)).is_empty(), "who has just gone need not be known any more");
    assert_eq!(repair(true, Some(3)), ["S5"], "who is gone excuses nothing about others");
}

#[test]
fn redundancy_counts_slots_and_not_copies() {
    let mut observer = with_a_file();
    store(&mut observer, 9, 0);
    assert_eq!(observer.live_of(FILE), [4], "two copies of a shard are one shard");
    observer.departed(0);
    assert_eq!(observer.live_of(FILE), [4], "the other copy still lives");
    let online = observer.redundancy(|node| node != 9);
    assert_eq!((online.segments, online.min, online.p50), (1, 3, 3));
    let key = ShardKey { placement: FILE, segment: 0, slot: 2 };
    observer.event(2, &Event::ShardDamaged { key });
    assert_eq!((observer.live_of(FILE), observer.shards_damaged, observer.shards_on(2)), (vec![3], 1, 0));
}
