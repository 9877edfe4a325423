//! A network of real `holdfast` processes, driven over its command line.

use crate::{Failure, process, suite};
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A network that is not ready after this never will be.
const START: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(100);

/// One node, as `localnet.json` names it.
#[derive(Debug, Clone, Deserialize)]
pub struct Node {
    pub node: String,
    pub pid: u32,
    pub dir: PathBuf,
}

/// The part of `status --json` that matters here.
#[derive(Debug, Deserialize)]
pub struct Status {
    pub storage: Storage,
    pub repair: Repair,
}

#[derive(Debug, Deserialize)]
pub struct Storage {
    pub shards: u64,
}

#[derive(Debug, Deserialize)]
pub struct Repair {
    pub rebuilt: u64,
}

/// The part of `put --json` that matters here.
#[derive(Debug, Deserialize)]
pub struct Stored {
    pub link: String,
    pub segments: u64,
}

/// A network; its nodes stop when this is dropped.
pub struct Localnet {
    program: PathBuf,
    child: Child,
    pub nodes: Vec<Node>,
}

/// Builds the release binary and returns its path.
pub fn release_binary(root: &Path) -> Result<PathBuf, Failure> {
    suite::cargo(root, &["build", "--release", "--locked", "--package", "holdfast"])?;
    Ok(target_directory(root)?.join("release/holdfast"))
}

/// Where cargo builds, and where runs leave what need not be kept.
pub fn target_directory(root: &Path) -> Result<PathBuf, Failure> {
    #[derive(Deserialize)]
    struct Metadata {
        target_directory: PathBuf,
    }
    let output = Command::new(env!("CARGO"))
        .current_dir(root)
        .args(["metadata", "--locked", "--no-deps", "--format-version", "1"])
        .output()
        .map_err(|why| format!("cargo metadata: cannot start: {why}"))?;
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).map_err(|why| format!("cargo metadata: {why}"))?;
    Ok(metadata.target_directory)
}

impl Localnet {
    /// Starts `nodes` nodes below `dir` and waits until they have joined.
    pub fn start(program: &Path, dir: &Path, nodes: usize, timing: &str) -> Result<Self, Failure> {
        let index = dir.join("localnet.json");
        if index.exists() {
            fs::remove_file(&index).map_err(|why| format!("{}: {why}", index.display()))?;
        }
        let child = Command::new(program)
            .arg("--dir")
            .arg(dir)
            .args(["localnet", "--nodes", &nodes.to_string(), "--timing", timing])
            .stdout(Stdio::null())
            .spawn()
            .map_err(|why| format!("{}: cannot start: {why}", program.display()))?;
        let mut net = Self { program: program.to_path_buf(), child, nodes: Vec::new() };
        let deadline = Instant::now() + START;
        while net.nodes.is_empty() {
            if let Ok(Some(status)) = net.child.try_wait() {
                return Err(format!("the network ended before it was ready: {status}"));
            }
            if Instant::now() > deadline {
                return Err(format!("the network is not ready after {} s", START.as_secs()));
            }
            thread::sleep(POLL);
            // Until the file is whole it does not parse, and is read again.
            net.nodes =
                fs::read(&index).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        }
        Ok(net)
    }

    /// Runs a command against a node and returns its JSON.
    pub fn ask<T: DeserializeOwned>(&self, node: &Node, arguments: &[&str]) -> Result<T, Failure> {
        let output = Command::new(&self.program)
            .arg("--json")
            .arg("--dir")
            .arg(&node.dir)
            .args(arguments)
            .output()
            .map_err(|why| format!("{}: cannot start: {why}", self.program.display()))?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{} {}: {}", node.node, arguments[0], text.trim()));
        }
        serde_json::from_slice(&output.stdout).map_err(|why| format!("{} {}: {why}", node.node, arguments[0]))
    }

    pub fn status(&self, node: &Node) -> Result<Status, Failure> {
        self.ask(node, &["status"])
    }

    /// Processor seconds of all nodes so far.
    pub fn cpu_seconds(&self) -> Result<f64, Failure> {
        self.nodes.iter().map(|node| process::cpu_seconds(node.pid)).sum()
    }

    /// Kills a node and forgets it.
    pub fn kill(&mut self, node: &Node) -> Result<(), Failure> {
        process::kill(node.pid)?;
        self.nodes.retain(|other| other.pid != node.pid);
        Ok(())
    }
}

impl Drop for Localnet {
    fn drop(&mut self) {
        // SIGTERM lets the network stop its nodes; they stop as well if it is killed.
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        if !asked.is_ok_and(|status| status.success()) {
            eprintln!("the network in process {} could not be asked to stop", self.child.id());
        }
        if let Err(why) = self.child.wait() {
            eprintln!("the network did not stop: {why}");
        }
    }
}

/// Writes a file of random bytes.
pub fn random_file(path: &Path, size: u64) -> Result<(), Failure> {
    let copy = || -> io::Result<u64> {
        io::copy(&mut File::open("/dev/urandom")?.take(size), &mut File::create(path)?)
    };
    copy().map(|_| ()).map_err(|why| format!("{}: {why}", path.display()))
}

/// Fails unless two files have the same bytes.
pub fn same_bytes(a: &Path, b: &Path) -> Result<(), Failure> {
    let open = |path: &Path| -> Result<(BufReader<File>, u64), Failure> {
        let file = File::open(path).map_err(|why| format!("{}: {why}", path.display()))?;
        let len = file.metadata().map_err(|why| format!("{}: {why}", path.display()))?.len();
        Ok((BufReader::with_capacity(1 << 20, file), len))
    };
    let ((mut left, len), (mut right, other)) = (open(a)?, open(b)?);
    if len != other {
        return Err(format!("{} has {len} bytes, {} has {other}", a.display(), b.display()));
    }
    let (mut one, mut two) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    let mut at = 0;
    while at < len {
        let step = usize::try_from((len - at).min(1 << 20)).expect("at most a mebibyte");
        let read = left.read_exact(&mut one[..step]).and_then(|()| right.read_exact(&mut two[..step]));
        read.map_err(|why| format!("{} or {}: {why}", a.display(), b.display()))?;
        if one[..step] != two[..step] {
            return Err(format!("{} and {} differ after {at} bytes", a.display(), b.display()));
        }
        at += step as u64;
    }
    Ok(())
}
