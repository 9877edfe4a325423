//! `holdfast provider status`.

use super::{
    super::{
        chain::{
            args::ChainOptions,
            connect::{self, block_on, failed},
        },
        failure::Failure,
        home::Home,
        output::Output,
    },
    provider,
};
use crate::{api::FailureKind, chain::view, env::Chain};
use alloy::primitives::{Address, U256};
use holdfast_contracts::{
    Amount,
    abi::{Challenges, Providers, Stake},
    deployment::Addresses,
};
use indicatif::HumanBytes;
use serde::Serialize;
use std::io::{self, Write};

#[derive(Serialize)]
struct Status {
    provider: Address,
    operator: Address,
    exiting: bool,
    region: String,
    capacity_bytes: u64,
    price: Amount,
    commission_bps: u16,
    /// What the commission becomes, and from which block on: a higher one lets those who staked leave first.
    next_commission_bps: u16,
    next_commission_block: u64,
    /// Basis points.
    reputation: U256,
    window: U256,
    slots: u32,
    /// Of misses; at the parameter `EvictLevel` the slots are lost.
    miss_level: u16,
    evicted: bool,
    stake: Amount,
    locked: Amount,
    free: Amount,
    fees: Amount,
    mine: Option<Mine>,
}

/// What the account has in the provider's pool.
#[derive(Serialize)]
struct Mine {
    account: Address,
    worth: Amount,
    withdrawing: bool,
    release_block: u64,
}

/// Shows what the chain knows of a provider.
pub fn run(
    home: &Home,
    named: Option<Address>,
    options: &ChainOptions,
    wallet: Option<&str>,
    output: Output,
) -> Result<(), Failure> {
    let provider = provider(home, named)?;
    // Without an account only what is the account's is not shown.
    let account = match wallet {
        Some(name) => Some(connect::keystores(home).address(name)?),
        None => {
            connect::account_name(home, None).and_then(|name| connect::keystores(home).address(&name)).ok()
        }
    };
    let status = block_on(async {
        let chain = connect::connect(home, options).await?;
        let it = connect::deployment(home, options, &*chain)?;
        look(&*chain, &it, provider, account).await
    })?;
    output.print(&status, |out| write(out, &status))
}

async fn look(
    chain: &dyn Chain,
    it: &Addresses,
    provider: Address,
    account: Option<Address>,
) -> Result<Status, Failure> {
    let known = view(chain, it.providers, &Providers::providerOfCall { provider }).await.map_err(failed)?;
    if known.operator == Address::ZERO {
        return Err(Failure::new(FailureKind::NotFound, format!("provider {provider} is not registered"))
            .hint("register it: holdfast provider register"));
    }
    let commission = Providers::commissionBpsCall { provider };
    let book = view(chain, it.challenges, &Challenges::bookOfCall { provider }).await.map_err(failed)?;
    let reputation = Challenges::reputationCall { provider };
    let pool = view(chain, it.stake, &Stake::poolOfCall { provider }).await.map_err(failed)?;
    let free = Stake::freeStakeCall { provider };
    let mine = match account {
        Some(account) => Some(mine(chain, it, provider, account).await?),
        None => None,
    };
    let region = known.region.as_slice().split(|byte| *byte == 0).next().unwrap_or_default();
    Ok(Status {
        provider,
        operator: known.operator,
        exiting: known.exiting,
        region: String::from_utf8_lossy(region).escape_debug().to_string(),
        capacity_bytes: known.capacity,
        price: Amount(U256::from(known.price)),
        commission_bps: view(chain, it.providers, &commission).await.map_err(failed)?,
        next_commission_bps: known.nextCommissionBps,
        next_commission_block: known.nextCommissionBlock.to(),
        reputation: view(chain, it.challenges, &reputation).await.map_err(failed)?,
        window: view(chain, it.challenges, &Challenges::currentWindowCall {}).await.map_err(failed)?,
        slots: book.count,
        miss_level: book.level,
        evicted: book.evicted,
        stake: Amount(U256::from(pool.assets)),
        locked: Amount(U256::from(pool.lockedAssets)),
        free: Amount(view(chain, it.stake, &free).await.map_err(failed)?),
        fees: Amount(U256::from(pool.fees)),
        mine,
    })
}

async fn mine(
    chain: &dyn Chain,
    it: &Addresses,
    provider: Address,
    holder: Address,
) -> Result<Mine, Failure> {
    let worth = Stake::worthOfCall { provider, holder };
    let position = Stake::positionOfCall { provider, holder };
    let position = view(chain, it.stake, &position).await.map_err(failed)?;
    Ok(Mine {
        account: holder,
        worth: Amount(view(chain, it.stake, &worth).await.map_err(failed)?),
        withdrawing: position.unbonding != 0,
        release_block: position.releaseBlock,
    })
}

fn write(out: &mut dyn Write, it: &Status) -> io::Result<()> {
    let exiting = if it.exiting { ", takes no more slots" } else { "" };
    let evicted = if it.evicted { ", EVICTED: its slots may be taken" } else { "" };
    writeln!(out, "provider    {}{exiting}", it.provider)?;
    writeln!(out, "operator    {}", it.operator)?;
    writeln!(
        out,
        "offer       {} in {:?}, {} HOLD a slot and window",
        HumanBytes(it.capacity_bytes),
        it.region,
        it.price
    )?;
    write!(out, "commission  {} bps", it.commission_bps)?;
    if it.next_commission_bps != it.commission_bps {
        write!(out, ", {} from block {} on", it.next_commission_bps, it.next_commission_block)?;
    }
    writeln!(out)?;
    writeln!(
        out,
        "slots       {} in window {}, misses at level {}{evicted}",
        it.slots, it.window, it.miss_level
    )?;
    writeln!(out, "reputation  {} of 10000", it.reputation)?;
    writeln!(out, "stake       {} HOLD, {} locked, {} free for new slots", it.stake, it.locked, it.free)?;
    writeln!(out, "fees        {} HOLD for the operator", it.fees)?;
    if let Some(mine) = &it.mine {
        writeln!(out, "account     {}: {} HOLD in it", mine.account, mine.worth)?;
        if mine.withdrawing {
            writeln!(out, "withdrawal  announced, from block {} on", mine.release_block)?;
        }
    }
    Ok(())
}
