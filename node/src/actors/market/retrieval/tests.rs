//! Vouchers, tabs and what is due for channels, case by case.

use super::{
    notes::{OwnChannel, Tab},
    state::{Facts, Judge, LeaveDuty, Leaving, NextTotal, Objection, Sight, TabDuty, next_total, tab_duty},
    till::Till,
};
use crate::{
    actors::market::{NoPay, provider::GONE_BLOCKS},
    limits,
    types::{AccountSignature, Bill, Identity, PeerId, ReadPrice, Timestamp, Voucher, Wallet},
};
use alloy::primitives::{Address, U256};
use holdfast_contracts::Amount;

const PLACE: (u64, Address) = (31_337, Address::repeat_byte(9));
const ME: Address = Address::repeat_byte(1);
/// A HOLD for a GiB.
const PRICE: ReadPrice = ReadPrice(1_000_000_000_000_000_000);
const DEPOSIT: u128 = 10 * PRICE.0;
const CHANNEL: u64 = 3;

fn wallet(number: u8) -> Wallet {
    Wallet::from_secret(&mut [number; 32]).expect("a secret")
}

fn peer(number: u8) -> PeerId {
    Identity::from_secret(&mut [number; 32]).expect("a secret").peer()
}

fn voucher(signer: u8, channel: u64, total: u128) -> Voucher {
    let signature = wallet(signer).sign_digest(Voucher::digest(PLACE, channel, total));
    Voucher { channel, total, signature: AccountSignature::from_bytes(&signature) }
}

fn facts() -> Facts {
    Facts { payer: wallet(5).address(), provider: ME, deposit: DEPOSIT, redeemed: 0, closes_at: 0 }
}

/// Seen twice, with as many blocks between as make it certain.
fn certain(facts: Facts) -> Sight {
    let mut sight = Sight::new(facts, 100, Timestamp(0));
    sight.look(facts, 100 + limits::CONFIRMATIONS, Timestamp(1));
    sight
}

fn take(sight: &Sight, known: Option<&Tab>, voucher: Voucher) -> Result<Tab, Objection> {
    Judge { me: ME, place: PLACE, price: PRICE, sight, known, base: 0 }.take(peer(5), voucher)
}

fn tab(total: u128, spent: u128) -> Tab {
    Tab { place: PLACE, peer: peer(5), voucher: voucher(5, CHANNEL, total), spent, close: false }
}

#[track_caller]
fn refused(taken: Result<Tab, Objection>, why: &str) {
    match taken {
        Err(Objection::Refused(said)) => assert!(said.contains(why), "{said}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_voucher_counts_if_its_payer_signed_it_within_the_deposit_of_an_open_channel_to_this_provider() {
    let sight = certain(facts());
    let good = voucher(5, CHANNEL, PRICE.0);
    assert_eq!(take(&sight, None, good), Ok(Tab { spent: 0, ..tab(PRICE.0, 0) }));
    assert!(take(&sight, None, voucher(5, CHANNEL, DEPOSIT)).is_ok());
    refused(take(&sight, None, voucher(5, CHANNEL, DEPOSIT + 1)), "on a channel with 10");
    refused(take(&sight, None, voucher(6, CHANNEL, PRICE.0)), "not signed by");
    refused(take(&sight, None, Voucher { total: PRICE.0 + 1, ..good }), "not signed by");
    refused(take(&sight, None, Voucher { channel: CHANNEL + 1, ..good }), "not signed by");
    let with = |facts| take(&certain(facts), None, good);
    refused(with(Facts { payer: Address::ZERO, ..facts() }), "there is no channel 3");
    refused(with(Facts { provider: Address::repeat_byte(2), ..facts() }), "this provider is");
    refused(with(Facts { closes_at: 7, ..facts() }), "is being closed");
    refused(take(&sight, Some(&Tab { close: true, ..tab(1, 0) }), good), "is being closed");
}

#[test]
fn a_voucher_must_be_worth_writing_down_beyond_the_last_one_and_what_was_redeemed() {
    let (sight, least) = (certain(facts()), PRICE.of(limits::LEAST_PAID));
    let known = tab(PRICE.0, 7);
    for total in [1, PRICE.0 - 1, PRICE.0, PRICE.0 + least - 1] {
        assert_eq!(take(&sight, Some(&known), voucher(5, CHANNEL, total)), Err(Objection::Outdated));
    }
    let next = take(&sight, Some(&known), voucher(5, CHANNEL, PRICE.0 + least)).expect("it counts");
    assert_eq!((next.spent, next.voucher.total), (7, PRICE.0 + least), "what is read stays read");
    let redeemed = certain(Facts { redeemed: PRICE.0, ..facts() });
    assert_eq!(take(&redeemed, None, voucher(5, CHANNEL, PRICE.0)), Err(Objection::Outdated));
    let lost = take(&redeemed, None, voucher(5, CHANNEL, 2 * PRICE.0)).expect("it counts");
    assert_eq!(lost.spent, PRICE.0, "what was redeemed was read");
}

#[test]
fn a_channel_that_a_reorganisation_may_take_back_is_trusted_with_a_little() {
    let little = PRICE.of(limits::PAID_AHEAD);
    let mut sight = Sight::new(facts(), 100, Timestamp(0));
    let total =
        |sight: &Sight, total| take(sight, None, voucher(5, CHANNEL, total)).map(|tab| tab.voucher.total);
    assert_eq!(total(&sight, little), Ok(little));
    assert_eq!(total(&sight, little + 1), Err(Objection::Young));
    sight.look(facts(), 99 + limits::CONFIRMATIONS, Timestamp(1));
    assert_eq!(total(&sight, little + 1), Err(Objection::Young));
    sight.look(facts(), 100 + limits::CONFIRMATIONS, Timestamp(2));
    assert_eq!(total(&sight, DEPOSIT), Ok(DEPOSIT));
    // After a restart the channel is new to the provider, and what counted before still does.
    let restarted = Sight::new(facts(), 300, Timestamp(9));
    let judge = Judge { me: ME, place: PLACE, price: PRICE, sight: &restarted, known: None, base: PRICE.0 };
    let after = |more| judge.take(peer(5), voucher(5, CHANNEL, PRICE.0 + more)).map(|tab| tab.voucher.total);
    assert_eq!((after(little), after(little + 1)), (Ok(PRICE.0 + little), Err(Objection::Young)));
    // What is paid in later must become certain as well.
    let more = Facts { deposit: 2 * DEPOSIT, ..facts() };
    sight.look(more, 120, Timestamp(3));
    assert_eq!(total(&sight, DEPOSIT + little), Ok(DEPOSIT + little));
    assert_eq!(total(&sight, DEPOSIT + little + 1), Err(Objection::Young));
    sight.look(more, 120 + limits::CONFIRMATIONS, Timestamp(4));
    assert_eq!(total(&sight, 2 * DEPOSIT), Ok(2 * DEPOSIT));
    // A reorganisation takes it back, and then gives the number to another.
    sight.look(facts(), 140, Timestamp(5));
    refused(take(&sight, None, voucher(5, CHANNEL, DEPOSIT + 1)), "on a channel with 10");
    let other = Facts { payer: wallet(6).address(), ..facts() };
    sight.look(other, 141, Timestamp(6));
    refused(take(&sight, None, voucher(5, CHANNEL, DEPOSIT)), "not signed by");
    assert_eq!(take(&sight, None, voucher(6, CHANNEL, DEPOSIT)), Err(Objection::Young));
}

#[test]
fn a_reader_reads_what_it_paid_for_and_no_byte_more() {
    let (mut till, mib) = (Till::new(PRICE), 1 << 20);
    assert_eq!(till.charge(peer(5), 1), (false, None), "nothing is paid");
    till.keep(tab(PRICE.of(3 * mib), 0));
    assert_eq!(till.account(peer(5)), (Some(voucher(5, CHANNEL, PRICE.of(3 * mib))), PRICE.of(3 * mib)));
    assert_eq!(till.charge(peer(6), 1), (false, None), "another's pay");
    assert!(till.charge(peer(5), 2 * mib).0);
    assert!(!till.charge(peer(5), mib + 1).0);
    assert!(till.charge(peer(5), mib).0);
    assert_eq!(till.account(peer(5)).1, 0);
    till.refund(peer(5), mib);
    assert_eq!(till.account(peer(5)).1, PRICE.of(mib), "what could not be read is not paid");
    // A voucher that comes over another peer brings that one the rest.
    till.keep(Tab { peer: peer(6), ..tab(PRICE.of(4 * mib), 0) });
    assert_eq!((till.account(peer(5)).1, till.account(peer(6)).1), (0, PRICE.of(2 * mib)));
    till.forget(CHANNEL);
    assert_eq!((till.account(peer(6)), till.tabs().count()), ((None, 0), 0));
}

#[test]
fn what_is_read_is_written_down_every_so_often_and_never_counted_less() {
    let (mut till, part) = (Till::new(PRICE), limits::READ_UNNOTED / 2);
    let paid = |spent| tab(DEPOSIT, spent);
    till.keep(paid(0));
    assert_eq!(till.charge(peer(5), part), (true, None));
    assert_eq!(till.charge(peer(5), part), (true, None));
    assert_eq!(till.charge(peer(5), part), (true, Some(CHANNEL)));
    assert_eq!(till.charge(peer(5), part), (true, None));
    // A tab that was written before more was read does not give that back.
    till.keep(paid(1));
    assert_eq!(till.account(peer(5)).1, DEPOSIT - 4 * PRICE.of(part));
    let mut restarted = Till::new(PRICE);
    restarted.restore(paid(PRICE.of(3 * part)));
    assert_eq!(restarted.tab(CHANNEL).map(|kept| kept.base), Some(DEPOSIT));
    assert_eq!(restarted.account(peer(5)).1, DEPOSIT - PRICE.of(3 * part), "so much is lost in a crash");
}

#[test]
fn strange_channels_are_forgotten_before_they_are_many() {
    let mut till = Till::new(PRICE);
    till.keep(tab(1, 0));
    till.see(CHANNEL, facts(), 1, Timestamp(0));
    for channel in 10..10 + 2 * limits::MAX_STRANGE_CHANNELS as u64 {
        till.see(channel, facts(), 1, Timestamp(0));
        assert!(till.sight(channel).is_some());
    }
    assert!(till.sight(10).is_none(), "it is remembered for ever");
    assert!(till.sight(CHANNEL).is_some(), "one that is paid on is forgotten");
}

#[test]
fn a_voucher_is_redeemed_when_it_is_worth_it_and_at_once_when_its_channel_ends() {
    let (tab, least) = (tab(40, 40), 30);
    let due = |redeemed, closes_at| tab_duty(&tab, &Facts { redeemed, closes_at, ..facts() }, least);
    assert_eq!((due(0, 0), due(10, 0), due(11, 0)), (Some(TabDuty::Redeem), Some(TabDuty::Redeem), None));
    assert_eq!(
        (due(0, 9), due(39, 9), due(40, 9)),
        (Some(TabDuty::RedeemLast), Some(TabDuty::RedeemLast), None)
    );
    let asked = Tab { close: true, ..tab };
    let due = |facts: Facts| tab_duty(&asked, &facts, least);
    assert_eq!(due(Facts { redeemed: 39, ..facts() }), Some(TabDuty::RedeemLast));
    assert_eq!(due(Facts { redeemed: 40, ..facts() }), Some(TabDuty::Close));
    assert_eq!(due(Facts { payer: Address::ZERO, ..facts() }), Some(TabDuty::Forget));
}

#[test]
fn what_ends_a_channel_must_have_been_due_for_some_blocks() {
    let mut till = Till::new(PRICE);
    till.keep(tab(40, 0));
    let kept = till.tab_mut(CHANNEL).expect("it is kept");
    assert!(kept.found(Some(TabDuty::Redeem), 50) && kept.found(None, 50));
    let last = |from: u64, blocks: u64| (from..from + blocks).step_by(4);
    assert!(last(100, GONE_BLOCKS).all(|next| !kept.found(Some(TabDuty::Forget), next)));
    // A reorganisation brings it back.
    assert!(kept.found(None, 120) && !kept.is_urgent());
    assert!(last(121, GONE_BLOCKS).all(|next| !kept.found(Some(TabDuty::Forget), next)));
    assert!(kept.is_urgent() && kept.found(Some(TabDuty::Forget), 121 + GONE_BLOCKS));
    assert!(last(200, limits::CONFIRMATIONS).all(|next| !kept.found(Some(TabDuty::Close), next)));
    assert!(kept.found(Some(TabDuty::Close), 200 + limits::CONFIRMATIONS));
    assert!(!kept.found(Some(TabDuty::Forget), 201 + limits::CONFIRMATIONS), "another thing lasts anew");
}

fn own() -> OwnChannel {
    OwnChannel {
        place: PLACE,
        provider: peer(1),
        serial: 0,
        channel: Some(CHANNEL),
        deposit: 100,
        target: 100,
        signed: 0,
        price: PRICE.0,
        closing: false,
        over: false,
    }
}

fn bill(last: Option<Voucher>) -> Bill {
    Bill { chain: PLACE.0, contract: PLACE.1, price: PRICE, last, credit: 0 }
}

fn next(own: &OwnChannel, bill: &Bill, amount: u128, most: u128) -> Result<(u128, u128), NoPay> {
    let next = next_total(Some(own), wallet(5).address(), bill, (amount, most));
    next.map(|NextTotal { total, increase, .. }| (total, increase))
}

#[test]
fn totals_only_rise_and_what_never_arrived_is_not_paid_twice() {
    let last = |total| bill(Some(voucher(5, CHANNEL, total)));
    assert_eq!(next(&own(), &bill(None), 10, 10), Ok((10, 10)));
    let signed = OwnChannel { signed: 30, ..own() };
    assert_eq!(next(&signed, &last(30), 10, 10), Ok((40, 10)));
    assert_eq!(next(&signed, &last(20), 10, 0), Ok((30, 0)), "the same total is signed again");
    assert_eq!(next(&signed, &last(20), 15, 5), Ok((35, 5)));
    // It proves that more was signed than this node knows of.
    assert_eq!(next(&signed, &last(50), 10, 10), Ok((60, 10)));
    let forged = bill(Some(Voucher { total: 50, ..voucher(5, CHANNEL, 49) }));
    assert_eq!(next(&signed, &forged, 10, 10), Err(NoPay::Forged));
    assert_eq!(next(&signed, &bill(Some(voucher(6, CHANNEL, 50))), 10, 10), Err(NoPay::Forged));
    // A channel before this one.
    assert_eq!(next(&signed, &bill(Some(voucher(5, 2, 90))), 10, 10), Ok((30, 0)));
}

#[test]
fn nothing_is_signed_without_a_channel_beyond_its_deposit_or_above_the_agreed_price() {
    let signed = OwnChannel { signed: 95, ..own() };
    let last = bill(Some(voucher(5, CHANNEL, 95)));
    assert_eq!(next(&signed, &last, 5, 5), Ok((100, 5)));
    assert_eq!(next(&signed, &last, 6, 9), Err(NoPay::Exhausted(Amount(U256::from(5)))));
    assert_eq!(next(&signed, &last, 5, 4), Err(NoPay::Limit));
    let (account, unpaid) = (wallet(5).address(), (1, 1));
    assert_eq!(next_total(None, account, &last, unpaid), Err(NoPay::NoChannel));
    let closing = OwnChannel { closing: true, ..own() };
    assert_eq!(next(&closing, &last, 1, 1), Err(NoPay::NoChannel));
    assert_eq!(next(&OwnChannel { channel: None, ..own() }, &last, 1, 1), Err(NoPay::NoChannel));
    let dearer = Bill { price: ReadPrice(PRICE.0 + 1), ..bill(None) };
    assert_eq!(next(&own(), &dearer, 1, 1), Err(NoPay::Dearer(Amount::whole(1))));
    assert_eq!(next(&own(), &Bill { chain: 1, ..bill(None) }, 1, 1), Err(NoPay::Elsewhere));
    assert_eq!(next(&own(), &Bill { contract: ME, ..bill(None) }, 1, 1), Err(NoPay::Elsewhere));
}

#[test]
fn a_payer_leaves_the_provider_some_blocks_then_announces_waits_and_closes() {
    let leaving = Leaving { until: 50, gone: None };
    let due = |closes_at, next| leaving.duty(&Facts { closes_at, ..facts() }, next);
    assert_eq!((due(0, 50), due(0, 51)), (None, Some(LeaveDuty::Announce)));
    assert_eq!((due(90, 89), due(90, 90)), (None, Some(LeaveDuty::Close)));
    assert_eq!(leaving.duty(&Facts { payer: Address::ZERO, ..facts() }, 10), Some(LeaveDuty::Forget));
    assert_eq!(
        Leaving::default().duty(&facts(), 1),
        Some(LeaveDuty::Announce),
        "who would not is not waited for"
    );
}
