//! The two chains.

use crate::cast::Cast;
use alloy::{
    primitives::{Address, U256},
    providers::{Provider, ProviderBuilder, RootProvider},
};
use futures::future::LocalBoxFuture;
use holdfast::env::{
    Chain,
    evm::{EvmChain, EvmClient, Genesis, Production, Proposal},
    live::{JsonRpcChain, LiveClock, LiveRng},
};
use std::{
    cell::RefCell,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    rc::Rc,
    thread,
};

const CHAIN_ID: u64 = 31337;
const FUNDS: u128 = 1_000_000_000_000_000_000_000;

/// A chain that makes a block of each transaction, and can be moved.
pub trait World {
    fn chain(&self) -> Rc<dyn Chain>;
    /// Makes empty blocks.
    fn mine(&self, blocks: u64) -> LocalBoxFuture<'_, ()>;
    /// Lets time pass; the next block has it.
    fn pass(&self, seconds: u64) -> LocalBoxFuture<'_, ()>;
}

/// The embedded chain.
pub struct Embedded {
    chain: Rc<RefCell<EvmChain>>,
    client: Rc<EvmClient>,
}

impl Embedded {
    pub fn new() -> Self {
        let balances = Cast::new().funded().into_iter().map(|it| (it, U256::from(FUNDS))).collect();
        let genesis = Genesis {
            chain_id: CHAIN_ID,
            time: 1_750_000_000,
            gas_limit: 30_000_000,
            base_fee: 1_000_000_000,
            beneficiary: Address::ZERO,
            balances,
        };
        let chain = Rc::new(RefCell::new(EvmChain::new(&genesis)));
        let (clock, rng) = (Rc::new(LiveClock::default()), Rc::new(LiveRng));
        let client = Rc::new(EvmClient::new(chain.clone(), clock, rng, Production::OnSubmit));
        Self { chain, client }
    }
}

impl World for Embedded {
    fn chain(&self) -> Rc<dyn Chain> {
        self.client.clone()
    }

    fn mine(&self, blocks: u64) -> LocalBoxFuture<'_, ()> {
        Box::pin(async move {
            for _ in 0..blocks {
                self.client.produce();
            }
        })
    }

    fn pass(&self, seconds: u64) -> LocalBoxFuture<'_, ()> {
        Box::pin(async move {
            let mut chain = self.chain.borrow_mut();
            let time = chain.head().header.timestamp + seconds;
            chain.produce(Proposal { time, entropy: Default::default() });
        })
    }
}

/// Foundry's node, as a process of its own.
pub struct Anvil {
    process: Child,
    control: RootProvider,
    chain: Rc<JsonRpcChain>,
}

impl Anvil {
    pub async fn start() -> Self {
        let room = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/node_modules/@foundry-rs");
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
        let program = room.join(format!("anvil-linux-{architecture}/bin/anvil"));
        let arguments = ["--port", "0", "--accounts", "1", "--host", "127.0.0.1"];
        let process = Command::new(&program).args(arguments).stdout(Stdio::piped()).spawn();
        let mut process = process.unwrap_or_else(|why| {
            panic!("{}: {why}; `cargo xtask contracts` installs it", program.display())
        });
        let mut output = BufReader::new(process.stdout.take().expect("its output is a pipe"));
        let mut line = String::new();
        let url = loop {
            line.clear();
            assert!(output.read_line(&mut line).unwrap() > 0, "anvil ended before it listened");
            if let Some(address) = line.trim().strip_prefix("Listening on ") {
                break format!("http://{address}");
            }
        };
        // It stops when nobody reads what it prints.
        thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        let control: RootProvider = ProviderBuilder::default().connect_http(url.parse().unwrap());
        for account in Cast::new().funded() {
            let funds = (account, U256::from(FUNDS));
            control.raw_request::<_, ()>("anvil_setBalance".into(), funds).await.unwrap();
        }
        let chain = Rc::new(JsonRpcChain::connect(&url).await.unwrap());
        Self { process, control, chain }
    }
}

impl World for Anvil {
    fn chain(&self) -> Rc<dyn Chain> {
        self.chain.clone()
    }

    fn mine(&self, blocks: u64) -> LocalBoxFuture<'_, ()> {
        Box::pin(async move {
            let count = (U256::from(blocks),);
            self.control.raw_request::<_, ()>("anvil_mine".into(), count).await.unwrap();
        })
    }

    fn pass(&self, seconds: u64) -> LocalBoxFuture<'_, ()> {
        Box::pin(async move {
            let seconds = (U256::from(seconds),);
            let _: serde_json::Value =
                self.control.raw_request("evm_increaseTime".into(), seconds).await.unwrap();
            self.mine(1).await;
        })
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}
