//! The main story on real sockets and a real disk: nodes of one process find each other over
//! loopback, a file is put through one and fetched through another, holders die, others repair.

use futures::future::join_all;
use holdfast::{
    actors::{
        client::{FileRef, GetFile, PutFile, Sink, Source},
        network::NetworkStatusQuery,
        repair::RepairStatusQuery,
        storage::HeldPlacements,
    },
    env::live,
    node::{Keys, Node},
    settings::Settings,
    types::{Code, Policy},
};
use std::{
    io,
    path::{Path, PathBuf},
    rc::Rc,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::task::LocalSet;

#[derive(Debug)]
struct Memory {
    name: String,
    bytes: Vec<u8>,
}

impl Source for Memory {
    fn identity(&self) -> String {
        self.name.clone()
    }
    fn version(&self) -> io::Result<u64> {
        Ok(0)
    }
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let from = self.bytes.get(offset as usize..).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(from.get(..buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Collected(Mutex<Vec<u8>>);

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
struct Running {
    thread: std::thread::JoinHandle<()>,
    stop: tokio::sync::oneshot::Sender<()>,
    node: Node,
    address: String,
}

fn start(dir: PathBuf, number: u8, bootstrap: Vec<String>) -> Running {
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

fn put(name: &str, bytes: &[u8]) -> PutFile {
    PutFile {
        name: name.into(),
        source: Arc::new(Memory { name: name.into(), bytes: bytes.to_vec() }),
        code: Code::new(2, 5, 3).expect("a code"),
        policy: Policy::default(),
        segment_len: 100_000,
        progress: None,
    }
}

async fn get(node: &Node, link: &str) -> Vec<u8> {
    let sink = Arc::new(Collected::default());
    let file = FileRef::Link(link.parse().expect("a link"));
    let report = node.get.send(GetFile { file, sink: sink.clone(), progress: None }).await.expect("alive");
    report.expect("the file comes back");
    std::mem::take(&mut sink.0.lock().expect("no writer panicked"))
}

fn cluster(dir: &Path, size: u8) -> Vec<Running> {
    let mut nodes = vec![start(dir.join("1"), 1, Vec::new())];
    let first = nodes[0].address.clone();
    nodes.extend((2..=size).map(|n| start(dir.join(n.to_string()), n, vec![first.clone()])));
    nodes
}

async fn wait_joined(nodes: &[Running]) {
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
async fn kill_holders(nodes: Vec<Running>, mut how_many: usize) -> Vec<Running> {
    let mut survivors = Vec::new();
    for running in nodes {
        let held = running.node.held.send(HeldPlacements).await.expect("alive").expect("readable");
        if how_many > 0 && !held.is_empty() {
            how_many -= 1;
            running.stop.send(()).expect("it runs");
            running.thread.join().expect("it stops");
        } else {
            survivors.push(running);
        }
    }
    assert_eq!(how_many, 0, "too few nodes hold something");
    survivors
}

async fn wait_rebuilt(nodes: &[Running], wanted: u64) {
    let mut rebuilt = 0;
    for _ in 0..300 {
        let all = join_all(nodes.iter().map(|n| n.node.repair_status.send(RepairStatusQuery))).await;
        rebuilt = all.iter().map(|status| status.as_ref().expect("alive").rebuilt).sum();
        if rebuilt >= wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("only {rebuilt} of {wanted} shards were rebuilt");
}

#[tokio::test]
async fn a_file_outlives_the_nodes_that_held_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let nodes = cluster(dir.path(), 9);
    wait_joined(&nodes).await;
    let bytes: Vec<u8> = (0..1_234_567u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let report = nodes[8].node.put.send(put("story", &bytes)).await.expect("alive").expect("stored");
    assert_eq!((report.segments, report.receipts), (13, 13 * 5));
    assert!(get(&nodes[3].node, &report.link).await == bytes);

    let survivors = kill_holders(nodes, 2).await;
    let reader = &survivors[0].node;
    assert!(get(reader, &report.link).await == bytes);
    wait_rebuilt(&survivors, 2 * 13).await;

    let survivors = kill_holders(survivors, 2).await;
    assert!(get(&survivors[0].node, &report.link).await == bytes);
}
