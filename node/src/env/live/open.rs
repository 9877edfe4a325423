//! Opens the real world for one node.

use super::{LiveClock, LiveDisk, LiveProver, LiveRecord, LiveRng, LiveSpawn, net, proof_keys};
use crate::{
    env::{
        Circuits, Common, Env,
        libp2p::{Libp2pNet, StartError, World},
    },
    node::Keys,
    settings::{ProofCircuit, Settings},
};
use holdfast_proofs::circuit::{MAX_SLOTS, ProviderCircuit};
use libp2p::{Multiaddr, multiaddr::Protocol};
use std::{
    fs::{File, TryLockError},
    io,
    net::{IpAddr, SocketAddr, TcpListener, UdpSocket},
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
};

/// The file in a node's directory that a running node keeps locked.
const LOCK: &str = "lock";
/// The directory in a node's directory that its storage actor is given.
const DATA: &str = "data";

/// Levels of the slots' trees in a network with the circuit, and cells that a challenge asks for of each slot drawn.
fn shape(circuit: ProofCircuit) -> (usize, usize) {
    match circuit {
        ProofCircuit::Full => (7, 5),
        ProofCircuit::Small => (2, 1),
    }
}

/// Why a node cannot live here.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// Another program listens there.
    #[error("{address} is in use by another program\n\nhint: stop it, or choose another port in `listen`")]
    PortInUse {
        /// Which listen address.
        address: String,
    },
    /// An address in the settings means nothing to this node.
    #[error("{field} address {address:?} cannot be used: {why}\n\nhint: {}", hint(field))]
    BadAddress {
        /// `listen` or `bootstrap`.
        field: &'static str,
        /// As it stands in the settings.
        address: String,
        /// What is wrong with it.
        why: String,
    },
    /// The system does not let the node listen there.
    #[error("cannot listen on {address}: {why}")]
    Listen {
        /// Which listen address.
        address: String,
        /// What the system said.
        why: String,
    },
    /// The directory cannot be made or written.
    #[error("{} cannot be written: {why}\n\nhint: choose another directory, or change its owner or mode", dir.display())]
    NotWritable {
        /// Which directory.
        dir: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// Another node runs on this directory.
    #[error("{} is in use by another node\n\nhint: stop it, or choose another directory", dir.display())]
    DirectoryInUse {
        /// Which directory.
        dir: PathBuf,
    },
    /// The node's key cannot be used on the network.
    #[error("the node's key cannot be used: {0}")]
    Key(io::Error),
}

fn hint(field: &str) -> &'static str {
    match field {
        "listen" => "listen addresses look like /ip4/0.0.0.0/tcp/4001 or /ip4/0.0.0.0/udp/4001/quic-v1",
        _ => "bootstrap addresses look like /ip4/192.0.2.1/tcp/4001/p2p/<peer id>",
    }
}

/// Opens directory `dir` and the network for the node that `keys` name, and reports to `record`.
///
/// Must be called inside a `tokio::task::LocalSet` on a current-thread runtime. The directory stays
/// locked until the process ends or every clone of the disk is dropped.
///
/// # Errors
/// [`LiveError`], by what a person can do about it.
pub async fn open(
    dir: &Path,
    keys: &Keys,
    settings: &Settings,
    record: Rc<LiveRecord>,
) -> Result<Env, LiveError> {
    let listen = parse("listen", &settings.listen)?;
    let bootstrap = parse("bootstrap", &settings.bootstrap)?;
    let not_writable = |why| LiveError::NotWritable { dir: dir.to_owned(), why };
    std::fs::create_dir_all(dir).map_err(not_writable)?;
    let lock = lock(dir)?;
    let disk = LiveDisk::open(&dir.join(DATA)).map_err(not_writable)?.holding(lock);
    for address in &listen {
        refuse_used_port(address)?;
    }
    let common = Common {
        clock: Rc::new(LiveClock::new()),
        rng: Rc::new(LiveRng),
        spawn: Rc::new(LiveSpawn::new()),
        record,
    };
    let world = World {
        common: common.clone(),
        key: keys.peer.keypair().public(),
        transport: net::transport(&keys.peer).map_err(LiveError::Key)?,
        executor: |task| {
            tokio::spawn(task);
        },
        listen,
        bootstrap,
    };
    let net = Libp2pNet::start(world).await.map_err(explain)?;
    let (levels, samples) = shape(settings.proving.circuit);
    let circuit = ProviderCircuit::new(levels, MAX_SLOTS, samples);
    let circuits = Circuits::new(circuit.expect("the circuit in use is one"));
    let proof_keys = proof_keys(dir, &settings.proving, &circuits);
    let prover = LiveProver::new(circuits, proof_keys, common.rng.clone());
    Ok(Env { common, net, disk: Arc::new(disk), prover: Some(Rc::new(prover)), chain: None, contracts: None })
}

fn parse(field: &'static str, addresses: &[String]) -> Result<Vec<Multiaddr>, LiveError> {
    let parse = |address: &String| {
        address.parse().map_err(|error: libp2p::multiaddr::Error| LiveError::BadAddress {
            field,
            address: address.clone(),
            why: error.to_string(),
        })
    };
    addresses.iter().map(parse).collect()
}

fn lock(dir: &Path) -> Result<File, LiveError> {
    let not_writable = |why| LiveError::NotWritable { dir: dir.to_owned(), why };
    let file = File::create(dir.join(LOCK)).map_err(not_writable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LiveError::DirectoryInUse { dir: dir.to_owned() }),
        Err(TryLockError::Error(why)) => Err(not_writable(why)),
    }
}

/// Binds a port once, plainly: libp2p sets `SO_REUSEPORT` on TCP and would share the port silently with
/// another node of the same user, and what it says of a used UDP port cannot be told from other errors.
fn refuse_used_port(address: &Multiaddr) -> Result<(), LiveError> {
    let mut parts = address.iter();
    let ip: IpAddr = match parts.next() {
        Some(Protocol::Ip4(ip)) => ip.into(),
        Some(Protocol::Ip6(ip)) => ip.into(),
        _ => return Ok(()),
    };
    let bound = match parts.next() {
        Some(Protocol::Tcp(port)) => TcpListener::bind(SocketAddr::new(ip, port)).map(drop),
        Some(Protocol::Udp(port)) => UdpSocket::bind(SocketAddr::new(ip, port)).map(drop),
        _ => Ok(()),
    };
    bound.map_err(|error| cannot_listen(address, &error))
}

fn explain(error: StartError) -> LiveError {
    match error {
        StartError::Listen { address, why } => cannot_listen(&address, &why),
        StartError::Unsupported(address) => LiveError::BadAddress {
            field: "listen",
            address: address.to_string(),
            why: "this node has no transport for it".into(),
        },
        StartError::Bootstrap(address) => LiveError::BadAddress {
            field: "bootstrap",
            address: address.to_string(),
            why: "it does not end in /p2p/<peer id>".into(),
        },
    }
}

fn cannot_listen(address: &Multiaddr, error: &io::Error) -> LiveError {
    let address = address.to_string();
    if error.kind() == io::ErrorKind::AddrInUse {
        LiveError::PortInUse { address }
    } else {
        LiveError::Listen { address, why: error.to_string() }
    }
}
