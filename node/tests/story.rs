//! The main story on real sockets and a real disk: nodes of one process find each other over
//! loopback, a file is put through one and fetched through another, holders die, others repair.
#![allow(clippy::disallowed_methods, reason = "the real world of the tests: the system's clock")]

mod support;

use futures::future::join_all;
use holdfast::{
    actors::{
        client::{AwaitRoots, ClientError, PutFile, Source},
        repair::RepairStatusQuery,
    },
    types::{Code, Policy},
};
use std::{sync::Arc, time::Duration};
use support::*;

fn put(source: impl Source + 'static) -> PutFile {
    PutFile {
        name: source.identity(),
        source: Arc::new(source),
        code: Code::new(2, 5, 3).expect("a code"),
        policy: Policy::default(),
        segment_len: 100_000,
        access: None,
        progress: None,
    }
}

async fn wait_rebuilt(nodes: &[Running], wanted: u64) {
    let mut rebuilt = 0;
    // A loaded machine takes its time.
    for _ in 0..1_500 {
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
    let bytes = pattern(1_234_567);
    let report =
        nodes[8].node.put.send(put(Memory::new("story", &bytes))).await.expect("alive").expect("stored");
    assert_eq!((report.segments, report.receipts), (13, 13 * 5));
    assert!(get(&nodes[3].node, &report.link).await == bytes);

    let survivors = kill_holders(nodes, 2).await;
    let reader = &survivors[0].node;
    assert!(get(reader, &report.link).await == bytes);
    wait_rebuilt(&survivors, 2 * 13).await;

    let survivors = kill_holders(survivors, 2).await;
    assert!(get(&survivors[0].node, &report.link).await == bytes);
}

#[tokio::test]
async fn an_interrupted_put_is_taken_up_again_under_the_same_key_only_if_nothing_changed() {
    let dir = tempfile::tempdir().expect("a directory");
    let nodes = cluster(dir.path(), 7);
    wait_joined(&nodes).await;
    let owner = &nodes[6].node;
    let bytes = pattern(1_000_000);
    for name in ["same", "changed"] {
        let broken = Memory::failing_after(name, &bytes, 500_000);
        let error = owner.put.send(put(broken)).await.expect("alive").expect_err("the source fails");
        assert!(matches!(error, ClientError::Io(_)), "{error}");
    }

    let again = owner.put.send(put(Memory::new("same", &bytes))).await.expect("alive").expect("stored");
    assert!(again.resumed_segments > 0, "nothing was resumed");
    assert!(get(&nodes[1].node, &again.link).await == bytes);

    let mut other = bytes.clone();
    other[0] ^= 1;
    let fresh = owner.put.send(put(Memory::new("changed", &other))).await.expect("alive").expect("stored");
    assert_eq!(fresh.resumed_segments, 0, "a nonce met a second plaintext");
    assert!(get(&nodes[1].node, &fresh.link).await == other);
}

#[tokio::test]
async fn slot_roots_are_signed_though_the_owner_was_killed_when_all_receipts_were_in() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut nodes = cluster(dir.path(), 7);
    wait_joined(&nodes).await;
    let owner = nodes.pop().expect("seven nodes");
    let bytes = pattern(1_000_000);
    let report = owner.node.put.send(put(Memory::new("file", &bytes))).await.expect("alive").expect("stored");
    let before = report.roots.expect("slots have roots");
    assert_eq!((before.slots, before.seconds), (5, None), "put waits for receipts alone");
    owner.kill();
    let owner = start(dir.path().join("7"), 7, vec![nodes[0].address.clone()]);
    let wait = AwaitRoots { placement: report.placement, progress: None };
    let after =
        owner.node.await_roots.send(wait).await.expect("alive").expect("readable").expect("it goes on");
    assert_eq!((after.slots, after.signed), (5, 5));
    assert!(after.seconds > Some(0.0));
}

#[tokio::test]
async fn empty_and_tiny_files_come_back_and_too_few_providers_are_said_to_be_so() {
    let dir = tempfile::tempdir().expect("a directory");
    let nodes = cluster(dir.path(), 6);
    wait_joined(&nodes).await;
    for bytes in [&b""[..], &b"x"[..]] {
        let name = format!("{} bytes", bytes.len());
        let report =
            nodes[0].node.put.send(put(Memory::new(&name, bytes))).await.expect("alive").expect("stored");
        assert!(get(&nodes[5].node, &report.link).await == bytes);
    }
    let greedy =
        PutFile { code: Code::new(2, 9, 3).expect("a code"), ..put(Memory::new("greedy", b"bytes")) };
    let error =
        nodes[0].node.put.send(greedy).await.expect("alive").expect_err("nine providers are not there");
    assert_eq!(error, ClientError::TooFewProviders { found: 5, needed: 9 });
}
