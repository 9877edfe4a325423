//! Power fails at every operation of a small history; what was acknowledged is there afterwards.

use super::{disk::MemDisk, world::*};
use crate::types::{Ask, PlacementId, ShardKey};
use bytes::Bytes;
use std::collections::BTreeMap;

fn id(byte: u8) -> PlacementId {
    PlacementId::from_bytes([byte; 32])
}

/// Writes, eight at a time, until the power fails; returns what was acknowledged.
async fn write_until_dark(world: &World, round: u8) -> BTreeMap<ShardKey, Vec<u8>> {
    let mut acknowledged = BTreeMap::new();
    for batch in 0..4 {
        let shards = (0..8_u16).map(|slot| {
            let key = ShardKey { placement: id(round * 8 + (slot % 2) as u8), segment: batch, slot };
            (key, vec![round ^ slot as u8; 700 * (usize::from(slot) + 1)])
        });
        let stores =
            shards.map(|(key, body)| async move { world.store(key, &body).await.ok().map(|_| (key, body)) });
        acknowledged.extend(futures::future::join_all(stores).await.into_iter().flatten());
        let (_, record) = placement(&identity(5), round * 8 + batch as u8, 1);
        world.ask(Ask::StorePlacement { record }, Bytes::new()).await;
    }
    acknowledged
}

/// One life after another, each ended by a power failure after `step` operations. Returns what was
/// acknowledged and is not there afterwards; all of it if the directory cannot be opened any more.
fn lost(step: u64, seed: u64, honest: bool) -> Vec<ShardKey> {
    run(async {
        let mut disk = MemDisk::new();
        let mut acknowledged = BTreeMap::new();
        for round in 0..2 {
            if !honest {
                disk.lie();
            }
            disk.fail_power_after(step);
            if let Ok(world) = World::start_with(disk.clone(), CAPACITY, seed ^ u64::from(round)).await {
                acknowledged.extend(write_until_dark(&world, round).await);
            }
            disk = disk.after_crash(seed + u64::from(round));
        }
        let Ok(world) = World::start_with(disk, CAPACITY, seed).await else {
            return acknowledged.into_keys().collect();
        };
        let mut lost = Vec::new();
        for (key, body) in &acknowledged {
            if world.read(*key, 0, 0).await.as_ref() != Ok(&Bytes::copy_from_slice(body)) {
                lost.push(*key);
            }
        }
        if honest {
            let report = world.scrub().await;
            assert_eq!(report.damaged, 0, "step {step} seed {seed}: an entry without its whole file");
            assert_eq!(world.scrub().await.orphans, 0, "the first scrub left nothing to delete");
        }
        lost
    })
}

#[test]
fn what_was_acknowledged_survives_a_power_failure_at_any_operation() {
    for step in (1..300).step_by(2) {
        assert_eq!(lost(step, step * 1_000, true), [], "step {step}");
    }
}

#[test]
fn a_disk_that_lies_about_its_syncs_is_found_out() {
    let losses = (100..120).filter(|step| !lost(*step, step * 1_000, false).is_empty()).count();
    assert!(losses > 10, "only {losses} of 20 lying disks were noticed: these tests would see nothing");
}
