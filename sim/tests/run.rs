//! Whole runs through the command line: promises kept, determinism, real files, and what is left.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

const SMOKE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/plans/smoke.toml");

fn holdfast_sim(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_holdfast-sim")).args(arguments).output().expect("the program starts")
}

fn json(bytes: &[u8]) -> serde_json::Value {
    serde_json::from_slice(bytes).expect("one JSON value")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary paths are UTF-8")
}

#[test]
fn a_run_with_real_files_keeps_them_and_a_replay_agrees_in_another_process() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (input, out) = (dir.path().join("input"), dir.path().join("out"));
    fs::create_dir_all(input.join("deep/er")).expect("made");
    fs::write(input.join("empty"), b"").expect("written");
    fs::write(input.join("one byte"), b"x").expect("written");
    fs::write(input.join("deep/er/large"), vec![7u8; 150_000]).expect("written");
    let ran = holdfast_sim(&["run", SMOKE, "--input", text(&input), "--out", text(&out), "--json"]);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let result = json(&ran.stdout);
    assert_eq!(
        result,
        json(&fs::read(out.join("result.json")).expect("written")),
        "--json prints exactly it"
    );
    assert_eq!((&result["files_stored"], &result["files_retrieved_ok"]), (&3.into(), &3.into()));
    assert_eq!(result["files_lost"], 0);
    for check in ["S1", "S5", "L1", "BOOKS"] {
        assert_eq!(result["checks"][check], "pass", "{check}: {}", result["broken"]);
    }
    for name in ["plan.toml", "samples.parquet", "retrievals.parquet", "run.log", "report.html"] {
        assert!(fs::metadata(out.join(name)).expect("written").len() > 0, "{name}");
    }
    let replayed = holdfast_sim(&["replay", text(&out), "--json"]);
    assert_eq!(json(&replayed.stdout)["checks"]["D1"], "pass");
    fs::write(input.join("one byte"), b"y").expect("written");
    let changed = holdfast_sim(&["replay", text(&out)]);
    assert_eq!(changed.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&changed.stderr).contains("has changed since the run"));
}

#[test]
fn another_seed_gives_another_trace_and_losses_are_counted() {
    let hash = |arguments: &[&str]| {
        let output = holdfast_sim(
            &[&["run", SMOKE, "--print-trace-hash", "--set", "duration_h=6"], arguments].concat(),
        );
        String::from_utf8(output.stdout).expect("a hash is text")
    };
    assert_eq!(hash(&[]), hash(&["--seed", "1"]));
    assert_ne!(hash(&[]), hash(&["--seed", "2"]));
    // Nearly all nodes leave for good within hours and nobody replaces them: files must be lost, and
    // a check that a lost file is not held against S1.
    let dir = tempfile::tempdir().expect("a temporary directory");
    let set = [
        "--set",
        "churn.departures.share=0.9",
        "--set",
        "churn.departures.replace=false",
        "--set",
        "duration_h=6",
    ];
    let ran = holdfast_sim(&[&["run", SMOKE, "--json", "--out", text(dir.path())], &set[..]].concat());
    let result = json(&ran.stdout);
    assert!(result["files_lost"].as_u64() > Some(0), "{result}");
    assert_eq!(result["checks"]["S1"], "pass", "{}", result["broken"]);
}

#[test]
fn a_search_that_finds_nothing_says_so_and_bad_input_is_refused() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let regressions = dir.path().join("regressions.txt");
    let found = holdfast_sim(&[
        "search",
        SMOKE,
        "--seeds",
        "3..5",
        "--set",
        "duration_h=6",
        "--json",
        "--regressions",
        text(&regressions),
    ]);
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    assert_eq!(json(&found.stdout).as_array().map(Vec::len), Some(2));
    assert!(!regressions.exists());
    let refused = holdfast_sim(&["run", SMOKE, "--set", "wrkload.files=3"]);
    assert_eq!(refused.status.code(), Some(2));
    let message = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(message, "error: unknown key wrkload\n\nhint: did you mean workload?\n");
    let missing = holdfast_sim(&["run", SMOKE, "--input", text(&dir.path().join("nothing"))]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(missing.stdout.is_empty());
}

#[test]
fn the_plans_in_the_repository_are_valid() {
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/plans")).expect("listed") {
        let path = entry.expect("listed").path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            holdfast_sim::plan::Plan::load(&path, &[]).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        }
    }
}
