//! What the storage actor promises, on a disk in memory that can lose its power.

mod crash;
mod disk;
mod placements;
mod sales;
mod world;

use self::{
    disk::MemDisk,
    world::{CAPACITY, World, placement, run, shard},
};
use super::{state::*, *};
use crate::{
    events::Event,
    limits,
    types::{PlacementId, Refusal, ShardHash, ShardKey},
};
use bytes::Bytes;

fn key(segment: u32, slot: u16) -> ShardKey {
    ShardKey { placement: PlacementId::from_bytes([3; 32]), segment, slot }
}

fn shard_files(disk: &MemDisk) -> usize {
    disk.paths().iter().filter(|path| path.starts_with("shards/")).count()
}

#[test]
fn a_stored_shard_is_read_back_whole_and_in_ranges() {
    run(async {
        let world = World::start(MemDisk::new()).await.expect("a fresh disk");
        let body: Vec<u8> = (0..1000_u32).map(|n| n as u8).collect();
        let receipt = world.store(key(0, 1), &body).await.expect("there is room");
        assert_eq!((receipt.provider, receipt.shard, receipt.len), (world.me.peer(), key(0, 1), 1000));
        assert_eq!(receipt.hash, ShardHash::of(&body));
        assert_eq!(world.read(key(0, 1), 0, 0).await.expect("whole"), body);
        assert_eq!(world.read(key(0, 1), 990, 0).await.expect("to the end"), body[990..]);
        assert_eq!(world.read(key(0, 1), 10, 20).await.expect("a range"), body[10..30]);
        assert!(matches!(world.read(key(0, 1), 990, 11).await, Err(Refusal::Invalid(_))));
        assert!(matches!(world.read(key(0, 1), 1001, 0).await, Err(Refusal::Invalid(_))));
        assert_eq!(world.read(key(0, 2), 0, 0).await, Err(Refusal::NotFound));
        let stored = Event::ShardStored { key: key(0, 1), hash: ShardHash::of(&body), len: 1000 };
        assert_eq!(world.events.borrow()[0], stored);
        assert_eq!(world.events.borrow()[3], Event::ShardServed { key: key(0, 1), len: 20 });
    });
}

#[test]
fn an_idle_node_has_no_index_and_answers_all_the_same() {
    run(async {
        let world = World::start(MemDisk::new()).await.expect("a fresh disk");
        assert_eq!(world.read(key(0, 0), 0, 0).await, Err(Refusal::NotFound));
        assert_eq!(world.actor.send(HeldPlacements).await, Ok(Ok(vec![])));
        assert_eq!(world.status().await.free_bytes, CAPACITY);
        assert_eq!(world.disk.paths(), ["format"]);
    });
}

#[test]
fn a_body_that_is_not_what_was_said_is_refused_and_leaves_nothing() {
    run(async {
        let world = World::start(MemDisk::new()).await.expect("a fresh disk");
        let ask = crate::types::Ask::StoreShard { key: key(0, 0), hash: ShardHash::of(b"this") };
        let response = world.ask(ask, Bytes::from_static(b"that")).await;
        assert!(
            matches!(response.answer, crate::types::Answer::Refused(Refusal::Mismatch(_))),
            "{response:?}"
        );
        assert!(matches!(world.store(key(0, 0), b"").await, Err(Refusal::Invalid(_))));
        let huge = vec![0; limits::MAX_SHARD + 1];
        assert!(matches!(world.store(key(0, 0), &huge).await, Err(Refusal::Invalid(_))));
        assert_eq!(shard_files(&world.disk), 0);
        assert_eq!(world.status().await.shards, 0);
    });
}

#[test]
fn a_retry_gets_a_receipt_and_is_not_written_again() {
    run(async {
        let world = World::start(MemDisk::new()).await.expect("a fresh disk");
        let first = world.store(key(0, 0), b"bytes").await.expect("there is room");
        let operations = world.disk.operations();
        let again = world.store(key(0, 0), b"bytes").await.expect("it is held");
        assert_eq!(first, again);
        assert_eq!(world.disk.operations(), operations);
        assert!(matches!(world.store(key(0, 0), b"other").await, Err(Refusal::Mismatch(_))));
        assert_eq!(world.read(key(0, 0), 0, 0).await.expect("the first"), b"bytes"[..]);
        assert_eq!(world.status().await.shards, 1);
    });
}

#[test]
fn the_same_shard_stored_at_once_by_two_is_written_once() {
    run(async {
        let world = World::start(MemDisk::new()).await.expect("a fresh disk");
        let (a, b) = (world.store(key(0, 0), b"bytes"), world.store(key(0, 0), b"bytes"));
        let (a, b) = futures::join!(a, b);
        assert_eq!(a.expect("there is room"), b.expect("there is room"));
        assert_eq!(shard_files(&world.disk), 1);
        assert_eq!(world.status().await.shard_bytes, 5);
    });
}

#[test]
fn writes_that_end_together_share_a_commit() {
    run(async {
        let world = World::start(MemDisk::new()).await.expect("a fresh disk");
        world.store(key(9, 9), b"opens the index").await.expect("there is room");
        let before = world.disk.syncs();
        let stores = (0..64).map(|segment| world.store(key(segment, 0), b"bytes"));
        for stored in futures::future::join_all(stores).await {
            stored.expect("there is room");
        }
        let more = world.disk.syncs() - before - 64;
        assert!(more <= 12, "{more} syncs beside those of 64 files");
    });
}

#[test]
fn a_full_node_refuses_and_still_vouches_for_what_it_holds() {
    run(async {
        let world = World::start_with(MemDisk::new(), 100, 1).await.expect("a fresh disk");
        world.store(key(0, 0), &[1; 60]).await.expect("there is room");
        assert_eq!(world.status().await.free_bytes, 40);
        assert!(matches!(world.store(key(0, 1), &[2; 60]).await, Err(Refusal::Full { .. })));
        world.store(key(0, 0), &[1; 60]).await.expect("it is held");
        world.store(key(0, 2), &[3; 40]).await.expect("it fits exactly");
        assert_eq!(world.status().await.free_bytes, 0);
    });
}

#[test]
fn writes_under_way_count_as_stored() {
    run(async {
        let world = World::start_with(MemDisk::new(), 100, 1).await.expect("a fresh disk");
        let stores = (0..4).map(|segment| world.store(key(segment, 0), &[1; 40]));
        let stored = futures::future::join_all(stores).await;
        assert_eq!(stored.iter().filter(|stored| stored.is_ok()).count(), 2, "{stored:?}");
    });
}

#[test]
fn a_full_disk_refuses_and_loses_nothing() {
    run(async {
        let disk = MemDisk::new();
        let world = World::start(disk.clone()).await.expect("a fresh disk");
        world.store(key(0, 0), b"first").await.expect("there is room");
        disk.set_capacity(0);
        assert!(matches!(world.store(key(0, 1), b"second").await, Err(Refusal::Full { .. })));
        assert_eq!(world.status().await.free_bytes, 0);
        let note = WriteNote { shelf: Shelf::Journal, key: "n".into(), value: Some(vec![1; 1 << 20].into()) };
        let full = world.actor.send(note.clone()).await.expect("the actor runs");
        assert!(matches!(full, Err(StorageError::Disk(crate::env::DiskError::Full(_)))), "{full:?}");
        disk.set_capacity(1 << 30);
        world.actor.send(note).await.expect("the actor runs").expect("there is room again");
        assert_eq!(world.read(key(0, 0), 0, 0).await.expect("the first"), b"first"[..]);
        world.store(key(0, 1), b"second").await.expect("there is room again");
    });
}

#[test]
fn a_damaged_shard_is_not_served_and_can_be_stored_anew() {
    run(async {
        let world = World::start(MemDisk::new()).await.expect("a fresh disk");
        world.store(key(0, 0), b"bytes").await.expect("there is room");
        world.disk.rot("shards/");
        assert_eq!(world.read(key(0, 0), 4, 1).await, Err(Refusal::Damaged));
        assert!(world.events.borrow().contains(&Event::ShardDamaged { key: key(0, 0) }));
        assert_eq!(world.read(key(0, 0), 0, 0).await, Err(Refusal::NotFound));
        world.store(key(0, 0), b"bytes").await.expect("it may come again");
        assert_eq!(world.read(key(0, 0), 0, 0).await.expect("whole"), b"bytes"[..]);
        assert_eq!(world.status().await.shards, 1);
    });
}

#[test]
fn a_scrub_drops_the_damaged_the_unclaimed_and_the_orphans_and_nothing_else() {
    run(async {
        let world = World::start(MemDisk::new()).await.expect("a fresh disk");
        let (id, record) = placement(&world::identity(5), 1, 1);
        let kept = |slot| ShardKey { placement: id, segment: 0, slot };
        for slot in 0..3 {
            world.store(kept(slot), &shard(0, slot)).await.expect("there is room");
        }
        world.ask(crate::types::Ask::StorePlacement { record }, Bytes::new()).await;
        world.store(key(0, 0), b"staged").await.expect("there is room");
        let disk: &dyn crate::env::Disk = &world.disk;
        let orphan = format!("shards/{id}/0-0-{:016x}", 1);
        disk.open(&orphan, true).and_then(|file| file.write_at(0, b"torn")).expect("the disk works");
        world.disk.rot(&format!("shards/{id}/0-1-"));
        let early = world.scrub().await;
        assert_eq!(early, ScrubReport { checked: 4, damaged: 1, expired: 0, orphans: 1, unreadable: 0 });
        world.pass(limits::STAGED_TTL * 2);
        let late = world.scrub().await;
        assert_eq!(late, ScrubReport { checked: 2, damaged: 0, expired: 1, orphans: 0, unreadable: 0 });
        assert_eq!(world.read(key(0, 0), 0, 0).await, Err(Refusal::NotFound));
        assert_eq!(world.read(kept(2), 0, 0).await.expect("kept"), shard(0, 2));
        assert_eq!(shard_files(&world.disk), 2);
    });
}

#[test]
fn notes_are_kept_in_order_and_deleted() {
    run(async {
        let disk = MemDisk::new();
        let world = World::start(disk.clone()).await.expect("a fresh disk");
        let write = |shelf, key: &str, value: Option<&'static [u8]>| {
            world.actor.send(WriteNote { shelf, key: key.into(), value: value.map(Bytes::from_static) })
        };
        for (name, value) in [("b", "2"), ("a", "1"), ("c", "3")] {
            write(Shelf::Catalogue, name, Some(value.as_bytes()))
                .await
                .expect("runs")
                .expect("there is room");
        }
        write(Shelf::Journal, "a", Some(b"journal")).await.expect("runs").expect("there is room");
        write(Shelf::Catalogue, "c", None).await.expect("runs").expect("there is room");
        drop(world);
        let world = World::start(disk.after_crash(1)).await.expect("the same disk");
        let listed = world.actor.send(ListNotes(Shelf::Catalogue)).await.expect("runs").expect("works");
        assert_eq!(listed, [("a".into(), Bytes::from("1")), ("b".into(), Bytes::from("2"))]);
        let read = world.actor.send(ReadNote { shelf: Shelf::Journal, key: "a".into() }).await;
        assert_eq!(read, Ok(Ok(Some(Bytes::from("journal")))));
    });
}

#[test]
fn a_directory_of_another_version_is_refused_by_name() {
    run(async {
        for (text, says) in [
            ("holdfast storage 9\n", "data directory has format version 9, this node reads 1"),
            ("something else", "data directory is malformed: its format file names no version"),
        ] {
            let disk = MemDisk::new();
            let file = crate::env::Disk::open(&disk, "format", true).expect("works");
            file.write_at(0, text.as_bytes()).expect("works");
            let refused = World::start(disk).await.err().expect("another version");
            assert_eq!(refused.to_string(), says);
        }
    });
}

#[test]
fn a_damaged_index_is_an_error_and_no_crash() {
    run(async {
        let disk = MemDisk::new();
        World::start(disk.clone()).await.expect("fresh").store(key(0, 0), b"x").await.expect("there is room");
        let disk = disk.after_crash(0);
        let file = crate::env::Disk::open(&disk, "index.redb", false).expect("it is there");
        file.write_at(0, &[0xff; 4096]).expect("works");
        let refused = World::start(disk).await.err().expect("damaged");
        assert!(matches!(refused, StorageError::Index(_)), "{refused:?}");
    });
}

#[test]
fn the_queue_gathers_while_a_commit_is_under_way() {
    let mut queue = CommitQueue::default();
    assert!(queue.push(1), "the first starts committing");
    assert_eq!(queue.next_batch(), [1]);
    assert!(!queue.push(2) && !queue.push(3), "one commit at a time");
    assert_eq!(queue.next_batch(), [2, 3]);
    assert_eq!(queue.next_batch(), [0; 0]);
    assert!(queue.push(4), "committing had ended");
    for change in 0..limits::MAX_COMMIT_BATCH {
        queue.push(change);
    }
    assert_eq!(queue.next_batch().len(), limits::MAX_COMMIT_BATCH);
}

#[test]
fn the_record_cache_forgets_the_oldest_and_keeps_the_latest_whatever_its_size() {
    let mut cache = Recent::default();
    for number in 0..limits::RECORD_CACHE {
        cache.put(number, number, 1);
    }
    assert_eq!(cache.get(&0), Some(0));
    cache.put(1000, 1000, 1);
    assert_eq!((cache.get(&0), cache.get(&1)), (Some(0), None));
    cache.put(2000, 2000, limits::RECORD_CACHE_BYTES * 2);
    assert_eq!((cache.get(&2000), cache.get(&0)), (Some(2000), None));
}
