//! The command line without a network: what it makes, what it refuses, and how it says so.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};
use tempfile::TempDir;

/// Runs `holdfast --dir DIR ARGUMENTS…`.
fn holdfast(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_holdfast"))
        .env_remove("HOLDFAST_DIR")
        .arg("--dir")
        .arg(dir)
        .args(arguments)
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Asserts the exit code and that stderr is `error: …`, a blank line and `hint: …` with these words in
/// them, and that stdout stays empty.
fn assert_refused(output: &Output, code: i32, error: &str, hint: &str) {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert_eq!(stdout(output), "");
    let (first, rest) = text.split_once("\n\nhint: ").unwrap_or_else(|| panic!("no hint in {text:?}"));
    assert!(first.starts_with("error: ") && first.contains(error), "{text}");
    assert!(rest.contains(hint), "{text}");
    assert!(!text.contains('\u{1b}'), "coloured although stderr is no terminal: {text:?}");
}

/// A directory with a node in it.
fn node() -> TempDir {
    let dir = TempDir::new().unwrap();
    let output = holdfast(dir.path(), &["init", "--listen", "/ip4/127.0.0.1/tcp/0"]);
    assert!(output.status.success(), "{}", stderr(&output));
    dir
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn init_makes_a_private_directory_and_never_overwrites_it() {
    let parent = TempDir::new().unwrap();
    let dir = parent.path().join("a/node");
    let output = holdfast(&dir, &["--json", "init", "--capacity", "1GiB"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let made: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_ne!(made["peer"], made["owner"]);
    assert_eq!(mode(&dir), 0o700);
    for file in ["peer.key", "owner.key", "holdfast.toml"] {
        assert_eq!(mode(&dir.join(file)), 0o600, "{file}");
    }
    let before = fs::read(dir.join("owner.key")).unwrap();
    assert_refused(&holdfast(&dir, &["init"]), 1, "is there already", "choose another with --dir");
    assert_eq!(fs::read(dir.join("owner.key")).unwrap(), before);
    let shown = holdfast(&dir, &["config", "show", "--json"]);
    let settings: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(settings["capacity_bytes"], 1_u64 << 30);
}

#[test]
fn init_says_why_a_directory_cannot_be_made() {
    let parent = TempDir::new().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    assert_refused(
        &holdfast(&file.join("node"), &["init"]),
        1,
        "not a directory",
        "directory that you may write",
    );
}

#[test]
fn a_directory_without_a_node_is_not_taken_for_one() {
    let dir = TempDir::new().unwrap();
    for command in [&["run"][..], &["status"], &["ls"], &["doctor"], &["config", "show"]] {
        assert_refused(&holdfast(dir.path(), command), 3, "holds no node", "init");
    }
}

#[test]
fn a_node_that_does_not_run_is_unavailable() {
    let dir = node();
    for command in [&["status"][..], &["ls"], &["get", "x", "-o", "y"], &["rm", "x"]] {
        assert_refused(&holdfast(dir.path(), command), 4, "is not running", "run");
    }
}

#[test]
fn a_put_is_checked_before_the_node_is_asked() {
    let dir = node();
    let file = dir.path().join("file");
    fs::write(&file, "bytes").unwrap();
    let file = file.to_str().unwrap();
    let put = |arguments: &[&str]| holdfast(dir.path(), &[&["put"], arguments].concat());
    assert_refused(&put(&[file, "--k", "8", "--n", "8"]), 2, "k 8 must be less than n 8", "k < n");
    assert_refused(&put(&[file, "--n", "2000"]), 2, "n 2000 exceeds the limit of 1024", "k < n");
    assert_refused(&put(&[file, "--repair-at", "3"]), 2, "threshold 3", "k ≤ M < n");
    assert_refused(&put(&[dir.path().to_str().unwrap()]), 2, "not a regular file", "tar");
    let missing = put(&["no-such-file"]);
    assert_eq!(missing.status.code(), Some(3));
    assert!(stderr(&missing).contains("no-such-file: no such file"), "{}", stderr(&missing));
    let huge = put(&[file, "--segment-size", "1GiB"]);
    assert_eq!(huge.status.code(), Some(2));
    assert!(stderr(&huge).contains("segment size 1073741824 lies outside"), "{}", stderr(&huge));
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    let dir = node();
    for arguments in [&["put"][..], &["fly"], &["put", "f", "--k", "many"], &["localnet", "--nodes", "0"]] {
        assert_eq!(holdfast(dir.path(), arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn an_unknown_or_impossible_setting_is_named() {
    let dir = node();
    let path = dir.path().join("holdfast.toml");
    fs::write(&path, "capacity_bites = 1\n").unwrap();
    assert_refused(&holdfast(dir.path(), &["run"]), 2, "capacity_bites", "comments");
    fs::write(&path, "[timing]\nprobe_interval_s = -1.0\n").unwrap();
    let output = holdfast(dir.path(), &["config", "show"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("timing.probe_interval_s must be a positive"), "{}", stderr(&output));
}

#[test]
fn a_key_that_others_can_read_or_that_is_damaged_is_refused() {
    let dir = node();
    let key = dir.path().join("owner.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    assert_refused(&holdfast(dir.path(), &["run"]), 1, "mode 644 lets others read the key", "chmod 600");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let whole = fs::read_to_string(&key).unwrap();
    fs::write(&key, &whole[..whole.len() - 9]).unwrap();
    assert_refused(&holdfast(dir.path(), &["run"]), 1, "damaged", "copy");
    fs::write(&key, whole.replace("v1", "v2")).unwrap();
    assert_refused(&holdfast(dir.path(), &["run"]), 1, "not a key file of this version", "owner key v1");
    let zero = format!("holdfast owner key v1\n{}\n", "0".repeat(64));
    fs::write(&key, zero).unwrap();
    assert_refused(&holdfast(dir.path(), &["run"]), 1, "no secp256k1 secret", "copy");
}

#[test]
fn a_port_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("/ip4/127.0.0.1/tcp/{}", taken.local_addr().unwrap().port());
    let dir = TempDir::new().unwrap();
    assert!(holdfast(dir.path(), &["init", "--listen", &address]).status.success());
    assert_refused(&holdfast(dir.path(), &["run"]), 4, &format!("{address} is in use"), "another port");
    let output = holdfast(dir.path(), &["doctor"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stdout(&output).contains(&format!("cannot listen on {address}")), "{}", stdout(&output));
}

#[test]
fn an_address_that_means_nothing_is_named() {
    let dir = TempDir::new().unwrap();
    assert!(holdfast(dir.path(), &["init", "--listen", "localhost:4001"]).status.success());
    assert_refused(&holdfast(dir.path(), &["run"]), 2, "localhost:4001", "/ip4/0.0.0.0/tcp/4001");
}

#[test]
fn doctor_names_each_check_with_its_remedy() {
    let dir = node();
    let output = holdfast(dir.path(), &["--json", "doctor"]);
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    let findings: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    let verdict = |check: &str| {
        let finding = findings.iter().find(|finding| finding["check"] == check);
        finding.unwrap_or_else(|| panic!("{check} is missing"))["verdict"].as_str().unwrap().to_string()
    };
    for check in ["settings", "keys", "clock", "codec", "index", "port"] {
        assert_eq!(verdict(check), "ok", "{check}: {findings:?}");
    }
    assert_eq!(verdict("running"), "warn");
    fs::write(dir.path().join("holdfast.toml"), "nonsense").unwrap();
    fs::set_permissions(dir.path().join("peer.key"), fs::Permissions::from_mode(0o640)).unwrap();
    let output = holdfast(dir.path(), &["doctor"]);
    assert_eq!(output.status.code(), Some(2));
    let text = stdout(&output);
    assert!(
        text.contains("fail settings") && text.contains("fail keys") && text.contains("→ chmod 600"),
        "{text}"
    );
}

#[test]
fn completions_and_help_go_to_stdout() {
    let dir = TempDir::new().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let output = holdfast(dir.path(), &["completions", shell]);
        assert!(output.status.success() && stdout(&output).contains("localnet"), "{shell}");
    }
    let help = holdfast(dir.path(), &["--help"]);
    assert!(help.status.success() && stdout(&help).contains("Exit codes:"));
}
