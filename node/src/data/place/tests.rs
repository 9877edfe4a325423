use super::*;
use crate::types::Identity;
use proptest::prelude::*;
use rand_chacha::ChaCha12Rng;
use rand_core::SeedableRng;
use std::sync::LazyLock;

const UNBOUND: u16 = u16::MAX;

static PEERS: LazyLock<Vec<PeerId>> = LazyLock::new(|| {
    (1..=24).map(|n| Identity::from_secret(&mut [n; 32]).expect("a small secret is valid").peer()).collect()
});

fn place(peer: usize, operator: &str, region: &str, free_bytes: u64) -> Place {
    Place { peer: PEERS[peer], operator: operator.into(), region: region.into(), free_bytes }
}

fn policy(max_per_operator: u16, max_per_region: u16) -> Policy {
    Policy { max_per_operator, max_per_region }
}

fn rng(seed: u64) -> ChaCha12Rng {
    ChaCha12Rng::seed_from_u64(seed)
}

#[test]
fn bounds_count_named_operators_and_regions() {
    let two = [place(0, "a", "x", 1), place(1, "a", "y", 1)];
    assert!(policy_holds(&policy(2, 1), &two));
    assert!(!policy_holds(&policy(1, 1), &two), "two slots with operator a");
    let same_region = [place(0, "a", "x", 1), place(1, "b", "x", 1)];
    assert!(!policy_holds(&policy(1, 1), &same_region), "two slots in region x");
    assert!(policy_holds(&policy(1, 2), &same_region));
}

#[test]
fn an_unnamed_operator_or_region_is_one_of_its_own() {
    let unnamed = [place(0, "", "", 1), place(1, "", "", 1), place(2, "", "", 1)];
    assert!(policy_holds(&policy(1, 1), &unnamed));
    assert_eq!(choose(&policy(1, 1), &unnamed[..1], &unnamed[1..], 2, &mut rng(0)).len(), 2);
}

#[test]
fn a_provider_is_never_used_twice() {
    let twice = [place(0, "a", "x", 1), place(0, "b", "y", 1)];
    assert!(!policy_holds(&policy(UNBOUND, UNBOUND), &twice));
    assert_eq!(choose(&Policy::default(), &[], &twice, 2, &mut rng(0)).len(), 1);
    assert!(choose(&Policy::default(), &twice[..1], &twice[1..], 1, &mut rng(0)).is_empty());
}

#[test]
fn unused_operators_come_first_then_room() {
    let taken = [place(0, "a", "x", 1)];
    let candidates = [place(1, "a", "x", 1 << 40), place(2, "b", "y", 1), place(3, "c", "z", 1 << 20)];
    for seed in 0..20 {
        assert_eq!(choose(&Policy::default(), &taken, &candidates, 1, &mut rng(seed)), [2]);
    }
}

#[test]
fn equals_are_picked_in_random_order() {
    let candidates: Vec<Place> = (0..8).map(|i| place(i, "", "", 1000 + i as u64)).collect();
    let firsts: BTreeSet<Vec<usize>> =
        (0..50).map(|seed| choose(&Policy::default(), &[], &candidates, 1, &mut rng(seed))).collect();
    assert_eq!(firsts.len(), 8, "each of eight equals is picked by some seed");
}

#[test]
fn the_same_seed_picks_the_same() {
    let candidates: Vec<Place> = (0..20).map(|i| place(i, "", "", 5)).collect();
    let pick = || choose(&Policy::default(), &[], &candidates, 7, &mut rng(9));
    assert_eq!(pick(), pick());
}

#[test]
fn a_greedy_pick_that_blocks_others_is_exchanged() {
    // One a operator and region: greedy takes the roomy (a, x) and then neither of the other two fits.
    let candidates = [place(0, "a", "x", 1 << 40), place(1, "a", "y", 1), place(2, "b", "x", 1)];
    for seed in 0..20 {
        let mut chosen = choose(&policy(1, 1), &[], &candidates, 2, &mut rng(seed));
        chosen.sort_unstable();
        assert_eq!(chosen, [1, 2]);
    }
}

/// Most candidates that any choice can take: by trying all.
fn maximum(policy: &Policy, taken: &[Place], candidates: &[Place]) -> usize {
    let subsets = 0_u32..1 << candidates.len();
    let kept = subsets.filter(|subset| {
        let chosen = candidates.iter().enumerate().filter(|(i, _)| subset >> i & 1 == 1);
        let all: Vec<Place> = taken.iter().chain(chosen.map(|(_, place)| place)).cloned().collect();
        policy_holds(policy, &all)
    });
    kept.map(|subset| subset.count_ones() as usize).max().unwrap_or(0)
}

fn places(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Place>> {
    let labels = || prop::sample::select(vec!["", "a", "b", "c"]);
    let place = (0..PEERS.len(), labels(), labels(), 0_u64..1000);
    proptest::collection::vec(
        place.prop_map(|(peer, o, r, free)| super::tests::place(peer, o, r, free)),
        count,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_choice_keeps_the_policy_and_is_as_large_as_any(
        taken in places(0..4), mut candidates in places(0..10), wanted in 0_usize..12,
        per_operator in 1_u16..4, per_region in 1_u16..4, seed: u64,
    ) {
        let policy = policy(per_operator, per_region);
        prop_assume!(policy_holds(&policy, &taken));
        let mut peers = BTreeSet::new();
        candidates.retain(|place| peers.insert(place.peer));
        let chosen = choose(&policy, &taken, &candidates, wanted, &mut rng(seed));
        let all: Vec<Place> =
            taken.iter().chain(chosen.iter().map(|index| &candidates[*index])).cloned().collect();
        prop_assert!(policy_holds(&policy, &all));
        prop_assert_eq!(chosen.len(), wanted.min(maximum(&policy, &taken, &candidates)));
    }
}
