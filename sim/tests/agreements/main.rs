//! Whole nodes agree about a file, prove it and are paid, on a chain that reorganises, rushes and cannot be reached, while
//! they lose power: the actors of the live node, the real bytecode of the contracts, and proofs by the model, which the
//! real verifier accepts. Kept are
//!
//! - S2: no provider that holds its slots and whose proofs come in time loses anything,
//! - S3: nobody is paid for a window without an accepted proof, and nothing is done twice,
//! - S4: money is conserved.
//!
//! `HOLDFAST_MARKET_SEEDS` sets how many seeds run (3 by default) and `HOLDFAST_MARKET_FIRST` which is the first.

#[path = "../support/mod.rs"]
mod support;

mod bonds;
mod extension;
mod judge;
mod late;
mod refill;
mod setup;

use futures::future::{Either, select};
use holdfast::{
    actors::market::{Agree, Agreed, MarketError, Wish},
    types::{PlacementId, Timestamp},
};
use holdfast_contracts::Amount;
use holdfast_sim::{NodeNumber, cluster::Cluster, env::ChainPlan, world::run};
use judge::Outcome;
use setup::{NODES, OWNER, SLOTS, Stage, calm, crash, wild};
use std::time::Duration;

/// Windows of the agreement.
const WINDOWS: u32 = 4;

/// Blocks of a rush that outlasts a window, whenever it begins: two windows but for the blocks in which sets may change.
const LONG_RUSH: u32 = 180;

fn wish() -> Wish {
    Wish {
        windows: WINDOWS,
        price: Amount::whole(1),
        collateral: None,
        repair_reward: None,
        refund: None,
        sla_bps: 9_000,
        response_blocks: None,
    }
}

/// Asks for the agreement over as many lives of the owner's node as it takes.
async fn agree(cluster: &Cluster, placement: PlacementId, wish: Wish) -> Agreed {
    loop {
        if let Some(owner) = cluster.handles(OWNER) {
            let order = Agree { placement, wish: wish.clone(), progress: None };
            match owner.agree.send(order).await {
                Ok(Ok(agreed)) if agreed.open.is_empty() => return agreed,
                // A node that stops does not answer; what is open is offered again.
                Err(_) | Ok(Ok(_)) | Ok(Err(MarketError::Chain(_) | MarketError::NotFound(_))) => {}
                Ok(Err(MarketError::Storage(_) | MarketError::Net(_))) => {}
                Ok(Err(why)) => panic!("no agreement: {why}"),
            }
        }
        cluster.time().sleep(Duration::from_secs(20)).await;
    }
}

/// Waits until the owner has its money back.
async fn over(stage: &Stage) -> Agreed {
    let agreed = agree(&stage.cluster, stage.placement, wish()).await;
    while !stage.is_over(&agreed) {
        stage.cluster.time().sleep(Duration::from_secs(60)).await;
    }
    agreed
}

/// What happens to the chain and the nodes meanwhile.
#[derive(Clone, Copy, Debug)]
enum Weather {
    Calm,
    /// Gas costs what a proof is worth and a settlement is not, for longer than a window.
    Dear,
    Wild,
}

/// Begins a long rush.
async fn rush(stage: &Stage) {
    stage.chain.set_plan(ChainPlan {
        rush_chance: 1.0,
        rush_blocks: LONG_RUSH,
        rush_factor: 1e6,
        peak_gwei: 1_500.0,
        ..calm()
    });
    let before = stage.height();
    while stage.height() == before {
        stage.cluster.time().sleep(Duration::from_secs(1)).await;
    }
    stage.chain.set_plan(calm());
}

fn story(seed: u64, weather: Weather) -> Outcome {
    run(seed, move || {
        Box::pin(async move {
            let stage = Stage::set(seed).await;
            let (cluster, chain) = (stage.cluster.clone(), stage.chain.clone());
            let begun = cluster.time().now();
            let agreed = match weather {
                Weather::Calm => over(&stage).await,
                Weather::Dear => {
                    agree(&cluster, stage.placement, wish()).await;
                    rush(&stage).await;
                    over(&stage).await
                }
                Weather::Wild => {
                    chain.set_plan(wild());
                    let nodes: Vec<NodeNumber> = (0..NODES).map(NodeNumber).collect();
                    let (story, crashes) = (over(&stage), crash(&cluster, &nodes, seed));
                    futures::pin_mut!(story, crashes);
                    match select(story, crashes).await {
                        Either::Left((agreed, _)) => agreed,
                        Either::Right((never, _)) => never,
                    }
                }
            };
            assert_eq!(agreed.filled, SLOTS);
            // What was sent last becomes final.
            chain.set_plan(calm());
            cluster.time().sleep(Duration::from_secs(600)).await;
            let took = Timestamp::since(cluster.time().now(), begun);
            let outcome = stage.judge(&agreed, seed, took);
            cluster.shut_down().await;
            outcome
        })
    })
}

fn all_is_proven(outcome: &Outcome) {
    println!("{outcome:?}");
    let (slots, windows) = (u64::from(SLOTS), u64::from(WINDOWS));
    // Whoever is taken in later is paid from the next window on.
    assert!(outcome.proofs >= slots * (windows - 1), "{outcome:?}");
    assert!(outcome.paid >= slots * (windows - 1) && outcome.paid <= slots * windows, "{outcome:?}");
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn on_a_calm_chain_every_window_is_proven_and_paid() {
    all_is_proven(&story(1, Weather::Calm));
}

#[test]
fn through_a_rush_that_outlasts_a_window_every_window_is_proven_and_paid() {
    let outcome = story(1, Weather::Dear);
    assert_eq!(outcome.peak_gwei, 1_500);
    all_is_proven(&outcome);
}

#[test]
fn on_a_wild_chain_nobody_honest_loses_and_nothing_is_done_twice() {
    let first = number("HOLDFAST_MARKET_FIRST", 1);
    let mut all = Outcome::default();
    for seed in first..first + number("HOLDFAST_MARKET_SEEDS", 3) {
        let outcome = story(seed, Weather::Wild);
        println!("seed {seed}: {outcome:?}");
        all.add(&outcome);
    }
    assert!(all.proofs > 0 && all.reorganised > 0 && all.paid > 0, "nothing happened: {all:?}");
}

#[test]
fn a_seed_repeats() {
    assert_eq!(story(5, Weather::Wild), story(5, Weather::Wild));
}
