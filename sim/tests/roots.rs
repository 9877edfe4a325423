//! Owners sign the roots of their slots, and the roots outlive whoever is killed.

mod support;

use holdfast::{
    actors::proof::CommitSlot,
    types::{PlacementId, SlotRoot},
};
use holdfast_sim::{NodeNumber, cluster::Cluster};
use std::time::Duration;
use support::*;

const NODES: u32 = 10;
const OWNER: NodeNumber = NodeNumber(NODES - 1);

/// Compares the signed roots with those of the trees that the holders build.
async fn check(cluster: &Cluster, id: PlacementId) {
    let holders = holders(cluster).await;
    assert_eq!(holders.len(), 5);
    let signed = served_roots(cluster, OWNER, holders[0], id).await.expect("a holder has the roots");
    let holder = holders[0];
    for node in holders {
        let handles = cluster.handles(node).expect("it is up");
        let commitment =
            handles.commit_slot.send(CommitSlot(id)).await.expect("alive").expect("it holds a slot");
        let root = signed.slot_roots[usize::from(commitment.slot)];
        assert_eq!(root, Some(SlotRoot(commitment.root)), "slot {}", commitment.slot);
        assert_eq!(
            served_roots(cluster, OWNER, node, id).await.as_ref(),
            Some(&signed),
            "{node} has other roots"
        );
    }
    assert_eq!(served_roots(cluster, holder, OWNER, id).await, Some(signed), "the owner has other roots");
}

#[test]
fn all_roots_are_signed_and_every_holder_serves_them_whoever_was_killed() {
    in_world_with(proving(), 1, NODES, listed_boot, async |cluster| {
        let report = put(&cluster, OWNER, pattern(390_000)).await.expect("the file is stored");
        let before = report.roots.expect("its slots get roots");
        assert_eq!(
            (before.slots, before.signed, before.seconds),
            (5, 0, None),
            "put waits for receipts alone"
        );
        // The owner dies before any root is signed, and a provider while it builds its tree.
        cluster.kill(OWNER).expect("it exists");
        let builder = holders(&cluster).await[0];
        cluster.kill(builder).expect("it exists");
        for node in [OWNER, builder] {
            cluster.start(node).await.expect("it starts again");
        }
        let state = roots(&cluster, OWNER, report.placement).await;
        assert_eq!((state.slots, state.signed), (5, 5));
        assert!(state.seconds > Some(0.0));
        check(&cluster, report.placement).await;
        for node in (0..NODES).map(NodeNumber) {
            cluster.crash(node).expect("it exists");
            cluster.start(node).await.expect("it starts again");
        }
        cluster.time().sleep(Duration::from_secs(10)).await;
        check(&cluster, report.placement).await;
        forget_nets();
    });
}

#[test]
fn whoever_repairs_a_slot_gets_its_signed_roots() {
    in_world_with(proving(), 2, NODES, listed_boot, async |cluster| {
        let report = put(&cluster, OWNER, pattern(390_000)).await.expect("the file is stored");
        roots(&cluster, OWNER, report.placement).await;
        let lost: Vec<NodeNumber> =
            holders(&cluster).await.into_iter().filter(|n| n.0 != 0).take(2).collect();
        lost.into_iter().for_each(|node| cluster.depart(node).expect("it exists"));
        while holders(&cluster).await.len() < 5 {
            cluster.time().sleep(Duration::from_secs(30)).await;
        }
        cluster.time().sleep(Duration::from_secs(30)).await;
        check(&cluster, report.placement).await;
        forget_nets();
    });
}

#[test]
fn the_roots_of_a_removed_file_are_forgotten() {
    in_world_with(proving(), 3, NODES, listed_boot, async |cluster| {
        let report = put(&cluster, OWNER, pattern(390_000)).await.expect("the file is stored");
        roots(&cluster, OWNER, report.placement).await;
        let holders = holders(&cluster).await;
        let owner = cluster.handles(OWNER).expect("it is up");
        let remove = holdfast::actors::client::RemoveFile { name: "file".into() };
        owner.remove.send(remove).await.expect("alive").expect("it is removed");
        let asked = holders.iter().map(|node| (OWNER, *node)).chain([(holders[0], OWNER)]);
        for (asker, node) in asked {
            let roots = served_roots(&cluster, asker, node, report.placement).await;
            assert_eq!(roots, None, "{node} remembers the roots");
        }
        forget_nets();
    });
}
