//! Peers that lie: about what they hold, what they stored, and with the bytes they send. Honest nodes notice, ask
//! others, and nothing is lost.

mod support;

use futures::{
    FutureExt, SinkExt, StreamExt,
    channel::{mpsc, oneshot},
    future::LocalBoxFuture,
};
use holdfast::{
    env::{Dht, Env, Inbound, Net, NetError, Spawn},
    events::Event,
    node::{Keys, Node},
    settings::Settings,
    types::{
        Answer, Ask, HeldSlot, PeerId, PlacementId, PlacementRecord, ProviderRecord, Receipt, Refusal,
        Request, Response, ShardHash, Signed, SlotRoot,
    },
};
use holdfast_proofs::{field::Fr, tree::CELL_BYTES};
use holdfast_sim::NodeNumber;
use std::{
    collections::BTreeSet,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use support::*;

/// Of the nodes, those that start first are liars.
const LIARS: usize = 3;
const NODES: u32 = 12;
const SEGMENTS: u32 = 4;
const SEEDS: u64 = 8;

/// How a peer turns its honest answer into a lie; `None` leaves it.
type Lie = fn(&Keys, &Ask, &Response) -> Option<Response>;

/// The network of a peer that answers with lies, and is honest otherwise.
struct Lying {
    net: Rc<dyn Net>,
    keys: Keys,
    lie: Lie,
    told: Arc<AtomicUsize>,
    spawn: Rc<dyn Spawn>,
}

impl Dht for Lying {
    fn announce(&self, id: PlacementId) -> LocalBoxFuture<'static, Result<(), NetError>> {
        self.net.announce(id)
    }
    fn withdraw(&self, id: PlacementId) {
        self.net.withdraw(id);
    }
    fn find_holders(
        &self,
        id: PlacementId,
        limit: usize,
    ) -> LocalBoxFuture<'static, Result<Vec<PeerId>, NetError>> {
        self.net.find_holders(id, limit)
    }
    fn closest(&self, point: [u8; 32]) -> LocalBoxFuture<'static, Result<Vec<PeerId>, NetError>> {
        self.net.closest(point)
    }
}

impl Net for Lying {
    fn local_peer(&self) -> PeerId {
        self.net.local_peer()
    }
    fn request(&self, peer: PeerId, request: Request) -> LocalBoxFuture<'static, Result<Response, NetError>> {
        self.net.request(peer, request)
    }
    fn connected(&self) -> Vec<PeerId> {
        self.net.connected()
    }
    fn listen_addresses(&self) -> Vec<String> {
        self.net.listen_addresses()
    }
    fn inbound(&self) -> mpsc::Receiver<Inbound> {
        let (mut forward, inbound) = mpsc::channel(64);
        let mut honest = self.net.inbound();
        let (keys, lie, told, spawn) = (self.keys.clone(), self.lie, self.told.clone(), self.spawn.clone());
        let serve = async move {
            while let Some(Inbound { from, request, reply }) = honest.next().await {
                let (to_us, answered) = oneshot::channel();
                let (ask, keys, told) = (request.ask.clone(), keys.clone(), told.clone());
                let tell = async move {
                    let Ok(answer) = answered.await else { return };
                    let lied = lie(&keys, &ask, &answer);
                    told.fetch_add(usize::from(lied.is_some()), Ordering::Relaxed);
                    let _ = reply.send(lied.unwrap_or(answer));
                };
                spawn.local(tell.boxed_local());
                if forward.send(Inbound { from, request, reply: to_us }).await.is_err() {
                    return;
                }
            }
        };
        self.spawn.local(serve.boxed_local());
        inbound
    }
}

/// A flipped bit in every shard.
fn wrong_bytes(_: &Keys, ask: &Ask, answer: &Response) -> Option<Response> {
    matches!((ask, &answer.answer), (Ask::ReadShard { .. }, Answer::Shard)).then(|| {
        let mut body = answer.body.to_vec();
        let middle = body.len() / 2;
        body[middle] ^= 1;
        Response { answer: Answer::Shard, body: body.into() }
    })
}

/// Half of every shard.
fn half_the_bytes(_: &Keys, ask: &Ask, answer: &Response) -> Option<Response> {
    matches!((ask, &answer.answer), (Ask::ReadShard { .. }, Answer::Shard))
        .then(|| Response { answer: Answer::Shard, body: answer.body.slice(..answer.body.len() / 2) })
}

/// Shards that it signed for and claims to hold are not there when they are asked for.
fn dropped_shards(_: &Keys, ask: &Ask, _: &Response) -> Option<Response> {
    matches!(ask, Ask::ReadShard { .. }).then(|| Refusal::NotFound.into())
}

/// An answer of another kind.
fn another_answer(_: &Keys, ask: &Ask, _: &Response) -> Option<Response> {
    matches!(ask, Ask::ReadShard { .. }).then(|| Answer::Removed.into())
}

/// Every slot of whatever it is asked for, whole.
fn holds_everything(keys: &Keys, ask: &Ask, answer: &Response) -> Option<Response> {
    let all = |record: &Signed<ProviderRecord>| {
        let mut record = record.decode_unverified().expect("an honest node signed it");
        record.slots = (0..5).map(|slot| HeldSlot { slot, missing: Vec::new() }).collect();
        Signed::new(&keys.peer, &record)
    };
    match (ask, &answer.answer) {
        (Ask::Holdings { .. }, Answer::Holdings(record)) => Some(Answer::Holdings(all(record)).into()),
        (Ask::ReadPlacement { .. }, Answer::Placement { record, holders }) => {
            let holders = vec![all(&holders[0])];
            Some(Answer::Placement { record: record.clone(), holders }.into())
        }
        _ => None,
    }
}

/// A placement record of its own making, under its own signature.
fn another_record(keys: &Keys, ask: &Ask, answer: &Response) -> Option<Response> {
    match (ask, &answer.answer) {
        (Ask::ReadPlacement { .. }, Answer::Placement { record, holders }) => {
            let mut record: PlacementRecord = record.decode_unverified().expect("its owner signed it");
            record.owner = keys.owner.peer();
            record.shard_hashes.iter_mut().for_each(|hash| *hash = ShardHash::of(b"mine"));
            let record = Signed::new(&keys.owner, &record);
            Some(Answer::Placement { record, holders: holders.clone() }.into())
        }
        _ => None,
    }
}

/// A receipt for bytes that nobody sent.
fn wrong_receipts(keys: &Keys, ask: &Ask, answer: &Response) -> Option<Response> {
    match (ask, &answer.answer) {
        (Ask::StoreShard { .. }, Answer::ShardStored(receipt)) => {
            let mut receipt: Receipt = receipt.decode_unverified().expect("an honest node signed it");
            receipt.hash = ShardHash::of(b"others");
            Some(Answer::ShardStored(Signed::new(&keys.peer, &receipt)).into())
        }
        _ => None,
    }
}

/// A receipt in the name of another provider.
fn forged_receipts(keys: &Keys, ask: &Ask, answer: &Response) -> Option<Response> {
    match (ask, &answer.answer) {
        (Ask::StoreShard { .. }, Answer::ShardStored(receipt)) => {
            let mut receipt: Receipt = receipt.decode_unverified().expect("an honest node signed it");
            receipt.provider = keys.owner.peer();
            Some(Answer::ShardStored(Signed::new(&keys.owner, &receipt)).into())
        }
        _ => None,
    }
}

/// Another root than its tree's.
fn wrong_root(_: &Keys, ask: &Ask, answer: &Response) -> Option<Response> {
    match (ask, &answer.answer) {
        (Ask::ClaimRoot { .. }, Answer::RootClaimed { levels, length, root }) => {
            let root = SlotRoot(root.0 + Fr::from(1));
            Some(Answer::RootClaimed { levels: *levels, length: *length, root }.into())
        }
        _ => None,
    }
}

/// A root of a slot of another length.
fn wrong_length(_: &Keys, ask: &Ask, answer: &Response) -> Option<Response> {
    match (ask, &answer.answer) {
        (Ask::ClaimRoot { .. }, Answer::RootClaimed { levels, length, root }) => {
            Some(Answer::RootClaimed { levels: *levels, length: length + 1, root: *root }.into())
        }
        _ => None,
    }
}

/// One bit of one cell differs.
fn wrong_cells(_: &Keys, ask: &Ask, answer: &Response) -> Option<Response> {
    matches!((ask, &answer.answer), (Ask::ShowCells { .. }, Answer::Cells)).then(|| {
        let mut body = answer.body.to_vec();
        body[1_000] ^= 1;
        Response { answer: Answer::Cells, body: body.into() }
    })
}

/// Cells without their paths.
fn no_paths(_: &Keys, ask: &Ask, answer: &Response) -> Option<Response> {
    matches!((ask, &answer.answer), (Ask::ShowCells { .. }, Answer::Cells))
        .then(|| Response { answer: Answer::Cells, body: answer.body.slice(..2 * CELL_BYTES) })
}

/// No root, ever.
fn never_a_root(_: &Keys, ask: &Ask, _: &Response) -> Option<Response> {
    matches!(ask, Ask::ClaimRoot { .. }).then(|| Refusal::Busy.into())
}

/// Starts liars first, and then honest nodes.
fn boot(
    lie: Lie,
    told: Arc<AtomicUsize>,
    liars: Arc<Mutex<Vec<PeerId>>>,
) -> impl Fn(Env, Keys, Settings) -> Booted {
    move |mut env, keys, settings| {
        let mut liars = liars.lock().expect("no test panicked");
        if liars.len() < LIARS {
            liars.push(keys.peer.peer());
            let (net, spawn) = (env.net, env.common.spawn.clone());
            env.net = Rc::new(Lying { net, keys: keys.clone(), lie, told: told.clone(), spawn });
        }
        Node::start(env, keys, settings).boxed_local()
    }
}

/// Puts a file among liars and fetches it through every node, in some worlds; returns in how many worlds a liar
/// came to hold something.
fn worlds_in_which_liars_hold(lie: Lie) -> usize {
    let told = Arc::new(AtomicUsize::new(0));
    let hold = |seed| {
        let liars = Arc::new(Mutex::new(Vec::new()));
        in_world_of(DIRECT, seed, NODES, boot(lie, told.clone(), liars.clone()), async move |cluster| {
            let bytes = pattern(100_000 * SEGMENTS);
            let report =
                put(&cluster, NodeNumber(NODES - 1), bytes.clone()).await.expect("the file is stored");
            for reader in 0..NODES {
                let back = get(&cluster, NodeNumber(reader), &report.link).await.expect("it comes back");
                assert!(back == bytes, "through node {reader}");
            }
            let liars = liars.lock().expect("no boot panicked").clone();
            let is_liar = |node: &NodeNumber| liars.contains(&cluster.peer(*node).expect("it exists"));
            holders(&cluster).await.iter().any(is_liar)
        })
    };
    let holding = (1..=SEEDS).filter(|seed| hold(*seed)).count();
    assert!(told.load(Ordering::Relaxed) > 0, "nobody lied: this test would see nothing");
    holding
}

#[test]
fn wrong_bytes_are_fetched_from_others() {
    assert!(worlds_in_which_liars_hold(wrong_bytes) > 0);
}

#[test]
fn half_a_shard_is_fetched_from_others() {
    assert!(worlds_in_which_liars_hold(half_the_bytes) > 0);
}

#[test]
fn shards_that_are_only_claimed_are_fetched_from_others() {
    assert!(worlds_in_which_liars_hold(dropped_shards) > 0);
}

#[test]
fn an_answer_to_another_question_is_no_shard() {
    assert!(worlds_in_which_liars_hold(another_answer) > 0);
}

#[test]
fn who_claims_everything_hides_nobody() {
    assert!(worlds_in_which_liars_hold(holds_everything) > 0);
}

#[test]
fn a_record_of_another_owner_is_not_believed() {
    assert!(worlds_in_which_liars_hold(another_record) > 0);
}

#[test]
fn a_receipt_for_other_bytes_stores_nothing() {
    assert_eq!(worlds_in_which_liars_hold(wrong_receipts), 0);
}

#[test]
fn a_receipt_in_another_s_name_stores_nothing() {
    assert_eq!(worlds_in_which_liars_hold(forged_receipts), 0);
}

/// Puts files among liars until one of these has held a slot: its owner refuses it, gives the slot to another, and
/// signs the roots of all slots.
fn owners_refuse(lie: Lie) {
    let told = Arc::new(AtomicUsize::new(0));
    let lied = told.clone();
    let refused = move |seed| {
        let liars = Arc::new(Mutex::new(Vec::new()));
        let boot = boot(lie, lied.clone(), liars.clone());
        in_world_with(proving(), seed, NODES, boot, async move |cluster| {
            let refused = Arc::new(Mutex::new(BTreeSet::new()));
            let seen = refused.clone();
            cluster.recorder().subscribe(Box::new(move |_, _, event| {
                if let Event::RootRefused { provider, .. } = event {
                    seen.lock().expect("no test panicked").insert(*provider);
                }
            }));
            let (owner, bytes) = (NodeNumber(NODES - 1), pattern(100_000 * SEGMENTS));
            let report = put(&cluster, owner, bytes.clone()).await.expect("the file is stored");
            let state = roots(&cluster, owner, report.placement).await;
            assert_eq!((state.slots, state.signed), (5, 5));
            let liars = liars.lock().expect("no boot panicked").clone();
            let refused = refused.lock().expect("no test panicked").clone();
            assert!(refused.iter().all(|peer| liars.contains(peer)), "an honest provider was refused");
            assert!(get(&cluster, NodeNumber(NODES - 2), &report.link).await.expect("it is there") == bytes);
            !refused.is_empty()
        })
    };
    assert!((1..=SEEDS).any(refused), "no liar was refused");
    assert!(told.load(Ordering::Relaxed) > 0, "nobody lied: this test would see nothing");
}

#[test]
fn a_wrong_root_is_not_signed_and_its_slot_goes_to_another() {
    owners_refuse(wrong_root);
}

#[test]
fn a_root_of_another_length_is_not_signed_and_its_slot_goes_to_another() {
    owners_refuse(wrong_length);
}

#[test]
fn who_shows_wrong_cells_does_not_hold_the_slot() {
    owners_refuse(wrong_cells);
}

#[test]
fn who_shows_cells_without_paths_does_not_hold_the_slot() {
    owners_refuse(no_paths);
}

#[test]
fn who_never_claims_a_root_does_not_hold_the_slot() {
    owners_refuse(never_a_root);
}
