//! `holdfast chain run`: the embedded chain in the foreground.

use super::{
    super::{failure::Failure, home::Home, run::log_to_stderr},
    args, connect,
    connect::block_on,
    serve::{Node, Pace, serve},
};
use crate::{
    api::FailureKind,
    env::{
        evm::{BlockLogError, Genesis},
        live::LiveDisk,
    },
};
use alloy::primitives::{Address, U256};
use std::{
    fs::{self, File, TryLockError},
    net::{Ipv4Addr, SocketAddr},
    path::Path,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

/// What whoever is funded has in the first block: 10,000 coins.
const FUNDS: u128 = 10_000_000_000_000_000_000_000;
/// Most gas of a block.
const GAS_LIMIT: u64 = 60_000_000;
/// The first block's base fee, in wei.
const BASE_FEE: u64 = 1_000_000_000;
/// The blocks' file.
const BLOCKS: &str = "blocks";
/// Kept locked by whoever serves the chain.
const LOCK: &str = "lock";
/// How the chain began.
const GENESIS: &str = "genesis.json";

/// Serves until a signal.
pub fn run(home: &Home, options: &args::Run) -> Result<(), Failure> {
    log_to_stderr()?;
    let folder = options.data.clone().unwrap_or_else(|| home.chain_path());
    fs::create_dir_all(&folder).map_err(|why| Failure::file(&folder, &why))?;
    let _lock = lock(&folder)?;
    let genesis = genesis(home, options, &folder)?;
    let pace = match options.block_time {
        0 => Pace::OnSubmit,
        seconds => Pace::Every(seconds),
    };
    let disk = LiveDisk::open(&folder).map_err(|why| Failure::file(&folder, &why))?;
    let node = Node::open(&disk, BLOCKS, &genesis, pace).map_err(|why| damaged(&why))?;
    block_on(async {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
        let listener = TcpListener::bind(address).await.map_err(|why| {
            Failure::new(FailureKind::Unavailable, format!("cannot listen on {address}: {why}"))
                .hint("is a chain running there already? choose another port with --port")
        })?;
        let address = listener.local_addr().map_err(|why| Failure::failed(why.to_string()))?;
        eprintln!("ready: chain {} at http://{address}, block {}", genesis.chain_id, node.height());
        let failed = |why: std::io::Error| Failure::failed(format!("the chain stopped: {why}"));
        let (mut interrupt, mut terminate) = (
            signal(SignalKind::interrupt()).map_err(failed)?,
            signal(SignalKind::terminate()).map_err(failed)?,
        );
        let stop = async move {
            tokio::select! {
                biased;
                _ = interrupt.recv() => eprintln!("stopping: interrupted"),
                _ = terminate.recv() => eprintln!("stopping: terminated"),
            }
        };
        serve(listener, node, stop).await.map_err(failed)
    })
}

fn lock(folder: &Path) -> Result<File, Failure> {
    let path = folder.join(LOCK);
    let file = File::create(&path).map_err(|why| Failure::file(&path, &why))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(Failure::new(FailureKind::Unavailable, format!("{} is served already", folder.display()))
                .hint("stop the other, or choose another directory with --data"))
        }
        Err(TryLockError::Error(why)) => Err(Failure::file(&path, &why)),
    }
}

/// How the chain began; chosen once, and then kept.
fn genesis(home: &Home, options: &args::Run, folder: &Path) -> Result<Genesis, Failure> {
    let path = folder.join(GENESIS);
    if path.exists() {
        let text = fs::read_to_string(&path).map_err(|why| Failure::file(&path, &why))?;
        let kept: Genesis = serde_json::from_str(&text).map_err(|why| {
            Failure::failed(format!("{}: {why}", path.display())).hint("restore it from a copy")
        })?;
        if kept.chain_id != options.chain_id {
            return Err(Failure::usage(format!(
                "{} holds chain {}, not {}",
                folder.display(),
                kept.chain_id,
                options.chain_id
            ))
            .hint("give the same --chain-id, or another directory with --data"));
        }
        return Ok(kept);
    }
    let accounts = connect::keystores(home).list()?;
    let funded = accounts.iter().filter_map(|it| it.address).chain(options.fund.iter().copied());
    let genesis = begin(options.chain_id, funded);
    let text = serde_json::to_string_pretty(&genesis).map_err(|why| Failure::failed(why.to_string()))?;
    fs::write(&path, text + "\n").map_err(|why| Failure::file(&path, &why))?;
    Ok(genesis)
}

/// A chain of this machine, on which some have coins.
fn begin(chain_id: u64, funded: impl Iterator<Item = Address>) -> Genesis {
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Genesis {
        chain_id,
        time: time.map_or(0, |it| it.as_secs()),
        gas_limit: GAS_LIMIT,
        base_fee: BASE_FEE,
        beneficiary: Address::ZERO,
        balances: funded.map(|address| (address, U256::from(FUNDS))).collect(),
    }
}

fn damaged(error: &BlockLogError) -> Failure {
    let text = error.to_string();
    match text.split_once("\n\nhint: ") {
        Some((message, hint)) => Failure::failed(message).hint(hint),
        None => Failure::failed(text),
    }
}
