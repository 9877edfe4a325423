//! What accounts have, and sending it.

use super::super::{
    chain::{
        args::{AccountOptions, ChainOptions},
        connect::{self, block_on, failed},
        sent,
    },
    failure::Failure,
    home::Home,
    output::Output,
};
use crate::{
    api::FailureKind,
    chain::{Sender, view},
};
use alloy::primitives::{Address, Bytes, U256};
use holdfast_contracts::{Amount, abi};
use serde::Serialize;

#[derive(Serialize)]
struct Balance {
    address: Address,
    chain_id: u64,
    /// Of the chain's own coin.
    coin: Amount,
    hold: Amount,
    /// Votes, which must be delegated to count.
    votes: Amount,
}

/// Shows what an account has.
pub fn balance(
    home: &Home,
    account: Option<&str>,
    options: &ChainOptions,
    output: Output,
) -> Result<(), Failure> {
    let address = match account.map(str::parse::<Address>) {
        Some(Ok(address)) => address,
        _ => connect::keystores(home).address(&connect::account_name(home, account)?)?,
    };
    let shown = block_on(async {
        let chain = connect::connect(home, options).await?;
        let it = connect::deployment(home, options, &*chain)?;
        let coin = chain.account(address).await.map_err(failed)?.balance;
        let hold = abi::HoldToken::balanceOfCall { account: address };
        let votes = abi::HoldToken::getVotesCall { account: address };
        Ok(Balance {
            address,
            chain_id: chain.id(),
            coin: Amount(coin),
            hold: Amount(view(&*chain, it.token, &hold).await.map_err(failed)?),
            votes: Amount(view(&*chain, it.token, &votes).await.map_err(failed)?),
        })
    })?;
    output.print(&shown, |out| {
        writeln!(out, "address  {} on chain {}", shown.address, shown.chain_id)?;
        writeln!(out, "coin     {}\nHOLD     {}\nvotes    {}", shown.coin, shown.hold, shown.votes)
    })
}

/// Sends HOLD or the chain's coin.
pub fn send(
    home: &Home,
    to: Address,
    amount: Amount,
    coin: bool,
    options: &ChainOptions,
    account: &AccountOptions,
    output: Output,
) -> Result<(), Failure> {
    if amount.0.is_zero() {
        return Err(Failure::usage("the amount is zero"));
    }
    let receipt = block_on(async {
        let chain = connect::connect(home, options).await?;
        let token = if coin { None } else { Some(connect::deployment(home, options, &*chain)?.token) };
        let sender = connect::sender(home, account, chain)?;
        let sent = match token {
            None => sender.send(to, amount.0, Bytes::new()).await,
            Some(token) => {
                covered(&sender, token, amount).await?;
                sender.call(token, &abi::HoldToken::transferCall { to, value: amount.0 }).await
            }
        };
        sent.map_err(sent::failed)
    })?;
    let what = if coin { "coins" } else { "HOLD" };
    sent::print(&format!("{amount} {what} sent to {to}"), &[receipt], output)
}

/// Asks the faucet for a portion.
pub fn drip(
    home: &Home,
    options: &ChainOptions,
    account: &AccountOptions,
    output: Output,
) -> Result<(), Failure> {
    let receipt = block_on(async {
        let chain = connect::connect(home, options).await?;
        let faucet = connect::deployment(home, options, &*chain)?.faucet.ok_or_else(|| {
            Failure::new(FailureKind::NotFound, format!("chain {} has no faucet", chain.id()))
                .hint("faucets are for development chains; elsewhere HOLD is bought or earned")
        })?;
        let sender = connect::sender(home, account, chain)?;
        sender.call(faucet, &abi::DevelopmentFaucet::dripCall {}).await.map_err(sent::failed)
    })?;
    sent::print("the faucet gave a portion", &[receipt], output)
}

/// Refuses to send what is not there, in words that say how much is.
pub async fn covered(sender: &Sender, token: Address, amount: Amount) -> Result<(), Failure> {
    let call = abi::HoldToken::balanceOfCall { account: sender.address() };
    let has: U256 = view(&**sender.chain(), token, &call).await.map_err(failed)?;
    if has >= amount.0 {
        return Ok(());
    }
    Err(Failure::failed(format!("{} has {} HOLD, {amount} are needed", sender.address(), Amount(has)))
        .hint("on a development chain `holdfast wallet faucet` gives some"))
}
