//! The shell: looks at each watched placement when it falls due.

use super::{
    memory,
    messages::*,
    rebuild::rebuild,
    state::{Next, Scene, Watch},
};
use crate::{
    actors::{
        Passes, Service,
        agenda::Agenda,
        ask,
        holders::Holders,
        locate::locate,
        network::{Announce, FindHolders, FindProviders, SendRequest, Withdraw},
        peers::{PeerError, Peers},
        storage::{PlacementDropped, PlacementHeld, PlacementQuery, ReadNote, RememberHolders, WriteNote},
    },
    env::Common,
    events::Event,
    limits,
    settings::Timing,
    types::{PeerId, PlacementId, PlacementRecord, Refusal, Signed, Timestamp},
};
use actix::{Actor, Addr, Context, Handler, MessageResult, Recipient, ResponseFuture};
use futures::{FutureExt, StreamExt, stream};
use rand::RngExt;
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    rc::Rc,
    sync::Arc,
};

/// The actors that repair asks.
pub struct Neighbours {
    /// Asks a peer.
    pub send: Recipient<SendRequest>,
    /// Finds who would store.
    pub providers: Recipient<FindProviders>,
    /// Finds who holds.
    pub holders: Recipient<FindHolders>,
    /// Makes this node findable as a holder.
    pub announce: Recipient<Announce>,
    /// Makes it unfindable.
    pub withdraw: Recipient<Withdraw>,
    /// Asks this node itself as a peer would.
    pub own: Service,
    /// Reads a placement record.
    pub placement: Recipient<PlacementQuery>,
    /// Tells storage of the other holders.
    pub remember: Recipient<RememberHolders>,
    /// Writes down what is known of them.
    pub write_note: Recipient<WriteNote>,
    /// Reads it after a restart.
    pub read_note: Recipient<ReadNote>,
}

/// What every task of the actor shares.
pub(super) struct Shared {
    pub(super) common: Common,
    pub(super) peers: Peers,
    pub(super) ask: Neighbours,
    pub(super) timing: Timing,
    pub(super) rebuilt: Cell<u64>,
    watches: RefCell<BTreeMap<PlacementId, Watch>>,
    agenda: Agenda,
    under_way: Cell<u64>,
}

/// The repair actor.
pub struct RepairActor {
    shared: Rc<Shared>,
}

impl RepairActor {
    /// Starts the actor.
    pub fn start(common: Common, me: PeerId, timing: Timing, neighbours: Neighbours) -> Addr<Self> {
        let peers = Peers {
            common: common.clone(),
            me,
            network: neighbours.send.clone(),
            own: neighbours.own.clone(),
        };
        let shared = Rc::new(Shared {
            common,
            peers,
            ask: neighbours,
            timing,
            rebuilt: Cell::new(0),
            watches: RefCell::default(),
            agenda: Agenda::default(),
            under_way: Cell::new(0),
        });
        shared.common.spawn.local(shared.clone().keep_watch().boxed_local());
        Actor::start(Self { shared })
    }
}

impl Actor for RepairActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(limits::MAILBOX);
    }
}

impl Shared {
    fn now(&self) -> Timestamp {
        self.common.clock.now()
    }

    /// The usual time of the next look, earlier or later by chance.
    fn next_look(&self) -> Timestamp {
        let spread = 1.0 - limits::PROBE_JITTER..1.0 + limits::PROBE_JITTER;
        let factor: f64 = self.common.rng.generator().random_range(spread);
        self.now() + self.timing.probe_interval().mul_f64(factor)
    }

    /// Looks at what falls due, a bounded number side by side.
    async fn keep_watch(self: Rc<Self>) {
        let due = stream::unfold(self.clone(), |shared| async move {
            let id = shared.agenda.next(&*shared.common.clock).await;
            Some((id, shared))
        });
        due.for_each_concurrent(limits::LOOKS_AT_A_TIME, |id| self.clone().look(id)).await;
    }

    /// One look at a placement, and what follows from it.
    async fn look(self: Rc<Self>, id: PlacementId) {
        let Some(record) = self.placement(id).await else { return };
        if self.with_watch(id, |watch| watch.must_recall()) == Some(true) {
            let earlier = memory::recall(&self, id).await;
            let now = self.now();
            self.with_watch(id, |watch| watch.recall(earlier, now));
        }
        let Some(search) = self.with_watch(id, |watch| watch.must_search()) else { return };
        self.ask_holders(id, search).await;
        let mut next = self.decide(id, &record);
        if next == Some(Next::Repair) && !search {
            self.ask_holders(id, true).await;
            next = self.decide(id, &record);
        }
        if next == Some(Next::Repair) {
            self.repair(id).await;
            next = self.with_watch(id, |watch| {
                watch.repaired(record.code, record.segments());
                Next::Rest
            });
        }
        let (now, grace) = (self.now(), self.timing.holder_grace());
        if let Some(learnt) = self.with_watch(id, |watch| watch.memory(now, grace)).flatten() {
            memory::write_down(&self, id, &learnt).await;
        }
        match next {
            Some(Next::Wait(turn)) => drop(self.agenda.schedule(id, turn)),
            Some(_) => drop(self.agenda.schedule(id, self.next_look())),
            None => {}
        }
    }

    /// The record of a placement this node holds part of.
    async fn placement(&self, id: PlacementId) -> Option<PlacementRecord> {
        match ask(&self.ask.placement, PlacementQuery(id)).await {
            Ok(Some(signed)) => signed.decode_unverified().ok(),
            Ok(None) => None,
            Err(error) => {
                tracing::warn!(%id, %error, "placement record not readable; trying again later");
                self.agenda.schedule(id, self.next_look());
                None
            }
        }
    }

    fn with_watch<T>(&self, id: PlacementId, act: impl FnOnce(&mut Watch) -> T) -> Option<T> {
        self.watches.borrow_mut().get_mut(&id).map(act)
    }

    fn decide(&self, id: PlacementId, record: &PlacementRecord) -> Option<Next> {
        let scene = Scene {
            id,
            code: record.code,
            segments: record.segments(),
            now: self.now(),
            grace: self.timing.holder_grace(),
            stagger: self.timing.repair_stagger(),
        };
        let (next, live) = self.with_watch(id, |watch| {
            let live = watch.holders().min_live(scene.code, scene.segments);
            (watch.decide(&self.peers.me, &scene), live)
        })?;
        self.common.record.record(Event::ProbeEnded { placement: id, live: live as u16 });
        Some(next)
    }

    /// Asks every known holder, and after a search of the DHT the new ones, what they hold.
    async fn ask_holders(&self, id: PlacementId, search: bool) {
        let mut known: BTreeSet<PeerId> =
            self.with_watch(id, |watch| watch.known()).into_iter().flatten().collect();
        known.insert(self.peers.me);
        if search {
            let wish = FindHolders { id, limit: limits::MAX_HOLDERS_ASKED };
            known.extend(ask(&self.ask.holders, wish).await.unwrap_or_default());
        }
        let mut answers = stream::iter(known)
            .map(|peer| async move { (peer, self.peers.holdings(peer, id).await) })
            .buffer_unordered(limits::PROBES_AT_A_TIME);
        let mut records = Vec::new();
        while let Some((peer, answer)) = answers.next().await {
            let (now, grace) = (self.now(), self.timing.holder_grace());
            self.with_watch(id, |watch| match answer {
                Ok((record, signed)) => {
                    watch.answered(record, now);
                    records.push(signed);
                }
                Err(PeerError::Refused { refusal: Refusal::NotFound, .. } | PeerError::Wrong { .. }) => {
                    watch.denied(&peer);
                }
                Err(_) => watch.silent(&peer, now, grace),
            });
        }
        self.with_watch(id, Watch::looked);
        ask(&self.ask.remember, RememberHolders { id, records }).await;
    }

    async fn repair(&self, id: PlacementId) {
        let Some(holders) = self.with_watch(id, |watch| watch.holders().clone()) else { return };
        // The very bytes the owner signed go to the new holders.
        let signed: Option<Signed<PlacementRecord>> =
            ask(&self.ask.placement, PlacementQuery(id)).await.ok().flatten();
        let Some(signed) = signed else { return };
        self.rebuild(id, signed, holders, &[], None).await;
    }

    /// Rebuilds what `holders` lack, and takes note of who holds it now.
    async fn rebuild(
        &self,
        id: PlacementId,
        signed: Signed<PlacementRecord>,
        holders: Holders,
        except: &[PeerId],
        passes: Option<Arc<Passes>>,
    ) -> Holders {
        let mut now_held = Holders::default();
        self.under_way.set(self.under_way.get() + 1);
        for (record, signed) in rebuild(self, id, signed, holders, except, passes).await {
            let now = self.now();
            now_held.insert(record.clone());
            self.with_watch(id, |watch| watch.answered(record, now));
            ask(&self.ask.remember, RememberHolders { id, records: vec![signed] }).await;
        }
        self.under_way.set(self.under_way.get() - 1);
        now_held
    }

    /// Who holds a slot beside those that do not, after a repair if nobody did.
    async fn refill(&self, Refill { id, slot, without, passes }: Refill) -> Option<PeerId> {
        let located = locate(&self.peers, &self.ask.holders, id, None).await.ok()??;
        let mut holders = located.holders.borrow().clone();
        without.iter().for_each(|peer| holders.remove(peer));
        if let Some(holder) = holders.holder(slot) {
            return Some(holder);
        }
        self.rebuild(id, located.signed.clone(), holders, &without, passes).await.holder(slot)
    }
}

impl Handler<PlacementHeld> for RepairActor {
    type Result = ();

    fn handle(&mut self, PlacementHeld(id): PlacementHeld, _: &mut Self::Context) {
        let watch = Watch::new(self.shared.now());
        let mut watches = self.shared.watches.borrow_mut();
        if let Entry::Vacant(vacant) = watches.entry(id) {
            vacant.insert(watch);
            self.shared.agenda.schedule(id, self.shared.next_look());
            self.shared.ask.announce.do_send(Announce(id));
        }
    }
}

impl Handler<PlacementDropped> for RepairActor {
    type Result = ();

    fn handle(&mut self, PlacementDropped(id): PlacementDropped, _: &mut Self::Context) {
        self.shared.watches.borrow_mut().remove(&id);
        self.shared.agenda.cancel(id);
        let shared = self.shared.clone();
        self.shared.common.spawn.local(async move { memory::forget(&shared, id).await }.boxed_local());
        self.shared.ask.withdraw.do_send(Withdraw(id));
    }
}

impl Handler<Refill> for RepairActor {
    type Result = ResponseFuture<Option<PeerId>>;

    fn handle(&mut self, refill: Refill, _: &mut Self::Context) -> Self::Result {
        let shared = self.shared.clone();
        async move { shared.refill(refill).await }.boxed_local()
    }
}

impl Handler<RepairStatusQuery> for RepairActor {
    type Result = MessageResult<RepairStatusQuery>;

    fn handle(&mut self, _: RepairStatusQuery, _: &mut Self::Context) -> Self::Result {
        MessageResult(RepairStatus {
            watched: self.shared.watches.borrow().len() as u64,
            under_way: self.shared.under_way.get(),
            rebuilt: self.shared.rebuilt.get(),
        })
    }
}
