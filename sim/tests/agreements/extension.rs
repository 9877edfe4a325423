//! An owner extends its agreement: providers that go on are paid for every window that they prove, and one that does not leaves
//! at its slot's end, which another refills. Kept are S2, S3 and S4.

use crate::{
    agree, crash,
    judge::{Outcome, ask, told},
    refill::{FINISHED, provider, slot},
    setup::{NODES, OWNER, SLOTS, Setup, Stage, calm, node_settings},
    wild, wish,
};
use alloy::{
    primitives::{Address, U256},
    sol_types::SolCall,
};
use futures::{
    future::{Either, select},
    pin_mut,
};
use holdfast::{
    actors::market::{Agreed, Extend, Extended, MarketError, Quote},
    env::evm::EvmChain,
    settings::{MarketSettings, Settings},
    types::Timestamp,
};
use holdfast_contracts::{
    Amount,
    abi::{Challenges, HoldToken, IMarket, Market, Stake},
};
use holdfast_sim::{NodeNumber, env::ChainPlan, faults::Fault, world::run};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Windows that the agreement is extended by.
const MORE: u64 = 6;
/// The slot whose provider does not go on.
pub const LEFT: u16 = 1;

/// An agreement that is being extended.
pub struct Story {
    pub stage: Stage,
    pub agreed: Agreed,
    /// Windows that it is extended by.
    pub more: u64,
}

impl Story {
    pub async fn begin(seed: u64, setup: Setup) -> Self {
        let stage = Stage::set_as(seed, setup).await;
        let agreed = agree(&stage.cluster, stage.placement, wish()).await;
        Self { stage, agreed, more: MORE }
    }

    /// A provider's operator sells no more: it keeps what it said, and no longer. Returns the provider.
    pub async fn one_leaves(&self) -> Address {
        let cluster = &self.stage.cluster;
        let leaves = self.slot(LEFT).provider;
        let node = self.node(leaves);
        cluster.kill(node).expect("it exists");
        let market = MarketSettings { sell: false, ..node_settings().market };
        cluster.set_settings(node, Settings { market, ..node_settings() }).expect("it exists");
        cluster.start(node).await.expect("it starts again");
        leaves
    }

    pub fn slot(&self, index: u16) -> IMarket::Slot {
        self.stage.chain.look(|evm| slot(evm, &self.stage, &self.agreed, index))
    }

    /// The node of a provider.
    pub fn node(&self, of: Address) -> NodeNumber {
        let mut nodes = (0..NODES).map(NodeNumber);
        nodes.find(|node| provider(&self.stage, *node) == of).expect("it is of this world")
    }

    pub fn end(&self) -> u64 {
        let agreement = U256::from(self.agreed.agreement);
        self.stage
            .chain
            .look(|evm| ask(evm, self.stage.at.market, &Market::agreementOfCall { agreement }).end.into())
    }

    pub fn window(&self) -> u64 {
        let window = Challenges::currentWindowCall {};
        self.stage.chain.look(|evm| ask(evm, self.stage.at.challenges, &window).to())
    }

    /// True if an extension waits for its block.
    fn is_sent(&self) -> bool {
        let selector = Market::extendCall::SELECTOR;
        self.stage.chain.look(|evm| evm.waiting().any(|it| it.tx().input.starts_with(&selector)))
    }

    /// Orders the extension once; `None` if the owner's node stops, or its links fail.
    async fn order(&self, windows: u64) -> Option<Extended> {
        let owner = self.stage.cluster.handles(OWNER)?;
        let order = Extend { placement: self.stage.placement, windows: windows as u32, progress: None };
        match owner.extend.send(order).await {
            Ok(Ok(extended)) => Some(extended),
            Err(_) | Ok(Err(MarketError::Chain(_) | MarketError::Storage(_))) => None,
            Ok(Err(why)) => panic!("no extension: {why}"),
        }
    }

    /// Asks for the extension over as many lives of the owner's node as it takes, until `open` slots are left.
    pub async fn extend(&self, open: usize) -> Extended {
        loop {
            // Once it is extended nothing more is asked for.
            let extended = self.end() > self.agreed.end;
            let windows = if extended { 1 } else { self.agreed.end + self.more - self.window() - 1 };
            if let Some(extended) = self.order(windows).await
                && extended.open.len() == open
            {
                return extended;
            }
            assert!(self.window() + 1 < self.agreed.end + self.more, "not as many slots are open: {open}");
            self.stage.cluster.time().sleep(Duration::from_secs(20)).await;
        }
    }

    /// Waits until the owner has its money back.
    pub async fn over(&self) {
        while !self.stage.is_over(&self.agreed) {
            assert!(self.window() < self.end() + 10, "not over in window {}", self.window());
            self.stage.cluster.time().sleep(Duration::from_secs(60)).await;
        }
    }

    /// The agreement as if it had been for all its windows from the beginning.
    pub fn as_one(&self) -> Agreed {
        let (end, quote) = (self.end(), &self.agreed.quote);
        let added = U256::from(end - self.agreed.end) * U256::from(SLOTS);
        let total = Amount(quote.total.0 + quote.price.0 * added);
        Agreed { end, quote: Quote { total, ..quote.clone() }, ..self.agreed.clone() }
    }

    /// Runs on when nothing more may happen, and judges.
    pub async fn judge<T>(self, judge: impl FnOnce(&Self) -> T) -> T {
        self.stage.chain.set_plan(calm());
        self.stage.cluster.time().sleep(Duration::from_secs(600)).await;
        let outcome = judge(&self);
        self.stage.cluster.shut_down().await;
        outcome
    }
}

/// The ends to which each slot was renewed.
fn renewals(evm: &EvmChain, story: &Story) -> BTreeMap<U256, Vec<u64>> {
    let mut ends = BTreeMap::<U256, Vec<u64>>::new();
    for it in told::<Market::SlotRenewed>(evm, story.stage.at.market) {
        ends.entry(it.index).or_default().push(it.end.to());
    }
    ends
}

/// All renew, and all windows are proven and paid.
fn all_go_on(story: &Story, seed: u64, took: Duration) -> Outcome {
    let outcome = story.stage.judge(&story.as_one(), seed, took);
    let renewed = story.stage.chain.look(|evm| renewals(evm, story));
    assert_eq!(renewed.len(), usize::from(SLOTS));
    for ends in renewed.values() {
        assert!(
            ends.is_sorted_by(|one, next| one < next) && ends.last() == Some(&story.end()),
            "{renewed:?}"
        );
    }
    let windows = story.end() - story.agreed.end + u64::from(wish().windows);
    assert!(windows >= u64::from(wish().windows) + MORE, "{windows} windows");
    // Whoever was taken in later is paid from the next window on.
    let (least, most) = (u64::from(SLOTS) * (windows - 1), u64::from(SLOTS) * windows);
    assert!((least..=most).contains(&outcome.paid), "{outcome:?}, {windows} windows");
    outcome
}

/// The owner loses power when its extension is sent and in no block yet, and then asks for a window more.
#[test]
fn an_extended_agreement_is_paid_for_once_and_renewed_and_proven_to_its_new_end() {
    let outcome = run(1, || {
        Box::pin(async {
            let story = Story::begin(1, Setup::default()).await;
            let (cluster, begun) = (story.stage.cluster.clone(), story.stage.cluster.time().now());
            let to = |end: u64| end - story.window() - 1;
            // So slow that the node is back before the next block.
            story.stage.chain.set_plan(ChainPlan { block_s: 60.0, ..calm() });
            {
                let sent = async {
                    while !story.is_sent() {
                        cluster.time().sleep(Duration::from_millis(100)).await;
                    }
                };
                let order = story.order(to(story.agreed.end + MORE));
                pin_mut!(order, sent);
                assert!(matches!(select(order, sent).await, Either::Right(_)), "it ended before it was sent");
            }
            cluster.apply(Fault::Crash { node: OWNER }).expect("it exists");
            cluster.start(OWNER).await.expect("it starts again");
            assert!(story.end() == story.agreed.end && story.is_sent(), "it is in a block already");
            let more = story.order(to(story.agreed.end + MORE + 1)).await.expect("it is up");
            // While the first becomes final a window may begin.
            let added = story.end() - story.agreed.end;
            assert!((MORE + 1..=MORE + 2).contains(&added), "{added} windows: some are paid for twice");
            story.stage.chain.set_plan(calm());
            let again = story.order(1).await.expect("it is up");
            assert_eq!(again.quote.total.0, U256::ZERO, "{again:?} after {more:?}");
            assert!(again.open.is_empty(), "{again:?}");
            story.over().await;
            let took = Timestamp::since(cluster.time().now(), begun);
            story.judge(|story| all_go_on(story, 1, took)).await
        })
    });
    println!("{outcome:?}");
}

#[test]
fn on_a_wild_chain_an_extended_agreement_is_renewed_and_nobody_honest_loses() {
    let first = crate::number("HOLDFAST_MARKET_FIRST", 1);
    let mut all = Outcome::default();
    for seed in first..first + crate::number("HOLDFAST_MARKET_SEEDS", 3) {
        let outcome = run(seed, move || {
            Box::pin(async move {
                let story = Story::begin(seed, Setup::default()).await;
                story.stage.chain.set_plan(wild());
                let (cluster, begun) = (story.stage.cluster.clone(), story.stage.cluster.time().now());
                {
                    let nodes: Vec<NodeNumber> = (0..NODES).map(NodeNumber).collect();
                    let going = async {
                        story.extend(0).await;
                        story.over().await;
                    };
                    let crashes = crash(&cluster, &nodes, seed);
                    pin_mut!(going, crashes);
                    match select(going, crashes).await {
                        Either::Left(((), _)) => {}
                        Either::Right((never, _)) => never,
                    }
                }
                let took = Timestamp::since(cluster.time().now(), begun);
                story.judge(|story| all_go_on(story, seed, took)).await
            })
        });
        println!("seed {seed}: {outcome:?}");
        all.add(&outcome);
    }
    assert!(all.reorganised > 0, "nothing happened: {all:?}");
}

#[test]
fn who_does_not_go_on_leaves_at_its_slots_end_and_another_refills_it() {
    let earned = run(3, || {
        Box::pin(async {
            let story = Story::begin(3, Setup::default()).await;
            let leaves = story.one_leaves().await;
            let extended = story.extend(1).await;
            let [open] = &extended.open[..] else { panic!("{extended:?}") };
            assert_eq!((open.slot, open.provider.clone()), (LEFT, Some(leaves.to_string())), "{open:?}");
            assert!(open.why.contains(&format!("until window {}", story.agreed.end)), "{open:?}");
            story.over().await;
            story.judge(|story| another_goes_on(story, 3, leaves)).await
        })
    });
    assert!(earned >= 3, "whoever refilled it was paid for {earned} windows");
}

/// Returns how many windows the refiller was paid for.
pub fn another_goes_on(story: &Story, seed: u64, leaves: Address) -> u64 {
    story.stage.chain.look(|evm| refilled(evm, story, seed, leaves))
}

fn refilled(evm: &EvmChain, story: &Story, seed: u64, leaves: Address) -> u64 {
    let (at, agreed) = (&story.stage.at, story.as_one());
    // S2.
    let missed = told::<Challenges::WindowMissed>(evm, at.challenges);
    let penalised = told::<Stake::Penalised>(evm, at.stake);
    assert!(missed.is_empty() && penalised.is_empty(), "S2: {missed:?}, {penalised:?}");
    let bonds = told::<Market::ReservationEnded>(evm, at.market);
    assert!(bonds.len() == 1 && bonds[0].burned.is_zero(), "S2: {bonds:?}");
    let left = told::<Market::SlotLeft>(evm, at.market);
    assert!(
        left.iter().all(|it| it.why == FINISHED && it.burned.is_zero() && it.refund.is_zero()),
        "{left:?}"
    );
    assert_eq!((left.len(), left[0].provider), (usize::from(SLOTS) + 1, leaves), "it leaves first: {left:?}");
    let filled = told::<Market::SlotFilled>(evm, at.market);
    let (first, refill) = filled.split_at(usize::from(SLOTS));
    let holders: BTreeSet<Address> = first.iter().map(|it| it.provider).collect();
    let [refill] = refill else { panic!("one refill: {refill:?}") };
    assert_eq!(refill.index, U256::from(LEFT));
    assert!(!holders.contains(&refill.provider), "a provider has two slots of one placement");
    let renewed: Vec<U256> = renewals(evm, story).into_keys().collect();
    let others = (0..SLOTS).filter(|index| *index != LEFT).map(U256::from);
    assert_eq!(renewed, others.collect::<Vec<_>>());
    // S3.
    let mut proven: BTreeMap<Address, BTreeSet<U256>> = BTreeMap::new();
    for it in told::<Challenges::ProofAccepted>(evm, at.challenges) {
        assert!(proven.entry(it.provider).or_default().insert(it.window), "S3: proven twice: {it:?}");
    }
    let owed = |provider: Address, from: U256| {
        let end = U256::from(if provider == leaves { story.agreed.end } else { agreed.end });
        let windows = proven.get(&provider).into_iter().flatten();
        windows.filter(|window| **window >= from && **window < end).count() as u64
    };
    let earned = owed(refill.provider, refill.from);
    let owed: u64 = filled.iter().map(|it| owed(it.provider, it.from)).sum();
    let paid: U256 = told::<Market::SlotSettled>(evm, at.market).iter().map(|it| it.paid).sum();
    assert_eq!(paid, agreed.quote.price.0 * U256::from(owed), "S3: paid is what was proven");
    story.stage.nothing_is_done_twice(evm, seed);
    // S4.
    let ledger = ask(evm, at.market, &Market::ledgerCall {});
    let [received, spent, burned, refunded] =
        [ledger.received, ledger.paid, ledger.burned, ledger.refunded].map(U256::from);
    let held = ask(evm, at.token, &HoldToken::balanceOfCall { account: at.market });
    assert_eq!((received, spent, burned), (agreed.quote.total.0, paid, U256::ZERO), "S4");
    assert_eq!((refunded, held), (received - paid, U256::ZERO), "S4: refunded, held");
    earned
}
