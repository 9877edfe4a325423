//! What is decided, case by case. That it is carried out, on a chain that reorganises, is tested in `sim/tests/agreements`.

use super::{
    actor::Kept,
    notes::Pledge,
    orders::Name,
    policy::{Penalties, bond, miss_cost, objection, worth},
    provider::seen,
    state::{
        Book, Neighbour, NeighbourDuty, Opened, Sight, SlotDuty, SlotSight, SlotState, WindowDuty, Windows,
        lasts, turn,
    },
    view::{neighbour, slot_state},
    watch::{Demand, Dispute, Watch},
};
use crate::{limits, settings::MarketSettings, types::PlacementId};
use alloy::primitives::{Address, B256, U256};
use holdfast_contracts::{
    Amount,
    abi::{IMarket, Terms},
};

const WINDOWS: Windows = Windows { genesis: 100, blocks: 50, open_blocks: 10 };
/// First block of window 3.
const FIRST: u64 = 250;

fn sight(next: u64) -> Sight {
    let book = Book { count: 2, version: 2, obliged_from: 3, level: 0, last_miss: 0, evicted: false };
    Sight { next, windows: WINDOWS, opened: None, book, proven: false }
}

fn opened(next: u64) -> Sight {
    Sight { opened: Some(Opened { random: [7; 24], deadline: FIRST + 25 }), ..sight(next) }
}

#[test]
fn a_window_is_opened_in_turn_and_then_proven_until_its_deadline() {
    assert_eq!((sight(FIRST - 1).window(), sight(FIRST).window()), (2, 3));
    let due: Vec<u64> = (FIRST..FIRST + 50).filter(|next| sight(*next).window_duty(4).is_some()).collect();
    assert_eq!(due, (FIRST + 4..=FIRST + 10).collect::<Vec<_>>());
    assert_eq!(sight(FIRST + 4).window_duty(4), Some(WindowDuty::Open));
    let prove = Some(WindowDuty::Prove(Opened { random: [7; 24], deadline: FIRST + 25 }));
    assert_eq!(opened(FIRST + 2).window_duty(4), prove, "whoever opened it");
    assert_eq!(opened(FIRST + 25).window_duty(4), prove);
    assert_eq!(opened(FIRST + 26).window_duty(4), None);
    assert_eq!(Sight { proven: true, ..opened(FIRST + 2) }.window_duty(4), None);
    for book in [
        Book { evicted: true, ..sight(0).book },
        Book { count: 0, ..sight(0).book },
        Book { obliged_from: 4, ..sight(0).book },
    ] {
        assert_eq!(Sight { book, ..opened(FIRST + 2) }.window_duty(4), None, "{book:?}");
        assert_eq!(Sight { book, ..sight(FIRST + 5) }.window_duty(4), None, "{book:?}");
    }
}

#[test]
fn turns_differ_and_leave_half_of_the_time_to_whoever_is_left() {
    let turns: Vec<u64> = (0..200).map(|window| turn(Address::repeat_byte(1), window, 10)).collect();
    assert!(turns.iter().all(|turn| (1..=5).contains(turn)));
    assert!((1..=5).all(|turn| turns.contains(&turn)));
    assert_eq!(turn(Address::repeat_byte(1), 3, 1), 1, "the shortest time to open");
}

#[test]
fn a_set_may_change_once_its_window_is_proven_or_can_no_longer_be() {
    let free = |sight: Sight| (sight.is_free(), sight.first_open());
    assert_eq!(free(sight(FIRST + 10)), (false, 3));
    assert_eq!(free(sight(FIRST + 11)), (true, 4), "nobody opened it");
    assert_eq!(free(opened(FIRST + 25)), (false, 3));
    assert_eq!(free(opened(FIRST + 26)), (true, 4));
    assert_eq!(free(Sight { proven: true, ..opened(FIRST + 5) }), (true, 4));
    let book = Book { count: 0, ..sight(0).book };
    assert_eq!(free(Sight { book, ..sight(FIRST) }), (true, 4));
}

#[test]
fn what_is_seen_at_every_look_for_long_enough_is_final() {
    let mut seen = None;
    let looks = |seen: &mut Option<(u64, u64)>, at: &[u64]| {
        at.iter().map(|next| lasts(seen, *next, 12)).collect::<Vec<_>>()
    };
    assert_eq!(looks(&mut seen, &[100, 106, 111, 112]), [false, false, false, true]);
    assert_eq!(looks(&mut seen, &[110, 112]), [false, true], "a reorganisation lowered the head");
    assert_eq!(
        looks(&mut seen, &[119, 125, 131]),
        [false, false, true],
        "a look was too late: it begins anew"
    );
}

fn slot(state: SlotState) -> SlotSight {
    let (end, agreed_end, reserved_to) = (9, 9, FIRST + 70);
    SlotSight { state, disputed: false, from: 3, reserved_to, settled_to: 3, end, agreed_end, price: 5 }
}

#[test]
fn an_empty_slot_is_taken_when_the_set_may_change_and_while_it_is_worth_it() {
    let duty = |slot: SlotSight, sight: Sight| slot.duty(&sight, 0, false, 2);
    let empty = slot(SlotState::Empty);
    assert_eq!(duty(empty, sight(FIRST + 5)), None, "frozen");
    assert_eq!(duty(empty, sight(FIRST + 11)), Some(SlotDuty::Fill));
    assert_eq!(duty(SlotSight { end: 5, ..empty }, sight(FIRST + 11)), Some(SlotDuty::Fill));
    assert_eq!(duty(SlotSight { end: 4, ..empty }, sight(FIRST + 11)), Some(SlotDuty::Forget), "too late");
    assert_eq!(empty.duty(&sight(FIRST + 11), 2, false, 2), Some(SlotDuty::Forget), "it is lost here");
    assert_eq!(duty(slot(SlotState::Gone), sight(FIRST)), Some(SlotDuty::Forget));
    let evicted = Sight { book: Book { evicted: true, ..sight(0).book }, ..sight(FIRST + 11) };
    assert_eq!(duty(empty, evicted), None);
}

#[test]
fn a_taken_slot_is_settled_now_and_then_and_left_when_its_time_is_over_or_it_is_lost() {
    let mine = slot(SlotState::Mine);
    let at = |window: u64, free: bool| {
        let next = WINDOWS.first(window) + 5;
        let book = Book { obliged_from: 3, ..sight(0).book };
        let opened = Some(Opened { random: [7; 24], deadline: next + 20 });
        Sight { opened, proven: free, book, ..sight(next) }
    };
    let due = |sight: Sight| mine.duty(&sight, 0, false, 2);
    assert_eq!(due(at(4, false)), None, "window 4 is not certain");
    assert_eq!(due(at(4, true)), Some(SlotDuty::Settle), "3 and 4 are");
    assert_eq!(due(at(3, true)), None, "one window is not worth it");
    assert_eq!(due(at(9, false)), None, "its set is frozen");
    assert_eq!(due(at(9, true)), Some(SlotDuty::Finish));
    assert_eq!(mine.duty(&at(4, true), 2, false, 2), Some(SlotDuty::DeclareFault));
    assert_eq!(mine.duty(&at(4, true), 1, false, 2), Some(SlotDuty::Settle), "somebody may be repairing it");
    assert_eq!(mine.duty(&at(4, false), 2, false, 2), None, "its set is frozen");
    let disputed = SlotSight { disputed: true, ..mine };
    assert_eq!(disputed.duty(&at(4, true), 2, false, 2), None, "a dispute holds it");
    assert_eq!(disputed.duty(&at(9, true), 0, false, 2), None);
    let settled = SlotSight { settled_to: 9, ..mine };
    assert_eq!(settled.duty(&at(8, true), 0, false, 2), None, "nothing is left to be paid");
}

#[test]
fn what_has_a_deadline_is_of_use_until_then() {
    let last = |slot: SlotSight, duty: SlotDuty| slot.last_block(duty, &sight(FIRST));
    let mine = slot(SlotState::Mine);
    // Window 8 is the last, and begins with block 500.
    assert_eq!(last(mine, SlotDuty::Fill), Some(499));
    assert_eq!(last(mine, SlotDuty::Reserve), Some(FIRST + 44), "the next window binds the set");
    let newcomer = Sight { book: Book { count: 0, ..sight(0).book }, ..sight(FIRST) };
    assert_eq!(mine.last_block(SlotDuty::Reserve, &newcomer), Some(499));
    assert_eq!(last(mine, SlotDuty::Refill), Some(320), "as long as it is reserved");
    assert_eq!(last(SlotSight { reserved_to: 600, ..mine }, SlotDuty::Refill), Some(499));
    assert_eq!(last(SlotSight { agreed_end: 12, ..mine }, SlotDuty::Renew), Some(549), "while it runs");
    for duty in [SlotDuty::Settle, SlotDuty::Finish, SlotDuty::DeclareFault, SlotDuty::Expire] {
        assert_eq!(last(mine, duty), None, "{duty:?}");
    }
}

#[test]
fn an_extended_slot_is_renewed_before_its_end_if_its_provider_goes_on() {
    let extended = SlotSight { settled_to: 9, agreed_end: 12, ..slot(SlotState::Mine) };
    let at = |window: u64, past: u64| sight(WINDOWS.first(window) + past);
    let duty = |sight: Sight, goes_on| extended.duty(&sight, 0, goes_on, 2);
    assert_eq!(duty(at(3, 0), true), Some(SlotDuty::Renew), "while its set is frozen, too");
    assert_eq!(duty(at(8, 49), true), Some(SlotDuty::Renew), "the last block of its last window");
    assert_eq!(duty(at(8, 49), false), None);
    assert_eq!(duty(at(9, 11), true), Some(SlotDuty::Finish), "its time is over");
    assert_eq!(extended.duty(&at(3, 11), 1, true, 2), None, "it is not whole here");
    assert_eq!(extended.duty(&at(3, 11), 2, true, 2), Some(SlotDuty::DeclareFault));
    assert_eq!(slot(SlotState::Mine).duty(&at(3, 0), 0, true, 2), None, "it was not extended");
    let gone = SlotSight { state: SlotState::Gone, ..extended };
    assert_eq!(gone.duty(&at(3, 0), 0, true, 2), Some(SlotDuty::Forget));
    assert_eq!(extended.added_pay(), U256::from(15), "three windows");
}

#[test]
fn a_lost_slot_is_reserved_and_then_refilled_while_the_set_may_change_and_the_bond_is_safe() {
    let duty = |state: SlotState, sight: Sight, absent: u32| slot(state).duty(&sight, absent, false, 2);
    let freed = |sight: Sight| duty(SlotState::Freed, sight, 0);
    let reserved = |sight: Sight| duty(SlotState::Reserved, sight, 0);
    let evicted = |sight: Sight| Sight { book: Book { evicted: true, ..sight.book }, ..sight };
    assert_eq!(freed(sight(FIRST + 5)), None, "its set is frozen");
    assert_eq!(freed(sight(FIRST + 44)), Some(SlotDuty::Reserve), "six blocks are left");
    assert_eq!(freed(sight(FIRST + 45)), None, "the next window may come before the refill");
    assert_eq!(freed(evicted(sight(FIRST + 11))), None);
    let newcomer = Sight { book: Book { count: 0, ..sight(0).book }, ..sight(FIRST + 49) };
    assert_eq!(freed(newcomer), Some(SlotDuty::Reserve), "no window binds who has no slot");
    assert_eq!(reserved(sight(FIRST + 5)), None, "its set is frozen");
    assert_eq!(reserved(sight(FIRST + 45)), Some(SlotDuty::Refill));
    assert_eq!(reserved(evicted(sight(FIRST + 11))), None);
    for state in [SlotState::Freed, SlotState::Reserved] {
        assert_eq!(duty(state, sight(FIRST + 11), 1), None, "it is not whole here: {state:?}");
    }
    assert_eq!(duty(SlotState::Freed, sight(FIRST + 11), 2), Some(SlotDuty::Forget));
}

#[test]
fn a_lost_slot_is_left_alone_when_its_agreement_ends_before_the_refill_may() {
    let at = |state: SlotState, end: u64, reserved_to: u64| {
        SlotSight { end, reserved_to, ..slot(state) }.duty(&sight(FIRST + 11), 0, false, 2)
    };
    let duty = |state: SlotState, end: u64| at(state, end, FIRST + 70);
    assert_eq!(duty(SlotState::Freed, 6), Some(SlotDuty::Reserve));
    assert_eq!(duty(SlotState::Freed, 5), None, "the refill may come too late");
    assert_eq!(duty(SlotState::Freed, 4), Some(SlotDuty::Forget));
    assert_eq!(duty(SlotState::Reserved, 5), Some(SlotDuty::Refill));
    assert_eq!(duty(SlotState::Reserved, 4), None, "the market takes nobody into the last window");
    let overdue = |reserved_to: u64| at(SlotState::Overdue, 4, reserved_to);
    assert_eq!(
        overdue(FIRST),
        Some(SlotDuty::Expire),
        "it ran until the last window, and the bond comes back"
    );
    assert_eq!(overdue(FIRST - 1), Some(SlotDuty::Forget), "the bond burns, whoever ends it");
}

#[test]
fn a_slot_counts_by_who_has_it_lost_it_or_reserved_it() {
    let [nobody, me, other, third] = [0, 1, 2, 3].map(Address::repeat_byte);
    let at = |state: u8, provider: Address, reserver: Address| IMarket::Slot {
        state,
        provider,
        reserver,
        reservedTo: 50,
        settledTo: 8,
        ..Default::default()
    };
    let refills = |slot: &IMarket::Slot, block: u64| slot_state(slot, me, true, block);
    let fills = |slot: &IMarket::Slot| slot_state(slot, me, false, 50);
    assert_eq!(fills(&at(0, nobody, nobody)), SlotState::Empty);
    assert_eq!(refills(&at(0, nobody, nobody), 50), SlotState::Gone, "without an approval");
    assert_eq!(
        (fills(&at(1, me, nobody)), refills(&at(1, me, nobody), 50)),
        (SlotState::Mine, SlotState::Mine)
    );
    assert_eq!(fills(&at(1, other, nobody)), SlotState::Gone);
    assert_eq!(fills(&at(2, other, nobody)), SlotState::Gone, "it was taken under the approval and lost");
    assert_eq!(refills(&at(2, me, nobody), 50), SlotState::Gone, "who lost it does not refill it");
    assert_eq!(refills(&at(2, other, nobody), 50), SlotState::Freed);
    assert_eq!(refills(&at(2, other, me), 50), SlotState::Reserved);
    assert_eq!(refills(&at(2, other, me), 51), SlotState::Overdue);
    assert_eq!(refills(&at(2, other, third), 50), SlotState::Gone);
    assert_eq!(refills(&at(2, other, third), 51), SlotState::Freed, "the next reservation ends it");
    assert_eq!(refills(&at(3, other, nobody), 50), SlotState::Gone);

    let beside = |slot: IMarket::Slot, block: u64| neighbour(&slot, me, block);
    assert_eq!(beside(at(1, other, nobody), 50), Neighbour::Held);
    assert_eq!(beside(at(1, me, nobody), 50), Neighbour::Settled);
    assert_eq!(beside(at(2, other, nobody), 50), Neighbour::Freed { since: 7 });
    assert_eq!(beside(at(2, other, third), 50), Neighbour::Settled, "somebody is at it");
    assert_eq!(beside(at(2, other, third), 51), Neighbour::Freed { since: 7 });
    for state in [0, 3] {
        assert_eq!(beside(at(state, other, nobody), 50), Neighbour::Settled);
    }
}

#[test]
fn others_are_looked_at_when_their_misses_are_certain_and_the_nearest_sees_to_a_lost_slot_first() {
    let late = |sight: Sight| (sight.is_late(0), sight.is_late(4));
    assert_eq!(late(opened(FIRST + 25)), (false, false));
    assert_eq!(late(opened(FIRST + 26)), (true, false));
    assert_eq!(late(Sight { proven: true, ..opened(FIRST + 25) }), (false, false), "others may prove it yet");
    assert_eq!(late(opened(FIRST + 30)), (true, true));
    assert_eq!(late(sight(FIRST + 11)), (true, false), "nobody can open it any more");
    let held = |window: u64| Neighbour::Held.duty(window, 9, 4);
    assert_eq!((held(8), held(9)), (Some(NeighbourDuty::Evict), None));
    let freed = |window: u64, distance: u16| Neighbour::Freed { since: 3 }.duty(window, 9, distance);
    assert_eq!([3, 4, 6].map(|window| freed(window, 1).is_some()), [false, true, true]);
    assert_eq!([4, 5].map(|window| freed(window, 2)), [None, Some(NeighbourDuty::Refill)]);
    assert_eq!(freed(7, 1), None, "whoever takes it would be paid too little");
    assert_eq!(Neighbour::Settled.duty(5, 9, 1), None);
}

#[test]
fn a_slot_is_absent_in_as_many_windows_as_it_was_not_whole_in_a_row() {
    let pledge = Pledge {
        placement: PlacementId::from_bytes([0; 32]),
        slot: 0,
        chain: 1,
        market: Address::ZERO,
        agreement: 1,
        root: B256::ZERO,
        cell_root: B256::ZERO,
        approval: None,
        collateral: 1,
    };
    let (mut kept, mine) = (Kept::from(pledge), slot(SlotState::Mine));
    let looks = [(3, true), (3, false), (4, false), (4, false), (5, false), (5, true), (6, false)];
    let absent = looks.map(|(window, whole)| seen(&mut kept, &mine, (window, true), whole));
    assert_eq!(absent, [0, 1, 2, 2, 3, 0, 1]);
    assert_eq!((kept.state(), kept.looked), (Some(SlotState::Mine), Some((6, true))));
}

#[test]
fn names_tell_markets_kinds_and_parts_apart() {
    let (one, other) = ((1, Address::ZERO), (2, Address::ZERO));
    let names = [
        Name::new(one, "fill", &[b"ab", b"c"]),
        Name::new(one, "fill", &[b"a", b"bc"]),
        Name::new(one, "fill", &[b"abc"]),
        Name::new(one, "fila", &[b"bc"]),
        Name::new(other, "fill", &[b"ab", b"c"]),
    ];
    let distinct: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(distinct.len(), names.len());
    assert_eq!(names[0], Name::new(one, "fill", &[b"ab", b"c"]));
}

#[test]
fn terms_are_judged_by_the_price_of_the_bytes() {
    let settings = MarketSettings {
        least_price: Amount::whole(2),
        most_collateral: Amount::whole(100),
        ..MarketSettings::default()
    };
    let hold = |count: u64| u128::try_from(Amount::whole(count).0).unwrap();
    let terms = Terms {
        slots: 4,
        threshold: 2,
        slotBytes: 1 << 29,
        windows: 10,
        price: hold(1),
        collateral: hold(100),
        repairReward: 0,
        refund: 0,
        slaBps: 9_000,
        responseBlocks: 30,
    };
    assert_eq!(objection(&settings, &terms, 1 << 29), None, "half a GiB for half the price of one");
    let cheap = Terms { price: hold(1) - 1, ..terms.clone() };
    assert!(objection(&settings, &cheap, 1 << 29).unwrap().contains("takes 1 at least"));
    let dear = Terms { collateral: hold(100) + 1, ..terms.clone() };
    assert!(objection(&settings, &dear, 1 << 29).unwrap().contains("locks 100 at most"));
    assert!(objection(&settings, &terms, (1 << 29) + 1).unwrap().contains("bytes"));
    let closed = MarketSettings { sell: false, ..settings };
    assert!(objection(&closed, &terms, 1).is_some());
}

#[test]
fn a_proof_is_worth_what_missing_it_costs() {
    // As `Values::public` has them.
    let locked = U256::from(100_000);
    let penalties = Penalties { locked, miss_bps: 100, decay_windows: 14, evict_level: 4, fail_bps: 10_000 };
    let cost = |level, last_miss, window| {
        let book = Book { level, last_miss, ..sight(0).book };
        miss_cost(&penalties, &book, window, U256::from(7)).to::<u64>()
    };
    assert_eq!(cost(0, 0, 3), 7 + 1_000, "a hundredth and the pay");
    assert_eq!(cost(1, 2, 3), 7 + 2_000, "twice as much for the second");
    assert_eq!(cost(2, 2, 15), 7 + 4_000);
    assert_eq!(cost(2, 2, 16), 7 + 2_000, "14 windows without a miss");
    assert_eq!(cost(3, 2, 3), 7 + 100_000, "one too many: what is left after the eighth penalty is seized");
    assert_eq!(cost(3, 2, 100), 7 + 1_000, "all are forgiven");
    let steep = Penalties { miss_bps: 500, evict_level: 10, ..penalties };
    let book = Book { level: 7, ..sight(0).book };
    assert_eq!(miss_cost(&steep, &book, 3, U256::ZERO).to::<u64>(), 50_000, "half at most");
    let half = Penalties { evict_level: 1, fail_bps: 5_000, ..penalties };
    assert_eq!(miss_cost(&half, &sight(0).book, 3, U256::ZERO).to::<u64>(), 1_000 + 99_000 / 2);
}

#[test]
fn a_refill_is_worth_the_bond() {
    let terms = |collateral: u128| Terms {
        slots: 4,
        threshold: 2,
        slotBytes: 1,
        windows: 10,
        price: 1,
        collateral,
        repairReward: 0,
        refund: 0,
        slaBps: 9_000,
        responseBlocks: 30,
    };
    assert_eq!(bond(&terms(20_000), 1_000), U256::from(2_000));
    assert_eq!(bond(&terms(99), 1_000), U256::from(9), "rounded down, as the market does");
    assert_eq!(bond(&terms(u128::MAX), 5_000), U256::from(u128::MAX / 2));
}

#[test]
fn hold_is_worth_what_the_operator_says() {
    let at = |price: &str| MarketSettings { hold_price: price.parse().unwrap(), ..MarketSettings::default() };
    let hold = Amount::whole(3).0;
    assert_eq!(worth(&at("0"), hold), 0);
    assert_eq!(worth(&at("0.5"), hold), 1_500_000_000_000_000_000);
    assert_eq!(worth(&at("0.000000000000000001"), hold), 3);
    assert_eq!(worth(&at("1000000"), U256::MAX), u128::MAX, "bounded");
}

fn dispute(block: u64) -> Dispute {
    Dispute { agreement: 1, slot: 0, deadline: block + 30, demand: Demand::Root(5), block }
}

#[test]
fn the_log_is_read_in_bounded_pieces_and_its_end_again() {
    let mut watch = Watch::new(10);
    let head = 10 + limits::MAX_LOG_BLOCKS + 4;
    let first = watch.range(None, head).unwrap();
    assert_eq!(first, 10..=9 + limits::MAX_LOG_BLOCKS);
    watch.read(&first, head, [dispute(head - 3)]);
    let second = watch.range(Some(*first.end()), head).unwrap();
    assert_eq!(second, 10 + limits::MAX_LOG_BLOCKS..=head);
    watch.read(&second, head, [dispute(head - 3)]);
    assert_eq!(watch.range(Some(head), head), None);
    assert_eq!(watch.disputes().len(), 1, "one that is read twice is one");
    let again = watch.range(None, head + 1).unwrap();
    assert_eq!(*again.start(), head - limits::CONFIRMATIONS + 1, "what is not final is read again");
    // What is unanswered is read again after a restart, however long ago it was told.
    watch.read(&(again), head + 5_000, []);
    assert_eq!(watch.note(), Some(head - 4));
    watch.over(&dispute(head - 3));
    assert!(watch.disputes().is_empty());
    let mut restarted = Watch::new(10);
    restarted.restore(Some(head - 4));
    assert_eq!(*restarted.range(None, head).unwrap().start(), head - 3);
}

#[test]
fn a_range_that_tells_too_much_is_halved() {
    let mut watch = Watch::new(0);
    assert!(watch.narrow());
    assert_eq!(watch.range(None, 10_000), Some(0..=limits::MAX_LOG_BLOCKS / 2 - 1));
    while watch.narrow() {}
    assert_eq!(watch.range(None, 10_000), Some(0..=0));
}
