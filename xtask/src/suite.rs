//! Everything that must pass, cheapest first.

use crate::{Failure, contracts, licences, tidy};
use std::{path::Path, process::Command, time::Instant};

/// Runs format check, tidy, licences, contracts, clippy and all tests; stops at the first that fails.
pub fn run(root: &Path) -> Result<(), Failure> {
    let started = Instant::now();
    cargo(root, &["fmt", "--all", "--", "--check"])?;
    step("tidy", || tidy::run(root))?;
    step("licences", || licences::run(root))?;
    step("contracts", || contracts::run(root, false))?;
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
    program(root, env!("CARGO"), arguments, &[])
}

/// Runs a program in a folder, with variables added to its environment and its output passed through.
pub fn program(
    folder: &Path,
    program: &str,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Result<(), Failure> {
    let name = Path::new(program).file_name().map_or(program.into(), |name| name.to_string_lossy());
    let mut line = format!("{name} {}", arguments.join(" "));
    if line.len() > 160 {
        line = format!("{name} {} and {} more", arguments[..2].join(" "), arguments.len() - 2);
    }
    step(&line, || {
        let status = Command::new(program)
            .current_dir(folder)
            .args(arguments)
            .envs(variables.iter().copied())
            .status()
            .map_err(|why| format!("{line}: cannot start: {why}"))?;
        if status.success() { Ok(()) } else { Err(format!("{line}: {status}")) }
    })
}
