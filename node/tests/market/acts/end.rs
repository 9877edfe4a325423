//! The end of the agreement, and what everybody has then.

use super::market::balance;
use crate::stage::Stage;
use alloy::primitives::{Address, U256};
use holdfast_contracts::{
    Amount,
    abi::{Challenges, HoldToken, Market, Parameters, Stake},
};

/// The owner gives notice, the agreement runs out, and what nobody earned comes back.
pub async fn close(stage: &mut Stage<'_>, agreement: U256) {
    stage.act("cancel, close, and take the rest back");
    let owner = stage.cast.owner.clone();
    let market = stage.it.market;
    stage.send(&owner, market, &Market::cancelCall { agreement }).await;
    let close = Market::closeCall { agreement };
    stage.refused(&owner, market, &close, "WrongState").await;
    for _ in 0..3 {
        stage.quiet_window().await;
    }
    stage.send(&owner, market, &close).await;
    stage.send(&owner, market, &Market::withdrawCall {}).await;
    let left = balance(stage, market).await;
    assert_eq!(left, U256::ZERO, "the market holds nothing of a closed agreement");
}

/// All that must be the same on every chain.
pub async fn figures(stage: &mut Stage<'_>) {
    let mut figures: Vec<(String, String)> = Vec::new();
    let mut held: Vec<(String, Address)> =
        stage.cast.senders().iter().map(|(name, it)| ((*name).to_string(), it.address())).collect();
    held.extend(stage.it.named().into_iter().map(|(name, address)| (name.to_string(), address)));
    let mut sum = U256::ZERO;
    for (name, address) in held {
        let balance = balance(stage, address).await;
        sum += balance;
        figures.push((format!("HOLD of {name}"), Amount(balance).to_string()));
    }
    let supply = stage.ask(stage.it.token, &HoldToken::totalSupplyCall {}).await;
    assert_eq!(sum, supply, "all tokens belong to somebody of the story");
    figures.push(("HOLD in all".into(), Amount(supply).to_string()));
    for (name, provider) in [("first", stage.cast.loser.address()), ("second", stage.cast.heir.address())] {
        let pool = stage.ask(stage.it.stake, &Stake::poolOfCall { provider }).await;
        let reputation = stage.ask(stage.it.challenges, &Challenges::reputationCall { provider }).await;
        figures.push((format!("pool of the {name} provider"), Amount(U256::from(pool.assets)).to_string()));
        figures.push((format!("fees of the {name} operator"), Amount(U256::from(pool.fees)).to_string()));
        figures.push((format!("reputation of the {name} provider"), reputation.to_string()));
    }
    let (provider, holder) = (stage.cast.loser.address(), stage.cast.delegator.address());
    let worth = stage.ask(stage.it.stake, &Stake::worthOfCall { provider, holder }).await;
    figures.push(("what the delegation is worth".into(), Amount(worth).to_string()));
    let ledger = stage.ask(stage.it.market, &Market::ledgerCall {}).await;
    for (name, amount) in [
        ("market received", ledger.received),
        ("market paid", ledger.paid),
        ("market burned", ledger.burned),
        ("market refunded", ledger.refunded),
    ] {
        figures.push((name.into(), Amount(U256::from(amount)).to_string()));
    }
    assert_eq!(ledger.received, ledger.paid + ledger.burned + ledger.refunded, "money is conserved");
    let penalty = stage.ask(stage.it.parameters, &Parameters::getCall { parameter: 1 }).await;
    figures.push(("MissPenaltyBps".into(), penalty.to_string()));
    figures.push(("height".into(), stage.height().await.to_string()));
    stage.report.figures = figures;
}
