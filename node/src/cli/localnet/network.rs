//! The processes of a local network.

use super::plan::Member;
use crate::{
    api::FailureKind,
    cli::{connection, failure::Failure},
};
use serde::Serialize;
use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
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
pub struct Joined {
    pub node: String,
    pub pid: u32,
    pub peer: String,
    pub address: String,
    pub dir: PathBuf,
}

struct Process {
    member: Member,
    child: Child,
}

/// The children; they stop when this is dropped.
pub struct Network(Vec<Process>);

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
    /// Starts a process for each member.
    pub fn start(members: Vec<Member>) -> Result<Self, Failure> {
        let mut network = Self(Vec::with_capacity(members.len()));
        for member in members {
            network.0.push(start(member)?);
        }
        Ok(network)
    }

    /// Waits until every node answers and knows another.
    pub fn join(&mut self) -> Result<Vec<Joined>, Failure> {
        let deadline = Instant::now() + JOIN;
        let alone = self.0.len() == 1;
        self.0.iter_mut().map(|process| process.joined(deadline, alone)).collect()
    }

    /// Waits for a signal, and reports children that end before it.
    pub fn watch(&mut self) -> Result<(), Failure> {
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
