//! Decisions of the outbox. That they are carried out, through crashes, outages and reorganisations of a chain that
//! executes the token's bytecode, is tested in `sim/tests/outbox.rs`.

use super::{
    fees::{Waiting, ceiling, first},
    messages::{TransactionEnd, TransactionOrder},
    state::{Action, Attempt, Entry, Outbox, Sight},
};
use crate::{
    env::ChainError,
    limits,
    types::{
        IntentId,
        chain::{Block, Fees, Receipt},
    },
};
use alloy::primitives::{Address, B256, U256, keccak256};

const GWEI: u128 = 1_000_000_000;
/// What any transaction may pay.
const MOST: u128 = 500 * GWEI;

fn outbox() -> Outbox {
    Outbox::new(MOST)
}

fn intent(number: u8) -> IntentId {
    IntentId::from_bytes([number; 32])
}

fn order() -> TransactionOrder {
    TransactionOrder { to: Some(Address::ZERO), ..TransactionOrder::default() }
}

fn fees(base: u128) -> Fees {
    Fees { base: base * GWEI, tip: GWEI }
}

fn sight(height: u64, nonce: u64) -> Sight {
    Sight { height, nonce, balance: U256::MAX, fees: fees(10), receipts: Default::default() }
}

/// The same with another base fee.
fn at_base(gwei: u128) -> Sight {
    Sight { fees: fees(gwei), ..sight(100, 0) }
}

/// Stands for signing: every attempt of every nonce has a hash of its own.
fn hashes(entry: &Entry) -> Vec<B256> {
    entry.attempts.iter().map(|it| keccak256(format!("{} {it:?}", entry.nonce))).collect()
}

fn add(outbox: &mut Outbox, number: u8, at: &Sight) -> Entry {
    let entry = outbox.draft(intent(number), order(), 50_000, at);
    outbox.put(entry.clone(), hashes(&entry));
    entry
}

/// Stands for a block's hash.
fn hash(number: u64) -> B256 {
    B256::from(U256::from(number))
}

/// What the chain has at a receipt's height.
fn block(receipt: &Receipt) -> Option<Block> {
    let Receipt { block: number, block_hash: hash, .. } = *receipt;
    Some(Block { number, hash, parent: B256::ZERO, time: 0, gas_limit: 0, base_fee: 0 })
}

fn mined(entry: &Entry, attempt: usize, block: u64) -> (B256, Receipt) {
    let transaction = hashes(entry)[attempt];
    let receipt = Receipt {
        transaction,
        block,
        block_hash: hash(block),
        success: true,
        gas_used: 21_000,
        gas_price: GWEI,
        contract: None,
        logs: Vec::new(),
    };
    (transaction, receipt)
}

fn bump(outbox: &mut Outbox, nonce: u64, attempt: Attempt) -> Entry {
    let entry = outbox.bumped(nonce, attempt).unwrap();
    outbox.put(entry.clone(), hashes(&entry));
    entry
}

#[test]
fn each_intent_has_the_lowest_nonce_that_is_free() {
    let mut outbox = outbox();
    let at = sight(100, 5);
    let nonces: Vec<u64> = (0..3).map(|number| add(&mut outbox, number, &at).nonce).collect();
    assert_eq!(nonces, [5, 6, 7]);
    assert!(outbox.contains(intent(1)) && !outbox.contains(intent(9)));
    outbox.ended(5);
    assert_eq!(outbox.floor(), 6);
    // A server that lags behind tells a nonce that is used up.
    assert_eq!(add(&mut outbox, 4, &sight(90, 4)).nonce, 8);
    outbox.left(6);
    assert_eq!(add(&mut outbox, 5, &at).nonce, 6, "a gap is filled first");
    let entries = [5, 6, 7].map(|number: u64| outbox.entry(number).cloned());
    let mut restored = self::outbox();
    restored.restore(outbox.floor(), entries.into_iter().flatten().collect(), hashes);
    assert_eq!(restored.entry(7), outbox.entry(7));
    assert_eq!(restored.hashes(9).len(), 2, "only what was handed over");
}

#[test]
fn only_the_next_in_line_pays_more_and_only_after_a_while() {
    let mut outbox = outbox();
    for number in 0..2 {
        add(&mut outbox, number, &sight(100, 0));
    }
    let mut fees_paid = vec![outbox.entry(0).unwrap().attempts[0]];
    for height in 100..100 + 4 * limits::FEE_PATIENCE {
        let actions = outbox.plan(&sight(height, 0));
        assert_eq!(actions[1], Action::Offer(1));
        if let Action::Bump(0, attempt) = actions[0] {
            fees_paid.push(attempt);
            bump(&mut outbox, 0, attempt);
        }
    }
    assert_eq!(fees_paid.len(), 4, "one more every {} blocks: {fees_paid:?}", limits::FEE_PATIENCE);
    for pair in fees_paid.windows(2) {
        assert!(pair[1].max_fee * 8 >= pair[0].max_fee * 9, "{pair:?}");
        assert!(pair[1].tip * 8 >= pair[0].tip * 9 && pair[1].tip <= pair[1].max_fee, "{pair:?}");
    }
}

#[test]
fn fees_follow_the_market_and_end_at_the_cap() {
    let mut outbox = outbox();
    add(&mut outbox, 0, &sight(100, 0));
    let underpriced = Err(ChainError::Underpriced { why: String::new() });
    let Some(Action::Bump(0, attempt)) = outbox.offered(0, &at_base(90), &underpriced) else {
        panic!("no bump")
    };
    assert_eq!(attempt.max_fee, 181 * GWEI);
    bump(&mut outbox, 0, attempt);
    let mut last = attempt;
    while let Some(Action::Bump(_, attempt)) = outbox.offered(0, &at_base(10_000), &underpriced) {
        assert!(attempt.max_fee <= MOST && attempt.max_fee * 8 >= last.max_fee * 9);
        bump(&mut outbox, 0, attempt);
        last = attempt;
    }
    let offered = outbox.plan(&Sight { fees: fees(10_000), ..sight(200, 0) });
    assert_eq!(offered, [Action::Offer(0)], "it waits");
    assert_eq!(outbox.report()[0].max_fee, last.max_fee);
}

/// Adds one that is worth so much a unit of its gas.
fn add_worth(outbox: &mut Outbox, number: u8, gwei: u128, at: &Sight) -> Entry {
    let order = TransactionOrder { worth: 50_000 * gwei * GWEI, ..order() };
    let entry = outbox.draft(intent(number), order, 50_000, at);
    outbox.put(entry.clone(), hashes(&entry));
    entry
}

#[test]
fn what_is_worth_more_pays_more() {
    let rush = Sight { fees: fees(900), ..sight(100, 0) };
    let first_fee = |gwei| add_worth(&mut outbox(), 0, gwei, &rush).attempts[0].max_fee;
    assert_eq!(first_fee(0), MOST, "what the operator lets any transaction pay");
    assert_eq!(first_fee(400), MOST, "whatever whoever ordered it says");
    assert_eq!(first_fee(1_000), 1_000 * GWEI);
    assert_eq!(first_fee(5_000), 1_801 * GWEI, "no more than the market asks for");
    let dearest = Fees { base: limits::MAX_FEE_PER_GAS, tip: GWEI };
    assert_eq!(
        first(dearest, ceiling([Waiting { gas: 1, worth: u128::MAX }])).max_fee,
        limits::MAX_FEE_PER_GAS
    );
    // Fees rise to what it is worth and no further.
    let mut outbox = outbox();
    let entry = add_worth(&mut outbox, 0, 700, &sight(100, 0));
    let underpriced = Err(ChainError::Underpriced { why: String::new() });
    let Some(Action::Bump(0, attempt)) = outbox.offered(0, &at_base(900), &underpriced) else {
        panic!("no bump")
    };
    assert_eq!((entry.attempts[0].max_fee, attempt.max_fee), (21 * GWEI, 700 * GWEI));
    bump(&mut outbox, 0, attempt);
    assert_eq!(outbox.offered(0, &at_base(900), &underpriced), None);
}

#[test]
fn what_waits_behind_a_transaction_pays_for_its_turn() {
    let line = |worths: &[(u64, u128)]| ceiling(worths.iter().map(|&(gas, worth)| Waiting { gas, worth }));
    assert_eq!(line(&[]), 0);
    assert_eq!(line(&[(10, 50)]), 5);
    assert_eq!(line(&[(10, 50), (10, 10)]), 5, "what is worth less takes nothing away");
    assert_eq!(line(&[(10, 50), (30, 350)]), 10, "the mean of both");
    assert_eq!(line(&[(10, 10), (10, 10), (10, 100)]), 4, "through others");
    assert_eq!(line(&[(0, 7)]), 7);
    // A settlement that can wait is in a proof's way.
    let mut outbox = outbox();
    let calm = sight(100, 0);
    add_worth(&mut outbox, 0, 0, &calm);
    let rush = |height| Sight { fees: fees(900), ..sight(height, 0) };
    outbox.plan(&rush(100));
    let planned = outbox.plan(&rush(103));
    let [Action::Bump(0, attempt)] = planned[..] else { panic!("{planned:?}") };
    assert_eq!(attempt.max_fee, MOST);
    bump(&mut outbox, 0, attempt);
    outbox.plan(&rush(103));
    assert_eq!(outbox.plan(&rush(106)), [Action::Offer(0)], "it waits");
    add_worth(&mut outbox, 1, 1_500, &rush(106));
    let planned = outbox.plan(&rush(106));
    let Action::Bump(0, attempt) = planned[0] else { panic!("{planned:?}") };
    assert_eq!(attempt.max_fee, 1_000 * GWEI, "the mean of 500 and 1,500");
}

#[test]
fn a_transaction_that_vanished_is_offered_again_with_all_it_was() {
    let mut outbox = outbox();
    let entry = add(&mut outbox, 0, &sight(100, 0));
    let seen = Sight { receipts: [mined(&entry, 0, 101)].into(), ..sight(105, 1) };
    assert_eq!(outbox.plan(&seen), []);
    assert_eq!(outbox.report()[0].block, Some(101));
    assert_eq!(outbox.plan(&sight(106, 0)), [Action::Offer(0)], "its block is gone");
    assert_eq!(outbox.entry(0), Some(&entry), "and nothing else has changed");
    let final_at = 107 + limits::CONFIRMATIONS - 1;
    let again = |height| Sight { receipts: [mined(&entry, 0, 107)].into(), ..sight(height, 1) };
    assert_eq!(outbox.plan(&again(final_at - 1)), []);
    let (hash, receipt) = mined(&entry, 0, 107);
    assert_eq!(outbox.plan(&again(final_at)), [Action::End(0, hash)]);
    let end = outbox.end(0, &receipt, block(&receipt), String::new());
    assert_eq!(end, Some(TransactionEnd::Executed { transaction: hash, block: 107, contract: None }));
    let failed = Receipt { success: false, ..receipt };
    let reverted = outbox.end(0, &failed, block(&failed), "why".into());
    assert_eq!(reverted, Some(TransactionEnd::Reverted { transaction: hash, block: 107, why: "why".into() }));
}

#[test]
fn an_earlier_attempt_may_be_the_one_that_is_executed() {
    let mut outbox = outbox();
    add(&mut outbox, 0, &sight(100, 0));
    outbox.plan(&sight(100, 0));
    let planned = outbox.plan(&sight(103, 0));
    let [Action::Bump(0, attempt)] = planned[..] else { panic!("{planned:?}") };
    let entry = bump(&mut outbox, 0, attempt);
    assert_eq!(outbox.hashes(1), hashes(&entry));
    let (hash, receipt) = mined(&entry, 0, 104);
    let seen = Sight { receipts: [(hash, receipt)].into(), ..sight(200, 1) };
    assert_eq!(outbox.plan(&seen), [Action::End(0, hash)]);
}

#[test]
fn only_a_receipt_of_the_chains_own_block_is_an_end() {
    let mut outbox = outbox();
    let entry = add(&mut outbox, 0, &sight(100, 0));
    let (_, receipt) = mined(&entry, 0, 101);
    let other = block(&receipt).map(|it| Block { hash: hash(999), ..it });
    assert_eq!(outbox.end(0, &receipt, other, String::new()), None, "another block took its height");
    assert_eq!(outbox.end(0, &receipt, None, String::new()), None, "there is no block of that height");
    assert!(outbox.end(0, &receipt, block(&receipt), String::new()).is_some());
}

#[test]
fn a_nonce_is_given_up_only_when_another_holds_it_for_good() {
    let mut outbox = outbox();
    let entry = add(&mut outbox, 0, &sight(100, 7));
    assert_eq!(outbox.plan(&sight(100, 8)), []);
    let last = 100 + limits::CONFIRMATIONS;
    assert_eq!(outbox.plan(&sight(last - 1, 8)), []);
    // A reorganisation takes the other one back: all begins anew.
    assert_eq!(outbox.plan(&sight(last, 7)), [Action::Offer(7)]);
    assert_eq!(outbox.plan(&sight(last, 8)), []);
    assert_eq!(outbox.plan(&sight(last + limits::CONFIRMATIONS - 1, 8)), []);
    let at = sight(last + limits::CONFIRMATIONS, 9);
    assert_eq!(outbox.plan(&at), [Action::Move(7)]);
    let moved = outbox.moved(7, &at).unwrap();
    assert_eq!((moved.nonce, moved.intent, moved.attempts.len()), (9, entry.intent, 1));
    outbox.put(moved.clone(), hashes(&moved));
    outbox.left(7);
    assert_eq!(outbox.plan(&at), [Action::Offer(9)]);
}

#[test]
fn a_nonce_that_nobody_has_is_filled_once_nobody_is_coming_back_for_it() {
    let mut outbox = outbox();
    add(&mut outbox, 0, &sight(100, 8));
    let last = 100 + limits::CONFIRMATIONS;
    // Another program's transaction had nonce 7, and its block is gone.
    assert_eq!(outbox.plan(&sight(100, 7)), [Action::Offer(8)]);
    assert_eq!(outbox.plan(&sight(last - 1, 7)), [Action::Offer(8)]);
    assert_eq!(outbox.plan(&sight(last - 1, 8)), [Action::Offer(8)], "it came back");
    assert_eq!(outbox.plan(&sight(last, 7)), [Action::Offer(8)]);
    let late = sight(last + limits::CONFIRMATIONS, 7);
    assert_eq!(outbox.plan(&late), [Action::Fill(7), Action::Offer(8)]);
    let filler = outbox.filler(7, &late);
    assert!(filler.attempts[0].cancels && filler.nonce == 7);
    outbox.put(filler.clone(), hashes(&filler));
    assert_eq!(outbox.plan(&late), [Action::Offer(7), Action::Offer(8)]);
    assert_eq!(outbox.moved(7, &late), None, "a filler needs no other nonce");
    let (_, receipt) = mined(&filler, 0, 130);
    assert!(matches!(
        outbox.end(7, &receipt, block(&receipt), String::new()),
        Some(TransactionEnd::Refused { .. })
    ));
}

#[test]
fn what_the_chain_will_never_accept_frees_its_nonce_by_another_transaction() {
    let mut outbox = outbox();
    let entry = add(&mut outbox, 0, &sight(100, 0));
    let invalid = Err(ChainError::Invalid { why: "too much gas".into() });
    let Some(Action::Bump(0, attempt)) = outbox.offered(0, &at_base(10), &invalid) else { panic!("no bump") };
    assert!(attempt.cancels && !entry.attempts[0].cancels);
    let refused = Some("too much gas".to_owned());
    let cancelled = Entry { refused, ..bump(&mut outbox, 0, attempt) };
    assert_eq!(outbox.entry(0), Some(&cancelled), "why it is given up is journalled with it");
    let (_, receipt) = mined(&cancelled, 1, 101);
    let end = outbox.end(0, &receipt, block(&receipt), String::new());
    assert_eq!(end, Some(TransactionEnd::Refused { why: "too much gas".into() }));
    let (hash, receipt) = mined(&cancelled, 0, 101);
    let end = outbox.end(0, &receipt, block(&receipt), String::new());
    let executed = TransactionEnd::Executed { transaction: hash, block: 101, contract: None };
    assert_eq!(end, Some(executed), "the chain accepted it after all");
}

#[test]
fn an_account_that_can_pay_the_base_fee_offers_what_it_has() {
    let with = |gwei: u128| Sight { balance: U256::from(50_000 * gwei * GWEI), ..sight(100, 0) };
    let first_fee = |sight: &Sight| add(&mut outbox(), 0, sight).attempts[0];
    assert_eq!(first_fee(&with(30)).max_fee, 21 * GWEI, "twice the base fee and the tip");
    assert_eq!(first_fee(&with(15)), Attempt { max_fee: 15 * GWEI, tip: GWEI, cancels: false });
    assert_eq!(first_fee(&with(10)).max_fee, 21 * GWEI, "the chain says what is missing");
    let value = TransactionOrder { value: U256::from(50_000 * 15 * GWEI), ..order() };
    let entry = outbox().draft(intent(0), value, 50_000, &with(27));
    assert_eq!(entry.attempts[0].max_fee, 12 * GWEI, "what goes with it is not there for gas");
    // Nor does it rise to more than there is.
    let mut poor = outbox();
    add(&mut poor, 0, &with(15));
    poor.plan(&with(15));
    assert_eq!(poor.plan(&Sight { height: 103, ..with(15) }), [Action::Offer(0)]);
    let planned = poor.plan(&Sight { height: 103, ..with(18) });
    let [Action::Bump(0, attempt)] = planned[..] else { panic!("{planned:?}") };
    assert_eq!(attempt.max_fee, 18 * GWEI);
}

#[test]
fn what_the_account_cannot_pay_any_more_is_offered_for_less_when_its_turn_comes() {
    let mut outbox = outbox();
    for number in 0..2 {
        add(&mut outbox, number, &sight(100, 0));
    }
    let unfunded = Err(ChainError::Unfunded { why: String::new() });
    let with =
        |gwei: u128, nonce: u64| Sight { balance: U256::from(50_000 * gwei * GWEI), ..sight(100, nonce) };
    assert_eq!(outbox.offered(1, &with(15, 0), &unfunded), None, "those before it come first");
    let Some(Action::Bump(1, attempt)) = outbox.offered(1, &with(15, 1), &unfunded) else {
        panic!("no offer")
    };
    assert_eq!(attempt, Attempt { max_fee: 15 * GWEI, tip: GWEI, cancels: false });
    bump(&mut outbox, 1, attempt);
    assert_eq!(outbox.offered(1, &with(15, 1), &unfunded), None, "it was said again of the same");
    assert_eq!(outbox.offered(1, &with(10, 1), &unfunded), None, "less than the base fee is no offer");
    assert_eq!(outbox.report()[1].trouble.as_deref(), Some(&*unfunded.as_ref().unwrap_err().to_string()));
}

/// Adds one that is of use until a block.
fn add_until(outbox: &mut Outbox, number: u8, last: u64, at: &Sight) -> Entry {
    let order = TransactionOrder { last_block: Some(last), ..order() };
    let entry = outbox.draft(intent(number), order, 50_000, at);
    outbox.put(entry.clone(), hashes(&entry));
    entry
}

#[test]
fn what_is_of_no_use_any_more_gives_way_to_a_transaction_that_does_nothing() {
    let mut outbox = outbox();
    add(&mut outbox, 0, &sight(100, 0));
    let entry = add_until(&mut outbox, 1, 110, &sight(100, 0));
    add(&mut outbox, 2, &sight(100, 0));
    assert_eq!(
        outbox.plan(&sight(109, 0))[1..],
        [Action::Offer(1), Action::Offer(2)],
        "block 110 may take it"
    );
    let planned = outbox.plan(&sight(110, 0));
    let Action::Bump(1, attempt) = planned[1] else { panic!("whether it is its turn or not: {planned:?}") };
    assert!(attempt.cancels && attempt.max_fee * 8 >= entry.attempts[0].max_fee * 9, "{attempt:?}");
    let cancelled = bump(&mut outbox, 1, attempt);
    assert_eq!(outbox.plan(&sight(111, 0))[1], Action::Offer(1), "once");
    // Later it is paid for as any other.
    outbox.plan(&sight(111, 1));
    let planned = outbox.plan(&sight(114, 1));
    let Action::Bump(1, again) = planned[0] else { panic!("{planned:?}") };
    assert!(again.cancels && again.max_fee > attempt.max_fee);
    // Either of them may be what the chain executes.
    let (_, receipt) = mined(&cancelled, 1, 112);
    assert_eq!(outbox.end(1, &receipt, block(&receipt), String::new()), Some(TransactionEnd::Expired));
    let (hash, receipt) = mined(&cancelled, 0, 110);
    let executed = TransactionEnd::Executed { transaction: hash, block: 110, contract: None };
    assert_eq!(outbox.end(1, &receipt, block(&receipt), String::new()), Some(executed));
    let seen = Sight { receipts: [mined(&cancelled, 0, 110)].into(), ..sight(115, 2) };
    assert_eq!(outbox.plan(&seen), [Action::Offer(2)], "what is in a block is left alone");
}

#[test]
fn what_is_late_and_dearer_than_any_other_gives_way_as_well() {
    let mut outbox = outbox();
    let dear = TransactionOrder { worth: 50_000 * 1_500 * GWEI, last_block: Some(110), ..order() };
    let entry = outbox.draft(intent(0), dear, 50_000, &Sight { fees: fees(900), ..sight(100, 0) });
    assert_eq!(entry.attempts[0].max_fee, 1_500 * GWEI);
    outbox.put(entry.clone(), hashes(&entry));
    let planned = outbox.plan(&Sight { fees: fees(1_600), ..sight(110, 0) });
    let [Action::Bump(0, attempt)] = planned[..] else { panic!("{planned:?}") };
    assert_eq!(attempt, Attempt { max_fee: 1_695 * GWEI, tip: GWEI * 113 / 100, cancels: true });
    bump(&mut outbox, 0, attempt);
    outbox.plan(&Sight { fees: fees(1_800), ..sight(110, 0) });
    let later = outbox.plan(&Sight { fees: fees(1_800), ..sight(120, 0) });
    assert_eq!(later, [Action::Offer(0)], "and then pays no more than any other");
}

#[test]
fn what_is_late_needs_no_other_nonce() {
    let mut outbox = outbox();
    let entry = add_until(&mut outbox, 0, 110, &sight(100, 7));
    assert!(outbox.moved(7, &sight(109, 8)).is_some());
    assert_eq!(outbox.moved(7, &sight(110, 8)), None);
    assert_eq!(outbox.entry(7).map(Entry::void_end), Some(TransactionEnd::Expired));
    let refused = Entry { refused: Some("why".into()), ..entry };
    assert_eq!(refused.void_end(), TransactionEnd::Refused { why: "why".into() });
}
