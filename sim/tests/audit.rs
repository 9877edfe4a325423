//! Challenged providers through the command line: the honest pass, cheaters are found out, and results say what was
//! modelled.

use std::process::Command;

const AUDIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/plans/audit.toml");
/// A slot of one file of few cells, challenged for two days.
const SMALL: [&str; 9] = [
    "nodes=12",
    "duration_h=36",
    "workload.files=1",
    "workload.size={ fixed = { bytes = 120000 } }",
    "world.prover.levels=2",
    "world.prover.slots=3",
    "world.prover.samples=1",
    "audit.windows=20",
    "audit.cheaters=[{ nodes = 0.5, dropped = 0.25 }]",
];

fn run(kind: &str) -> serde_json::Value {
    let mut program = Command::new(env!("CARGO_BIN_EXE_holdfast-sim"));
    program.args(["run", AUDIT, "--json", "--set", &format!("world.prover.kind=\"{kind}\"")]);
    SMALL.iter().for_each(|set| {
        program.args(["--set", set]);
    });
    let dir = tempfile::tempdir().expect("a temporary directory");
    let output = program.arg("--out").arg(dir.path().join("out")).output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON value")
}

#[test]
fn the_honest_pass_and_cheaters_are_found_out_with_proofs_and_with_the_model_alike() {
    let (real, modelled) = (run("inline"), run("modelled"));
    for result in [&real, &modelled] {
        for check in ["S2", "S3", "DETECTION", "BOOKS"] {
            assert_eq!(result["checks"][check], "pass", "{check}: {}", result["broken"]);
        }
        let [honest, cheaters] = [0, 1].map(|kind| &result["audit"]["kinds"][kind]);
        assert_eq!(honest["missed"], 0);
        assert!(honest["proven"].as_u64() > Some(0), "somebody is honest: {honest}");
        assert!(cheaters["missed"].as_u64() > Some(20), "somebody is found out: {cheaters}");
    }
    assert_eq!(real["audit"]["kinds"], modelled["audit"]["kinds"], "the model decides as proofs do");
    let says = |result: &serde_json::Value| result["modelled"].to_string().contains("forged");
    assert_eq!((says(&real), says(&modelled)), (false, true));
}
