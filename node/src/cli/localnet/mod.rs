//! `holdfast localnet`: several nodes on this machine, each a process of its own.
//!
//! A child watches its stdin, which is a pipe from here: whatever way this process ends, the pipe closes
//! and the children stop.

mod plan;

use super::{args, connection, failure::Failure, home::Home, output::Output};
use crate::api::FailureKind;
use plan::{Member, Plan};
use serde::Serialize;
use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tokio::signal::unix::{SignalKind, signal};

/// Nodes that have not joined each other within this never will.
const JOIN: Duration = Duration::from_secs(60);
/// How long children may take to stop.
const STOP: Duration = Duration::from_secs(5);
/// Between two looks at a node.
const POLL: Duration = Duration::from_millis(50);

/// A node that is up.
#[derive(Serialize)]
struct Joined {
    node: String,
    pid: u32,
    peer: String,
    address: String,
    dir: PathBuf,
}

struct Process {
    member: Member,
    child: Child,
}

/// Starts the nodes, waits until they have joined, tells where they are, and waits for a signal.
pub fn run(dir: Option<PathBuf>, options: &args::Localnet, output: Output) -> Result<(), Failure> {
    let dir = dir.ok_or_else(|| {
        Failure::usage("no directory is named").hint("say where the nodes' directories go: --dir DIR")
    })?;
    if Home::at(&dir).must_exist().is_ok() {
        return Err(Failure::usage(format!("{} holds a node of its own", dir.display()))
            .hint("choose another directory for the network"));
    }
    let started = Instant::now();
    let plan = Plan::make(&dir, options)?;
    let mut processes = plan.members.into_iter().map(start).collect::<Result<Network, Failure>>()?;
    let joined = processes.join()?;
    eprintln!("ready: {} nodes in {:.1} s", joined.len(), started.elapsed().as_secs_f64());
    let index = dir.join("localnet.json");
    let text = serde_json::to_string_pretty(&joined).expect("plain strings are valid JSON");
    fs::write(&index, text + "\n").map_err(|why| Failure::file(&index, &why))?;
    output.print(&joined, |out| {
        for node in &joined {
            writeln!(out, "{}  {}  {}  process {}", node.dir.display(), node.peer, node.address, node.pid)?;
        }
        Ok(())
    })?;
    processes.watch()
}

/// The children; they stop when this is dropped.
struct Network(Vec<Process>);

impl FromIterator<Process> for Network {
    fn from_iter<T: IntoIterator<Item = Process>>(processes: T) -> Self {
        Self(processes.into_iter().collect())
    }
}

fn start(member: Member) -> Result<Process, Failure> {
    let program =
        std::env::current_exe().map_err(|why| Failure::failed(format!("which program is this: {why}")))?;
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(member.log())
        .map_err(|why| Failure::file(&member.log(), &why))?;
    let child = Command::new(&program)
        .arg("--dir")
        .arg(member.home.dir())
        .args(["run", "--until-stdin-closes"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .map_err(|why| Failure::file(&program, &why))?;
    Ok(Process { member, child })
}

impl Network {
    /// Waits until every node answers and knows another.
    fn join(&mut self) -> Result<Vec<Joined>, Failure> {
        let deadline = Instant::now() + JOIN;
        let alone = self.0.len() == 1;
        self.0.iter_mut().map(|process| process.joined(deadline, alone)).collect()
    }

    /// Waits for a signal, and reports children that end before it.
    fn watch(&mut self) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|why| Failure::failed(format!("cannot start the runtime: {why}")))?;
        runtime.block_on(async {
            let handler =
                |kind| signal(kind).map_err(|why| Failure::failed(format!("cannot wait for signals: {why}")));
            let mut interrupt = handler(SignalKind::interrupt())?;
            let mut terminate = handler(SignalKind::terminate())?;
            let mut child = handler(SignalKind::child())?;
            loop {
                self.report_ended();
                tokio::select! {
                    biased;
                    _ = interrupt.recv() => return Ok(()),
                    _ = terminate.recv() => return Ok(()),
                    _ = child.recv() => {}
                }
            }
        })
    }

    fn report_ended(&mut self) {
        self.0.retain_mut(|process| match process.child.try_wait() {
            Ok(Some(status)) => {
                eprintln!("{} ended: {status}", process.member.name);
                false
            }
            _ => true,
        });
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for process in &mut self.0 {
            drop(process.child.stdin.take());
        }
        let deadline = Instant::now() + STOP;
        for process in &mut self.0 {
            while matches!(process.child.try_wait(), Ok(None)) {
                if Instant::now() >= deadline {
                    eprintln!("{} does not stop, it is killed", process.member.name);
                    // Neither can fail in a way that leaves something to do.
                    let _ = process.child.kill();
                    let _ = process.child.wait();
                }
                thread::sleep(POLL);
            }
        }
    }
}

impl Process {
    fn joined(&mut self, deadline: Instant, alone: bool) -> Result<Joined, Failure> {
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(Failure::failed(format!("{} ended at once: {status}", self.member.name))
                    .hint(last_words(&self.member.log())));
            }
            match connection::status(&self.member.home, JOIN) {
                // A dead node's socket may stand there until the new one has replaced it.
                Ok(status) if status.pid == self.child.id() && (alone || status.network.connected > 0) => {
                    return Ok(Joined {
                        node: self.member.name.clone(),
                        pid: status.pid,
                        peer: status.network.peer,
                        address: self.member.address(),
                        dir: self.member.home.dir().to_path_buf(),
                    });
                }
                _ if Instant::now() < deadline => thread::sleep(POLL),
                _ => {
                    let message = format!("{} did not join within {} s", self.member.name, JOIN.as_secs());
                    return Err(
                        Failure::new(FailureKind::Unavailable, message).hint(last_words(&self.member.log()))
                    );
                }
            }
        }
    }
}

/// The end of a node's log.
fn last_words(log: &Path) -> String {
    let read = || -> io::Result<String> {
        use std::io::{Read, Seek, SeekFrom};
        let mut file = File::open(log)?;
        let end = file.metadata()?.len();
        file.seek(SeekFrom::Start(end.saturating_sub(1024)))?;
        let mut bytes = Vec::new();
        file.take(1024).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    match read() {
        Ok(text) => format!("its log, {}, ends with:\n{}", log.display(), text.trim_end()),
        Err(_) => format!("its log, {}, cannot be read", log.display()),
    }
}
