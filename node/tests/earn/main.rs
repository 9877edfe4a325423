//! An owner and providers, each a process, agree about a file on a served chain: from empty directories to pay, with real
//! proofs. One provider is killed when it has signed a window's proof and not sent it; in another story, with the circuits in use,
//! slots and roots are disputed.
//!
//! It takes some minutes, nearly all of them waiting for blocks: `cargo xtask accept market`.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and runs real processes"
)]

mod lists;
mod network;
mod proxy;
mod retrieval;

use alloy::{
    primitives::{Address, U256},
    sol_types::SolCall,
};
use holdfast::{chain::view, env::live::JsonRpcChain, types::Wallet};
use holdfast_contracts::{
    Amount,
    abi::{Challenges, Disputes, HoldToken, Market, Stake},
    deployment::{Addresses, Record},
};
use network::{Bank, Member, Proofs, text, until};
use proxy::Proxy;
use serde_json::Value;
use std::{fs, path::Path, time::Duration};
use tempfile::TempDir;

/// The owner, and one provider for each slot.
const MEMBERS: usize = 5;
const OWNER: usize = 0;
const SLOTS: u64 = 4;
const WINDOWS: u64 = 3;
/// `IMarket.State.Active`.
const ACTIVE: u8 = 1;
const PATIENCE: Duration = Duration::from_secs(240);

/// The chain, as somebody sees it who takes no part.
struct Sight {
    runtime: tokio::runtime::Runtime,
    chain: JsonRpcChain,
    at: Addresses,
}

impl Sight {
    fn new(rpc: &str, deployment: &Path) -> Self {
        let record = Record::from_toml(&fs::read_to_string(deployment).unwrap()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let chain = runtime.block_on(JsonRpcChain::connect(rpc)).unwrap();
        Self { runtime, chain, at: record.addresses }
    }

    fn ask<C: SolCall>(&self, to: Address, call: &C) -> C::Return {
        self.runtime.block_on(view(&self.chain, to, call)).unwrap()
    }

    fn window(&self) -> u64 {
        self.ask(self.at.challenges, &Challenges::currentWindowCall {}).to()
    }

    fn proven(&self, provider: Address, window: u64) -> bool {
        self.ask(self.at.challenges, &Challenges::isProvenCall { provider, window: U256::from(window) })
    }

    fn hold(&self, account: Address) -> U256 {
        self.ask(self.at.token, &HoldToken::balanceOfCall { account })
    }

    fn pool(&self, provider: Address) -> U256 {
        let pool = self.ask(self.at.stake, &Stake::poolOfCall { provider });
        U256::from(pool.assets) + U256::from(pool.fees)
    }
}

/// The provider that a node's peer key is on the chain.
fn provider(member: &Member) -> Address {
    let file = fs::read_to_string(member.dir.join("peer.key")).unwrap();
    let mut secret = [0; 32];
    hex::decode_to_slice(file.lines().nth(1).unwrap().trim(), &mut secret).unwrap();
    Wallet::from_secret(&mut secret).unwrap().address()
}

/// Everybody at the start of a story: the chain serves, providers have stake, nodes are connected, and the owner's file is
/// stored under signed roots.
struct Stage {
    bank: Bank,
    members: Vec<Member>,
    sight: Sight,
}

impl Stage {
    /// Sets the stage; `rpc_of` tells through which URL a member speaks to the chain.
    fn set(dir: &Path, proofs: &Proofs, mut rpc_of: impl FnMut(&Bank, usize) -> String) -> Self {
        let mut bank = Bank::new(&dir.join("bank"));
        let mut members: Vec<Member> = (0..MEMBERS).map(|number| Member::new(dir, number)).collect();
        let accounts: Vec<String> = members.iter().map(|it| it.account.clone()).collect();
        bank.serve(0, &accounts);
        bank.deploy(proofs);
        for member in &members {
            member.enrol(&bank, member.number != OWNER);
        }
        // From here on blocks come by themselves, as windows and finality need them.
        bank.serve(1, &[]);
        let mut bootstrap = Vec::new();
        for member in &mut members {
            member.settings(&rpc_of(&bank, member.number), &bootstrap, (proofs.circuit, dir));
            bootstrap.extend(member.start());
        }
        until(PATIENCE, "everybody is connected", || {
            members.iter().all(|it| it.status()["network"]["connected"].as_u64() >= Some(1))
        });
        let bytes = (0..30_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8);
        let file = dir.join("file");
        fs::write(&file, bytes.collect::<Vec<_>>()).unwrap();
        members[OWNER].done(&["put", &file.to_string_lossy(), "--k", "2", "--n", "4", "--wait-for-roots"]);
        let sight = Sight::new(&bank.rpc, &bank.deployment());
        Self { bank, members, sight }
    }
}

#[test]
#[ignore = "minutes of waiting for blocks: cargo xtask accept market"]
fn a_file_is_agreed_on_proven_and_paid_though_a_provider_is_killed_before_it_sends_its_proof() {
    let dir = TempDir::new().unwrap();
    let (victim, mut proxy) = (MEMBERS - 1, None);
    let stage = Stage::set(dir.path(), &Proofs::SMALL, |bank, number| {
        if number != victim {
            return bank.rpc.clone();
        }
        let started = proxy.insert(Proxy::start(&bank.rpc, Challenges::submitProofCall::SELECTOR));
        started.url.clone()
    });
    let (Stage { bank: _bank, mut members, sight }, proxy) = (stage, proxy.unwrap());
    let owner = &members[OWNER];
    let terms = ["agree", "file", "--windows", &WINDOWS.to_string(), "--price", "1"];
    let quote = owner.done(&[&terms[..], &["--dry-run"]].concat());
    assert_eq!((text(&quote, "total"), quote["slots"].as_u64()), ("12", Some(SLOTS)), "{quote}");
    let funds = sight.hold(owner.account.parse().unwrap());
    let agreed = owner.done(&terms);
    assert_eq!((agreed["filled"].as_u64(), agreed["agreement"].as_u64()), (Some(SLOTS), Some(1)), "{agreed}");
    assert_eq!(agreed["open"], Value::Array(Vec::new()));
    let again = owner.done(&terms);
    assert_eq!(again["agreement"].as_u64(), Some(1), "the same command opens no second agreement");
    let doubt = owner.run(&["dispute", "file", "1", "--root"]);
    let why = String::from_utf8_lossy(&doubt.stderr).into_owned();
    let refused = doubt.status.code() == Some(1) && why.contains("NoVerifier");
    assert!(refused, "no root of a small tree is doubted: {why}");
    let kept = owner.run(&["rm", "file"]);
    assert_eq!(kept.status.code(), Some(1), "a file that is paid for is removed");
    let first = sight.window();
    let agreed_end = agreed["end"].as_u64().unwrap();

    let providers: Vec<Address> = members[1..].iter().map(provider).collect();
    // The victim signs its proof, and dies before it is sent.
    until(PATIENCE, "the victim sends its proof", || proxy.held().is_some());
    let signed = proxy.held().unwrap();
    members[victim].kill();
    proxy.let_through();
    let window = sight.window();
    assert!(!sight.proven(*providers.last().unwrap(), window), "the proof was sent before");
    members[victim].start();
    until(PATIENCE, "the victim proves its window", || sight.proven(*providers.last().unwrap(), window));
    assert_eq!(sight.window(), window, "the proof came in time");
    assert_eq!(proxy.sent().first(), Some(&signed), "the very same bytes were sent");

    let end = extend(&members[OWNER], agreed_end);
    let paid_to = || members[1..].iter().map(|it| it.status()["market"]["first_end"].as_u64());
    until(PATIENCE, "providers say until when they are paid", || paid_to().all(|it| it == Some(end)));

    until(PATIENCE, "the agreement is over", || sight.window() > end);
    let closed = || sight.ask(sight.at.market, &Market::agreementOfCall { agreement: U256::from(1) }).closed;
    until(PATIENCE, "the owner closes it", closed);
    until(PATIENCE, "nothing is left in the market", || sight.hold(sight.at.market).is_zero());
    let mut paid = U256::ZERO;
    for provider in &providers {
        let windows =
            (first..=end).filter(|window| *window < end && sight.proven(*provider, *window)).count();
        assert!(windows as u64 >= WINDOWS - 1, "{provider} proved {windows} windows");
        let book = sight.ask(sight.at.challenges, &Challenges::bookOfCall { provider: *provider });
        assert_eq!((book.level, book.evicted, book.count), (0, false, 0), "nobody honest is penalised");
        paid += sight.pool(*provider) - Amount::whole(1_000).0;
    }
    let ledger = sight.ask(sight.at.market, &Market::ledgerCall {});
    assert_eq!(ledger.burned, 0, "nobody honest is penalised");
    let fees: U256 = members[1..].iter().map(|it| sight.hold(it.account.parse().unwrap())).sum();
    let before = (Amount::whole(10_000).0 - Amount::whole(1_000).0) * U256::from(SLOTS);
    assert_eq!(paid + fees - before, U256::from(ledger.paid), "what was paid is with the providers");
    let left = sight.hold(members[0].account.parse().unwrap());
    assert_eq!(left + U256::from(ledger.paid), funds, "and the rest with the owner");
    assert!(U256::from(ledger.paid) >= Amount::whole(SLOTS * (WINDOWS - 1)).0);
    let proofs = proxy.sent().into_iter().filter(|raw| *raw == signed).count();
    println!(
        "paid {} HOLD; the killed provider's bytes were offered {proofs} times, executed once",
        Amount(U256::from(ledger.paid))
    );
}

/// Has as many windows paid as there were in the beginning, from now on; the new end.
fn extend(owner: &Member, end: u64) -> u64 {
    let terms = ["extend", "file", "--windows", &WINDOWS.to_string()];
    let quote = owner.done(&[&terms[..], &["--dry-run"]].concat());
    let extended = owner.done(&terms);
    let new_end = extended["quote"]["new_end"].as_u64().unwrap();
    assert!((end + 1..end + WINDOWS).contains(&new_end), "{extended} instead of {end}");
    assert_eq!(extended["quote"]["total"], (SLOTS * (new_end - end)).to_string(), "{quote}");
    assert_eq!(
        (&extended["renewed"], &extended["open"]),
        (&SLOTS.into(), &Value::Array(Vec::new())),
        "{extended}"
    );
    new_end
}

#[test]
#[ignore = "minutes of waiting for blocks: cargo xtask accept market"]
fn whoever_holds_its_slot_answers_a_dispute_and_whoever_is_gone_loses_it() {
    let dir = TempDir::new().unwrap();
    let Stage { bank: _bank, mut members, sight } =
        Stage::set(dir.path(), &Proofs::IN_USE, |bank, _| bank.rpc.clone());
    let owner: Address = members[OWNER].account.parse().unwrap();
    let agreed = members[OWNER].done(&["agree", "file", "--windows", "12", "--price", "1"]);
    assert_eq!(agreed["filled"].as_u64(), Some(SLOTS), "{agreed}");
    let slot = |index: u64| {
        sight.ask(sight.at.market, &Market::slotOfCall { agreement: U256::ONE, index: U256::from(index) })
    };
    let quote = members[OWNER].done(&["dispute", "file", "0", "--dry-run"]);
    let bond: Amount = text(&quote, "bond").parse().unwrap();

    // Who has the bytes shows cells, and that its root is over them.
    for (index, demand) in [(0, &["--cells", "3"][..]), (1, &["--root"])] {
        let (before, funds) = (slot(index), sight.hold(owner));
        let place = index.to_string();
        let ended = members[OWNER].done(&[&["dispute", "file", &place], demand].concat());
        assert_eq!(text(&ended, "end"), "answered", "{ended}");
        let after = slot(index);
        assert!(after.provider == before.provider && !after.disputed, "its provider keeps the slot");
        assert_eq!(text(&ended, "provider"), after.provider.to_string());
        assert_eq!(funds - sight.hold(owner), bond.0, "the bond paid for the answer");
    }
    let credits = |account: Address| sight.ask(sight.at.disputes, &Disputes::creditsCall { account });
    until(PATIENCE, "whoever answered took out what that brought", || {
        members[1..].iter().all(|it| credits(it.account.parse().unwrap()).is_zero())
    });

    // One that is gone cannot answer.
    let lost = slot(2).provider;
    let gone = members.iter_mut().find(|it| it.number != OWNER && provider(it) == lost).unwrap();
    gone.kill();
    let (funds, burned) = (sight.hold(owner), sight.ask(sight.at.market, &Market::ledgerCall {}).burned);
    let ended = members[OWNER].done(&["dispute", "file", "2"]);
    assert_eq!(text(&ended, "end"), "slot-lost", "{ended}");
    let after = slot(2);
    assert!(after.state != ACTIVE || after.provider != lost, "the slot is nobody's, or another's already");
    until(PATIENCE, "the bond comes back, and gas for it", || sight.hold(owner) > funds);
    assert!(sight.ask(sight.at.market, &Market::ledgerCall {}).burned > burned, "its collateral burns");
    println!("one dispute answered, one doubted root upheld, one slot lost; a bond is {bond} HOLD");
}

#[test]
fn a_node_starts_without_its_chain_and_says_what_is_missing() {
    let dir = TempDir::new().unwrap();
    let mut bank = Bank::new(&dir.path().join("bank"));
    let mut member = Member::new(dir.path(), 0);
    // Nobody serves there yet, and there is no deployment.
    let port = network::free_port();
    member.settings(&format!("http://127.0.0.1:{port}"), &[], (Proofs::SMALL.circuit, dir.path()));
    member.start();
    let status = member.status();
    assert!(text(&status, "apart").contains("deployment.toml"), "{status}");
    assert_eq!(status["market"], Value::Null);
    let refused = member.run(&["agree", "file", "--windows", "1", "--price", "1"]);
    assert_eq!(refused.status.code(), Some(3), "{}", String::from_utf8_lossy(&refused.stderr));
    let doctor = member.run(&["doctor"]);
    let findings = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(doctor.status.code() == Some(2) && findings.contains("is its server up"), "{findings}");
    // Its server comes up: the node connects by itself.
    bank.port = port;
    bank.serve(0, &[member.account.clone()]);
    until(PATIENCE, "the node connects", || member.status()["chain"]["block"].is_u64());
    let status = member.status();
    assert_eq!(status["chain"]["id"].as_u64(), Some(31_337));
    let account = text(&status["chain"], "account");
    assert!(account.eq_ignore_ascii_case(&member.account), "{status}");
    member.kill();
    // Another chain than the settings name is asked nothing, and told.
    member.edit("id = 31337", "id = 7");
    member.start();
    until(PATIENCE, "the wrong chain is told", || {
        member.status()["chain"]["trouble"]
            .as_str()
            .is_some_and(|it| it.contains("has chain 31337, expected 7"))
    });
    member.kill();
    // A password that does not open the account is an error, not a prompt.
    fs::write(member.dir.join("password"), "another\n").unwrap();
    let output = member.run(&["run"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && error.contains("wrong password"), "{error}");
}
