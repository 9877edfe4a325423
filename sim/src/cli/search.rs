//! `holdfast-sim search`.

use super::{Failure, args::SearchArgs, failure::BROKEN_PROMISE, folder, monitor, run};
use crate::{checks::Verdict, plan::Plan, run::RunOutcome};
use serde::Serialize;
use std::{
    fs::{self, OpenOptions},
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// How one seed went.
#[derive(Debug, Serialize)]
struct Found {
    seed: u64,
    trace_hash: Option<String>,
    files_lost: Option<usize>,
    broken: Vec<String>,
    replay: Option<String>,
}

pub(super) fn main(args: &SearchArgs) -> Result<ExitCode, Failure> {
    let (plan, input) = run::load(&args.plan)?;
    let out = args.out.clone();
    let out = out.unwrap_or_else(|| Path::new("holdfast-sim-out").join(format!("search-{}", plan.name)));
    let mut found = Vec::new();
    for seed in args.seeds.clone() {
        // A panic is a broken promise too, and must not end the search.
        let outcome = catch_unwind(AssertUnwindSafe(|| monitor::run_watched(&plan, seed, input.as_ref())));
        let seed = judge(args, &plan, &out, seed, outcome.ok())?;
        if !args.json {
            print_line(&seed);
        }
        found.push(seed);
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&found).expect("plain data always encodes"));
    }
    let bad = found.iter().filter(|seed| !seed.broken.is_empty()).count();
    eprintln!("{bad} of {} seeds broke a promise", found.len());
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::from(BROKEN_PROMISE) })
}

fn judge(
    args: &SearchArgs,
    plan: &Plan,
    out: &Path,
    seed: u64,
    outcome: Option<RunOutcome>,
) -> Result<Found, Failure> {
    let broken: Vec<String> = match &outcome {
        None => vec!["panic".to_owned()],
        Some(outcome) => {
            let failed = outcome.result.checks.iter().filter(|(_, verdict)| **verdict == Verdict::Fail);
            failed.map(|(id, _)| id.clone()).collect()
        }
    };
    let mut replay = None;
    if !broken.is_empty() {
        let again = again(args, seed);
        remember(&args.regressions, &again, &broken)?;
        replay = Some(again);
    }
    let mut found = Found { seed, trace_hash: None, files_lost: None, broken, replay };
    if let Some(mut outcome) = outcome {
        found.trace_hash = Some(outcome.result.trace_hash.clone());
        found.files_lost = Some(outcome.result.files_lost);
        if let Some(replay) = &found.replay {
            outcome.result.replay.clone_from(replay);
            folder::write(&out.join(format!("seed-{seed}")), plan, &outcome)?;
        }
    }
    Ok(found)
}

/// The command that repeats a seed.
fn again(args: &SearchArgs, seed: u64) -> String {
    let mut command = format!("holdfast-sim run {} --seed {seed}", args.plan.plan.display());
    for text in &args.plan.overrides {
        command.push_str(&format!(" --set '{text}'"));
    }
    if let Some(input) = &args.plan.input {
        command.push_str(&format!(" --input {}", input.display()));
    }
    command
}

/// Adds a line to the file of regressions unless it is there already.
fn remember(file: &PathBuf, again: &str, broken: &[String]) -> Result<(), Failure> {
    let line = format!("{again} # {}", broken.join(", "));
    let write = || -> std::io::Result<()> {
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        let known = fs::read_to_string(file).unwrap_or_default();
        if !known.lines().any(|known| known == line) {
            let mut file = OpenOptions::new().create(true).append(true).open(file)?;
            writeln!(file, "{line}")?;
        }
        Ok(())
    };
    write().map_err(|e| {
        Failure::failed(
            format!("cannot write {}: {e}", file.display()),
            "choose another file with --regressions",
        )
    })
}

fn print_line(found: &Found) {
    let hash = found.trace_hash.as_deref().and_then(|hash| hash.get(..16)).unwrap_or("panicked");
    match &found.replay {
        None => println!("seed {:<8} ok      {hash}", found.seed),
        Some(replay) => {
            println!("seed {:<8} BROKEN  {hash}  {}  {replay}", found.seed, found.broken.join(", "));
        }
    }
}
