//! Nodes on real sockets and a real disk, and files in memory, for the tests of whole nodes.
#![allow(dead_code, reason = "each test binary uses a part of this")]
#![allow(clippy::disallowed_methods, reason = "the real world of the tests: threads and the system clock")]

use futures::future::join_all;
use holdfast::{
    actors::{
        client::{FileRef, GetFile, Sink, Source},
        network::NetworkStatusQuery,
        storage::HeldPlacements,
    },
    env::live,
    node::{Keys, Node},
    settings::Settings,
};
use std::{
    io,
    path::{Path, PathBuf},
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::task::LocalSet;

/// A file in memory that can be told to fail once so many bytes were read.
#[derive(Debug)]
pub struct Memory {
    pub name: String,
    pub bytes: Vec<u8>,
    pub version: u64,
    pub readable: AtomicU64,
}

impl Memory {
    pub fn new(name: &str, bytes: &[u8]) -> Self {
        Self { name: name.into(), bytes: bytes.to_vec(), version: 0, readable: AtomicU64::new(u64::MAX) }
    }

    pub fn failing_after(name: &str, bytes: &[u8], readable: u64) -> Self {
        Self { readable: AtomicU64::new(readable), ..Self::new(name, bytes) }
    }
}

impl Source for Memory {
    fn identity(&self) -> String {
        self.name.clone()
    }
    fn version(&self) -> io::Result<u64> {
        Ok(self.version)
    }
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let wanted = buffer.len() as u64;
        let take = |left: u64| left.checked_sub(wanted);
        if self.readable.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_err() {
            return Err(io::Error::other("the medium is gone"));
        }
        let from = self.bytes.get(offset as usize..).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(from.get(..buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

#[derive(Debug, Default)]
pub struct Collected(Mutex<Vec<u8>>);

impl Sink for Collected {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut all = self.0.lock().expect("no writer panicked");
        let end = offset as usize + bytes.len();
        if all.len() < end {
            all.resize(end, 0);
        }
        all[offset as usize..end].copy_from_slice(bytes);
        Ok(())
    }
    fn finish(&self) -> io::Result<()> {
        Ok(())
    }
}

/// One node with a runtime and a thread of its own, so that dropping it is as good as a kill.
pub struct Running {
    thread: std::thread::JoinHandle<()>,
    stop: tokio::sync::oneshot::Sender<()>,
    pub node: Node,
    pub address: String,
}

impl Running {
    /// Ends the node without a warning.
    pub fn kill(self) {
        self.stop.send(()).expect("it runs");
        self.thread.join().expect("it stops");
    }
}

pub fn start(dir: PathBuf, number: u8, bootstrap: Vec<String>) -> Running {
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let (ready, started) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        LocalSet::new().block_on(&runtime, async move {
            let keys = Keys::from_secrets(&mut [number; 32], &mut [number + 100; 32]).expect("valid secrets");
            let mut settings = Settings { bootstrap, ..Settings::default() };
            settings.listen = vec!["/ip4/127.0.0.1/tcp/0".into()];
            settings.timing.probe_interval_s = 1.0;
            settings.timing.holder_grace_s = 2.0;
            settings.timing.repair_stagger_s = 1.0;
            let record = Rc::new(live::LiveRecord::default());
            let env = live::open(&dir, &keys, &settings, record).await.expect("a world");
            let address = env.net.listen_addresses().first().cloned().expect("it listens");
            let node = Node::start(env, keys, settings).await.expect("a node");
            ready.send((node, address)).expect("the test waits");
            // Ends when the test says so or is gone.
            let _ = stopped.await;
        });
    });
    let (node, address) = started.recv().expect("the node starts");
    Running { thread, stop, node, address }
}

/// Bytes that do not compress and do not repeat.
pub fn pattern(len: u32) -> Vec<u8> {
    (0..len).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

pub async fn get(node: &Node, link: &str) -> Vec<u8> {
    let sink = Arc::new(Collected::default());
    let file = FileRef::Link(link.parse().expect("a link"));
    let report = node
        .get
        .send(GetFile { file, sink: sink.clone(), access: None, most: None, progress: None })
        .await
        .expect("alive");
    report.expect("the file comes back");
    std::mem::take(&mut sink.0.lock().expect("no writer panicked"))
}

pub fn cluster(dir: &Path, size: u8) -> Vec<Running> {
    let mut nodes = vec![start(dir.join("1"), 1, Vec::new())];
    let first = nodes[0].address.clone();
    nodes.extend((2..=size).map(|n| start(dir.join(n.to_string()), n, vec![first.clone()])));
    nodes
}

pub async fn wait_joined(nodes: &[Running]) {
    for _ in 0..100 {
        let all = join_all(nodes.iter().map(|n| n.node.network_status.send(NetworkStatusQuery))).await;
        if all.iter().all(|status| status.as_ref().is_ok_and(|status| status.connected > 0)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the nodes did not join");
}

/// Stops nodes that hold something, for good; returns the others.
pub async fn kill_holders(nodes: Vec<Running>, mut how_many: usize) -> Vec<Running> {
    let mut survivors = Vec::new();
    for running in nodes {
        let held = running.node.held.send(HeldPlacements).await.expect("alive").expect("readable");
        if how_many > 0 && !held.is_empty() {
            how_many -= 1;
            running.kill();
        } else {
            survivors.push(running);
        }
    }
    assert_eq!(how_many, 0, "too few nodes hold something");
    survivors
}
