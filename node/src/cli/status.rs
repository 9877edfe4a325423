//! `holdfast status`.

use super::{connection, failure::Failure, home::Home, output::Output};
use crate::api::NodeStatus;
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
    for (name, count) in &status.counters {
        writeln!(out, "count    {name} {count}")?;
    }
    Ok(())
}
