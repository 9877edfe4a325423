//! `holdfast status`.

use super::{connection, failure::Failure, home::Home, output::Output};
use crate::api::NodeStatus;
use holdfast_contracts::Amount;
use indicatif::HumanBytes;
use std::{
    io::{self, Write},
    time::Duration,
};

/// A node that does not answer within this is stuck.
const PATIENCE: Duration = Duration::from_secs(30);

/// Shows what the running node does.
pub fn run(home: &Home, output: Output) -> Result<(), Failure> {
    let status = connection::status(home, PATIENCE)?;
    output.print(&status, |out| write(out, &status))
}

fn write(out: &mut dyn Write, status: &NodeStatus) -> io::Result<()> {
    let NodeStatus { network, storage, repair, signing, .. } = status;
    writeln!(out, "node     {} (process {})", status.version, status.pid)?;
    writeln!(out, "peer     {}", network.peer)?;
    writeln!(out, "owner    {}", status.owner)?;
    for address in &network.listen {
        writeln!(out, "listen   {address}")?;
    }
    writeln!(
        out,
        "network  {} peers connected, {} placements announced",
        network.connected, network.announced
    )?;
    writeln!(
        out,
        "storage  {} shards of {} placements, {}; {} of {} free",
        storage.shards,
        storage.placements,
        HumanBytes(storage.shard_bytes),
        HumanBytes(storage.free_bytes),
        HumanBytes(storage.capacity_bytes),
    )?;
    writeln!(
        out,
        "repair   {} placements watched, {} repairs under way, {} shards rebuilt",
        repair.watched, repair.under_way, repair.rebuilt,
    )?;
    writeln!(out, "roots    {} stored files wait for signed slot roots", signing.waiting)?;
    write_chain(out, status)?;
    for (name, count) in &status.counters {
        writeln!(out, "count    {name} {count}")?;
    }
    Ok(())
}

fn write_chain(out: &mut dyn Write, status: &NodeStatus) -> io::Result<()> {
    if let Some(why) = &status.apart {
        writeln!(out, "market   no part in it: {why}")?;
    }
    if let Some(chain) = &status.chain {
        match (&chain.block, &chain.trouble) {
            (Some(block), _) => writeln!(out, "chain    {}, block {block}", chain.id)?,
            (None, why) => {
                let why = why.as_deref().unwrap_or("it does not answer");
                writeln!(out, "chain    {}: {why}", chain.id)?;
            }
        }
        if let Some(account) = &chain.account {
            let coins = chain.balance.map_or("an unknown number of".into(), |wei| Amount(wei).to_string());
            writeln!(out, "account  {account}, {coins} coins")?;
        }
        for open in &chain.open {
            let place = open.block.map_or("in no block yet".into(), |block| format!("in block {block}"));
            let trouble = open.trouble.as_deref().map(|it| format!(": {it}")).unwrap_or_default();
            writeln!(out, "sending  nonce {}, {place}{trouble}", open.nonce)?;
        }
    }
    let Some(market) = &status.market else { return Ok(()) };
    let proven = market.proven.map_or("none proven yet".into(), |it| format!("{it} was proven last"));
    writeln!(out, "window   {}, {proven}", market.window)?;
    writeln!(
        out,
        "market   {} of {} slots taken, {} disputes, {} agreements as owner",
        market.taken, market.pledged, market.disputes, market.agreements
    )?;
    if let (Some(first), Some(last)) = (market.first_end, market.last_end) {
        writeln!(out, "paid     until window {first}, with the last slot until window {last}")?;
    }
    if market.tabs > 0 {
        writeln!(
            out,
            "reads    {} channels pay, {} HOLD are not redeemed yet",
            market.tabs, market.unredeemed
        )?;
    }
    if market.refills > 0 {
        writeln!(out, "refill   {} lost slots of other providers wait for another", market.refills)?;
    }
    if market.evicted {
        writeln!(out, "market   EVICTED: too many windows were missed")?;
    }
    match &market.trouble {
        Some(why) => writeln!(out, "trouble  {why}"),
        None => Ok(()),
    }
}
