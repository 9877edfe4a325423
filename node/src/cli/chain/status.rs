//! `holdfast chain status`.

use super::{
    super::{failure::Failure, home::Home, output::Output},
    args::ChainOptions,
    connect::{self, block_on, failed},
};
use crate::{
    api::FailureKind,
    chain::{audit, changed_code, view},
    env::Chain,
};
use alloy::primitives::{B256, U256};
use holdfast_contracts::{
    Amount, abi,
    deployment::{Addresses, Audit, Record},
};
use serde::Serialize;
use std::io::{self, Write};

#[derive(Serialize)]
struct Status {
    chain_id: u64,
    block: u64,
    hash: B256,
    time: u64,
    base_fee_wei: String,
    deployment: Option<Deployed>,
}

#[derive(Serialize)]
struct Deployed {
    addresses: Addresses,
    window: U256,
    agreements: U256,
    supply: Amount,
    staked: Amount,
    /// What is not as it must be.
    findings: Vec<String>,
}

/// Shows the chain, and checks the deployment if there is one.
pub fn run(home: &Home, options: &ChainOptions, output: Output) -> Result<(), Failure> {
    let status = block_on(async {
        let chain = connect::connect(home, options).await?;
        let head = chain.head().await.map_err(failed)?;
        let record = connect::record(&connect::record_path(home, options))?;
        let deployment = match record {
            Some(record) if record.is_complete() && record.chain_id == chain.id() => {
                Some(look(&*chain, record).await?)
            }
            _ => None,
        };
        Ok(Status {
            chain_id: chain.id(),
            block: head.number,
            hash: head.hash,
            time: head.time,
            base_fee_wei: head.base_fee.to_string(),
            deployment,
        })
    })?;
    output.print(&status, |out| write(out, &status))?;
    match &status.deployment {
        Some(it) if !it.findings.is_empty() => Err(Failure::new(
            FailureKind::Failed,
            format!("the deployment is not sound: {} findings", it.findings.len()),
        )
        .hint("governance may have upgraded a contract; if it did not, do not use this deployment")),
        _ => Ok(()),
    }
}

async fn look(chain: &dyn Chain, record: Record) -> Result<Deployed, Failure> {
    let it = &record.addresses;
    let checks = Audit::of_addresses(it, record.deployer);
    let mut findings: Vec<String> = audit(chain, &checks, record.first_block)
        .await
        .map_err(failed)?
        .into_iter()
        .map(|finding| finding.0)
        .collect();
    findings
        .extend(changed_code(chain, &record.code_hashes).await.map_err(failed)?.into_iter().map(|it| it.0));
    let staked = abi::HoldToken::balanceOfCall { account: it.stake };
    Ok(Deployed {
        window: view(chain, it.challenges, &abi::Challenges::currentWindowCall {}).await.map_err(failed)?,
        agreements: view(chain, it.market, &abi::Market::agreementsCall {}).await.map_err(failed)?,
        supply: Amount(view(chain, it.token, &abi::HoldToken::totalSupplyCall {}).await.map_err(failed)?),
        staked: Amount(view(chain, it.token, &staked).await.map_err(failed)?),
        findings,
        addresses: record.addresses,
    })
}

fn write(out: &mut dyn Write, status: &Status) -> io::Result<()> {
    writeln!(out, "chain        {}", status.chain_id)?;
    writeln!(out, "block        {} ({})", status.block, status.hash)?;
    writeln!(out, "base fee     {} wei", status.base_fee_wei)?;
    let Some(it) = &status.deployment else {
        return writeln!(out, "deployment   none that is known here");
    };
    for (name, address) in it.addresses.named() {
        writeln!(out, "{name:<12} {address}")?;
    }
    writeln!(out, "window       {}", it.window)?;
    writeln!(out, "agreements   {}", it.agreements)?;
    writeln!(out, "supply       {} HOLD, {} of them staked", it.supply, it.staked)?;
    match it.findings.as_slice() {
        [] => writeln!(out, "sound        every role, owner and link is as deployed"),
        findings => findings.iter().try_for_each(|finding| writeln!(out, "NOT SOUND    {finding}")),
    }
}
