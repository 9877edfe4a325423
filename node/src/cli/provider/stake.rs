//! `holdfast provider stake`, `unstake` and `withdraw`: one's own stake, or that on a provider one trusts.

use super::{
    super::{
        chain::{
            args::Whose,
            connect::{self, block_on, failed},
            sent,
        },
        failure::Failure,
        home::Home,
        output::Output,
        wallet::covered,
    },
    provider,
};
use crate::chain::{Sender, view};
use alloy::primitives::{Address, U256};
use holdfast_contracts::{
    Amount,
    abi::{HoldToken, Providers, Stake},
    deployment::Addresses,
};

/// Shares that the contract counts though nobody owns them.
const VIRTUAL_SHARES: u64 = 1_000;

/// Adds stake.
pub fn add(home: &Home, amount: Amount, whose: &Whose, output: Output) -> Result<(), Failure> {
    if amount.0.is_zero() {
        return Err(Failure::usage("the amount is zero"));
    }
    let provider = provider(home, whose.provider)?;
    let receipts = block_on(async {
        let (sender, it) = open(home, whose).await?;
        covered(&sender, it.token, amount).await?;
        let approve = HoldToken::approveCall { spender: it.stake, value: amount.0 };
        let approved = sender.call(it.token, &approve).await.map_err(sent::failed)?;
        let stake = Stake::stakeCall { provider, amount: amount.0 };
        Ok([approved, sender.call(it.stake, &stake).await.map_err(sent::failed)?])
    })?;
    sent::print(&format!("{amount} HOLD staked on {provider}"), &receipts, output)
}

/// Announces a withdrawal of so much, or of all.
pub fn announce(home: &Home, amount: Option<Amount>, whose: &Whose, output: Output) -> Result<(), Failure> {
    let provider = provider(home, whose.provider)?;
    let (receipt, release) = block_on(async {
        let (sender, it) = open(home, whose).await?;
        let shares = shares(&sender, &it, provider, amount).await?;
        let unbond = Stake::unbondCall { provider, shares };
        let receipt = sender.call(it.stake, &unbond).await.map_err(sent::failed)?;
        Ok((receipt, position(&sender, &it, provider).await?.releaseBlock))
    })?;
    let what = format!(
        "the withdrawal is announced; `holdfast provider withdraw` pays it out from block {release} on"
    );
    sent::print(&what, &[receipt], output)
}

/// Pays out what is free, and the commission if the account operates the provider.
pub fn withdraw(home: &Home, whose: &Whose, output: Output) -> Result<(), Failure> {
    let provider = provider(home, whose.provider)?;
    let receipts = block_on(async {
        let (sender, it) = open(home, whose).await?;
        let chain = &**sender.chain();
        let mut receipts = Vec::new();
        if position(&sender, &it, provider).await?.unbonding != 0 {
            let withdraw = Stake::withdrawCall { provider };
            receipts.push(sender.call(it.stake, &withdraw).await.map_err(sent::failed)?);
        }
        let pool = view(chain, it.stake, &Stake::poolOfCall { provider }).await.map_err(failed)?;
        let operator = Providers::operatorOfCall { provider };
        let operator = view(chain, it.providers, &operator).await.map_err(failed)?;
        if pool.fees != 0 && operator == sender.address() {
            let take = Stake::takeFeesCall { provider };
            receipts.push(sender.call(it.stake, &take).await.map_err(sent::failed)?);
        }
        if receipts.is_empty() {
            return Err(Failure::failed(format!("{} has nothing to withdraw", sender.address()))
                .hint("announce a withdrawal first: holdfast provider unstake"));
        }
        Ok(receipts)
    })?;
    sent::print("paid out", &receipts, output)
}

async fn open(home: &Home, whose: &Whose) -> Result<(Sender, Addresses), Failure> {
    let chain = connect::connect(home, &whose.chain).await?;
    let it = connect::deployment(home, &whose.chain, &*chain)?;
    Ok((connect::sender(home, &whose.account, chain)?, it))
}

async fn position(sender: &Sender, it: &Addresses, provider: Address) -> Result<Stake::Position, Failure> {
    let position = Stake::positionOfCall { provider, holder: sender.address() };
    view(&**sender.chain(), it.stake, &position).await.map_err(failed)
}

/// The shares that are worth an amount, rounded up; all that are not being withdrawn if none is named.
async fn shares(
    sender: &Sender,
    it: &Addresses,
    provider: Address,
    amount: Option<Amount>,
) -> Result<U256, Failure> {
    let position = position(sender, it, provider).await?;
    let free = U256::from(position.shares - position.unbonding);
    let Some(amount) = amount else { return Ok(free) };
    let pool = view(&**sender.chain(), it.stake, &Stake::poolOfCall { provider }).await.map_err(failed)?;
    let (shares, assets) = (U256::from(pool.shares), U256::from(pool.assets));
    let product = amount.0.checked_mul(shares + U256::from(VIRTUAL_SHARES));
    let wanted = product.map(|it| it.div_ceil(assets + U256::from(1)));
    wanted.filter(|wanted| *wanted <= free && !wanted.is_zero()).ok_or_else(|| {
        let worth = free * (assets + U256::from(1)) / (shares + U256::from(VIRTUAL_SHARES));
        Failure::failed(format!(
            "{amount} HOLD cannot be withdrawn, the account's free stake is {}",
            Amount(worth)
        ))
        .hint("name no amount to withdraw all")
    })
}
