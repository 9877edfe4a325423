//! The folder that a run leaves: plan, result, tables, log and report.

use crate::{
    plan::{Plan, TRACE_FILE},
    report,
    result::{write_retrievals, write_samples},
    run::RunOutcome,
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The plan as it was run.
pub(super) const PLAN: &str = "plan.toml";
/// The result.
pub(super) const RESULT: &str = "result.json";
/// The report.
pub(super) const REPORT: &str = "report.html";

/// A file of the folder could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot write {path}: {why}")]
pub struct FolderError {
    path: String,
    why: String,
}

/// Where a run's files go unless the command line says.
pub(super) fn default_for(name: &str, seed: u64) -> PathBuf {
    Path::new("holdfast-sim-out").join(format!("{name}-{seed}"))
}

/// Writes all files of a run.
pub(super) fn write(dir: &Path, plan: &Plan, outcome: &RunOutcome) -> Result<(), FolderError> {
    let failed = |name: &str, why: String| FolderError { path: dir.join(name).display().to_string(), why };
    let put =
        |name: &str, bytes: &[u8]| fs::write(dir.join(name), bytes).map_err(|e| failed(name, e.to_string()));
    fs::create_dir_all(dir).map_err(|e| failed("", e.to_string()))?;
    let plan = Plan { seed: outcome.result.seed, ..plan.clone() };
    put(PLAN, plan.canonical().as_bytes())?;
    if let Some(trace) = &plan.trace_text {
        put(TRACE_FILE, trace.as_bytes())?;
    }
    let (mut samples, mut retrievals) = (Vec::new(), Vec::new());
    write_samples(&mut samples, &outcome.series.samples)
        .map_err(|e| failed("samples.parquet", e.to_string()))?;
    write_retrievals(&mut retrievals, &outcome.series.retrievals)
        .map_err(|e| failed("retrievals.parquet", e.to_string()))?;
    put("samples.parquet", &samples)?;
    put("retrievals.parquet", &retrievals)?;
    put("run.log", outcome.log.as_bytes())?;
    let page = report::render(&plan, &outcome.result, &outcome.series);
    put(REPORT, page.map_err(|e| failed(REPORT, e.to_string()))?.as_bytes())?;
    put(RESULT, outcome.result.to_json().as_bytes())
}
