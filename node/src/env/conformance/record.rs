//! What a recorder of events must do.

use crate::{
    env::Record,
    events::Event,
    types::{IntentId, PeerId, PlacementId, ShardHash, ShardKey},
};

/// Checks a recorder; `stored` tells how many [`Event::ShardStored`] it has taken notice of.
///
/// # Panics
/// With a sentence that says what is broken.
pub fn check(record: &dyn Record, peer: PeerId, stored: &dyn Fn() -> u64) {
    let before = stored();
    for _ in 0..1_000 {
        every_kind(peer).into_iter().for_each(|event| record.record(event));
    }
    let noticed = stored() - before;
    assert_eq!(noticed, 1_000, "of 1000 stored shards {noticed} were noticed");
}

fn every_kind(peer: PeerId) -> Vec<Event> {
    let placement = PlacementId::from_bytes([7; 32]);
    let intent = IntentId::from_bytes([8; 32]);
    let key = ShardKey { placement, segment: 1, slot: 2 };
    vec![
        Event::ShardStored { key, hash: ShardHash::of(b"shard"), len: 5 },
        Event::ShardServed { key, len: 5 },
        Event::ShardDamaged { key },
        Event::ShardDropped { key },
        Event::RepairStarted { placement, live: 3 },
        Event::ShardRepaired { key, holder: peer, fetched: 20, sent: 5 },
        Event::RepairEnded { placement, rebuilt: 1, failed: 0 },
        Event::ProbeEnded { placement, live: 4 },
        Event::TransactionSigned { intent, nonce: 3, bumps: 1 },
        Event::TransactionEnded { intent, success: true },
    ]
}
