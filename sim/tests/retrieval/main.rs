//! Readers pay for what they read, on a simulated chain: whole nodes, the real bytecode of the contracts. Kept are
//!
//! - what a provider redeems is what its reader signed, and the rest comes back,
//! - neither side loses more by the other than the price of `limits::PAID_AHEAD` bytes,
//! - nobody reads for a voucher that the contract would not take, and holders repair for nothing.

#[path = "../support/mod.rs"]
mod support;

#[allow(dead_code, reason = "each story uses a part of this")]
#[path = "../agreements/judge.rs"]
mod judge;
mod net;
#[allow(dead_code, reason = "each story uses a part of this")]
#[path = "../agreements/setup.rs"]
mod setup;

use alloy::primitives::U256;
use futures::future::{Either, join_all, select};
use holdfast::{
    actors::{
        client::{ClientError, FileRef, GetFile, GetReport},
        market::{Channel, Channels, ChannelsQuery, CloseChannels, MarketError, OpenChannels, Payees},
    },
    env::evm::EvmChain,
    limits,
    settings::{MarketSettings, Settings},
    types::{AccountSignature, Answer, Ask, PeerId, ReadPrice, Refusal, ShardKey, Voucher},
};
use holdfast_contracts::{Amount, abi};
use holdfast_sim::{
    NodeNumber,
    env::chain::wallet,
    world::{WorldPlan, run},
};
use judge::{ask, told};
use setup::{NODES, OWNER, Setup, Stage, calm, crash, node_settings, wild};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use support::{Collected, ask_as, pattern};

/// HOLD a GiB: a voucher pays for an eighth of a HOLD at least.
const PRICE: u64 = 2_048;
const BYTES: u32 = 24_000_000;
/// HOLD in each channel.
const DEPOSIT: u64 = 200;

fn price() -> ReadPrice {
    ReadPrice(Amount::whole(PRICE).0.to())
}

fn bound() -> u128 {
    price().of(limits::PAID_AHEAD)
}

fn selling() -> Setup {
    let market = MarketSettings {
        settle_windows: 1,
        least_claim: Amount::whole(1),
        retrieval_price: Amount::whole(PRICE),
        ..node_settings().market
    };
    let settings = Settings { market, ..node_settings() };
    Setup { settings, bytes: BYTES, segment_len: 1_000_000, roots: false, ..Setup::default() }
}

/// A stage with a reader that holds nothing of the file.
struct Play {
    stage: Stage,
    seed: u64,
    reader: NodeNumber,
    /// Those that hold it, by peer id.
    providers: BTreeMap<PeerId, NodeNumber>,
}

impl Play {
    async fn set(seed: u64) -> Self {
        let stage = Stage::with(seed, selling(), net::boot).await;
        let holders = support::holders(&stage.cluster).await;
        let free = (0..NODES).map(NodeNumber).find(|node| *node != OWNER && !holders.contains(node));
        let reader = free.expect("somebody holds nothing");
        let peer = |node: &NodeNumber| stage.cluster.peer(*node).expect("it exists");
        let providers = holders.iter().map(|node| (peer(node), *node)).collect();
        Self { stage, seed, reader, providers }
    }

    fn peer(&self) -> PeerId {
        self.stage.cluster.peer(self.reader).expect("it exists")
    }

    async fn get(&self, most: Option<Amount>) -> Result<GetReport, ClientError> {
        let sink = Arc::new(Collected::default());
        let file = FileRef::Link(self.stage.link.parse().expect("a link"));
        let order = GetFile { file, sink: sink.clone(), access: None, most, progress: None };
        let node = self.stage.cluster.handles(self.reader).expect("it is up");
        let report = node.get.send(order).await.expect("the client is alive")?;
        assert!(*sink.0.lock().expect("no writer panicked") == pattern(BYTES), "it came back otherwise");
        Ok(report)
    }

    async fn open(&self) -> Channels {
        loop {
            let order = OpenChannels {
                to: Payees::Holders(self.stage.placement),
                amount: Amount::whole(DEPOSIT),
                progress: None,
            };
            if let Some(node) = self.stage.cluster.handles(self.reader) {
                match node.open_channels.send(order).await {
                    Ok(Ok(it)) if it.failed.is_empty() && it.channels.len() == self.providers.len() => {
                        return it;
                    }
                    Err(_) | Ok(Ok(_)) => {}
                    Ok(Err(MarketError::Terms(why))) => panic!("no channels: {why}"),
                    Ok(Err(_)) => {}
                }
            }
            self.sleep(20).await;
        }
    }

    async fn channels(&self) -> Vec<Channel> {
        let node = self.stage.cluster.handles(self.reader).expect("it is up");
        node.channels.send(ChannelsQuery).await.expect("it is alive").expect("it has a market").channels
    }

    /// Has all channels closed, and waits until the contract has none of them.
    async fn close(&self) {
        loop {
            if let Some(node) = self.stage.cluster.handles(self.reader)
                && let Ok(Ok(_)) = node.close_channels.send(CloseChannels { provider: None }).await
            {
                break;
            }
            self.sleep(20).await;
        }
        while self.held() != U256::ZERO {
            self.sleep(30).await;
        }
    }

    /// What the contract of the channels has.
    fn held(&self) -> U256 {
        let at = &self.stage.at;
        let held = abi::HoldToken::balanceOfCall { account: at.channels };
        self.look(|evm| ask(evm, at.token, &held))
    }

    fn hold(&self, node: NodeNumber) -> U256 {
        let held = abi::HoldToken::balanceOfCall { account: wallet(self.seed, node.0.into()).address() };
        self.look(|evm| ask(evm, self.stage.at.token, &held))
    }

    fn look<T>(&self, look: impl FnOnce(&EvmChain) -> T) -> T {
        self.stage.chain.look(look)
    }

    /// What was redeemed of each channel.
    fn redeemed(&self) -> BTreeMap<U256, u128> {
        let mut all = BTreeMap::new();
        for it in self.look(|evm| told::<abi::Channels::VoucherRedeemed>(evm, self.stage.at.channels)) {
            *all.entry(it.channel).or_default() += it.paid.to::<u128>();
        }
        all
    }

    async fn sleep(&self, seconds: u64) {
        self.stage.cluster.time().sleep(Duration::from_secs(seconds)).await;
    }

    async fn end(self) {
        net::end();
        self.stage.cluster.shut_down().await;
    }
}

fn sum(amount: Amount) -> u128 {
    amount.0.to()
}

#[test]
fn a_reader_opens_channels_pays_for_what_it_reads_and_gets_the_rest_back() {
    run(1, || {
        Box::pin(async {
            let play = Play::set(1).await;
            let before = play.hold(play.reader);
            let unpaid = play.get(None).await.expect_err("it is read for nothing");
            assert!(
                matches!(&unpaid, ClientError::Unpaid { price, .. } if *price == Amount::whole(PRICE)),
                "{unpaid}"
            );
            let opened = play.open().await;
            let again = play.open().await;
            assert_eq!(opened, again, "the same order pays nothing twice");
            let deposits = Amount::whole(DEPOSIT * play.providers.len() as u64);
            assert_eq!(play.held(), deposits.0);

            let mean = play.get(Some(Amount::whole(1))).await.expect_err("it costs more");
            assert!(
                matches!(&mean, ClientError::Unpaid { why, .. } if why.contains("all that may be paid")),
                "{mean}"
            );
            let report = play.get(None).await.expect("it is paid");
            // What is read, and what is left at the end as credit; what an earlier get left was used first.
            let needed = price().of(u64::from(BYTES));
            assert!(sum(report.paid) + price().of(2 << 20) >= needed, "{}", report.paid);
            assert!(sum(report.paid) <= needed + needed / 2, "{}", report.paid);
            let vouchers = net::paid(play.peer()).len();
            assert!(
                3 * vouchers < 2 * report.shards_asked as usize,
                "{vouchers} for {} shards",
                report.shards_asked
            );

            let signed: BTreeMap<U256, u128> = play
                .channels()
                .await
                .iter()
                .map(|it| (U256::from(it.channel.expect("it is open")), sum(it.signed)))
                .filter(|(_, signed)| *signed > 0)
                .collect();
            let paid: u128 = signed.values().sum();
            play.close().await;
            assert_eq!(play.redeemed(), signed, "a provider redeems what was signed for it");
            assert_eq!(play.hold(play.reader) + U256::from(paid), before, "the rest is back");
            play.sleep(1_200).await;
            let states: Vec<_> = play.channels().await.iter().map(|it| it.state).collect();
            assert!(
                states.iter().all(|state| *state == holdfast::actors::market::ChannelState::Closed),
                "{states:?}"
            );
            play.end().await;
        })
    });
}

/// Reads the file over as many lives of the nodes as it takes.
async fn get_at_last(play: &Play) {
    loop {
        let sink = Arc::new(Collected::default());
        let file = FileRef::Link(play.stage.link.parse().expect("a link"));
        let order = GetFile { file, sink: sink.clone(), access: None, most: None, progress: None };
        if let Some(node) = play.stage.cluster.handles(play.reader)
            && let Ok(Ok(_)) = node.get.send(order).await
        {
            assert!(*sink.0.lock().expect("no writer panicked") == pattern(BYTES), "it came back otherwise");
            return;
        }
        play.sleep(30).await;
    }
}

/// Three times the file is paid for and read, while nodes lose power and the chain takes blocks back.
async fn wild_story(play: &Play) -> BTreeMap<PeerId, Channel> {
    play.open().await;
    for _ in 0..3 {
        get_at_last(play).await;
        play.sleep(300).await;
    }
    let channels = loop {
        if play.stage.cluster.handles(play.reader).is_some() {
            break play.channels().await;
        }
        play.sleep(10).await;
    };
    play.close().await;
    channels.into_iter().map(|it| (it.provider.parse().expect("a peer id"), it)).collect()
}

fn wild_world(seed: u64) -> (u64, u128) {
    run(seed, move || {
        Box::pin(async move {
            let play = Play::set(seed).await;
            let before = play.hold(play.reader);
            play.stage.chain.set_plan(wild());
            let nodes: Vec<NodeNumber> = (0..NODES).map(NodeNumber).collect();
            let channels = {
                let (story, crashes) = (wild_story(&play), crash(&play.stage.cluster, &nodes, seed));
                futures::pin_mut!(story, crashes);
                match select(story, crashes).await {
                    Either::Left((channels, _)) => channels,
                    Either::Right((never, _)) => never,
                }
            };
            // What was sent last becomes final.
            play.stage.chain.set_plan(calm());
            play.sleep(600).await;
            let (redeemed, me) = (play.redeemed(), play.peer());
            let mut all = 0;
            for provider in play.providers.keys() {
                let it = &channels[provider];
                let got =
                    redeemed.get(&U256::from(it.channel.expect("it is open"))).copied().unwrap_or_default();
                // What the provider said that it took is redeemed, and nothing that was not signed.
                let took = net::paid(me).into_iter().filter_map(|(to, ask)| match ask {
                    Ask::Pay { voucher } if to == *provider => Some(voucher.total),
                    _ => None,
                });
                let took = took.max().unwrap_or_default();
                assert!((took..=sum(it.signed)).contains(&got), "{provider}: {took} {got} {it:?}");
                let read = price().of(net::read(me, *provider));
                assert!(got <= read + bound() && read <= got + bound(), "{provider} got {got} for {read}");
                all += got;
            }
            assert_eq!(play.hold(play.reader) + U256::from(all), before, "money is lost");
            let outcome = (play.stage.reorganised.get(), all);
            play.end().await;
            outcome
        })
    })
}

#[test]
fn through_reorganisations_outages_and_crashes_what_is_taken_is_redeemed_and_nothing_else() {
    let first = number("HOLDFAST_RETRIEVAL_FIRST", 1);
    let (mut reorganised, mut paid) = (0, 0);
    for seed in first..first + number("HOLDFAST_RETRIEVAL_SEEDS", 2) {
        let outcome = wild_world(seed);
        println!("seed {seed}: {} times reorganised, {} HOLD paid", outcome.0, Amount(U256::from(outcome.1)));
        (reorganised, paid) = (reorganised + outcome.0, paid + outcome.1);
    }
    assert!(reorganised > 0 && paid > 0, "nothing happened");
}

/// A voucher that a node's account signs.
fn sign(play: &Play, node: NodeNumber, channel: u64, total: u128) -> Ask {
    let place = (play.stage.chain.look(|evm| evm.id()), play.stage.at.channels);
    let signature = wallet(play.seed, node.0.into()).sign_digest(Voucher::digest(place, channel, total));
    Ask::Pay { voucher: Voucher { channel, total, signature: AccountSignature::from_bytes(&signature) } }
}

#[test]
fn a_reader_that_cheats_gets_nothing_more_than_what_the_contract_pays_for() {
    run(3, || {
        Box::pin(async {
            let play = Play::set(3).await;
            let opened = play.open().await.channels;
            let me = play.peer();
            let peer = |at: usize| opened[at].provider.parse::<PeerId>().expect("a peer id");
            let (provider, channel) = (peer(0), opened[0].channel.expect("it is open"));
            let whole = |count: u64| Amount::whole(count).0.to::<u128>();
            let digest = play.look(|evm| {
                let ask_for =
                    abi::Channels::voucherDigestCall { channel: U256::from(channel), total: U256::from(7) };
                ask(evm, play.stage.at.channels, &ask_for)
            });
            let place = (play.look(|evm| evm.id()), play.stage.at.channels);
            assert_eq!(Voucher::digest(place, channel, 7), digest, "the contract's own answer");

            let unsigned = Ask::Pay {
                voucher: Voucher {
                    channel,
                    total: whole(1),
                    signature: AccountSignature::from_bytes(&[0; 65]),
                },
            };
            for (what, ask) in [
                ("unsigned", unsigned),
                ("signed by another", sign(&play, OWNER, channel, whole(1))),
                (
                    "of another provider's channel",
                    sign(&play, play.reader, opened[1].channel.expect("open"), whole(1)),
                ),
                ("of no channel", sign(&play, play.reader, 1_000, whole(1))),
                ("over the deposit", sign(&play, play.reader, channel, whole(DEPOSIT) + 1)),
            ] {
                // A provider looks at no two strange channels at once.
                play.sleep(1).await;
                let answer = ask_as(me, provider, ask).await;
                assert!(matches!(answer, Answer::Refused(Refusal::Invalid(_))), "{what}: {answer:?}");
            }
            play.sleep(1).await;
            let flood = (2_000..2_020)
                .map(|channel| ask_as(me, provider, sign(&play, play.reader, channel, whole(1))));
            let answers = join_all(flood).await;
            let busy = answers.iter().filter(|answer| **answer == Answer::Refused(Refusal::Busy)).count();
            assert!(busy >= 19, "the chain is asked for whatever anybody names: {answers:?}");
            let placement = play.stage.placement;
            let key = async |segment| {
                for slot in 0..setup::SLOTS {
                    let key = ShardKey { placement, segment, slot };
                    let answer = ask_as(me, provider, Ask::ReadShard { key, offset: 0, len: 0 }).await;
                    if !matches!(answer, Answer::Refused(Refusal::NotFound)) {
                        return answer;
                    }
                }
                panic!("it holds no slot")
            };
            assert!(matches!(key(0).await, Answer::Refused(Refusal::PaymentNeeded(_))), "read for nothing");
            // Two HOLD are the price of a MiB: two shards of half a MB.
            assert_eq!(ask_as(me, provider, sign(&play, play.reader, channel, whole(2))).await, Answer::Paid);
            for old in [whole(2), whole(1)] {
                let answer = ask_as(me, provider, sign(&play, play.reader, channel, old)).await;
                assert!(
                    matches!(answer, Answer::Refused(Refusal::PaymentNeeded(_))),
                    "an old one: {answer:?}"
                );
            }
            assert_eq!((key(0).await, key(1).await), (Answer::Shard, Answer::Shard));
            assert!(
                matches!(key(2).await, Answer::Refused(Refusal::PaymentNeeded(_))),
                "more than it paid for"
            );
            let node = play.stage.cluster.handles(play.reader).expect("it is up");
            node.close_channels
                .send(CloseChannels { provider: Some(provider) })
                .await
                .expect("alive")
                .expect("open");
            play.sleep(30).await;
            let late = ask_as(me, provider, sign(&play, play.reader, channel, whole(3))).await;
            assert!(matches!(late, Answer::Refused(Refusal::Invalid(_))), "while it closes: {late:?}");
            play.close().await;
            assert_eq!(play.redeemed(), BTreeMap::from([(U256::from(channel), whole(2))]));
            play.end().await;
        })
    });
}

#[test]
fn a_provider_that_takes_the_pay_and_serves_nothing_costs_little_and_the_file_is_read_elsewhere() {
    run(4, || {
        Box::pin(async {
            let play = Play::set(4).await;
            play.open().await;
            let cheat = *play.providers.keys().next().expect("somebody holds it");
            net::cheat(cheat);
            play.get(None).await.expect("the others serve");
            let channels = play.channels().await;
            let signed = |peer: &PeerId| {
                let its = channels.iter().find(|it| it.provider == peer.to_string());
                sum(its.expect("a channel").signed)
            };
            // A shard is half a MB.
            let shards = price().of(500_032 * limits::TRUSTED_SHARDS);
            assert!(
                signed(&cheat) <= shards && shards <= bound(),
                "{} HOLD",
                Amount(U256::from(signed(&cheat)))
            );
            assert_eq!(net::read(play.peer(), cheat), 0);
            let others: u128 = play.providers.keys().filter(|it| **it != cheat).map(signed).sum();
            assert!(others >= price().of(u64::from(BYTES)), "who serves is paid");
            play.end().await;
        })
    });
}

#[test]
fn holders_repair_for_nothing_what_others_must_pay_for() {
    let plan = WorldPlan { net: support::DIRECT, ..WorldPlan::default() };
    let boot = |env, keys, mut settings: Settings| {
        settings.market.retrieval_price = Amount::whole(1);
        net::boot(env, keys, settings)
    };
    support::in_world_with(plan, 5, 10, boot, async |cluster| {
        let owner = NodeNumber(9);
        let report = support::put(&cluster, owner, pattern(390_000)).await.expect("it is stored");
        // Long enough for holders to hear of one another.
        cluster.time().sleep(Duration::from_secs(300)).await;
        let held = support::holders(&cluster).await;
        let reader =
            (0..9).map(NodeNumber).find(|node| !held.contains(node)).expect("somebody holds nothing");
        let refused = support::get(&cluster, reader, &report.link).await;
        assert!(matches!(refused, Err(ClientError::Unavailable { .. })), "{refused:?}");
        held.iter().take(2).for_each(|node| cluster.depart(*node).expect("it exists"));
        let begun = cluster.time().now();
        while support::rebuilt(&cluster).await < 8 {
            assert!(cluster.time().now().since(begun) < Duration::from_secs(3_600), "they do not repair");
            cluster.time().sleep(Duration::from_secs(30)).await;
        }
        net::end();
    });
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}
