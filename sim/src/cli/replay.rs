//! `holdfast-sim replay`.

use super::{Failure, args::ReplayArgs, folder, monitor, run};
use crate::{plan::Plan, result::RunResult, result::binary_hash, workload::Input};
use std::{path::Path, process::ExitCode};

pub(super) fn main(args: &ReplayArgs) -> Result<ExitCode, Failure> {
    let plan = Plan::load(&args.dir.join(folder::PLAN), &[])?;
    let before = read_result(&args.dir)?;
    let input = read_input(&before)?;
    if before.binary_hash != binary_hash() {
        eprintln!("note: another build made that run; its trace hash may rightly differ");
    }
    let mut outcome = monitor::run_watched(&plan, before.seed, input.as_ref());
    run::judge_determinism(&mut outcome.result, &before.trace_hash, "the run that is replayed");
    outcome.result.replay = format!("holdfast-sim replay {}", args.dir.display());
    if let Some(dir) = &args.out {
        folder::write(dir, &plan, &outcome)?;
    }
    run::finish(&outcome, args.json);
    Ok(run::exit_code(&outcome.result))
}

fn read_result(dir: &Path) -> Result<RunResult, Failure> {
    let path = dir.join(folder::RESULT);
    let failed = |why: String| {
        Failure::bad_input(
            format!("cannot read {}: {why}", path.display()),
            "replay takes the folder that holdfast-sim run has written",
        )
    };
    let text = std::fs::read_to_string(&path).map_err(|e| failed(e.to_string()))?;
    serde_json::from_str(&text).map_err(|e| failed(e.to_string()))
}

fn read_input(before: &RunResult) -> Result<Option<Input>, Failure> {
    let Some(recorded) = &before.input else { return Ok(None) };
    let input = Input::read(Path::new(&recorded.dir))?;
    let hash = input.hash().to_string();
    if hash != recorded.hash {
        return Err(Failure::bad_input(
            format!(
                "{} has changed since the run: its hash is {hash}, it was {}",
                recorded.dir, recorded.hash
            ),
            "restore its files, or start a new run",
        ));
    }
    Ok(Some(input))
}
