//! The main story in the simulator: a file is put through one node and fetched through another,
//! holders depart, others repair. The nodes are those of the real network.

mod support;

use holdfast_sim::{NodeNumber, env::NetKind};
use std::time::Duration;
use support::*;

fn a_file_outlives_the_nodes_that_held_it(net: NetKind) {
    in_world(net, 7, 12, async |cluster| {
        let bytes = pattern(1_234_567);
        let report = put(&cluster, NodeNumber(11), bytes.clone()).await.expect("the file is stored");
        assert_eq!((report.segments, report.receipts), (13, 13 * 5));
        assert!(get(&cluster, NodeNumber(3), &report.link).await.expect("it comes back") == bytes);
        let mut expected = 0;
        for _ in 0..2 {
            let holding = holders(&cluster).await;
            assert!(holding.len() >= 5, "{holding:?}");
            for &node in &holding[..2] {
                cluster.depart(node).expect("the node exists");
            }
            expected += 2 * 13;
            let reader = *cluster.up().last().expect("somebody is up");
            assert!(get(&cluster, reader, &report.link).await.expect("it comes back") == bytes);
            cluster.time().sleep(Duration::from_secs(3_600)).await;
        }
        // Nodes that rebuilt some and then departed took their count with them.
        assert!(rebuilt(&cluster).await >= expected / 2, "{} shards rebuilt", rebuilt(&cluster).await);
        let last = *cluster.up().last().expect("somebody is up");
        assert!(get(&cluster, last, &report.link).await.expect("it comes back") == bytes);
    });
}

#[test]
fn a_file_outlives_the_direct_nodes_that_held_it() {
    a_file_outlives_the_nodes_that_held_it(DIRECT);
}

#[test]
fn a_file_outlives_the_libp2p_nodes_that_held_it() {
    a_file_outlives_the_nodes_that_held_it(LIBP2P);
}

#[test]
fn a_file_survives_a_power_cut_of_every_node() {
    in_world(DIRECT, 3, 8, async |cluster| {
        let bytes = pattern(300_000);
        let report = put(&cluster, NodeNumber(0), bytes.clone()).await.expect("the file is stored");
        for node in cluster.up() {
            cluster.crash(node).expect("the node exists");
        }
        for node in 0..8 {
            cluster.start(NodeNumber(node)).await.expect("the node starts again");
        }
        // Holders announce again.
        cluster.time().sleep(Duration::from_secs(1_200)).await;
        assert!(get(&cluster, NodeNumber(7), &report.link).await.expect("it comes back") == bytes);
    });
}
