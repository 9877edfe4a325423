//! A chain that is served, asked by alloy.

use super::*;
use crate::{
    chain::Sender,
    env::{
        Chain,
        evm::Genesis,
        live::{JsonRpcChain, LiveClock, LiveDisk},
    },
    types::Wallet,
};
use alloy::{
    primitives::{Address, Bytes, U256, keccak256},
    providers::{Provider, ProviderBuilder, RootProvider},
    rpc::types::Filter,
};
use std::{future::Future, path::Path, rc::Rc, time::Duration};
use tokio::{net::TcpListener, sync::oneshot, task::LocalSet};

fn wallet() -> Wallet {
    let mut secret = keccak256("served").0;
    Wallet::from_secret(&mut secret).unwrap()
}

fn genesis() -> Genesis {
    Genesis {
        chain_id: 31337,
        time: 1_750_000_000,
        gas_limit: 30_000_000,
        base_fee: 1_000_000_000,
        beneficiary: Address::ZERO,
        balances: [(wallet().address(), U256::from(10).pow(U256::from(18)))].into(),
    }
}

/// A server on a port of its own; it stops when the sender is dropped.
async fn start(folder: &Path, pace: Pace) -> (String, oneshot::Sender<()>) {
    let disk = LiveDisk::open(folder).unwrap();
    let node = Node::open(&disk, "blocks", &genesis(), pace).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = serve(listener, node, async {
        let _ = stopped.await;
    });
    tokio::task::spawn_local(serving);
    (url, stop)
}

fn client(url: &str) -> RootProvider {
    ProviderBuilder::default().connect_http(url.parse().unwrap())
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, test);
}

#[test]
fn alloy_reads_sends_and_waits() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let (url, stop) = start(folder.path(), Pace::OnSubmit).await;
        let alloy = client(&url);
        let chain: Rc<dyn Chain> = Rc::new(JsonRpcChain::connect(&url).await.unwrap());
        let sender = Sender::new(chain.clone(), Rc::new(LiveClock::default()), wallet());
        let to = Address::repeat_byte(7);
        let receipt = sender.send(to, U256::from(5), Bytes::new()).await.unwrap();
        assert_eq!(alloy.get_balance(to).await.unwrap(), U256::from(5));
        assert_eq!(alloy.get_transaction_count(wallet().address()).await.unwrap(), 1);
        let told = alloy.get_transaction_receipt(receipt.transaction).await.unwrap().unwrap();
        assert_eq!((told.gas_used, told.block_number, told.status()), (21_000, Some(1), true));
        let found = alloy.get_transaction_by_hash(receipt.transaction).await.unwrap().unwrap();
        assert_eq!(found.inner.signer(), wallet().address());
        let block = alloy.get_block_by_number(1.into()).full().await.unwrap().unwrap();
        assert_eq!(block.header.hash, receipt.block_hash);
        assert_eq!(block.header.inner.hash_slow(), block.header.hash, "the header hashes to its hash");
        assert_eq!(block.transactions.len(), 1);
        let by_hash = alloy.get_block_by_hash(block.header.hash).await.unwrap().unwrap();
        assert_eq!(by_hash.header, block.header);
        assert!(alloy.get_block_by_number(9.into()).await.unwrap().is_none());
        assert!(alloy.get_fee_history(4, 1.into(), &[10.0, 90.0]).await.unwrap().reward.unwrap().len() == 2);
        assert_eq!(alloy.get_logs(&Filter::new().from_block(0)).await.unwrap(), []);
        drop(stop);
    });
}

#[test]
fn blocks_outlive_the_server_and_time_can_be_moved() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let (url, stop) = start(folder.path(), Pace::OnSubmit).await;
        let alloy = client(&url);
        alloy.raw_request::<_, ()>("anvil_mine".into(), (U256::from(20),)).await.unwrap();
        let before = alloy.get_block_by_number(20.into()).await.unwrap().unwrap();
        let _: serde_json::Value = alloy.raw_request("evm_increaseTime".into(), (86_400,)).await.unwrap();
        alloy.raw_request::<_, ()>("evm_mine".into(), ()).await.unwrap();
        let after = alloy.get_block_by_number(21.into()).await.unwrap().unwrap();
        assert!(after.header.timestamp >= before.header.timestamp + 86_400);
        drop(stop);
        let (url, stop) = start(folder.path(), Pace::OnSubmit).await;
        let again = client(&url).get_block_by_number(21.into()).await.unwrap().unwrap();
        assert_eq!(again.header, after.header);
        drop(stop);
    });
}

#[test]
fn blocks_come_by_the_clock_if_so_asked() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let (url, stop) = start(folder.path(), Pace::Every(1)).await;
        let alloy = client(&url);
        while alloy.get_block_number().await.unwrap() < 2 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        drop(stop);
    });
}

#[test]
fn what_is_no_request_is_refused_in_the_protocols_words() {
    let refuse = |body: &str| {
        let answer = protocol::answer(body.as_bytes(), |_, _| Ok(1.into())).unwrap();
        serde_json::from_str::<serde_json::Value>(&answer).unwrap()
    };
    assert_eq!(refuse("{")["error"]["code"], protocol::Fault::PARSE);
    assert_eq!(refuse("[]")["error"]["code"], protocol::Fault::REQUEST);
    assert_eq!(refuse("{\"id\":1}")["error"]["code"], protocol::Fault::REQUEST);
    assert_eq!(
        refuse("{\"jsonrpc\":\"1.0\",\"method\":\"m\",\"id\":1}")["error"]["code"],
        protocol::Fault::REQUEST
    );
    let many = format!("[{}]", vec!["1"; 101].join(","));
    assert_eq!(refuse(&many)["error"]["code"], protocol::Fault::REQUEST);
    let batch = refuse(
        "[{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":\"a\"},{\"jsonrpc\":\"2.0\",\"method\":\"m\"}]",
    );
    assert_eq!(
        batch,
        serde_json::json!([{"jsonrpc": "2.0", "result": 1, "id": "a"}]),
        "a notice has no answer"
    );
}

#[test]
fn a_page_in_a_browser_cannot_post_here() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let (url, stop) = start(folder.path(), Pace::OnSubmit).await;
        let address = url.trim_start_matches("http://").to_string();
        let body = r#"{"jsonrpc":"2.0","method":"eth_blockNumber","id":1}"#;
        for (kind, expected) in [("text/plain", "415"), ("application/json", "200")] {
            let request = format!(
                "POST / HTTP/1.1\r\nhost: {address}\r\ncontent-type: {kind}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut answer).await.unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {expected}")), "{kind}: {answer}");
        }
        drop(stop);
    });
}
