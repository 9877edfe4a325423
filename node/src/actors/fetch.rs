//! Getting k whole shards of a segment from whoever is fastest.

use crate::{
    actors::{
        Passes,
        holders::Holders,
        peers::{PeerError, Peers},
        purse::Purse,
        race::{Race, Speeds},
    },
    env::NetError,
    types::{PeerId, PlacementId, PlacementRecord, Refusal, ShardHash, ShardKey, Signed},
};
use bytes::Bytes;
use futures::{FutureExt, StreamExt, channel::oneshot, future::LocalBoxFuture, stream::FuturesUnordered};
use std::{cell::RefCell, rc::Rc, sync::Arc, time::Duration};

/// A placement, and who holds it: what a fetch needs to know.
pub(crate) struct Located {
    pub(crate) id: PlacementId,
    pub(crate) record: PlacementRecord,
    /// The record as its owner signed it.
    pub(crate) signed: Signed<PlacementRecord>,
    pub(crate) holders: RefCell<Holders>,
    pub(crate) speeds: RefCell<Speeds>,
    /// What this reader has to show, if the placement is protected.
    pub(crate) passes: Option<Arc<Passes>>,
}

/// What one segment's fetch brought.
pub(crate) struct Fetched {
    /// At least k whole shards with their slots.
    pub(crate) shards: Vec<(u16, Bytes)>,
    /// How many were asked for.
    pub(crate) asked: u64,
}

/// Too few whole shards came.
pub(crate) struct TooFew {
    pub(crate) live: usize,
}

type Flights = FuturesUnordered<LocalBoxFuture<'static, Flight>>;

struct Flight {
    slot: u16,
    peer: PeerId,
    took: Duration,
    result: Result<Bytes, PeerError>,
}

/// Fetches k shards of a segment, hedged; without a purse only from whoever serves for nothing.
pub(crate) async fn fetch_segment(
    peers: &Peers,
    located: &Rc<Located>,
    purse: Option<&Rc<Purse>>,
    segment: u32,
) -> Result<Fetched, TooFew> {
    let sources = located.holders.borrow().sources(segment);
    let mut race = Race::new(located.record.code, sources, &located.speeds.borrow());
    let mut flights = Flights::new();
    let mut fetched = Fetched { shards: Vec::with_capacity(located.record.code.k()), asked: 0 };
    loop {
        while let Some((slot, peer)) = race.next() {
            fetched.asked += 1;
            let purse = purse.cloned();
            flights.push(fly(peers.clone(), located.clone(), purse, segment, (slot, peer)).boxed_local());
        }
        let patience = located.speeds.borrow().patience();
        let mut patience = peers.common.clock.sleep(patience).fuse();
        futures::select_biased! {
            flight = flights.next() => match flight {
                None => return Err(TooFew { live: race.count() }),
                Some(flight) => if land(located, &mut race, &mut fetched, flight) { return Ok(fetched) },
            },
            () = patience => race.hedge(),
        }
    }
}

async fn fly(
    peers: Peers,
    located: Rc<Located>,
    purse: Option<Rc<Purse>>,
    segment: u32,
    (slot, peer): (u16, PeerId),
) -> Flight {
    let started = peers.common.clock.now();
    let record = &located.record;
    let key = ShardKey { placement: located.id, segment, slot };
    let result = match record.shard_hash(segment, slot) {
        Some(hash) => {
            let shard = (key, record.shard_len(segment), hash);
            match purse {
                Some(purse) => buy(peers.clone(), located.clone(), purse, peer, shard).await,
                None => read(&peers, &located, peer, shard).await,
            }
        }
        None => Err(PeerError::Wrong { peer, why: format!("it says it holds slot {slot}, which is none") }),
    };
    Flight { slot, peer, took: peers.common.clock.now().since(started), result }
}

/// Reads a shard, and pays for it if the peer asks for that.
async fn buy(
    peers: Peers,
    located: Rc<Located>,
    purse: Rc<Purse>,
    peer: PeerId,
    shard: (ShardKey, usize, ShardHash),
) -> Result<Bytes, PeerError> {
    if !purse.has_bill(peer) {
        match read(&peers, &located, peer, shard).await {
            Err(PeerError::Refused { refusal: Refusal::PaymentNeeded(bill), .. }) => {
                purse.billed(peer, *bill).await;
            }
            done => return done,
        }
    }
    // What is paid for is read to its end though the segment has enough meanwhile, so that the purse knows that it came.
    let (came, coming) = oneshot::channel();
    let spawn = peers.common.spawn.clone();
    let task = async move {
        let len = shard.1 as u64;
        let wanted = || !came.is_canceled();
        let bought = purse.read(&peers, (peer, len), wanted, || read(&peers, &located, peer, shard)).await;
        if let Some(bought) = bought {
            // Whoever wanted it may have had enough.
            let _ = came.send(bought);
        }
    };
    spawn.local(task.boxed_local());
    let given_up = |_| Err(NetError::Interrupted { peer, why: "nobody waited for it".into() }.into());
    coming.await.unwrap_or_else(given_up)
}

/// Reads a shard; if the peer asks for a pass, shows one and reads again.
async fn read(
    peers: &Peers,
    located: &Located,
    peer: PeerId,
    (key, len, hash): (ShardKey, usize, ShardHash),
) -> Result<Bytes, PeerError> {
    let refused = match peers.read_shard(peer, key, len, hash).await {
        Err(PeerError::Refused { refusal: Refusal::PassNeeded { epoch }, .. }) => epoch,
        other => return other,
    };
    let Some(passes) = &located.passes else { return Err(PeerError::NoPass { id: located.id }) };
    passes.enter(peers, peer, (located.id, located.record.owner), refused).await?;
    peers.read_shard(peer, key, len, hash).await
}

/// Takes a shard in; true once there are enough.
fn land(located: &Located, race: &mut Race, fetched: &mut Fetched, flight: Flight) -> bool {
    match flight.result {
        Ok(bytes) => {
            located.speeds.borrow_mut().observe(flight.peer, flight.took);
            fetched.shards.push((flight.slot, bytes));
            race.arrived(flight.slot)
        }
        Err(error) => {
            tracing::debug!(slot = flight.slot, %error, "shard not fetched");
            located.speeds.borrow_mut().failed(flight.peer);
            race.failed(flight.slot);
            false
        }
    }
}
