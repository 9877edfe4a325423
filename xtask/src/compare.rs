//! The same job side by side with another system, in one run on one machine.

use crate::{
    Failure,
    accept::scratch,
    localnet::{self, Localnet, Stored, random_file, same_bytes},
};
use bytesize::ByteSize;
use clap::{Args, Subcommand};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

#[derive(Subcommand)]
pub enum Peer {
    /// Tahoe-LAFS: twelve processes, 4 of 8, put and get of one file
    Tahoe(Tahoe),
}

#[derive(Args)]
pub struct Tahoe {
    /// Bytes of the file
    #[arg(long, default_value = "1GiB")]
    size: ByteSize,
    /// How often each system does the job, in turn
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// The script that runs Tahoe's grid: `tahoe-grid FILE NODES NEEDED TOTAL` [default: beside the project]
    #[arg(long, env = "TAHOE_GRID", value_name = "SCRIPT")]
    grid: Option<PathBuf>,
}

/// One round of one system.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Round {
    put_mbps: f64,
    get_mbps: f64,
    cpu_seconds: f64,
}

/// Prints throughput of both, and the ratios of the medians.
pub fn run(root: &Path, peer: &Peer) -> Result<(), Failure> {
    let Peer::Tahoe(options) = peer;
    let beside = root.join("../shared/tools/tahoe-grid");
    let grid = options.grid.clone().unwrap_or(beside);
    if !grid.exists() {
        return Err(format!("{}: no such script; name it with --grid or TAHOE_GRID", grid.display()));
    }
    let program = localnet::release_binary(root)?;
    let scratch = scratch(root, "compare")?;
    let compared = rounds(&program, &grid, &scratch, options);
    fs::remove_dir_all(&scratch).map_err(|why| format!("{}: {why}", scratch.display()))?;
    let (ours, theirs) = compared?;
    report(&ours, &theirs, options.size.as_u64() as f64 / f64::from(1 << 30));
    Ok(())
}

fn rounds(
    program: &Path,
    grid: &Path,
    scratch: &Path,
    options: &Tahoe,
) -> Result<(Vec<Round>, Vec<Round>), Failure> {
    let file = scratch.join("file");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=options.rounds {
        random_file(&file, options.size.as_u64())?;
        theirs.push(tahoe(grid, &file)?);
        // Kept until the end: ext4 passes over inodes that were deleted minutes ago one by one, so that what one round
        // deletes would slow the next.
        let dir = scratch.join(format!("net-{round}"));
        ours.push(holdfast(program, &dir, &file, options.size.as_u64())?);
        println!("round {round}: holdfast {:?}", ours.last());
        println!("round {round}: tahoe    {:?}", theirs.last());
    }
    Ok((ours, theirs))
}

/// Puts through one node and gets through another, as the command line does it.
fn holdfast(program: &Path, dir: &Path, file: &Path, size: u64) -> Result<Round, Failure> {
    let net = Localnet::start(program, dir, 12, "normal")?;
    let copy = dir.with_extension("copy");
    let (from, to) = (file.to_string_lossy().into_owned(), copy.to_string_lossy().into_owned());
    let started = Instant::now();
    let stored: Stored = net.ask(&net.nodes[0], &["put", &from, "--k", "4", "--n", "8"])?;
    let put = started.elapsed().as_secs_f64();
    let put_cpu = net.cpu_seconds()?;
    let started = Instant::now();
    let _: serde_json::Value = net.ask(&net.nodes[1], &["get", &stored.link, "-o", &to])?;
    let get = started.elapsed().as_secs_f64();
    let cpu_seconds = net.cpu_seconds()?;
    println!("holdfast: put {put_cpu:.1} CPU s, get {:.1} CPU s", cpu_seconds - put_cpu);
    same_bytes(file, &copy)?;
    fs::remove_file(&copy).map_err(|why| format!("{}: {why}", copy.display()))?;
    let megabytes = size as f64 / 1e6;
    Ok(Round { put_mbps: megabytes / put, get_mbps: megabytes / get, cpu_seconds })
}

fn tahoe(grid: &Path, file: &Path) -> Result<Round, Failure> {
    let output = Command::new(grid)
        .arg(file)
        .args(["12", "4", "8"])
        .output()
        .map_err(|why| format!("{}: cannot start: {why}", grid.display()))?;
    if !output.status.success() {
        return Err(format!("{}: {}", grid.display(), String::from_utf8_lossy(&output.stderr).trim()));
    }
    parse_tahoe(&String::from_utf8_lossy(&output.stdout))
}

/// Lines of `name value`.
fn parse_tahoe(text: &str) -> Result<Round, Failure> {
    let value = |name: &str| {
        let mut pairs = text.lines().filter_map(|line| line.split_once(' '));
        let found = pairs.find(|(key, _)| *key == name).and_then(|(_, value)| value.trim().parse().ok());
        found.ok_or_else(|| format!("tahoe-grid printed no {name}: {text}"))
    };
    Ok(Round {
        put_mbps: value("put_MBps")?,
        get_mbps: value("get_MBps")?,
        cpu_seconds: value("cpu_seconds")?,
    })
}

fn report(ours: &[Round], theirs: &[Round], gib: f64) {
    println!("{:<22} {:>10} {:>10} {:>8}", "median", "holdfast", "tahoe", "ratio");
    let line = |name: &str, of: fn(&Round) -> f64, scale: f64| {
        let (a, b) = (median(ours, of) / scale, median(theirs, of) / scale);
        println!("{name:<22} {a:>10.2} {b:>10.2} {:>7.2}×", a / b);
    };
    line("put MB/s", |round| round.put_mbps, 1.0);
    line("get MB/s", |round| round.get_mbps, 1.0);
    line("CPU s/GiB, put + get", |round| round.cpu_seconds, gib);
}

fn median(rounds: &[Round], of: fn(&Round) -> f64) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) { (values[middle - 1] + values[middle]) / 2.0 } else { values[middle] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_system_is_read_by_name() {
        let text = "put_seconds 10.00\nget_seconds 5.00\nput_MBps 107.4\nget_MBps 214.7\ncpu_seconds 40.5\n";
        let round = Round { put_mbps: 107.4, get_mbps: 214.7, cpu_seconds: 40.5 };
        assert_eq!(parse_tahoe(text), Ok(round));
        assert!(parse_tahoe("put_MBps 1").is_err());
    }

    #[test]
    fn a_median_of_an_even_number_lies_between() {
        let rounds = [4.0, 1.0, 3.0, 2.0].map(|put_mbps| Round { put_mbps, ..Round::default() });
        assert!((median(&rounds, |round| round.put_mbps) - 2.5).abs() < 1e-9);
        assert!((median(&rounds[..3], |round| round.put_mbps) - 3.0).abs() < 1e-9);
    }
}
