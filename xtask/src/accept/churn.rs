//! Put, kill four holders, get, repair, kill four others, get.

use crate::{
    Failure,
    localnet::{Localnet, Node, Stored, random_file, same_bytes},
    process,
};
use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

const NODES: usize = 12;
const N: u64 = 8;
const VICTIMS: usize = 4;
/// The node that puts, and the one that gets; neither is killed.
const PUTTER: usize = 0;
const GETTER: usize = 1;
/// Most memory of the node that puts.
const CLIENT_MEMORY: u64 = 256 << 20;
/// A repair that takes longer has failed.
const REPAIR: Duration = Duration::from_secs(1800);

/// Tells the story; an error says where it ended otherwise.
pub fn run(program: &Path, scratch: &Path, size: u64) -> Result<(), Failure> {
    let file = scratch.join("file");
    random_file(&file, size)?;
    let mut net = Localnet::start(program, &scratch.join("net"), NODES, "fast")?;
    let (putter, getter) = (net.nodes[PUTTER].clone(), net.nodes[GETTER].clone());
    let spared = [putter.pid, getter.pid];

    let path = file.to_string_lossy().into_owned();
    let stored: Stored =
        timed(&net, "put", size, || net.ask(&putter, &["put", &path, "--k", "4", "--n", "8"]))?;
    let client = process::peak_memory(putter.pid)?;
    println!(
        "{:<24} {:>8.1} MiB, the bound is {} MiB",
        "client peak memory",
        mib(client),
        CLIENT_MEMORY >> 20
    );

    kill_holders(&mut net, &spared)?;
    get(&net, "get, four killed", &getter, &stored, &file, size)?;
    wait_for_repair(&net, stored.segments * N)?;
    kill_holders(&mut net, &spared)?;
    get(&net, "get, eight killed", &getter, &stored, &file, size)?;

    for node in &net.nodes {
        println!(
            "{:<24} {:>8.1} MiB",
            format!("{} peak memory", node.node),
            mib(process::peak_memory(node.pid)?)
        );
    }
    if client > CLIENT_MEMORY {
        return Err(format!("the node that put took {client} bytes of memory, the bound is {CLIENT_MEMORY}"));
    }
    println!("the file came back byte for byte, twice");
    Ok(())
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Runs a step and prints its seconds, throughput and the processor seconds of all nodes.
fn timed<T>(
    net: &Localnet,
    name: &str,
    size: u64,
    step: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let (started, cpu) = (Instant::now(), net.cpu_seconds()?);
    let done = step()?;
    let (seconds, cpu) = (started.elapsed().as_secs_f64(), net.cpu_seconds()? - cpu);
    let gib = size as f64 / f64::from(1 << 30);
    println!(
        "{name:<24} {seconds:>8.2} s  {:>8.1} MB/s  {:>8.2} CPU s/GiB",
        size as f64 / 1e6 / seconds,
        cpu / gib,
    );
    Ok(done)
}

fn get(
    net: &Localnet,
    name: &str,
    node: &Node,
    stored: &Stored,
    file: &Path,
    size: u64,
) -> Result<(), Failure> {
    let copy = file.with_file_name("copy");
    let target = copy.to_string_lossy().into_owned();
    let _: serde_json::Value =
        timed(net, name, size, || net.ask(node, &["get", &stored.link, "-o", &target]))?;
    same_bytes(file, &copy)
}

/// Kills four nodes that hold shards, but none of the spared.
fn kill_holders(net: &mut Localnet, spared: &[u32]) -> Result<(), Failure> {
    let mut victims = Vec::new();
    for node in net.nodes.iter().filter(|node| !spared.contains(&node.pid)) {
        if victims.len() < VICTIMS && net.status(node)?.storage.shards > 0 {
            victims.push(node.clone());
        }
    }
    if victims.len() < VICTIMS {
        return Err(format!("only {} nodes hold shards and may be killed", victims.len()));
    }
    for victim in &victims {
        net.kill(victim)?;
    }
    let names: Vec<&str> = victims.iter().map(|victim| victim.node.as_str()).collect();
    println!("killed {}", names.join(", "));
    Ok(())
}

/// Waits until the living hold `wanted` shards again.
fn wait_for_repair(net: &Localnet, wanted: u64) -> Result<(), Failure> {
    let started = Instant::now();
    loop {
        let (mut shards, mut rebuilt) = (0, 0);
        for node in &net.nodes {
            let status = net.status(node)?;
            shards += status.storage.shards;
            rebuilt += status.repair.rebuilt;
        }
        if shards >= wanted {
            let seconds = started.elapsed().as_secs_f64();
            println!("{:<24} {seconds:>8.2} s  {rebuilt} shards rebuilt", "repair");
            return Ok(());
        }
        if started.elapsed() > REPAIR {
            return Err(format!("after {} s of repair {shards} of {wanted} shards live", REPAIR.as_secs()));
        }
        thread::sleep(Duration::from_secs(1));
    }
}
