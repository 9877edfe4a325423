//! A reader pays for what it reads.

use super::{Member, OWNER, PATIENCE, Proofs, SLOTS, Stage, text, until};
use alloy::primitives::{Address, U256};
use holdfast_contracts::Amount;
use serde_json::Value;
use std::fs;
use tempfile::TempDir;

fn signed(channels: &Value) -> Vec<(String, U256)> {
    let all = channels["channels"].as_array().unwrap().iter();
    all.map(|it| (text(it, "provider").to_string(), text(it, "signed").parse::<Amount>().unwrap().0))
        .collect()
}

#[test]
#[ignore = "minutes of waiting for blocks: cargo xtask accept market"]
fn what_is_read_is_paid_though_a_provider_is_killed_and_the_rest_comes_back() {
    let dir = TempDir::new().unwrap();
    let Stage { bank: _bank, mut members, sight } =
        Stage::set(dir.path(), &Proofs::SMALL, |bank, _| bank.rpc.clone());
    let account: Address = members[OWNER].account.parse().unwrap();
    let before = sight.hold(account);
    let copy = dir.path().join("copy").to_string_lossy().into_owned();
    let unpaid = members[OWNER].run(&["get", "file", "-o", &copy]);
    let why = String::from_utf8_lossy(&unpaid.stderr).into_owned();
    assert!(unpaid.status.code() == Some(4) && why.contains("asks for 1024 HOLD"), "{why}");
    assert!(why.contains("holdfast channel open"), "{why}");

    let opened = members[OWNER].done(&["channel", "open", "file", "1"]);
    assert_eq!(opened["channels"].as_array().unwrap().len() as u64, SLOTS, "{opened}");
    assert_eq!(sight.hold(sight.at.channels), Amount::whole(SLOTS).0);
    let again = members[OWNER].done(&["channel", "open", "file", "1"]);
    assert_eq!(again, opened, "the same command pays nothing twice");
    let got = members[OWNER].done(&["get", "file", "-o", &copy, "--most", "1"]);
    assert_eq!(fs::read(&copy).unwrap(), fs::read(dir.path().join("file")).unwrap());
    let paid: Amount = text(&got, "paid").parse().unwrap();
    let listed = signed(&members[OWNER].done(&["channel", "list"]));
    assert_eq!(listed.iter().map(|(_, signed)| *signed).sum::<U256>(), paid.0);

    // One that was paid dies, and has its voucher when it is back.
    let (payee, owed) = listed.iter().find(|(_, signed)| !signed.is_zero()).unwrap();
    let at = members.iter().position(|it: &Member| text(&it.status()["network"], "peer") == payee).unwrap();
    members[at].kill();
    members[at].start();
    let unredeemed = || text(&members[at].status()["market"], "unredeemed").parse::<Amount>().unwrap().0;
    until(PATIENCE, "it knows what it is owed", || unredeemed() == *owed || unredeemed().is_zero());
    members[OWNER].done(&["channel", "close"]);
    until(PATIENCE, "all channels are closed", || sight.hold(sight.at.channels).is_zero());
    assert_eq!(sight.hold(account) + paid.0, before, "the rest is back");
    let refused = members[OWNER].run(&["get", "file", "-o", &copy]);
    assert_eq!(refused.status.code(), Some(4), "a closed channel pays nothing");
    println!("paid {paid} HOLD for 30 kB");
}
