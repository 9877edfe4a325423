//! The suite of the Chain capability on the embedded chain, and on anvil, which this starts and stops.
#![allow(clippy::disallowed_methods)]

use alloy::primitives::U256;
use futures::{FutureExt, future::LocalBoxFuture};
use holdfast::{
    env::{
        Chain,
        conformance::chain::{Control, check},
        evm::{EvmChain, EvmClient, Genesis, Production},
        live::{ConnectError, JsonRpcChain, LiveClock, LiveRng},
    },
    types::Wallet,
};
use serde_json::{Value, json};
use std::{
    cell::RefCell,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    rc::Rc,
    thread,
    time::{Duration, Instant},
};
use tokio::runtime::Builder;

fn run<T>(test: impl Future<Output = T>) -> T {
    Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test)
}

struct Embedded {
    chain: Rc<RefCell<EvmChain>>,
    client: EvmClient,
}

impl Embedded {
    fn new(wallet: &Wallet, production: Production) -> Self {
        let ether = U256::from(1_000_000_000_000_000_000_u64);
        let genesis = Genesis {
            chain_id: 31_337,
            time: 1_000,
            gas_limit: 30_000_000,
            base_fee: 1_000_000_000,
            beneficiary: Default::default(),
            balances: [(wallet.address(), U256::from(100) * ether)].into(),
        };
        let chain = Rc::new(RefCell::new(EvmChain::new(&genesis)));
        let client = EvmClient::new(chain.clone(), Rc::new(LiveClock::new()), Rc::new(LiveRng), production);
        Self { chain, client }
    }
}

impl Control for Embedded {
    fn produce(&self) -> LocalBoxFuture<'_, ()> {
        self.client.produce();
        async {}.boxed_local()
    }

    fn reorganise(&self, depth: u64) -> LocalBoxFuture<'_, ()> {
        self.chain.borrow_mut().take_back(depth as usize);
        for _ in 0..depth {
            self.client.produce();
        }
        async {}.boxed_local()
    }
}

#[test]
fn embedded_chain() {
    let wallet = Wallet::from_secret(&mut [7; 32]).expect("a key");
    let world = Embedded::new(&wallet, Production::OnDemand);
    run(check(&world.client, &world, &wallet));
}

#[test]
fn an_embedded_chain_may_make_a_block_of_each_transaction() {
    let wallet = Wallet::from_secret(&mut [7; 32]).expect("a key");
    let world = Embedded::new(&wallet, Production::OnSubmit);
    run(async {
        let transaction = alloy::consensus::TxEip1559 {
            chain_id: 31_337,
            gas_limit: 21_000,
            max_fee_per_gas: 2_000_000_000,
            ..Default::default()
        };
        let (hash, raw) = wallet.sign(alloy::consensus::TxEip1559 {
            to: alloy::primitives::TxKind::Call(wallet.address()),
            ..transaction
        });
        world.client.submit(raw).await.expect("it is taken");
        assert_eq!(world.client.receipt(hash).await.expect("told").map(|it| it.block), Some(1));
    });
}

/// anvil in a process of its own, which ends with this.
struct Anvil {
    process: Child,
    address: SocketAddr,
}

impl Anvil {
    fn start() -> Self {
        let room = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/node_modules/@foundry-rs");
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
        let program = room.join(format!("anvil-linux-{architecture}/bin/anvil"));
        let arguments = ["--port", "0", "--no-mining", "--accounts", "1", "--host", "127.0.0.1"];
        let process = Command::new(&program).args(arguments).stdout(Stdio::piped()).spawn();
        let mut process = process.unwrap_or_else(|why| {
            panic!("{}: {why}; `cargo xtask contracts` installs it", program.display())
        });
        let mut output = BufReader::new(process.stdout.take().expect("its output is a pipe"));
        let mut line = String::new();
        let address = loop {
            line.clear();
            assert!(output.read_line(&mut line).expect("readable") > 0, "anvil ended before it listened");
            if let Some(address) = line.trim().strip_prefix("Listening on ") {
                break address.parse().expect("an address");
            }
        };
        // It stops when nobody reads what it prints.
        thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Self { process, address }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// One request of the test itself, on a connection of its own.
    fn ask(&self, method: &str, params: Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let mut stream = TcpStream::connect(self.address).expect("anvil listens");
        let head = "POST / HTTP/1.1\r\nHost: anvil\r\nConnection: close\r\nContent-Type: application/json";
        write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (_, body) = answer.split_once("\r\n\r\n").expect("an answer of HTTP");
        let told: Value = serde_json::from_str(body).unwrap_or_else(|why| panic!("{why}: {body}"));
        assert!(told["error"].is_null(), "{method}: {told}");
        told["result"].clone()
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Control for Anvil {
    fn produce(&self) -> LocalBoxFuture<'_, ()> {
        self.ask("evm_mine", json!([]));
        async {}.boxed_local()
    }

    fn reorganise(&self, depth: u64) -> LocalBoxFuture<'_, ()> {
        self.ask("anvil_reorg", json!([depth, []]));
        async {}.boxed_local()
    }
}

#[test]
fn anvil_over_json_rpc() {
    let anvil = Anvil::start();
    // The first account of the development mnemonic that anvil, hardhat and others share.
    let mut secret = [0; 32];
    let text = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
    hex::decode_to_slice(text, &mut secret).expect("hexadecimal");
    let wallet = Wallet::from_secret(&mut secret).expect("a key");
    run(async {
        let chain = JsonRpcChain::connect(&anvil.url()).await.expect("anvil answers");
        assert_eq!(chain.id(), 31_337);
        check(&chain, &anvil, &wallet).await;
        drop(anvil);
        let gone = chain.head().await;
        assert!(matches!(gone, Err(holdfast::env::ChainError::Unreachable { .. })), "{gone:?}");
    });
}

/// A server that answers every request with `answer`, and then sends zeros for as long as anybody reads.
fn serve(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";
            let mut sent = stream.write_all(format!("{head}{answer}").as_bytes());
            while sent.is_ok() && answer.ends_with('"') {
                sent = stream.write_all(&[b'0'; 1 << 16]);
            }
        }
    });
    address
}

#[test]
fn servers_that_make_no_sense_are_outages() {
    for answer in
        ["", "<html>", r#"{"jsonrpc":"2.0","id":0,"result":"blue"}"#, r#"{"jsonrpc":"2.0","id":0,"result":""#]
    {
        let url = format!("http://{}", serve(answer));
        let begun = Instant::now();
        let told = run(JsonRpcChain::connect(&url)).expect_err("there is no chain");
        assert!(
            matches!(told, ConnectError::Chain(holdfast::env::ChainError::Unreachable { .. })),
            "{told:?}"
        );
        assert!(!told.to_string().contains(&url), "{told} shows the URL, which may hold a key");
        assert!(begun.elapsed() < Duration::from_secs(15), "an endless answer was read on: {answer}");
    }
    for url in ["", "localhost:8545", "ftp://127.0.0.1/"] {
        let told = run(JsonRpcChain::connect(url)).expect_err("no URL");
        assert!(matches!(told, ConnectError::Url { .. }), "{url}: {told:?}");
    }
}
