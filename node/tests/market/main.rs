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

use holdfast_contracts::deployment::Circuit;
use prover::Prover;
use report::Report;
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
#[ignore = "makes the key of the circuit in use: cargo xtask accept chain"]
fn the_story_with_the_circuit_in_use() {
    tell(Circuit::Full);
}
