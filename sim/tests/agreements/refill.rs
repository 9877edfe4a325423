//! A provider leaves for good. The others judge what it missed and take its slot from it, the slot is rebuilt with a spare
//! provider, and that one refills it for the repair reward. Kept are S2, for all but the one that left, S3 and S4.

use crate::{
    agree, crash,
    judge::{ask, told},
    setup::{NODES, OWNER, SLOTS, Stage, calm},
    wild, wish,
};
use alloy::{
    primitives::{Address, U256},
    sol_types::SolCall,
};
use futures::future::{Either, select};
use holdfast::{
    actors::market::{Agreed, Wish},
    env::evm::{EvmChain, MinedBlock},
    types::account,
};
use holdfast_contracts::{
    Amount,
    abi::{Challenges, HoldToken, IMarket, Market, Stake},
};
use holdfast_sim::{NodeNumber, faults::Fault, world::run};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Three missed windows cost the slot; the others are for the refill and for what it earns.
const WINDOWS: u32 = 12;
/// The slot that is lost.
const LOST: u16 = 1;
/// Numbers of `IMarket.Leave`.
pub const FINISHED: u8 = 0;
const FAILED: u8 = 3;

/// How the provider's leaving ended.
#[derive(Debug, Default)]
struct Refilled {
    /// Windows that the refiller was paid for.
    earned: u64,
    /// 10⁻¹⁸ HOLD of repair reward that it was paid.
    reward: U256,
    /// Transactions that were to take the slot and failed in their blocks.
    late: u64,
    reorganised: u64,
}

/// A story about one lost slot.
struct Loss {
    stage: Stage,
    agreed: Agreed,
    /// The provider that leaves, and its node.
    lost: Address,
    left: NodeNumber,
    /// The nodes of the others.
    others: Vec<NodeNumber>,
}

impl Loss {
    /// An agreement whose slots are all taken.
    async fn begin(stage: Stage) -> Self {
        let wish = Wish { windows: WINDOWS, ..wish() };
        let agreed = agree(&stage.cluster, stage.placement, wish).await;
        let lost = stage.chain.look(|evm| slot(evm, &stage, &agreed, LOST).provider);
        let nodes = (0..NODES).map(NodeNumber);
        let (left, others): (Vec<_>, Vec<_>) = nodes.partition(|node| provider(&stage, *node) == lost);
        Self { left: left[0], others, stage, agreed, lost }
    }

    async fn wait(&self, until: impl Fn(&EvmChain, &Stage) -> bool) {
        while !self.stage.chain.look(|evm| until(evm, &self.stage)) {
            self.stage.cluster.time().sleep(Duration::from_secs(12)).await;
        }
    }

    /// Waits until somebody has proven `windows` windows.
    async fn proven(&self, windows: usize) {
        let proven = |evm: &EvmChain, stage: &Stage| {
            let proofs = told::<Challenges::ProofAccepted>(evm, stage.at.challenges);
            let of_lost = proofs.iter().filter(|it| it.provider == self.lost).count();
            of_lost >= windows
        };
        self.wait(proven).await;
    }

    /// The provider leaves once it has proven a window, and the agreement runs to its end.
    async fn run(&self) {
        self.proven(1).await;
        self.stage.cluster.apply(Fault::Depart { node: self.left }).expect("the node exists");
        self.over().await;
    }

    /// Waits until the owner has its money back, which takes some windows after the last.
    async fn over(&self) {
        while !self.stage.is_over(&self.agreed) {
            self.stage.chain.look(|evm| {
                let window = ask(evm, self.stage.at.challenges, &Challenges::currentWindowCall {});
                let slots = (0..SLOTS).map(|index| slot(evm, &self.stage, &self.agreed, index));
                let slots: Vec<IMarket::Slot> = slots.collect();
                assert!(window < U256::from(self.agreed.end + 10), "not over: {slots:?}");
            });
            self.stage.cluster.time().sleep(Duration::from_secs(60)).await;
        }
    }

    /// What must be true of the chain in the end.
    fn judge(&self, evm: &EvmChain, seed: u64) -> Refilled {
        let (at, price) = (&self.stage.at, self.agreed.quote.price.0);
        // S2.
        for it in told::<Challenges::WindowMissed>(evm, at.challenges) {
            assert_eq!(it.provider, self.lost, "S2: an honest provider missed window {}", it.window);
        }
        let penalised = told::<Stake::Penalised>(evm, at.stake);
        assert!(penalised.iter().all(|it| it.provider == self.lost), "S2: {penalised:?}");
        assert!(penalised.iter().any(|it| !it.bounty.is_zero()), "whoever judged had nothing: {penalised:?}");
        let left = told::<Market::SlotLeft>(evm, at.market);
        let (failed, finished): (Vec<_>, Vec<_>) = left.iter().partition(|it| it.provider == self.lost);
        for it in &finished {
            assert!(it.why == FINISHED && it.burned.is_zero() && it.refund.is_zero(), "S2: {it:?}");
        }
        let [failed] = failed[..] else { panic!("the slot is lost once: {failed:?}") };
        assert_eq!(
            (failed.why, failed.index, finished.len()),
            (FAILED, U256::from(LOST), usize::from(SLOTS))
        );
        assert!(
            failed.burned > failed.reward && !failed.reward.is_zero(),
            "a seizure burns more: {failed:?}"
        );
        let ended = told::<Market::ReservationEnded>(evm, at.market);
        assert!(ended.iter().all(|it| it.burned.is_zero()), "S2: a bond burned: {ended:?}");

        let filled = told::<Market::SlotFilled>(evm, at.market);
        let first: BTreeSet<Address> = filled.iter().take(usize::from(SLOTS)).map(|it| it.provider).collect();
        let refiller = &filled[usize::from(SLOTS)..];
        let [refiller] = refiller else { panic!("one refill: {refiller:?}") };
        assert_eq!(refiller.index, U256::from(LOST));
        assert!(!first.contains(&refiller.provider), "a provider has two slots of one placement");
        let reserved = told::<Market::SlotReserved>(evm, at.market);
        assert!(reserved.len() == 1 && reserved[0].provider == refiller.provider, "{reserved:?}");

        let (proven, earned) = self.only_proofs_and_the_reward_are_paid(evm, failed.reward);
        self.stage.nothing_is_done_twice(evm, seed);
        // S4.
        let ledger = ask(evm, at.market, &Market::ledgerCall {});
        let [received, paid, burned, refunded] =
            [ledger.received, ledger.paid, ledger.burned, ledger.refunded].map(U256::from);
        let seized = failed.burned + failed.reward + failed.refund;
        let total = self.agreed.quote.total.0;
        assert_eq!(received, total + seized, "S4: received");
        assert_eq!(paid, U256::from(proven) * price + failed.reward, "S4: paid");
        assert_eq!(
            (burned, refunded),
            (failed.burned, received - paid - failed.burned),
            "S4: burned, refunded"
        );
        let held = ask(evm, at.token, &HoldToken::balanceOfCall { account: at.market });
        assert_eq!(held, U256::ZERO, "S4: held");
        Refilled { earned, reward: failed.reward, late: late(evm), reorganised: self.stage.reorganised.get() }
    }

    /// S3. Returns how many windows of slots were paid, and how many of them to the refiller.
    fn only_proofs_and_the_reward_are_paid(&self, evm: &EvmChain, reward: U256) -> (u64, u64) {
        let at = &self.stage.at;
        let mut proven: BTreeMap<Address, BTreeSet<U256>> = BTreeMap::new();
        for it in told::<Challenges::ProofAccepted>(evm, at.challenges) {
            assert!(proven.entry(it.provider).or_default().insert(it.window), "S3: proven twice: {it:?}");
        }
        let owed = told::<Market::SlotFilled>(evm, at.market).into_iter().map(|it| {
            let windows = proven.get(&it.provider).into_iter().flatten();
            let paid = windows.filter(|window| **window >= it.from && **window < U256::from(self.agreed.end));
            (it.provider, paid.count() as u64)
        });
        let owed: Vec<(Address, u64)> = owed.collect();
        let (mut windows, mut rewards) = (0, U256::ZERO);
        for it in told::<Market::SlotSettled>(evm, at.market) {
            windows += u64::try_from(it.proven).expect("few windows");
            rewards += it.paid - it.proven * self.agreed.quote.price.0;
        }
        assert_eq!(
            windows,
            owed.iter().map(|(_, windows)| windows).sum::<u64>(),
            "S3: paid for what was proven"
        );
        assert_eq!(rewards, reward, "S3: the reward is paid once");
        (windows, owed[usize::from(SLOTS)].1)
    }
}

pub fn slot(evm: &EvmChain, stage: &Stage, agreed: &Agreed, slot: u16) -> IMarket::Slot {
    let (agreement, index) = (U256::from(agreed.agreement), U256::from(slot));
    ask(evm, stage.at.market, &Market::slotOfCall { agreement, index })
}

/// Transactions that were to take a slot and failed in their blocks.
fn late(evm: &EvmChain) -> u64 {
    let blocks = (0..=evm.head().header.number).filter_map(|number| evm.block(number));
    let failed = |block: &MinedBlock| {
        let sent = block.transactions.iter().zip(&block.receipts);
        sent.filter(|(it, receipt)| {
            !receipt.success && it.tx().input.starts_with(&Market::evictCall::SELECTOR)
        })
        .count() as u64
    };
    blocks.map(failed).sum()
}

pub fn provider(stage: &Stage, node: NodeNumber) -> Address {
    account(&stage.cluster.peer(node).expect("it exists")).expect("a peer key of secp256k1")
}

/// Blocks of a window that are over.
fn blocks_into_window(evm: &EvmChain, stage: &Stage) -> u64 {
    let genesis = ask(evm, stage.at.challenges, &Challenges::genesisCall {});
    let blocks = ask(evm, stage.at.challenges, &Challenges::windowBlocksCall {});
    (evm.head().header.number - genesis) % blocks
}

fn story(seed: u64, storm: bool) -> Refilled {
    run(seed, move || {
        Box::pin(async move {
            let stage = Stage::set(seed).await;
            if storm {
                stage.chain.set_plan(wild());
            }
            let loss = Loss::begin(stage).await;
            let (cluster, chain) = (&loss.stage.cluster, &loss.stage.chain);
            if storm {
                let (story, crashes) = (loss.run(), crash(cluster, &loss.others, seed));
                futures::pin_mut!(story, crashes);
                match select(story, crashes).await {
                    Either::Left(((), _)) => {}
                    Either::Right((never, _)) => never,
                }
            } else {
                loss.run().await;
            }
            // What was sent last becomes final.
            chain.set_plan(calm());
            cluster.time().sleep(Duration::from_secs(600)).await;
            let outcome = chain.look(|evm| loss.judge(evm, seed));
            println!("seed {seed}: {outcome:?}");
            cluster.clone().shut_down().await;
            outcome
        })
    })
}

#[test]
fn a_slot_whose_provider_left_is_taken_from_it_and_refilled_for_the_reward() {
    let outcome = story(1, false);
    assert!(outcome.earned >= 3 && outcome.reward == Amount::whole(6).0, "{outcome:?}");
}

#[test]
fn on_a_wild_chain_a_lost_slot_is_refilled_and_nobody_honest_loses() {
    let first = crate::number("HOLDFAST_MARKET_FIRST", 1);
    let outcomes: Vec<Refilled> =
        (first..first + crate::number("HOLDFAST_MARKET_SEEDS", 3)).map(|seed| story(seed, true)).collect();
    assert!(outcomes.iter().all(|it| it.earned > 0), "{outcomes:?}");
    assert!(outcomes.iter().any(|it| it.reorganised > 0), "nothing happened: {outcomes:?}");
}

/// All others stand still until the slot can be taken, and then look at the same block.
#[test]
fn neighbours_that_act_at_once_take_a_slot_once() {
    let outcome = run(7, || {
        Box::pin(async {
            let loss = Loss::begin(Stage::set(7).await).await;
            let cluster = &loss.stage.cluster;
            loss.proven(1).await;
            cluster.apply(Fault::Depart { node: loss.left }).expect("the node exists");
            let providers = loss.others.iter().copied().filter(|node| *node != OWNER);
            let providers: Vec<NodeNumber> = providers.collect();
            let missed = |evm: &EvmChain, stage: &Stage| {
                let window = ask(evm, stage.at.challenges, &Challenges::currentWindowCall {});
                let book = Challenges::bookOfCall { provider: loss.lost };
                let from = U256::from(ask(evm, stage.at.challenges, &book).judgedTo);
                let tally = Challenges::tallyCall { provider: loss.lost, from, to: window + U256::from(1) };
                ask(evm, stage.at.challenges, &tally).missed
            };
            // The window of the third miss: all others have proven it by its fiftieth block, and its misses are certain
            // by its seventy-fifth.
            loss.wait(|evm, stage| {
                missed(evm, stage) >= U256::from(3) && blocks_into_window(evm, stage) >= 50
            })
            .await;
            for node in &providers {
                cluster.apply(Fault::Pause { node: *node }).expect("the node exists");
            }
            loss.wait(|evm, stage| blocks_into_window(evm, stage) >= 88).await;
            for node in &providers {
                cluster.apply(Fault::Resume { node: *node }).expect("the node exists");
            }
            loss.over().await;
            cluster.time().sleep(Duration::from_secs(600)).await;
            let outcome = loss.stage.chain.look(|evm| loss.judge(evm, 7));
            cluster.clone().shut_down().await;
            outcome
        })
    });
    println!("{outcome:?}");
    assert_eq!((outcome.earned > 0, outcome.late), (true, 2), "three sent, one took it: {outcome:?}");
}

/// Its reservation stands on the chain, and nothing else says what it was about to do.
#[test]
fn who_lost_power_between_reservation_and_refill_refills_when_it_is_back() {
    let outcome = run(9, || {
        Box::pin(async {
            let loss = Loss::begin(Stage::set(9).await).await;
            let (cluster, chain) = (&loss.stage.cluster, &loss.stage.chain);
            loss.proven(1).await;
            cluster.apply(Fault::Depart { node: loss.left }).expect("the node exists");
            let reserver = loop {
                let reserver = chain.look(|evm| slot(evm, &loss.stage, &loss.agreed, LOST).reserver);
                if !reserver.is_zero() {
                    break reserver;
                }
                cluster.time().sleep(Duration::from_millis(100)).await;
            };
            let taker = loss.others.iter().find(|node| provider(&loss.stage, **node) == reserver);
            let node = *taker.expect("a provider of this world");
            cluster.apply(Fault::Crash { node }).expect("it exists");
            cluster.time().sleep(Duration::from_secs(120)).await;
            let at = chain.look(|evm| slot(evm, &loss.stage, &loss.agreed, LOST));
            assert_eq!(at.reserver, reserver, "it was refilled before the power failed");
            cluster.start(node).await.expect("it starts again");
            loss.over().await;
            cluster.time().sleep(Duration::from_secs(600)).await;
            let outcome = chain.look(|evm| loss.judge(evm, 9));
            cluster.clone().shut_down().await;
            outcome
        })
    });
    assert!(outcome.earned > 0, "{outcome:?}");
}

/// Too few windows are left to take the slot from its provider, and nobody but the owner waits for it to be finished.
#[test]
fn the_owner_finishes_the_slot_of_a_provider_that_left_before_the_end() {
    run(8, || {
        Box::pin(async {
            let loss = Loss::begin(Stage::set(8).await).await;
            loss.proven(WINDOWS as usize - 2).await;
            loss.stage.cluster.apply(Fault::Depart { node: loss.left }).expect("the node exists");
            loss.over().await;
            loss.stage.chain.look(|evm| {
                let at = &loss.stage.at;
                let left = told::<Market::SlotLeft>(evm, at.market);
                let finished = left.iter().filter(|it| it.why == FINISHED).count();
                assert_eq!((left.len(), finished), (usize::from(SLOTS), usize::from(SLOTS)), "{left:?}");
                let missed = told::<Challenges::WindowMissed>(evm, at.challenges);
                assert!(!missed.is_empty() && missed.iter().all(|it| it.provider == loss.lost), "{missed:?}");
                let ledger = ask(evm, at.market, &Market::ledgerCall {});
                assert_eq!(ledger.received, ledger.paid + ledger.burned + ledger.refunded, "S4");
                let total = loss.agreed.quote.total.0;
                assert!(U256::from(ledger.refunded) >= total - U256::from(ledger.paid), "the rest came back");
            });
            loss.stage.cluster.clone().shut_down().await;
        })
    });
}
