//! The story, act by act.

mod end;
mod governance;
mod market;
mod retrieval;
mod start;

use crate::{prover::Prover, report::Report, world::World};

/// Tells it all.
pub async fn all(world: &dyn World, prover: &Prover) -> Report {
    let mut stage = start::deploy_all(world, prover).await;
    start::compare(&stage).await;
    start::fund(&mut stage).await;
    start::register_both(&mut stage).await;
    start::stake(&mut stage).await;
    let slots = [prover.slot(0), prover.slot(1)];
    let agreement = market::agree(&mut stage, &slots).await;
    market::prove(&mut stage, agreement, &slots).await;
    market::miss(&mut stage).await;
    market::slash(&mut stage, agreement).await;
    market::refill(&mut stage, agreement, &slots[0]).await;
    retrieval::retrieve(&mut stage).await;
    retrieval::answer_a_dispute(&mut stage, agreement, &slots[0]).await;
    retrieval::lose_a_dispute(&mut stage, agreement).await;
    governance::vote(&mut stage).await;
    end::close(&mut stage, agreement).await;
    end::figures(&mut stage).await;
    stage.report
}
