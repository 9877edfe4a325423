//! All direct nodes, the links between them, and every message under way.

use super::{
    Announcements, DirectNet, Key, KeySpace, Living, REPLICATION,
    exchange::{Answered, Exchange, Stage},
    size,
};
use crate::{
    NodeNumber,
    env::{
        clock::{Alarm, Time},
        rng,
    },
    links::{FlowId, Host, LinkPlan, Links},
    trace::{Delivery, Recorder},
};
use futures::{
    FutureExt,
    channel::{mpsc, oneshot},
};
use holdfast::{
    env::{Inbound, NetError},
    limits,
    types::{PeerId, PlacementId, Refusal, Request, Response, Timestamp},
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::{
    cell::{RefCell, RefMut},
    collections::{BTreeMap, HashMap},
    future::poll_fn,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

/// A connection whose other end fell silent is given up after this: libp2p-quic's idle time-out.
const LOST_AFTER: Duration = Duration::from_secs(10);
/// A connection that nobody used for this long is closed.
const IDLE: Duration = Duration::from_secs(60);

/// How a node stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Its process is dead and its host answers for it: connections are refused at once.
    Killed,
    /// Its host is off: whoever connects waits for a time-out.
    Dark,
}

#[derive(Debug)]
struct Member {
    peer: PeerId,
    key: Key,
    life: u32,
    /// `None` while it is up.
    stopped: Option<Stop>,
    inbound: Option<mpsc::Sender<Inbound>>,
    /// Requests that it has and has not answered.
    open: usize,
    /// When each peer was last spoken with, and in which of its lives.
    connections: BTreeMap<NodeNumber, (u32, Timestamp)>,
}

/// What happens to an exchange at a moment to come.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The request reaches the node asked.
    Arrive(u64),
    /// The answer, or the news that there is none, reaches the asker.
    Return(u64),
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug)]
struct Leg {
    from: NodeNumber,
    to: NodeNumber,
    step: Step,
    /// Time that passes before the message can be sent.
    delay: Duration,
}

struct State {
    links: Links,
    members: Vec<Member>,
    numbers: HashMap<PeerId, NodeNumber>,
    up: KeySpace,
    down: KeySpace,
    announcements: Announcements,
    exchanges: BTreeMap<u64, Exchange>,
    steps: BTreeMap<(Timestamp, u64), Step>,
    bulk: BTreeMap<FlowId, Leg>,
    /// Numbers exchanges and steps.
    next: u64,
    alarm: Alarm,
    rng: ChaCha8Rng,
    stale_peers: f64,
}

struct Shared {
    time: Time,
    recorder: Recorder,
    answered: Arc<Answered>,
    state: RefCell<State>,
}

/// The network of a world of direct nodes.
#[derive(Clone)]
pub struct Fabric(Rc<Shared>);

impl Fabric {
    /// An empty network.
    pub fn new(time: Time, recorder: Recorder, plan: LinkPlan, stale_peers: f64, seed: u64) -> Self {
        let state = State {
            links: Links::new(plan, seed),
            members: Vec::new(),
            numbers: HashMap::new(),
            up: KeySpace::default(),
            down: KeySpace::default(),
            announcements: Announcements::default(),
            exchanges: BTreeMap::new(),
            steps: BTreeMap::new(),
            bulk: BTreeMap::new(),
            next: 0,
            alarm: Alarm::default(),
            rng: rng::stream(seed, "dht", 0),
            stale_peers,
        };
        Self(Rc::new(Shared { time, recorder, answered: Arc::default(), state: RefCell::new(state) }))
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
            connections: BTreeMap::new(),
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
        let broken: Vec<u64> = broken.map(|(&id, _)| id).collect();
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
            self.0.answered.take(cx.waker(), &mut answered);
            let now = self.0.time.now();
            let mut state = self.state();
            for id in answered.drain(..) {
                state.answered(now, id, &self.0);
            }
            state.finish_bulk(now);
            while let Some(entry) = state.steps.first_entry() {
                if entry.key().0 > now {
                    break;
                }
                match entry.remove() {
                    Step::Arrive(id) => state.arrive(now, id, &self.0),
                    Step::Return(id) => askers.extend(state.give_back(now, id, &self.0)),
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

    pub(super) fn send(&self, from: Living, peer: PeerId, request: Request) -> u64 {
        let now = self.0.time.now();
        let mut state = self.state();
        let id = state.send(now, from, peer, request);
        self.reset_alarm(&mut state);
        id
    }

    pub(super) fn poll_exchange(&self, id: u64, cx: &mut Context<'_>) -> Poll<Result<Response, NetError>> {
        let mut state = self.state();
        let exchange = state.exchanges.get_mut(&id).expect("an exchange is kept until it is taken");
        if !matches!(exchange.stage, Stage::Done(_)) {
            match &mut exchange.asker {
                Some(asker) => asker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        }
        match state.exchanges.remove(&id).map(|exchange| exchange.stage) {
            Some(Stage::Done(outcome)) => Poll::Ready(outcome),
            _ => unreachable!("the stage was just looked at"),
        }
    }

    pub(super) fn cancel(&self, id: u64) {
        let now = self.0.time.now();
        let mut state = self.state();
        let Some(exchange) = state.exchanges.remove(&id) else { return };
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
        let state = self.state();
        let connections = &state.members[node.index()].connections;
        let open = connections.keys().filter(|&&peer| state.is_connected(now, node, peer));
        open.map(|peer| state.members[peer.index()].peer).collect()
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
        let State { announcements, members, links, .. } = &mut *state;
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
        let State { rng, stale_peers, .. } = &mut *state;
        let stale = (0..REPLICATION).filter(|_| rng.random_bool(*stale_peers)).count();
        let mut near = state.reachable_near(me.node, point, REPLICATION - stale);
        near.extend(state.down.nearest(point, stale, |node| node != me.node));
        if near.is_empty() {
            return Err(NetError::Alone);
        }
        Ok(near.into_iter().map(|node| state.members[node.index()].peer).collect())
    }

    fn reset_alarm(&self, state: &mut State) {
        if let Some(next) = state.next_step() {
            state.alarm.advance(&self.0.time, next);
        }
    }

    fn state(&self) -> RefMut<'_, State> {
        self.0.state.borrow_mut()
    }
}

impl State {
    fn send(&mut self, now: Timestamp, from: Living, peer: PeerId, request: Request) -> u64 {
        let id = self.number();
        let to = self.numbers.get(&peer).copied().filter(|&to| to != from.node);
        let living = to.map_or(from, |node| Living { node, life: self.members[node.index()].life });
        let (bytes, body) = (size::of_request(&request), request.body.len());
        let stage = Stage::Asking(request);
        self.exchanges.insert(id, Exchange { from, to: living, stage, flow: None, asker: None });
        if body > limits::MAX_SHARD {
            let why = format!("a body of {body} bytes is over the limit of {}", limits::MAX_SHARD);
            self.fail(now, Duration::ZERO, id, NetError::Protocol { peer, why });
            return id;
        }
        match to
            .ok_or((Duration::ZERO, "no address is known"))
            .and_then(|to| self.connect(now, from.node, to))
        {
            Ok(delay) => {
                let leg = Leg { from: from.node, to: living.node, step: Step::Arrive(id), delay };
                self.transmit(now, leg, bytes);
            }
            Err((delay, why)) => {
                let error = NetError::Unreachable { peer, why: why.to_owned() };
                self.fail(now, delay, id, error);
            }
        }
        id
    }

    /// How long it takes until a connection can carry a request; or after how long it fails, and why.
    fn connect(
        &mut self,
        now: Timestamp,
        from: NodeNumber,
        to: NodeNumber,
    ) -> Result<Duration, (Duration, &'static str)> {
        let connected = self.is_connected(now, from, to);
        let round_trip = self.links.latency(from, to) * 2;
        if self.links.is_apart(from, to) {
            return Err((limits::CONNECT_TIMEOUT, "timed out"));
        }
        match self.members[to.index()].stopped {
            Some(Stop::Dark) => return Err((limits::CONNECT_TIMEOUT, "timed out")),
            Some(Stop::Killed) => return Err((round_trip, "connection refused")),
            None => {}
        }
        self.touch(now, from, to);
        self.touch(now, to, from);
        let handshake = round_trip * self.links.plan().connect_round_trips;
        Ok(if connected { Duration::ZERO } else { handshake })
    }

    fn is_connected(&self, now: Timestamp, from: NodeNumber, to: NodeNumber) -> bool {
        let peer = &self.members[to.index()];
        let connection = self.members[from.index()].connections.get(&to);
        peer.stopped.is_none()
            && connection.is_some_and(|&(life, last)| life == peer.life && now.since(last) < IDLE)
    }

    /// Notes that `from` speaks with `to` now.
    fn touch(&mut self, now: Timestamp, from: NodeNumber, to: NodeNumber) {
        let life = self.members[to.index()].life;
        let connections = &mut self.members[from.index()].connections;
        connections.insert(to, (life, now));
        // Powers of two, so that looking at all of them costs little a message.
        if connections.len() > 16 && connections.len().is_power_of_two() {
            connections.retain(|_, (_, last)| now.since(*last) < IDLE);
        }
    }

    /// Sends `bytes` on their way. The delay of a bulk message comes after its transmission: it uses
    /// its share of bandwidth a handshake too early, and arrives when it should.
    fn transmit(&mut self, now: Timestamp, leg: Leg, bytes: u64) {
        if self.links.is_bulk(bytes) {
            let flow = self.links.start_bulk(now, leg.from, leg.to, bytes);
            self.bulk.insert(flow, leg);
            let (Step::Arrive(id) | Step::Return(id)) = leg.step;
            if let Some(exchange) = self.exchanges.get_mut(&id) {
                exchange.flow = Some(flow);
            }
        } else {
            let delay = self.links.small_delay(leg.from, leg.to, bytes);
            self.schedule(now + leg.delay + delay, leg.step);
        }
    }

    /// Messages whose last byte was sent still have to fly.
    fn finish_bulk(&mut self, now: Timestamp) {
        for flow in self.links.finish_bulk(now) {
            let Some(leg) = self.bulk.remove(&flow) else { continue };
            let (Step::Arrive(id) | Step::Return(id)) = leg.step;
            if let Some(exchange) = self.exchanges.get_mut(&id) {
                exchange.flow = None;
            }
            let flight = self.links.flight(leg.from, leg.to, 1);
            self.schedule(now + leg.delay + flight, leg.step);
        }
    }

    fn arrive(&mut self, now: Timestamp, id: u64, shared: &Shared) {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        let (from, to) = (exchange.from, exchange.to);
        if self.links.is_apart(from.node, to.node) {
            return self.interrupt(now, id, Some(Stop::Dark));
        }
        let member = &mut self.members[to.node.index()];
        if member.stopped.is_some() || member.life != to.life {
            let how = member.stopped.unwrap_or(Stop::Killed);
            return self.interrupt(now, id, Some(how));
        }
        let (reply, receiver) = oneshot::channel();
        let stage = std::mem::replace(&mut exchange.stage, Stage::Waiting(receiver));
        let Stage::Asking(request) = stage else {
            unreachable!("a request arrives once");
        };
        let (size, kind) = (size::of_request(&request), size::kind_of_request(&request));
        shared.recorder.delivery(now, Delivery { from: from.node, to: to.node, kind, size });
        member.open += 1;
        let busy = member.open > limits::MAX_INBOUND_REQUESTS;
        let inbound = Inbound { from: self.members[from.node.index()].peer, request, reply };
        if busy {
            // The receiver is in the exchange, which is there.
            let _ = inbound.reply.send(Refusal::Busy.into());
        } else if let Some(queue) = &mut self.members[to.node.index()].inbound {
            // It has a place for every open request. If nobody listens any more, the request is
            // dropped, which ends the exchange.
            let _ = queue.try_send(inbound);
        }
        self.answered(now, id, shared);
    }

    /// A node has one request less to answer.
    fn closed(&mut self, to: Living) {
        let member = &mut self.members[to.node.index()];
        if member.life == to.life {
            member.open -= 1;
        }
    }

    /// Looks whether the node asked has answered, or never will.
    fn answered(&mut self, now: Timestamp, id: u64, shared: &Shared) {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        let Stage::Waiting(receiver) = &mut exchange.stage else { return };
        let waker = shared.answered.waker(id);
        let (from, to) = (exchange.from.node, exchange.to);
        let Poll::Ready(answer) = receiver.poll_unpin(&mut Context::from_waker(&waker)) else { return };
        match answer {
            Err(oneshot::Canceled) => {
                let how = self.members[to.node.index()].stopped;
                self.interrupt(now, id, how);
            }
            Ok(_) if self.links.is_apart(from, to.node) => self.interrupt(now, id, Some(Stop::Dark)),
            Ok(response) => {
                let bytes = size::of_response(&response);
                exchange.stage = Stage::Answering(Ok(response));
                self.touch(now, to.node, from);
                let leg = Leg { from: to.node, to: from, step: Step::Return(id), delay: Duration::ZERO };
                self.transmit(now, leg, bytes);
            }
        }
        self.closed(to);
    }

    /// The asker has its answer; returns whom to wake.
    fn give_back(&mut self, now: Timestamp, id: u64, shared: &Shared) -> Option<Waker> {
        let exchange = self.exchanges.get_mut(&id)?;
        let placeholder = Stage::Done(Err(NetError::Stopped));
        let Stage::Answering(outcome) = std::mem::replace(&mut exchange.stage, placeholder) else {
            unreachable!("an answer returns once");
        };
        if let Ok(response) = &outcome {
            let (from, to) = (exchange.to.node, exchange.from.node);
            let (size, kind) = (size::of_response(response), size::kind_of_response(response));
            shared.recorder.delivery(now, Delivery { from, to, kind, size });
            shared.recorder.round_trip();
        }
        exchange.stage = Stage::Done(outcome);
        exchange.asker.take()
    }

    /// The exchange breaks off, with the whole connection if the node asked has stopped: the asker
    /// learns it from the other host, or gives up in the end.
    fn interrupt(&mut self, now: Timestamp, id: u64, how: Option<Stop>) {
        let Some(exchange) = self.exchanges.get(&id) else { return };
        let (from, to) = (exchange.from.node, exchange.to.node);
        let (delay, why) = match how {
            None => (self.links.flight(to, from, 1), "it ended the exchange"),
            Some(Stop::Killed) => (self.links.flight(to, from, 1), "the connection was closed"),
            Some(Stop::Dark) => (LOST_AFTER, "the connection was lost"),
        };
        let peer = self.members[to.index()].peer;
        if how.is_some() {
            self.members[from.index()].connections.remove(&to);
        }
        self.fail(now, delay, id, NetError::Interrupted { peer, why: why.to_owned() });
    }

    /// The asker learns after `delay` that there will be no answer.
    fn fail(&mut self, now: Timestamp, delay: Duration, id: u64, error: NetError) {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        exchange.stage = Stage::Answering(Err(error));
        if let Some(flow) = exchange.flow.take() {
            self.bulk.remove(&flow);
            self.links.cancel_bulk(now, flow);
        }
        self.schedule(now + delay, Step::Return(id));
    }

    /// A lookup asks one node after the other, each nearer by a factor of k: log_k(N) round trips.
    /// Returns how long that takes.
    fn begin_lookup(&mut self, now: Timestamp, from: NodeNumber) -> Result<Duration, NetError> {
        let nodes = self.up.len();
        if nodes < 2 {
            return Err(NetError::Alone);
        }
        let hops = (nodes as f64).log(REPLICATION as f64).ceil() as usize;
        let mut time = Duration::ZERO;
        for _ in 0..hops {
            let index = self.rng.random_range(0..nodes);
            let drawn = self.up.get(index);
            let hop = if drawn == from { self.up.get((index + 1) % nodes) } else { drawn };
            time += self.links.latency(from, hop) * 2;
            if !self.links.is_apart(from, hop) {
                self.touch(now, from, hop);
                self.touch(now, hop, from);
            }
        }
        Ok(time)
    }

    fn reachable_near(&self, from: NodeNumber, point: Key, limit: usize) -> Vec<NodeNumber> {
        self.up.nearest(point, limit, |node| node != from && !self.links.is_apart(from, node))
    }

    fn schedule(&mut self, at: Timestamp, step: Step) {
        let number = self.number();
        self.steps.insert((at, number), step);
    }

    fn next_step(&self) -> Option<Timestamp> {
        let step = self.steps.first_key_value().map(|(&(at, _), _)| at);
        [step, self.links.next_bulk_end()].into_iter().flatten().min()
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}
