//! The conformance suites of the seam, on the real world: real files, real sockets on loopback.
#![allow(clippy::disallowed_methods)]

use holdfast::{
    env::{
        Circuits, Clock, Disk, Record,
        conformance::{self, net::Peer, prover::Verifying},
        live::{
            self, LiveClock, LiveDisk, LiveError, LiveProver, LiveRecord, LiveRng, LiveSpawn, LoadKey,
            ProofKeys, proof_keys,
        },
    },
    node::Keys,
    settings::{Proving, Settings},
};
use holdfast_proofs::{
    circuit::ProviderCircuit,
    groth16::{ProvingKey, Trapdoor, setup},
    r1cs::Circuit,
};
use std::{path::Path, rc::Rc, sync::Arc, time::Duration};
use tokio::{runtime::Builder, sync::oneshot, task::LocalSet};

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    LocalSet::new().block_on(&runtime, test)
}

fn keys(number: u8) -> Keys {
    Keys::from_secrets(&mut [number + 1; 32], &mut [number + 2; 32]).expect("two valid secrets")
}

fn settings(listen: &str, bootstrap: &[String]) -> Settings {
    Settings { listen: vec![listen.into()], bootstrap: bootstrap.to_vec(), ..Settings::default() }
}

async fn open(dir: &Path, number: u8, listen: &str, bootstrap: &[String]) -> Result<Peer, LiveError> {
    let dir = dir.join(number.to_string());
    let env = live::open(&dir, &keys(number), &settings(listen, bootstrap), Rc::default()).await?;
    Ok(Peer::new(env.net, env.common))
}

/// A thread of its own with one node on it, which dies when it is told to or its handle is dropped.
struct Victim {
    kill: oneshot::Sender<()>,
    thread: std::thread::JoinHandle<()>,
}

impl Victim {
    fn start(dir: &Path, number: u8, listen: &str, bootstrap: &[String]) -> Self {
        let (kill, killed) = oneshot::channel();
        let (dir, listen, bootstrap) = (dir.to_owned(), listen.to_owned(), bootstrap.to_vec());
        let thread = std::thread::spawn(move || {
            run(async {
                let _peer = open(&dir, number, &listen, &bootstrap).await.expect("the victim starts");
                killed.await.expect("the test kills it");
            });
        });
        Self { kill, thread }
    }

    fn die(self) {
        self.kill.send(()).expect("it is alive");
        self.thread.join().expect("it dies in peace");
    }
}

fn network(listen: &str) {
    let dir = tempfile::tempdir().expect("a directory");
    run(async {
        let first = live::open(&dir.path().join("0"), &keys(0), &settings(listen, &[]), Rc::default()).await;
        let first = first.expect("the first node starts");
        let bootstrap = first.net.listen_addresses();
        let mut nodes = vec![Peer::new(first.net, first.common)];
        for number in 1..conformance::net::NODES as u8 {
            nodes.push(open(dir.path(), number, listen, &bootstrap).await.expect("a node starts"));
        }
        conformance::net::check(&nodes).await;
        let victim = Victim::start(dir.path(), 100, listen, &bootstrap);
        wait_for(&nodes[3], &keys(100)).await;
        conformance::net::check_death(&nodes[3], keys(100).peer.peer(), || victim.die()).await;
    });
}

/// Waits until a node that was just started answers.
async fn wait_for(asker: &Peer, keys: &Keys) {
    for _ in 0..100 {
        if conformance::net::answers(asker, keys.peer.peer()).await {
            return;
        }
        LiveClock::new().sleep(Duration::from_millis(100)).await;
    }
    panic!("the new node does not answer");
}

#[test]
fn clock() {
    run(async { conformance::clock::check(&LiveClock::new()).await });
}

#[test]
fn rng() {
    conformance::rng::check(&LiveRng, &LiveRng);
}

#[test]
fn spawn() {
    let slow = || std::thread::sleep(Duration::from_millis(50));
    run(conformance::spawn::check(Rc::new(LiveClock::new()), Rc::new(LiveSpawn::new()), slow));
}

#[test]
fn record() {
    let record = LiveRecord::default();
    let stored = || record.counters().get("shards_stored").copied().unwrap_or_default();
    conformance::record::check(&record, keys(1).peer.peer(), &stored);
    assert_eq!(record.counters()["bytes_stored"], 5_000);
    record.record(holdfast::events::Event::RepairEnded {
        placement: holdfast::types::PlacementId::from_bytes([0; 32]),
        rebuilt: 0,
        failed: 3,
    });
    assert_eq!(record.counters()["repair_shards_failed"], 3);
}

#[test]
fn disk() {
    let dir = tempfile::tempdir().expect("a directory");
    let disk = LiveDisk::open(dir.path()).expect("a writable directory");
    conformance::disk::check(&disk);
    conformance::disk::check_large_offsets(&disk);
}

#[test]
fn disk_keeps_what_was_synced() {
    let dir = tempfile::tempdir().expect("a directory");
    conformance::disk::check_durability(|| {
        Arc::new(LiveDisk::open(dir.path()).expect("a writable directory"))
    });
}

#[test]
fn disk_takes_writes_from_several_threads() {
    let dir = tempfile::tempdir().expect("a directory");
    let disk = LiveDisk::open(dir.path()).expect("a writable directory");
    let file = disk.open("shared", true).expect("a file");
    std::thread::scope(|scope| {
        for writer in 0..4u64 {
            let file = &file;
            scope.spawn(move || {
                for block in (writer..256).step_by(4) {
                    file.write_at(block * 700, &[block as u8; 700]).expect("a write");
                }
            });
        }
    });
    for block in 0..256u64 {
        let mut bytes = [0; 700];
        file.read_at(block * 700, &mut bytes).expect("a read");
        assert_eq!(bytes, [block as u8; 700]);
    }
}

/// The development key of a circuit, at hand.
fn at_hand<C: Circuit>(circuit: &C) -> (Arc<ProvingKey>, LoadKey) {
    let key = Arc::new(setup(circuit, &Trapdoor::insecure_development()).expect("a key"));
    let loaded = key.clone();
    (key, Box::new(move || Ok(loaded.clone())))
}

fn small_circuits() -> Circuits {
    Circuits::new(ProviderCircuit::new(2, 3, 2).expect("a small circuit"))
}

#[test]
fn prover() {
    let circuits = small_circuits();
    let slow = || std::thread::sleep(Duration::from_millis(100));
    run(async {
        let (provider_key, provider) = at_hand(&circuits.provider);
        let (opening_key, opening) = at_hand(&circuits.opening);
        let (_, access) = at_hand(&circuits.access);
        let prover = LiveProver::new(circuits, ProofKeys { provider, opening, access }, Rc::new(LiveRng));
        let keys = Verifying { provider: &provider_key.verifying, opening: &opening_key.verifying };
        conformance::prover::check(&prover, keys, &LiveClock::new(), slow).await;
    });
}

#[test]
fn a_prover_without_keys() {
    let dir = tempfile::tempdir().expect("a directory");
    let keys = proof_keys(dir.path(), &Proving::default(), &small_circuits());
    let prover = LiveProver::new(small_circuits(), keys, Rc::new(LiveRng));
    run(conformance::prover::check_without_keys(&prover));
}

#[test]
fn network_over_tcp() {
    network("/ip4/127.0.0.1/tcp/0");
}

#[test]
fn network_over_quic() {
    network("/ip4/127.0.0.1/udp/0/quic-v1");
}

#[test]
fn a_node_alone_knows_it() {
    let dir = tempfile::tempdir().expect("a directory");
    run(async {
        let node = open(dir.path(), 0, "/ip4/127.0.0.1/tcp/0", &[]).await.expect("a node starts");
        conformance::net::check_alone(&node).await;
    });
}

#[test]
fn a_node_joins_when_its_bootstrap_peer_comes_up_later() {
    let dir = tempfile::tempdir().expect("a directory");
    run(async {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|s| s.local_addr())
            .expect("a free port")
            .port();
        let listen = format!("/ip4/127.0.0.1/tcp/{port}");
        let bootstrap = [format!("{listen}/p2p/{}", keys(0).peer.peer())];
        let late = open(dir.path(), 1, "/ip4/127.0.0.1/tcp/0", &bootstrap).await.expect("a node starts");
        assert!(!conformance::net::answers(&late, keys(0).peer.peer()).await);
        let _first = open(dir.path(), 0, &listen, &[]).await.expect("the first node starts");
        wait_for(&late, &keys(0)).await;
    });
}

#[test]
fn what_cannot_be_used_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    run(async {
        for kind in ["/ip4/127.0.0.1/tcp/", "/ip4/127.0.0.1/udp/"] {
            let end = if kind.contains("udp") { "/quic-v1" } else { "" };
            let used = open(dir.path(), 1, &format!("{kind}0{end}"), &[]).await.expect("a node starts");
            let address = conformance::net::listen_address(&used);
            let error = refused(open(dir.path(), 2, &address, &[]).await);
            assert!(error.contains("is in use by another program\n\nhint: "), "{error}");
            assert!(error.starts_with(&address), "{error} does not name {address}");
            drop(used);
        }
    });
    for (listen, bootstrap, expected) in [
        ("nonsense", "/ip4/127.0.0.1/tcp/1/p2p/x", "listen address \"nonsense\" cannot be used"),
        ("/ip4/127.0.0.1/tcp/0", "localhost:80", "bootstrap address \"localhost:80\" cannot be used"),
        ("/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/1", "does not end in /p2p/<peer id>"),
        ("/ip4/127.0.0.1/sctp/5", "", "this node has no transport for it"),
        ("/ip4/203.0.113.7/tcp/1", "", "cannot listen on /ip4/203.0.113.7/tcp/1"),
    ] {
        let bootstrap: Vec<String> =
            Some(bootstrap.to_owned()).into_iter().filter(|b| !b.is_empty()).collect();
        let error = run(async { refused(open(dir.path(), 3, listen, &bootstrap).await) });
        assert!(error.contains(expected), "{error:?} does not say {expected:?}");
    }
    std::fs::write(dir.path().join("7"), b"a file").expect("a write");
    let error = run(async { refused(open(dir.path(), 7, "/ip4/127.0.0.1/tcp/0", &[]).await) });
    assert!(error.contains("cannot be written"), "{error}");
}

#[test]
fn two_nodes_do_not_share_a_directory() {
    let dir = tempfile::tempdir().expect("a directory");
    run(async {
        let settings = settings("/ip4/127.0.0.1/tcp/0", &[]);
        let env = live::open(dir.path(), &keys(1), &settings, Rc::default()).await.expect("a node starts");
        let error = live::open(dir.path(), &keys(2), &settings, Rc::default()).await.err();
        let error = error.expect("the directory is taken").to_string();
        assert!(error.contains("is in use by another node\n\nhint: "), "{error}");
        drop(env);
        live::open(dir.path(), &keys(2), &settings, Rc::default())
            .await
            .expect("the directory is free again");
    });
}

fn refused(result: Result<Peer, LiveError>) -> String {
    match result {
        Ok(_) => panic!("a node started that should not have"),
        Err(error) => error.to_string(),
    }
}
