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

/// One life after another, each ended by a power failure after `step` operations.
fn lives(step: u64, seed: u64) {
    run(async {
        let mut disk = MemDisk::new();
        let mut acknowledged = BTreeMap::new();
        for round in 0..3 {
            disk.fail_power_after(step);
            if let Ok(world) = World::start_with(disk.clone(), CAPACITY, seed ^ u64::from(round)).await {
                acknowledged.extend(write_until_dark(&world, round).await);
            }
            disk = disk.after_crash(seed + u64::from(round));
        }
        let world =
            World::start_with(disk, CAPACITY, seed).await.expect("a crash leaves a readable directory");
        assert!(world.status().await.shards >= acknowledged.len() as u64);
        world.scrub().await;
        for (key, body) in &acknowledged {
            let read = world.read(*key, 0, 0).await;
            assert_eq!(read.as_ref(), Ok(&Bytes::copy_from_slice(body)), "step {step} seed {seed} {key:?}");
        }
        assert_eq!(world.scrub().await.orphans, 0, "the first scrub left nothing to delete");
    });
}

#[test]
fn what_was_acknowledged_survives_a_power_failure_at_any_operation() {
    for step in 1..400 {
        lives(step, step * 1_000);
    }
}

#[test]
fn a_disk_that_forgets_what_it_synced_is_noticed() {
    run(async {
        let disk = MemDisk::new();
        let world = World::start(disk.clone()).await.expect("a fresh disk");
        let key = ShardKey { placement: id(1), segment: 0, slot: 0 };
        world.store(key, b"bytes").await.expect("there is room");
        drop(world);
        disk.rot("shards/");
        let world = World::start(disk.after_crash(1)).await.expect("the same disk");
        assert!(world.read(key, 0, 0).await.is_err(), "this is how the tests here would see a loss");
    });
}
