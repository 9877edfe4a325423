//! Everything that must pass, cheapest first.

use crate::{Failure, licences, tidy};
use std::{path::Path, process::Command, time::Instant};

/// Runs format check, tidy, licences, clippy and all tests; stops at the first that fails.
pub fn run(root: &Path) -> Result<(), Failure> {
    let started = Instant::now();
    cargo(root, &["fmt", "--all", "--", "--check"])?;
    step("tidy", || tidy::run(root))?;
    step("licences", || licences::run(root))?;
    cargo(root, &["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    cargo(root, &["test", "--locked", "--workspace"])?;
    eprintln!("all passed in {} s", started.elapsed().as_secs());
    Ok(())
}

fn step(name: &str, check: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    eprintln!("==> {name}");
    check()
}

/// Runs one cargo command with its output passed through.
pub fn cargo(root: &Path, arguments: &[&str]) -> Result<(), Failure> {
    let line = format!("cargo {}", arguments.join(" "));
    step(&line, || {
        let status = Command::new(env!("CARGO"))
            .current_dir(root)
            .args(arguments)
            .status()
            .map_err(|why| format!("{line}: cannot start: {why}"))?;
        if status.success() { Ok(()) } else { Err(format!("{line}: {status}")) }
    })
}
