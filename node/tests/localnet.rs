//! The command line on a network of real processes.
#![allow(clippy::disallowed_methods, reason = "the real world: its clock and its threads")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use holdfast::types::{FileLink, ManifestKey};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const HOLDFAST: &str = env!("CARGO_BIN_EXE_holdfast");

/// A running `holdfast localnet`.
struct Localnet {
    dir: TempDir,
    child: Child,
}

impl Localnet {
    fn start(nodes: usize) -> Self {
        let dir = TempDir::new().unwrap();
        let child = Command::new(HOLDFAST)
            .args(["localnet", "--nodes", &nodes.to_string(), "--timing", "fast", "--dir"])
            .arg(dir.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut net = Self { dir, child };
        net.wait_for("localnet.json");
        net
    }

    fn wait_for(&mut self, file: &str) {
        let deadline = Instant::now() + Duration::from_secs(90);
        while !self.dir.path().join(file).exists() {
            assert!(self.child.try_wait().unwrap().is_none(), "the network ended before it was ready");
            assert!(Instant::now() < deadline, "no {file}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn node(&self, index: usize) -> PathBuf {
        self.dir.path().join(format!("node-{index:02}"))
    }

    fn ask(&self, index: usize, arguments: &[&str]) -> Output {
        Command::new(HOLDFAST)
            .current_dir(self.dir.path())
            .arg("--dir")
            .arg(self.node(index))
            .args(arguments)
            .output()
            .unwrap()
    }

    fn pids(&self) -> Vec<u64> {
        let text = fs::read(self.dir.path().join("localnet.json")).unwrap();
        let nodes: Vec<serde_json::Value> = serde_json::from_slice(&text).unwrap();
        nodes.iter().map(|node| node["pid"].as_u64().unwrap()).collect()
    }
}

impl Drop for Localnet {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[track_caller]
fn ok(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_string()
}

#[track_caller]
fn refused(output: &Output, code: i32, error: &str) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(text.contains(error), "{text}");
}

/// Bytes that do not repeat with any power of two.
fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8 ^ (at / 65_521) as u8).collect()
}

fn alive(pid: u64) -> bool {
    // A process that has ended but was not waited for is a zombie: state Z.
    fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"))
        .is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn files_come_back_through_every_node_until_they_are_removed() {
    let net = Localnet::start(5);
    let contents = [("big", bytes(3_000_001)), ("one", vec![7]), ("empty", Vec::new())];
    for (name, content) in &contents {
        fs::write(net.dir.path().join(name), content).unwrap();
        let link = ok(&net.ask(0, &["put", name, "--k", "2", "--n", "4", "--segment-size", "256KiB"]));
        assert!(link.starts_with("holdfast:"), "{link}");
        ok(&net.ask(3, &["get", &link, "-o", "copy"]));
        assert_eq!(&fs::read(net.dir.path().join("copy")).unwrap(), content, "{name}");
        let streamed = net.ask(0, &["get", name, "-o", "-"]);
        assert!(streamed.status.success());
        assert_eq!(&streamed.stdout, content, "{name}");
    }
    let listed = ok(&net.ask(0, &["ls", "--json"]));
    let listed: Vec<serde_json::Value> = serde_json::from_str(&listed).unwrap();
    assert_eq!(
        listed.iter().map(|file| file["name"].as_str().unwrap()).collect::<Vec<_>>(),
        ["big", "empty", "one"]
    );
    let link = listed[0]["link"].as_str().unwrap().to_string();
    let status: serde_json::Value = serde_json::from_str(&ok(&net.ask(1, &["status", "--json"]))).unwrap();
    assert!(status["network"]["connected"].as_u64().unwrap() > 0);
    ok(&net.ask(0, &["rm", "big"]));
    refused(&net.ask(0, &["get", "big", "-o", "gone"]), 3, "big");
    refused(&net.ask(3, &["get", &link, "-o", "gone"]), 3, "error: ");
    assert!(!net.dir.path().join("gone").exists());
}

#[test]
fn put_waits_for_receipts_and_for_signed_roots_if_asked_to() {
    let net = Localnet::start(5);
    fs::write(net.dir.path().join("file"), bytes(300_000)).unwrap();
    let put = ["put", "file", "--k", "2", "--n", "4", "--json", "--wait-for-roots"];
    let report: serde_json::Value = serde_json::from_str(&ok(&net.ask(0, &put))).unwrap();
    assert_eq!((report["roots"]["slots"].as_u64(), report["roots"]["signed"].as_u64()), (Some(4), Some(4)));
    assert!(report["seconds"].as_f64() > Some(0.0) && report["roots"]["seconds"].as_f64() > Some(0.0));
    let listed: serde_json::Value = serde_json::from_str(&ok(&net.ask(0, &["ls", "--json"]))).unwrap();
    assert_eq!(listed[0]["roots"], report["roots"]);
    let status: serde_json::Value = serde_json::from_str(&ok(&net.ask(0, &["status", "--json"]))).unwrap();
    assert!(status["signing"]["waiting"].is_u64(), "{status}");
}

#[test]
fn members_of_an_access_list_read_a_protected_file_and_others_do_not() {
    let net = Localnet::start(5);
    let content = bytes(500_000);
    fs::write(net.dir.path().join("file"), &content).unwrap();
    let members: Vec<String> =
        ["one.key", "two.key", "stranger.key"].map(|key| ok(&net.ask(0, &["access", "key", key]))).into();
    assert_eq!(ok(&net.ask(0, &["access", "member", "two.key"])), members[1]);
    refused(&net.ask(0, &["access", "key", "two.key"]), 1, "two.key");
    let list = format!("# who may read it\n{}\n{} # the second\n", members[0], members[1]);
    fs::write(net.dir.path().join("list"), list).unwrap();
    let put = ["put", "file", "--k", "2", "--n", "4", "--access", "list"];
    let link = ok(&net.ask(0, &put));
    let get = |node, more: &[&str]| net.ask(node, &[&["get", &link, "-o", "copy"], more].concat());
    let key = |key| ["--access-key", key, "--access-list", "list"];
    refused(&get(3, &[]), 5, "access list");
    refused(&get(3, &key("stranger.key")), 2, "not in the access list");
    ok(&get(3, &key("two.key")));
    assert_eq!(fs::read(net.dir.path().join("copy")).unwrap(), content);
    ok(&get(0, &[]));
}

#[test]
fn what_cannot_be_done_is_said_with_an_exit_code() {
    let net = Localnet::start(3);
    fs::write(net.dir.path().join("file"), bytes(1000)).unwrap();
    refused(&net.ask(0, &["put", "file"]), 4, "of 8 providers");
    refused(&net.ask(0, &["put", "file", "--k", "1", "--n", "2", "--name", &"x".repeat(2000)]), 2, "2000");
    refused(&net.ask(0, &["get", "nothing"]), 3, "nothing");
    refused(&net.ask(0, &["rm", "nothing"]), 3, "nothing");
    refused(&net.ask(0, &["get", "holdfast:short", "-o", "x"]), 2, "not a holdfast link");
    refused(&net.ask(0, &["get", "file", "-o", "no-such-folder/x"]), 3, "no such directory");
    ok(&net.ask(0, &["put", "file", "--k", "1", "--n", "2"]));
    refused(&net.ask(0, &["get", "file"]), 1, "is there already");
    let stored: serde_json::Value = serde_json::from_str(&ok(&net.ask(0, &["ls", "--json"]))).unwrap();
    let link: FileLink = stored[0]["link"].as_str().unwrap().parse().unwrap();
    let forged = FileLink { key: ManifestKey::from_bytes([7; 32]), ..link };
    refused(&net.ask(1, &["get", &forged.to_string(), "-o", "x"]), 5, "error: ");
    assert!(!net.dir.path().join("x").exists());
    let doctor = net.ask(1, &["doctor"]);
    let text = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(doctor.status.code() != Some(2) && text.contains("process"), "{text}");
    let second = Command::new(HOLDFAST).arg("--dir").arg(net.node(0)).arg("run").output().unwrap();
    refused(&second, 4, "in use");
}

#[test]
fn the_nodes_die_with_the_program_that_started_them() {
    let mut net = Localnet::start(3);
    let pids = net.pids();
    assert!(pids.iter().all(|&pid| alive(pid)));
    // SIGKILL: the parent has no chance to tell anybody.
    net.child.kill().unwrap();
    net.child.wait().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while pids.iter().any(|&pid| alive(pid)) {
        assert!(Instant::now() < deadline, "nodes outlive their parent");
        thread::sleep(Duration::from_millis(50));
    }
}
