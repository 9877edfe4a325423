//! `holdfast-sim run`.

use super::{
    Failure,
    args::{PlanArgs, RunArgs},
    failure::BROKEN_PROMISE,
    folder, monitor, table,
};
use crate::{checks::Verdict, plan::Plan, result::RunResult, run::RunOutcome, workload::Input};
use std::process::{Command, ExitCode, Stdio};

pub(super) fn main(args: &RunArgs) -> Result<ExitCode, Failure> {
    let (plan, input) = load(&args.plan)?;
    let seed = args.seed.unwrap_or(plan.seed);
    let mut outcome = monitor::run_watched(&plan, seed, input.as_ref());
    if args.print_trace_hash {
        println!("{}", outcome.result.trace_hash);
        return Ok(ExitCode::SUCCESS);
    }
    if args.verify_determinism {
        let other = hash_in_another_process(args, seed)?;
        judge_determinism(&mut outcome.result, &other, "a second process");
    }
    let dir = args.out.clone().unwrap_or_else(|| folder::default_for(&plan.name, seed));
    outcome.result.replay = format!("holdfast-sim replay {}", dir.display());
    folder::write(&dir, &plan, &outcome)?;
    finish(&outcome, args.json);
    eprintln!("report: {}", dir.join(folder::REPORT).display());
    Ok(exit_code(&outcome.result))
}

/// Reads plan and input; what is wrong with them is told before anything runs.
pub(super) fn load(args: &PlanArgs) -> Result<(Plan, Option<Input>), Failure> {
    let plan = Plan::load(&args.plan, &args.overrides)?;
    let input = args.input.as_deref().map(Input::read).transpose()?;
    Ok((plan, input))
}

/// Prints a result as asked, and the line that repeats a run that broke a promise.
pub(super) fn finish(outcome: &RunOutcome, json: bool) {
    if json {
        print!("{}", outcome.result.to_json());
    } else {
        table::print(&outcome.result);
    }
    if !outcome.result.kept() {
        eprintln!("a promise was broken; repeat it with: {}", outcome.result.replay);
    }
}

pub(super) fn exit_code(result: &RunResult) -> ExitCode {
    if result.kept() { ExitCode::SUCCESS } else { ExitCode::from(BROKEN_PROMISE) }
}

/// Puts promise D1 into a result by another run's trace hash.
pub(super) fn judge_determinism(result: &mut RunResult, other: &str, whose: &str) {
    result.not_evaluated.remove("D1");
    let same = result.trace_hash == other;
    result.checks.insert("D1".to_owned(), if same { Verdict::Pass } else { Verdict::Fail });
    if !same {
        let why = format!("this run's trace hash is {}, that of {whose} {other}", result.trace_hash);
        result.broken.insert("D1".to_owned(), vec![why]);
    }
}

fn hash_in_another_process(args: &RunArgs, seed: u64) -> Result<String, Failure> {
    let failed = |why: String| Failure::failed(format!("the second process failed: {why}"), "run it by hand");
    let program = std::env::current_exe().map_err(|e| failed(e.to_string()))?;
    let mut command = Command::new(program);
    command.arg("run").arg(&args.plan.plan).args(["--seed", &seed.to_string(), "--print-trace-hash"]);
    for text in &args.plan.overrides {
        command.args(["--set", text]);
    }
    if let Some(input) = &args.plan.input {
        command.arg("--input").arg(input);
    }
    let output = command.stderr(Stdio::inherit()).output().map_err(|e| failed(e.to_string()))?;
    if !output.status.success() {
        return Err(failed(output.status.to_string()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
