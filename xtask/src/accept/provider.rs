//! How much memory a provider takes at rest.

use crate::{
    Failure,
    localnet::{Localnet, Stored, random_file},
    process,
};
use std::{path::Path, thread, time::Duration};

/// Most memory of a provider at rest.
const BOUND: u64 = 128 << 20;
/// Small, since the number of shards is what matters.
const SEGMENT: u64 = 4 << 10;
/// At rest: joined, announced, and nothing asked for a while.
const REST: Duration = Duration::from_secs(10);

/// Fills providers with shards, starts them again and reads their memory.
pub fn run(program: &Path, scratch: &Path, shards: u64) -> Result<(), Failure> {
    let file = scratch.join("file");
    random_file(&file, shards * SEGMENT)?;
    let dir = scratch.join("net");
    let net = Localnet::start(program, &dir, 3, "normal")?;
    let path = file.to_string_lossy().into_owned();
    let segment = SEGMENT.to_string();
    let put = ["put", &path, "--k", "1", "--n", "2", "--segment-size", &segment];
    let stored: Stored = net.ask(&net.nodes[0], &put)?;
    drop(net);
    let net = Localnet::start(program, &dir, 3, "normal")?;
    thread::sleep(REST);
    let mut worst = 0;
    for node in &net.nodes {
        let (held, bytes) = (net.status(node)?.storage.shards, process::memory(node.pid)?);
        println!("{}: {held} shards, {:.1} MiB resident", node.node, bytes as f64 / f64::from(1 << 20));
        if held >= stored.segments {
            worst = worst.max(bytes);
        }
    }
    match worst {
        0 => Err(format!("no provider holds {shards} shards")),
        worst if worst > BOUND => {
            Err(format!("a provider at rest takes {worst} bytes, the bound is {BOUND}"))
        }
        _ => Ok(()),
    }
}
