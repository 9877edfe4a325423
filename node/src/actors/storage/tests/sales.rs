//! Reads that are sold.

use super::{super::*, disk::MemDisk, world::*};
use crate::{
    actors::market::{Charge, Refund},
    limits,
    types::{PlacementId, ProviderRecord, Refusal, ShardKey, Signed},
};
use actix::{Actor, Context, Handler};
use std::{cell::Cell, rc::Rc};

/// Has so many bytes paid.
struct Paid(Rc<Cell<u64>>);

impl Actor for Paid {
    type Context = Context<Self>;
}

impl Handler<Charge> for Paid {
    type Result = Result<(), Refusal>;
    fn handle(&mut self, Charge { peer, bytes }: Charge, _: &mut Self::Context) -> Self::Result {
        assert_eq!(peer, identity(9).peer());
        self.0.set(self.0.get().checked_sub(bytes).ok_or(Refusal::Full { free_bytes: self.0.get() })?);
        Ok(())
    }
}

impl Handler<Refund> for Paid {
    type Result = ();
    fn handle(&mut self, Refund { bytes, .. }: Refund, _: &mut Self::Context) {
        self.0.set(self.0.get() + bytes);
    }
}

#[test]
fn others_than_holders_pay_for_whole_shards_and_get_back_what_they_could_not_read() {
    run(async {
        let disk = MemDisk::new();
        let world = World::start(disk.clone()).await.expect("a fresh disk");
        let id = PlacementId::from_bytes([3; 32]);
        let [key, absent] = [0, 1].map(|segment| ShardKey { placement: id, segment, slot: 0 });
        world.store(key, &[1; 100]).await.expect("there is room");
        let paid = Rc::new(Cell::new(250));
        let till = Paid(paid.clone()).start();
        let (charge, refund) = (till.clone().recipient(), till.recipient());
        world.actor.send(SellReads { charge, refund }).await.expect("runs");
        assert_eq!(world.read(key, 0, 0).await.expect("it is paid").len(), 100);
        assert_eq!((world.read(key, 0, 1).await.expect("it is paid").len(), paid.get()), (1, 50));
        assert_eq!(world.read(key, 0, 1).await, Err(Refusal::Full { free_bytes: 50 }));
        assert_eq!(world.read(absent, 0, 0).await, Err(Refusal::NotFound));
        paid.set(100);
        assert!(matches!(world.read(key, 99, 2).await, Err(Refusal::Invalid(_))));
        assert_eq!(paid.get(), 100, "what is not there costs nothing");
        disk.rot("shards/");
        assert_eq!((world.read(key, 0, 0).await, paid.get()), (Err(Refusal::Damaged), 100));
    });
}

#[test]
fn a_holder_reads_for_nothing() {
    run(async {
        let world = World::start(MemDisk::new()).await.expect("a fresh disk");
        let id = PlacementId::from_bytes([3; 32]);
        let key = ShardKey { placement: id, segment: 0, slot: 0 };
        world.store(key, &[1; 100]).await.expect("there is room");
        let till = Paid(Rc::default()).start();
        let (charge, refund) = (till.clone().recipient(), till.recipient());
        world.actor.send(SellReads { charge, refund }).await.expect("runs");
        assert!(world.read(key, 0, 0).await.is_err(), "nothing is paid");
        let issued = world.now();
        let record = ProviderRecord {
            provider: identity(9).peer(),
            placement: id,
            slots: vec![],
            operator: String::new(),
            region: String::new(),
            issued,
            expires: issued + limits::STAGED_TTL,
        };
        let records = vec![Signed::new(&identity(9), &record)];
        world.actor.send(RememberHolders { id, records }).await.expect("runs");
        assert_eq!(world.read(key, 0, 0).await.expect("it may have to repair").len(), 100);
        world.pass(limits::STAGED_TTL * 2);
        assert!(world.read(key, 0, 0).await.is_err(), "its record has expired");
    });
}
