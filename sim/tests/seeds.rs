//! Every seed that once broke a promise keeps them all now.

use std::{path::Path, process::Command};

const REGRESSIONS: &str = include_str!("../seeds/regressions.txt");

/// The arguments of a kept command, without its quotes and the promises it once broke.
fn arguments(line: &str) -> Vec<&str> {
    let (command, _) = line.split_once(" # ").expect("the promises that broke stand behind a #");
    command.split_whitespace().skip(1).map(|word| word.trim_matches('\'')).collect()
}

#[test]
fn seeds_that_once_broke_a_promise_keep_all_of_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace");
    let out = tempfile::tempdir().expect("a temporary directory");
    assert!(!REGRESSIONS.is_empty());
    for line in REGRESSIONS.lines() {
        let ran = Command::new(env!("CARGO_BIN_EXE_holdfast-sim"))
            .args(arguments(line))
            .arg("--out")
            .arg(out.path())
            .current_dir(root)
            .output()
            .expect("the program starts");
        assert!(ran.status.success(), "{line}\n{}", String::from_utf8_lossy(&ran.stdout));
    }
}
