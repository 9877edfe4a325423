//! Placement records, holdings, removals and notices.

use super::{
    super::{holdings::*, *},
    disk::MemDisk,
    world::*,
};
use crate::{
    events::Event,
    limits,
    types::{
        Answer, Ask, HeldSlot, Identity, PlacementId, ProviderRecord, Refusal, Removal, ShardKey, Signed,
        Timestamp,
    },
};
use actix::{Actor, Context, Handler};
use bytes::Bytes;
use std::{cell::RefCell, rc::Rc};

fn owner() -> Identity {
    identity(5)
}

async fn publish(world: &World, nonce: u8, created: u64) -> (PlacementId, Result<ProviderRecord, Refusal>) {
    let (id, record) = placement(&owner(), nonce, created);
    let answer = world.ask(Ask::StorePlacement { record }, Bytes::new()).await.answer;
    (id, holdings_in(answer))
}

fn holdings_in(answer: Answer) -> Result<ProviderRecord, Refusal> {
    match answer {
        Answer::Holdings(record) => Ok(record.verify().expect("its own signature")),
        Answer::Refused(refusal) => Err(refusal),
        other => panic!("{other:?} says no holdings"),
    }
}

fn key(placement: PlacementId, segment: u32, slot: u16) -> ShardKey {
    ShardKey { placement, segment, slot }
}

#[test]
fn a_record_keeps_its_shards_and_drops_those_it_does_not_name() {
    run(async {
        let world = World::start(MemDisk::new()).await.expect("a fresh disk");
        let (id, _) = placement(&owner(), 1, 1);
        world.store(key(id, 0, 0), &shard(0, 0)).await.expect("there is room");
        world.store(key(id, 1, 0), &shard(1, 0)).await.expect("there is room");
        world.store(key(id, 0, 2), &shard(0, 2)).await.expect("there is room");
        world.store(key(id, 1, 1), b"not in the record").await.expect("nobody can tell yet");
        let (_, held) = publish(&world, 1, 1).await;
        let held = held.expect("a good record");
        let slots = [HeldSlot { slot: 0, missing: vec![] }, HeldSlot { slot: 2, missing: vec![1] }];
        assert_eq!(held.slots, slots);
        assert_eq!((held.operator.as_str(), held.region.as_str()), ("op", "here"));
        assert_eq!(held.expires, held.issued + limits::PROVIDER_RECORD_TTL);
        assert!(world.events.borrow().contains(&Event::ShardDropped { key: key(id, 1, 1) }));
        let status = world.status().await;
        assert_eq!((status.shards, status.placements), (3, 1));
        assert_eq!(world.actor.send(HeldPlacements).await, Ok(Ok(vec![id])));
    });
}

#[test]
fn a_shard_that_comes_after_its_record_must_match_it() {
    run(async {
        let world = World::start(MemDisk::new()).await.expect("a fresh disk");
        let (id, held) = publish(&world, 1, 1).await;
        assert_eq!(held.expect("a good record").slots, []);
        assert!(matches!(world.store(key(id, 0, 0), &shard(0, 1)).await, Err(Refusal::Mismatch(_))));
        assert!(matches!(world.store(key(id, 2, 0), &shard(0, 1)).await, Err(Refusal::Invalid(_))));
        assert!(matches!(world.store(key(id, 0, 4), &shard(0, 1)).await, Err(Refusal::Invalid(_))));
        world.store(key(id, 0, 1), &shard(0, 1)).await.expect("as the record says");
        let held = holdings_in(world.ask(Ask::Holdings { id }, Bytes::new()).await.answer);
        assert_eq!(held.expect("known").slots, [HeldSlot { slot: 1, missing: vec![1] }]);
    });
}

#[test]
fn a_provider_that_knows_the_record_takes_one_slot_and_no_second() {
    run(async {
        let world = World::start(MemDisk::new()).await.expect("a fresh disk");
        let (id, _) = publish(&world, 1, 1).await;
        let (first, second) = (shard(0, 0), shard(0, 1));
        let both = futures::join!(world.store(key(id, 0, 0), &first), world.store(key(id, 0, 1), &second));
        assert_eq!([&both.0, &both.1].into_iter().filter(|stored| stored.is_ok()).count(), 1);
        let refused = both.0.err().or(both.1.err());
        assert!(matches!(refused, Some(Refusal::Invalid(_))), "{refused:?}");
    });
}

#[test]
fn a_shard_and_its_record_that_come_at_once_agree() {
    run(async {
        let world = World::start(MemDisk::new()).await.expect("a fresh disk");
        for nonce in 1..20 {
            let (id, _) = placement(&owner(), nonce, 1);
            let (right, wrong) = (shard(0, 0), b"not in the record");
            let good = world.store(key(id, 0, 0), &right);
            let bad = world.store(key(id, 0, 1), wrong);
            let (good, _, _) = futures::join!(good, bad, publish(&world, nonce, 1));
            good.expect("as the record says");
            assert_eq!(world.read(key(id, 0, 0), 0, 0).await.expect("kept"), shard(0, 0));
            assert_eq!(world.read(key(id, 0, 1), 0, 0).await, Err(Refusal::NotFound));
        }
        assert_eq!(world.status().await.shards, 19);
    });
}

#[test]
fn of_two_records_the_later_counts() {
    run(async {
        let world = World::start(MemDisk::new()).await.expect("a fresh disk");
        for (created, expected) in [(5, 5), (3, 5), (8, 8)] {
            let (id, held) = publish(&world, 1, created).await;
            held.expect("a good record");
            let record = world.actor.send(PlacementQuery(id)).await.expect("runs").expect("works");
            let record = record.expect("known").verify().expect("signed");
            assert_eq!(record.created, Timestamp(expected));
        }
        let records = world.disk.paths().iter().filter(|path| path.starts_with("placements/")).count();
        assert_eq!(records, 1);
    });
}

#[test]
fn the_own_record_is_signed_anew_when_half_its_time_is_over_or_holdings_changed() {
    run(async {
        let world = World::start(MemDisk::new()).await.expect("a fresh disk");
        let (id, first) = publish(&world, 1, 1).await;
        let first = first.expect("a good record");
        let ask =
            async || holdings_in(world.ask(Ask::Holdings { id }, Bytes::new()).await.answer).expect("known");
        world.pass(limits::PROVIDER_RECORD_TTL / 3);
        assert_eq!(ask().await, first);
        world.pass(limits::PROVIDER_RECORD_TTL / 3);
        assert_eq!(ask().await.issued, world.now());
        world.pass(limits::PROVIDER_RECORD_TTL / 10);
        world.store(key(id, 0, 0), &shard(0, 0)).await.expect("as the record says");
        assert_eq!(ask().await.issued, world.now());
    });
}

#[test]
fn others_that_hold_it_are_told_until_their_records_expire() {
    run(async {
        let world = World::start(MemDisk::new()).await.expect("a fresh disk");
        let (id, _) = publish(&world, 1, 1).await;
        let other = |byte, ttl| {
            let identity = identity(byte);
            let (provider, issued) = (identity.peer(), world.now());
            let record = ProviderRecord {
                provider,
                placement: id,
                slots: vec![],
                operator: String::new(),
                region: String::new(),
                issued,
                expires: issued + ttl,
            };
            Signed::new(&identity, &record)
        };
        let (short, long) = (other(11, limits::STAGED_TTL / 24), other(12, limits::STAGED_TTL));
        let records = vec![short, long.clone()];
        world.actor.send(RememberHolders { id, records }).await.expect("runs");
        world.pass(limits::STAGED_TTL / 12);
        let Answer::Placement { record, holders } =
            world.ask(Ask::ReadPlacement { id }, Bytes::new()).await.answer
        else {
            panic!("the record is here")
        };
        assert_eq!(record.verify().expect("signed").id(), id);
        assert_eq!(holders[0].verify().expect("signed").provider, world.me.peer());
        assert_eq!(holders[1..], [long]);
    });
}

#[test]
fn only_its_owner_removes_a_placement_and_nobody_brings_it_back() {
    run(async {
        let disk = MemDisk::new();
        let world = World::start(disk.clone()).await.expect("a fresh disk");
        let (id, _) = publish(&world, 1, 1).await;
        world.store(key(id, 0, 0), &shard(0, 0)).await.expect("as the record says");
        let order = |by: &Identity| {
            let order = Signed::new(by, &Removal { owner: by.peer(), placement: id });
            Ask::Remove { order }
        };
        let stranger = world.ask(order(&identity(6)), Bytes::new()).await.answer;
        assert!(matches!(stranger, Answer::Refused(Refusal::Invalid(_))), "{stranger:?}");
        assert_eq!(world.ask(order(&owner()), Bytes::new()).await.answer, Answer::Removed);
        assert_eq!(world.ask(order(&owner()), Bytes::new()).await.answer, Answer::Removed);
        drop(world);
        let world = World::start(disk.after_crash(3)).await.expect("the same disk");
        assert_eq!(world.read(key(id, 0, 0), 0, 0).await, Err(Refusal::NotFound));
        assert!(matches!(world.store(key(id, 0, 0), &shard(0, 0)).await, Err(Refusal::Invalid(_))));
        assert!(matches!(publish(&world, 1, 2).await.1, Err(Refusal::Invalid(_))));
        assert_eq!(world.status().await.shards, 0);
        world.pass(limits::REMOVAL_TTL * 2);
        world.scrub().await;
        publish(&world, 1, 2).await.1.expect("the removal is forgotten");
    });
}

#[derive(Default)]
struct Listener(Rc<RefCell<Vec<(bool, PlacementId)>>>);

impl Actor for Listener {
    type Context = Context<Self>;
}

impl Handler<PlacementHeld> for Listener {
    type Result = ();
    fn handle(&mut self, PlacementHeld(id): PlacementHeld, _: &mut Context<Self>) {
        self.0.borrow_mut().push((true, id));
    }
}

impl Handler<PlacementDropped> for Listener {
    type Result = ();
    fn handle(&mut self, PlacementDropped(id): PlacementDropped, _: &mut Context<Self>) {
        self.0.borrow_mut().push((false, id));
    }
}

#[test]
fn subscribers_hear_what_is_held_at_once_and_then_what_changes() {
    run(async {
        let world = World::start(MemDisk::new()).await.expect("a fresh disk");
        let (first, _) = publish(&world, 1, 1).await;
        world.store(key(first, 0, 0), &shard(0, 0)).await.expect("as the record says");
        let heard = Rc::new(RefCell::new(Vec::new()));
        let listener = Listener(heard.clone()).start();
        let subscribe = Subscribe { held: listener.clone().recipient(), dropped: listener.recipient() };
        world.actor.send(subscribe).await.expect("runs");
        let (second, _) = placement(&owner(), 2, 1);
        world.store(key(second, 0, 0), &shard(0, 0)).await.expect("staged");
        publish(&world, 2, 1).await.1.expect("a good record");
        world.disk.rot(&format!("shards/{first}"));
        assert_eq!(world.read(key(first, 0, 0), 0, 0).await, Err(Refusal::Damaged));
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert_eq!(*heard.borrow(), [(true, first), (true, second), (false, first)]);
    });
}

#[test]
fn held_slots_name_what_is_missing_and_stay_within_the_limit() {
    assert_eq!(held_slots(3, &[]), []);
    let held = [(0, 1), (0, 2), (1, 2), (2, 1), (2, 2)];
    let slots = [HeldSlot { slot: 1, missing: vec![1] }, HeldSlot { slot: 2, missing: vec![] }];
    assert_eq!(held_slots(3, &held), slots);
    let many: Vec<(u32, u16)> = (0..100_000).map(|segment| (segment, 1)).chain([(7, 2), (9, 3)]).collect();
    assert_eq!(held_slots(100_000, &many), [HeldSlot { slot: 1, missing: vec![] }]);
}
