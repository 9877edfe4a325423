//! `holdfast localnet`: several nodes on this machine, each a process of its own.
//!
//! A child watches its stdin, which is a pipe from here: whatever way this process ends, the pipe closes
//! and the children stop.

mod network;
mod plan;

use super::{args, failure::Failure, home::Home, output::Output};
use network::Network;
use plan::Plan;
use std::{fs, path::PathBuf, time::Instant};

/// Starts the nodes, waits until they have joined, tells where they are, and waits for a signal.
pub fn run(dir: Option<PathBuf>, options: &args::Localnet, output: Output) -> Result<(), Failure> {
    let dir = dir.ok_or_else(|| {
        Failure::usage("no directory is named").hint("say where the nodes' directories go: --dir DIR")
    })?;
    if Home::at(&dir).must_exist().is_ok() {
        return Err(Failure::usage(format!("{} holds a node of its own", dir.display()))
            .hint("choose another directory for the network"));
    }
    let started = Instant::now();
    let plan = Plan::make(&dir, options)?;
    let mut network = Network::start(plan.members)?;
    let joined = network.join()?;
    eprintln!("ready: {} nodes in {:.1} s", joined.len(), started.elapsed().as_secs_f64());
    let index = dir.join("localnet.json");
    let text = serde_json::to_string_pretty(&joined).expect("plain strings are valid JSON");
    fs::write(&index, text + "\n").map_err(|why| Failure::file(&index, &why))?;
    output.print(&joined, |out| {
        for node in &joined {
            writeln!(out, "{}  {}  {}  process {}", node.dir.display(), node.peer, node.address, node.pid)?;
        }
        Ok(())
    })?;
    network.watch()
}
