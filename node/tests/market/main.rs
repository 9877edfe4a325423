//! The market's story, told twice: on the embedded chain and on anvil, with the same balances at the end.
//!
//! The quick form takes a small circuit; `cargo xtask accept chain` tells it with the circuit in use. Proofs are real
//! either way.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and lives in real time"
)]

mod acts;
mod cast;
mod prover;
mod report;
mod stage;
mod world;

use holdfast::{
    chain::{DeployError, Sender, deploy},
    env::live::LiveClock,
};
use holdfast_contracts::deployment::{Circuit, Plan, Settings};
use prover::Prover;
use report::Report;
use std::rc::Rc;
use tokio::task::LocalSet;
use world::{Anvil, Embedded, World};

/// Tells the story on both chains and compares.
fn tell(circuit: Circuit) {
    let prover = Prover::new(circuit);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        let embedded = told(&Embedded::new(), &prover).await;
        println!("{}", embedded.table("embedded chain"));
        let anvil = told(&Anvil::start().await, &prover).await;
        println!("{}", anvil.table("anvil"));
        let differences = embedded.differences(&anvil);
        assert!(differences.is_empty(), "the two chains differ:\n{}", differences.join("\n"));
        println!("the same story, the same {} figures on both", embedded.figures.len());
    });
}

async fn told(world: &dyn World, prover: &Prover) -> Report {
    acts::all(world, prover).await
}

#[test]
fn the_story_ends_with_the_same_balances_on_both_chains() {
    tell(Circuit::Small);
}

#[test]
fn a_deployment_that_stopped_half_way_is_not_sound_and_goes_on_where_it_stopped() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        let (world, deployer) = (Embedded::new(), cast::Cast::new().deployer);
        let plan = Plan::new(Settings::local(deployer.address()), 31337, deployer.address()).unwrap();
        let sender = Sender::new(world.chain(), Rc::new(LiveClock::default()), deployer);
        for stop in [3, 33, plan.steps.len() - 1] {
            let mut half = plan.clone();
            half.steps.truncate(stop);
            match deploy(&half, &sender, 0, |_| {}).await {
                Err(DeployError::Unsound(findings)) => assert!(!findings.is_empty()),
                other => panic!("stopped after {stop} steps: {other:?}"),
            }
        }
        let whole = deploy(&plan, &sender, 0, |_| {}).await.unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(whole.sent, 1, "only the last step was left");
        let other = Plan::new(Settings::local(sender.address()), 1337, sender.address()).unwrap();
        let refused = deploy(&other, &sender, 0, |_| {}).await;
        assert!(matches!(refused, Err(DeployError::Misdirected { .. })), "{refused:?}");
    });
}

#[test]
#[ignore = "makes the key of the circuit in use: cargo xtask accept chain"]
fn the_story_with_the_circuit_in_use() {
    tell(Circuit::Full);
}
