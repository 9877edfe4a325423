//! Members of a direct network and the messages between them: what happens when. Its caller holds the
//! clock and wakes whom it is told to.

use super::{
    connections::Connections,
    dht::{Announcements, Key, KeySpace, Living, REPLICATION},
    exchange::{Answered, Exchange, Stage},
    size,
    table::{Table, TableKey},
};
use crate::{
    NodeNumber,
    env::{
        clock::Alarm,
        net::{LOST_AFTER, Stop},
        rng,
    },
    links::{FlowId, LinkPlan, Links},
    trace::{Delivery, Recorder},
};
use futures::{
    FutureExt,
    channel::{mpsc, oneshot},
};
use holdfast::{
    env::{Inbound, NetError},
    limits,
    types::{PeerId, Refusal, Request, Timestamp},
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BinaryHeap, HashMap, binary_heap::PeekMut},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

/// Where messages are noticed and answers reported.
pub struct Observers {
    /// Sees every delivery.
    pub recorder: Recorder,
    /// Learns which exchanges were answered.
    pub answered: Arc<Answered>,
}

/// A node, up or down.
#[derive(Debug)]
pub struct Member {
    /// Who it is.
    pub peer: PeerId,
    /// Where it stands in the DHT.
    pub key: Key,
    /// Which of its lives this is.
    pub life: u32,
    /// `None` while it is up.
    pub stopped: Option<Stop>,
    /// Takes requests while it is up.
    pub inbound: Option<mpsc::Sender<Inbound>>,
    /// Requests that it has and has not answered.
    pub open: usize,
    /// With whom it is connected.
    pub connections: Connections,
}

/// What happens to an exchange at a moment to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The request reaches the node asked.
    Arrive(TableKey),
    /// The answer, or the news that there is none, reaches the asker.
    Return(TableKey),
}

/// A step and its time; the soonest is the greatest, since a `BinaryHeap` gives the greatest first.
#[derive(Debug, PartialEq, Eq)]
struct Due {
    at: Timestamp,
    number: u64,
    step: Step,
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug)]
pub struct Leg {
    from: NodeNumber,
    to: NodeNumber,
    step: Step,
    /// Time that passes before the message can be sent.
    delay: Duration,
}

/// Everything that is known and under way.
pub struct Traffic {
    /// Delay and bandwidth.
    pub links: Links,
    /// All nodes.
    pub members: Vec<Member>,
    /// Who is which node.
    pub numbers: HashMap<PeerId, NodeNumber>,
    /// Nodes that are up.
    pub up: KeySpace,
    /// Nodes that are down, which a stale answer may name.
    pub down: KeySpace,
    /// What the DHT knows.
    pub announcements: Announcements,
    /// Requests and answers under way.
    pub exchanges: Table<Exchange>,
    /// What happens when.
    steps: BinaryHeap<Due>,
    /// Messages that share bandwidth.
    pub bulk: BTreeMap<FlowId, Leg>,
    /// Steps scheduled so far: those of one moment keep their order.
    scheduled: u64,
    /// Wakes the driver.
    pub alarm: Alarm,
    /// Draws of the DHT model.
    pub rng: ChaCha8Rng,
    /// Share of a lookup's peers that are down.
    pub stale_peers: f64,
}

impl Traffic {
    /// No nodes yet.
    pub fn new(plan: LinkPlan, stale_peers: f64, seed: u64) -> Self {
        Self {
            links: Links::new(plan, seed),
            members: Vec::new(),
            numbers: HashMap::new(),
            up: KeySpace::default(),
            down: KeySpace::default(),
            announcements: Announcements::default(),
            exchanges: Table::default(),
            steps: BinaryHeap::new(),
            bulk: BTreeMap::new(),
            scheduled: 0,
            alarm: Alarm::default(),
            rng: rng::stream(seed, "dht", 0),
            stale_peers,
        }
    }

    pub fn send(&mut self, now: Timestamp, from: Living, peer: PeerId, request: Request) -> TableKey {
        let to = self.numbers.get(&peer).copied().filter(|&to| to != from.node);
        let living = to.map_or(from, |node| Living { node, life: self.members[node.index()].life });
        let (bytes, body) = (size::of_request(&request), request.body.len());
        let stage = Stage::Asking(request);
        let id = self.exchanges.insert(Exchange { from, to: living, stage, bytes, flow: None, asker: None });
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
        if self.links.is_apart(from, to) {
            return Err((limits::CONNECT_TIMEOUT, "timed out"));
        }
        match self.members[to.index()].stopped {
            Some(Stop::Dark) => return Err((limits::CONNECT_TIMEOUT, "timed out")),
            Some(Stop::Killed) => return Err((self.links.latency(from, to) * 2, "connection refused")),
            None => {}
        }
        if self.touch(now, from, to) {
            return Ok(Duration::ZERO);
        }
        Ok(self.links.latency(from, to) * 2 * self.links.plan().connect_round_trips)
    }

    /// Notes that two nodes speak with each other now; `true` if they were connected already.
    fn touch(&mut self, now: Timestamp, from: NodeNumber, to: NodeNumber) -> bool {
        let (ours, theirs) = (self.members[from.index()].life, self.members[to.index()].life);
        self.members[to.index()].connections.touch(from, ours, now);
        self.members[from.index()].connections.touch(to, theirs, now)
    }

    /// Peers with which a node is connected.
    pub fn connected(&self, now: Timestamp, node: NodeNumber) -> Vec<PeerId> {
        let alive = |(peer, life): (NodeNumber, u32)| {
            let member = &self.members[peer.index()];
            (member.stopped.is_none() && member.life == life).then_some(member.peer)
        };
        self.members[node.index()].connections.open(now).filter_map(alive).collect()
    }

    /// Sends `bytes` on their way. The delay of a bulk message comes after its transmission: it uses
    /// its share of bandwidth a handshake too early, and arrives when it should.
    fn transmit(&mut self, now: Timestamp, leg: Leg, bytes: u64) {
        if self.links.is_bulk(bytes) {
            let flow = self.links.start_bulk(now, leg.from, leg.to, bytes);
            self.bulk.insert(flow, leg);
            let (Step::Arrive(id) | Step::Return(id)) = leg.step;
            if let Some(exchange) = self.exchanges.get_mut(id) {
                exchange.flow = Some(flow);
            }
        } else {
            let delay = self.links.small_delay(leg.from, leg.to, bytes);
            self.schedule(now + leg.delay + delay, leg.step);
        }
    }

    /// Messages whose last byte was sent still have to fly.
    pub fn finish_bulk(&mut self, now: Timestamp) {
        for flow in self.links.finish_bulk(now) {
            let Some(leg) = self.bulk.remove(&flow) else { continue };
            let (Step::Arrive(id) | Step::Return(id)) = leg.step;
            if let Some(exchange) = self.exchanges.get_mut(id) {
                exchange.flow = None;
            }
            let flight = self.links.flight(leg.from, leg.to, 1);
            self.schedule(now + leg.delay + flight, leg.step);
        }
    }

    pub fn arrive(&mut self, now: Timestamp, id: TableKey, observers: &Observers) {
        let Some(exchange) = self.exchanges.get_mut(id) else { return };
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
        let (size, kind) = (exchange.bytes, size::kind_of_request(&request));
        observers.recorder.delivery(now, Delivery { from: from.node, to: to.node, kind, size });
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
        self.answered(now, id, observers);
    }

    /// A node has one request less to answer.
    pub fn closed(&mut self, to: Living) {
        let member = &mut self.members[to.node.index()];
        if member.life == to.life {
            member.open -= 1;
        }
    }

    /// Looks whether the node asked has answered, or never will.
    pub fn answered(&mut self, now: Timestamp, id: TableKey, observers: &Observers) {
        let Some(exchange) = self.exchanges.get_mut(id) else { return };
        let Stage::Waiting(receiver) = &mut exchange.stage else { return };
        let waker = observers.answered.waker(id);
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
                exchange.bytes = bytes;
                exchange.stage = Stage::Answering(Ok(response));
                let leg = Leg { from: to.node, to: from, step: Step::Return(id), delay: Duration::ZERO };
                self.transmit(now, leg, bytes);
            }
        }
        self.closed(to);
    }

    /// The asker has its answer; returns whom to wake.
    pub fn give_back(&mut self, now: Timestamp, id: TableKey, observers: &Observers) -> Option<Waker> {
        let exchange = self.exchanges.get_mut(id)?;
        let placeholder = Stage::Done(Err(NetError::Stopped));
        let Stage::Answering(outcome) = std::mem::replace(&mut exchange.stage, placeholder) else {
            unreachable!("an answer returns once");
        };
        if let Ok(response) = &outcome {
            let (from, to) = (exchange.to.node, exchange.from.node);
            let (size, kind) = (exchange.bytes, size::kind_of_response(response));
            observers.recorder.delivery(now, Delivery { from, to, kind, size });
            observers.recorder.round_trip();
        }
        exchange.stage = Stage::Done(outcome);
        exchange.asker.take()
    }

    /// The exchange breaks off, with the whole connection if the node asked has stopped: the asker
    /// learns it from the other host, or gives up in the end.
    pub fn interrupt(&mut self, now: Timestamp, id: TableKey, how: Option<Stop>) {
        let Some(exchange) = self.exchanges.get_mut(id) else { return };
        let (from, to) = (exchange.from.node, exchange.to.node);
        let (delay, why) = match how {
            None => (self.links.flight(to, from, 1), "it ended the exchange"),
            Some(Stop::Killed) => (self.links.flight(to, from, 1), "the connection was closed"),
            Some(Stop::Dark) => (LOST_AFTER, "the connection was lost"),
        };
        let peer = self.members[to.index()].peer;
        if how.is_some() {
            self.members[from.index()].connections.close(to);
        }
        self.fail(now, delay, id, NetError::Interrupted { peer, why: why.to_owned() });
    }

    /// The asker learns after `delay` that there will be no answer.
    fn fail(&mut self, now: Timestamp, delay: Duration, id: TableKey, error: NetError) {
        let Some(exchange) = self.exchanges.get_mut(id) else { return };
        exchange.stage = Stage::Answering(Err(error));
        if let Some(flow) = exchange.flow.take() {
            self.bulk.remove(&flow);
            self.links.cancel_bulk(now, flow);
        }
        self.schedule(now + delay, Step::Return(id));
    }

    /// A lookup asks one node after the other, each nearer by a factor of k: log_k(N) round trips.
    /// Returns how long that takes.
    pub fn begin_lookup(&mut self, now: Timestamp, from: NodeNumber) -> Result<Duration, NetError> {
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
            }
        }
        Ok(time)
    }

    pub fn reachable_near(&self, from: NodeNumber, point: Key, limit: usize) -> Vec<NodeNumber> {
        self.up.nearest(point, limit, |node| node != from && !self.links.is_apart(from, node))
    }

    fn schedule(&mut self, at: Timestamp, step: Step) {
        self.scheduled += 1;
        self.steps.push(Due { at, number: self.scheduled, step });
    }

    /// Takes the next step that is due.
    pub fn take_due(&mut self, now: Timestamp) -> Option<Step> {
        let due = self.steps.peek_mut().filter(|due| due.at <= now)?;
        Some(PeekMut::pop(due).step)
    }

    /// When the next step is due.
    pub fn next_step(&self) -> Option<Timestamp> {
        [self.steps.peek().map(|due| due.at), self.links.next_bulk_end()].into_iter().flatten().min()
    }
}
