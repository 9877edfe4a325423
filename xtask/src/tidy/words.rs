//! Words that stay out. Those that this file may not say either are put together from halves.

use super::{
    Finding,
    tree::{File, Tree},
};

/// The simulator's crate: only `sim/` and the build configuration know it.
const SIMULATOR: &str = concat!("mad", "sim");
/// Rooms whose every file must not name the simulator.
const BLIND: [&str; 5] = ["node/", "proofs/", "contracts/", "benches/", "xtask/"];
/// Calls and macros that production code does without, and what to write instead.
const CALLS: [(&str, &str); 4] = [
    ("unwrap", "return the error, or expect(\"why this cannot fail\")"),
    ("todo!", "write it"),
    ("unimplemented!", "write it"),
    ("dbg!", "use tracing"),
];
/// Marks of unfinished work.
const MARKS: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];
/// Beginnings of paths that exist on one machine only.
const MACHINE: [&str; 5] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/tm", "p/"),
];

/// Adds what says a forbidden word.
pub fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in tree.files() {
        if let Some(facts) = file.production() {
            for (line, call) in &facts.calls {
                if let Some((_, instead)) = CALLS.iter().find(|(name, _)| name == call) {
                    findings.push(Finding::new(
                        &file.path,
                        *line,
                        format!("{call} in production code; {instead}"),
                    ));
                }
            }
        }
        for (number, line) in file.text.lines().enumerate() {
            for message in objections(file, line) {
                findings.push(Finding::new(&file.path, number + 1, message));
            }
        }
    }
}

fn objections(file: &File, line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let blind = BLIND.iter().any(|room| file.path.starts_with(room));
    if blind && line.to_lowercase().contains(SIMULATOR) {
        found.push("names the simulator; only sim/ knows it".to_string());
    }
    let told = file.path.starts_with("sim/") || file.path.starts_with(".cargo/");
    let code = file.path.ends_with(".rs") || file.path.ends_with(".toml");
    if code && !told && line.contains(&format!("cfg({SIMULATOR}")) {
        found.push("asks which world it is compiled for; only sim/ and .cargo/ may".to_string());
    }
    if let Some(mark) = MARKS.iter().find(|mark| line.contains(**mark)) {
        found.push(format!("says {mark}; finish it, or write it into docs/PLAN.md"));
    }
    if let Some(path) = MACHINE.iter().find(|path| names_machine_path(line, path)) {
        found.push(format!("names a path of one machine ({path}…)"));
    }
    found
}

/// True if `line` has an absolute path that begins with `start`; `a/tmp/b` is a relative one.
fn names_machine_path(line: &str, start: &str) -> bool {
    line.match_indices(start).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before
            .is_some_and(|before| before.is_alphanumeric() || matches!(before, '_' | '-' | '.' | '}' | '/'))
    })
}
