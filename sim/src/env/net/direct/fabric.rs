//! The network of direct nodes: the clock, the lock and the wakers around [`Traffic`].

use super::{
    connections::Connections,
    dht::{Key, Living, REPLICATION},
    exchange::Stage,
    net::DirectNet,
    table::TableKey,
    traffic::{Member, Observers, Step, Traffic},
};
use crate::{
    NodeNumber,
    env::{clock::Time, net::Stop},
    links::{Host, LinkPlan, Links},
    trace::Recorder,
};
use futures::channel::mpsc;
use holdfast::{
    env::NetError,
    limits,
    types::{PeerId, PlacementId, Request, Response},
};
use rand::RngExt;
use std::{
    cell::{RefCell, RefMut},
    future::poll_fn,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

struct Shared {
    time: Time,
    observers: Observers,
    traffic: RefCell<Traffic>,
}

/// The network of a world of direct nodes.
#[derive(Clone)]
pub struct Fabric(Rc<Shared>);

impl Fabric {
    /// An empty network.
    pub fn new(time: Time, recorder: Recorder, plan: LinkPlan, stale_peers: f64, seed: u64) -> Self {
        let observers = Observers { recorder, answered: Arc::default() };
        let traffic = RefCell::new(Traffic::new(plan, stale_peers, seed));
        Self(Rc::new(Shared { time, observers, traffic }))
    }

    /// Adds a node, which is down; numbers are given in order.
    pub fn add(&self, peer: PeerId, host: Host) -> NodeNumber {
        let mut state = self.state();
        let node = NodeNumber(state.members.len() as u32);
        state.links.add(host);
        state.numbers.insert(peer, node);
        state.members.push(Member {
            peer,
            key: Key::of(&peer.to_bytes()),
            life: 0,
            stopped: Some(Stop::Dark),
            inbound: None,
            open: 0,
            connections: Connections::default(),
        });
        node
    }

    /// Brings a node up in its `life`-th life.
    pub fn start(&self, node: NodeNumber, life: u32) -> DirectNet {
        let (sender, receiver) = mpsc::channel(limits::MAX_INBOUND_REQUESTS);
        let mut state = self.state();
        let member = &mut state.members[node.index()];
        member.life = life;
        member.stopped = None;
        member.inbound = Some(sender);
        member.open = 0;
        let (key, peer) = (member.key, member.peer);
        state.down.remove(key, node);
        state.up.insert(key, node);
        DirectNet {
            fabric: self.clone(),
            time: self.0.time.clone(),
            me: Living { node, life },
            peer,
            inbound: RefCell::new(Some(receiver)),
        }
    }

    /// Takes a node down.
    pub fn stop(&self, node: NodeNumber, how: Stop) {
        let now = self.0.time.now();
        let mut state = self.state();
        let member = &mut state.members[node.index()];
        member.stopped = Some(how);
        member.inbound = None;
        member.connections.clear();
        let key = member.key;
        state.up.remove(key, node);
        state.down.insert(key, node);
        let broken = state.exchanges.iter().filter(|(_, e)| e.to.node == node && e.flow.is_some());
        let broken: Vec<TableKey> = broken.map(|(id, _)| id).collect();
        for id in broken {
            state.interrupt(now, id, Some(how));
        }
        self.reset_alarm(&mut state);
    }

    /// The links, to cut, heal and inspect.
    pub fn links<T>(&self, with: impl FnOnce(&mut Links) -> T) -> T {
        with(&mut self.state().links)
    }

    /// Moves messages for as long as it is polled: the task that makes this network go.
    pub async fn drive(self) {
        let (mut answered, mut askers) = (Vec::new(), Vec::new());
        poll_fn(|cx| {
            self.0.observers.answered.take(cx.waker(), &mut answered);
            let now = self.0.time.now();
            let mut state = self.state();
            for id in answered.drain(..) {
                state.answered(now, id, &self.0.observers);
            }
            state.finish_bulk(now);
            while let Some(step) = state.take_due(now) {
                match step {
                    Step::Arrive(id) => state.arrive(now, id, &self.0.observers),
                    Step::Return(id) => askers.extend(state.give_back(now, id, &self.0.observers)),
                }
            }
            let next = state.next_step();
            state.alarm.reset(&self.0.time, cx.waker(), next);
            drop(state);
            askers.drain(..).for_each(Waker::wake);
            Poll::<()>::Pending
        })
        .await;
    }

    pub(super) fn send(&self, from: Living, peer: PeerId, request: Request) -> TableKey {
        let now = self.0.time.now();
        let mut state = self.state();
        let id = state.send(now, from, peer, request);
        self.reset_alarm(&mut state);
        id
    }

    pub(super) fn poll_exchange(
        &self,
        id: TableKey,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response, NetError>> {
        let mut state = self.state();
        let exchange = state.exchanges.get_mut(id).expect("an exchange is kept until it is taken");
        if !matches!(exchange.stage, Stage::Done(_)) {
            match &mut exchange.asker {
                Some(asker) => asker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        }
        match state.exchanges.remove(id).map(|exchange| exchange.stage) {
            Some(Stage::Done(outcome)) => Poll::Ready(outcome),
            _ => unreachable!("the stage was just looked at"),
        }
    }

    pub(super) fn cancel(&self, id: TableKey) {
        let now = self.0.time.now();
        let mut state = self.state();
        let Some(exchange) = state.exchanges.remove(id) else { return };
        if matches!(exchange.stage, Stage::Waiting(_)) {
            state.closed(exchange.to);
        }
        if let Some(flow) = exchange.flow {
            state.bulk.remove(&flow);
            state.links.cancel_bulk(now, flow);
        }
        self.reset_alarm(&mut state);
        drop(state);
        // What the exchange holds may wake others, who may come back here.
        drop(exchange);
    }

    pub(super) fn connected(&self, node: NodeNumber) -> Vec<PeerId> {
        let now = self.0.time.now();
        self.state().connected(now, node)
    }

    pub(super) fn begin_lookup(&self, from: NodeNumber) -> Result<Duration, NetError> {
        let now = self.0.time.now();
        self.state().begin_lookup(now, from)
    }

    pub(super) fn announce(&self, me: Living, id: PlacementId) {
        let now = self.0.time.now();
        let mut state = self.state();
        let near = state.reachable_near(me.node, Key::of(id.as_bytes()), REPLICATION);
        let keepers = near.iter().map(|&node| Living { node, life: state.members[node.index()].life });
        let keepers = keepers.collect();
        state.announcements.announce(now, id, me.node, keepers, now + limits::ANNOUNCE_TTL);
    }

    pub(super) fn find_holders(&self, me: Living, id: PlacementId, limit: usize) -> Vec<PeerId> {
        let now = self.0.time.now();
        let mut state = self.state();
        let Traffic { announcements, members, links, .. } = &mut *state;
        let mut found = announcements.providers(now, id, |keeper| {
            let member = &members[keeper.node.index()];
            member.stopped.is_none() && member.life == keeper.life && !links.is_apart(me.node, keeper.node)
        });
        found.retain(|&node| node != me.node);
        found.truncate(limit);
        found.into_iter().map(|node| state.members[node.index()].peer).collect()
    }

    pub(super) fn closest(&self, me: Living, point: Key) -> Result<Vec<PeerId>, NetError> {
        let mut state = self.state();
        let Traffic { rng, stale_peers, .. } = &mut *state;
        let stale = (0..REPLICATION).filter(|_| rng.random_bool(*stale_peers)).count();
        let mut near = state.reachable_near(me.node, point, REPLICATION - stale);
        near.extend(state.down.nearest(point, stale, |node| node != me.node));
        if near.is_empty() {
            return Err(NetError::Alone);
        }
        Ok(near.into_iter().map(|node| state.members[node.index()].peer).collect())
    }

    fn reset_alarm(&self, state: &mut Traffic) {
        if let Some(next) = state.next_step() {
            state.alarm.advance(&self.0.time, next);
        }
    }

    fn state(&self) -> RefMut<'_, Traffic> {
        self.0.traffic.borrow_mut()
    }
}
