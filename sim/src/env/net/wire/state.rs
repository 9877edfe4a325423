//! All nodes of a libp2p world, their connections, and what is under way between them.

use super::{
    muxer::SimMuxer,
    pipe::{Batch, Pipe},
};
use crate::{
    NodeNumber,
    env::{
        clock::Alarm,
        net::{LOST_AFTER, Stop},
    },
    links::{FlowId, Host, LinkPlan, Links},
    trace::Delivery,
};
use futures::channel::mpsc;
use holdfast::{
    limits,
    types::{PeerId, Timestamp},
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io,
    task::{Poll, Waker},
    time::Duration,
};

/// Bytes of headers a batch: QUIC short header, frame header and tag, UDP and IPv4.
const FRAMING: u64 = 60;
/// Substreams that wait to be taken by their node.
const MAX_BACKLOG: usize = 256;
/// What a batch is in the trace.
const BATCH: u8 = 128;

/// Takes a node's side of new connections.
pub(super) type Listener = mpsc::UnboundedSender<SimMuxer>;

pub(super) struct Member {
    pub(super) peer: PeerId,
    stopped: Option<Stop>,
    listener: Option<Listener>,
}

#[derive(Default)]
struct Side {
    /// Substreams that the other side opened: the pipe to write and the pipe to read.
    inbound: VecDeque<[u64; 2]>,
    /// Its node has dropped it, or is gone.
    gone: bool,
    broken: Option<io::ErrorKind>,
    waker: Option<Waker>,
}

struct Connection {
    nodes: [NodeNumber; 2],
    sides: [Side; 2],
    pipes: BTreeSet<u64>,
}

/// What happens at a moment to come.
enum Step {
    /// A pipe may send again.
    Send { pipe: u64 },
    /// A batch arrives.
    Arrive { pipe: u64, batch: Batch },
    /// A batch was stuck behind a cut: look again.
    Stuck { pipe: u64, batch: Batch },
    /// The other side opened a substream.
    Open { connection: u64, side: usize, pipes: [u64; 2] },
    /// A side learns that its connection is over.
    Break { connection: u64, side: usize, kind: io::ErrorKind },
}

/// Everything behind the lock.
pub(super) struct State {
    pub(super) links: Links,
    pub(super) members: Vec<Member>,
    connections: BTreeMap<u64, Connection>,
    pub(super) pipes: BTreeMap<u64, Pipe>,
    steps: BTreeMap<(Timestamp, u64), Step>,
    bulk: BTreeMap<FlowId, (u64, Batch)>,
    /// Pipes that were written to since the driver ran.
    written: Vec<u64>,
    next: u64,
    pub(super) alarm: Alarm,
    /// Whom to wake once the lock is released.
    pub(super) wakes: Vec<Waker>,
    /// Deliveries that the recorder has not seen.
    pub(super) delivered: Vec<Delivery>,
}

impl State {
    pub(super) fn new(plan: LinkPlan, seed: u64) -> Self {
        Self {
            links: Links::new(plan, seed),
            members: Vec::new(),
            connections: BTreeMap::new(),
            pipes: BTreeMap::new(),
            steps: BTreeMap::new(),
            bulk: BTreeMap::new(),
            written: Vec::new(),
            next: 0,
            alarm: Alarm::default(),
            wakes: Vec::new(),
            delivered: Vec::new(),
        }
    }

    /// Adds a node, which is down.
    pub(super) fn add(&mut self, peer: PeerId, host: Host) -> NodeNumber {
        self.links.add(host);
        self.members.push(Member { peer, stopped: Some(Stop::Dark), listener: None });
        NodeNumber(self.members.len() as u32 - 1)
    }

    /// Brings a node up: it takes connections from now on.
    pub(super) fn start(&mut self, node: NodeNumber, listener: Listener) {
        let member = &mut self.members[node.index()];
        member.stopped = None;
        member.listener = Some(listener);
    }

    /// Makes a connection; `None` if nobody listens.
    pub(super) fn connect(&mut self, from: NodeNumber, to: NodeNumber) -> Option<(Listener, PeerId, u64)> {
        let member = self.members.get(to.index())?;
        let (listener, peer) = (member.listener.clone()?, member.peer);
        let connection = self.number();
        let sides = [Side::default(), Side::default()];
        let nodes = [from, to];
        self.connections.insert(connection, Connection { nodes, sides, pipes: BTreeSet::new() });
        Some((listener, peer, connection))
    }

    /// Does all that is due.
    pub(super) fn run(&mut self, now: Timestamp) {
        for pipe in std::mem::take(&mut self.written) {
            self.send(now, pipe);
        }
        self.finish_bulk(now);
        while let Some(entry) = self.steps.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let step = entry.remove();
            self.step(now, step);
        }
    }

    /// When the driver must run next.
    pub(super) fn next_run(&self, now: Timestamp) -> Option<Timestamp> {
        if !self.written.is_empty() {
            return Some(now);
        }
        let step = self.steps.first_key_value().map(|(&(at, _), _)| at);
        [step, self.links.next_bulk_end()].into_iter().flatten().min()
    }

    /// How long connecting takes, and how it ends if it fails.
    pub(super) fn handshake(
        &mut self,
        from: NodeNumber,
        to: NodeNumber,
    ) -> (Duration, Option<io::ErrorKind>) {
        let Some(member) = self.members.get(to.index()) else {
            return (Duration::ZERO, Some(io::ErrorKind::AddrNotAvailable));
        };
        let round_trip = self.links.latency(from, to) * 2;
        if member.stopped == Some(Stop::Dark) || self.links.is_apart(from, to) {
            return (limits::CONNECT_TIMEOUT, Some(io::ErrorKind::TimedOut));
        }
        if member.stopped == Some(Stop::Killed) {
            return (round_trip, Some(io::ErrorKind::ConnectionRefused));
        }
        (round_trip * self.links.plan().connect_round_trips, None)
    }

    /// Takes a node down, and all its connections with it.
    pub(super) fn stop(&mut self, now: Timestamp, node: NodeNumber, how: Stop) {
        let member = &mut self.members[node.index()];
        member.stopped = Some(how);
        member.listener = None;
        let touched = self.connections.iter().filter(|(_, connection)| connection.nodes.contains(&node));
        let touched: Vec<u64> = touched.map(|(&id, _)| id).collect();
        for id in touched {
            let side = usize::from(self.connections[&id].nodes[1] == node);
            let delay = match how {
                Stop::Dark => LOST_AFTER,
                Stop::Killed => self.latency(id),
            };
            self.leave(now, id, side, delay);
        }
        let pipes = self.bulk.iter().map(|(&flow, &(pipe, _))| (flow, pipe));
        let cut_off = pipes.filter(|&(_, pipe)| self.ends(pipe).is_some_and(|(a, b)| a == node || b == node));
        for (flow, _) in cut_off.collect::<Vec<_>>() {
            self.bulk.remove(&flow);
            self.links.cancel_bulk(now, flow);
        }
    }

    /// A side of a connection is no more; the other one learns it after `delay`.
    fn leave(&mut self, now: Timestamp, id: u64, side: usize, delay: Duration) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if std::mem::replace(&mut connection.sides[side].gone, true) {
            return;
        }
        connection.sides[side].inbound.clear();
        if connection.sides[1 - side].gone {
            return self.forget(now, id);
        }
        let kind = io::ErrorKind::ConnectionReset;
        self.schedule(now + delay, Step::Break { connection: id, side: 1 - side, kind });
    }

    fn forget(&mut self, now: Timestamp, id: u64) {
        let Some(connection) = self.connections.remove(&id) else { return };
        for pipe in connection.pipes {
            if let Some(mut pipe) = self.pipes.remove(&pipe) {
                self.wakes.extend(pipe.break_off(io::ErrorKind::ConnectionReset).into_iter().flatten());
            }
        }
        let pipes = &self.pipes;
        let stale: Vec<FlowId> = self
            .bulk
            .iter()
            .filter(|(_, (pipe, _))| !pipes.contains_key(pipe))
            .map(|(&flow, _)| flow)
            .collect();
        for flow in stale {
            self.bulk.remove(&flow);
            self.links.cancel_bulk(now, flow);
        }
    }

    /// A muxer was closed or dropped.
    pub(super) fn close(&mut self, now: Timestamp, id: u64, side: usize) {
        let delay = if self.connections.contains_key(&id) { self.latency(id) } else { Duration::ZERO };
        self.leave(now, id, side, delay);
    }

    /// Opens a substream: the pipe to write and the pipe to read.
    pub(super) fn open(&mut self, now: Timestamp, id: u64, side: usize) -> io::Result<[u64; 2]> {
        self.check(id, side)?;
        let delay = self.latency(id);
        let mut pipes = [0; 2];
        for (pipe, writer_side) in pipes.iter_mut().zip([side, 1 - side]) {
            *pipe = self.number();
            self.pipes.insert(*pipe, Pipe::new(id, writer_side));
        }
        self.connections.get_mut(&id).expect("it was just checked").pipes.extend(pipes);
        let theirs = [pipes[1], pipes[0]];
        self.schedule(now + delay, Step::Open { connection: id, side: 1 - side, pipes: theirs });
        Ok(pipes)
    }

    /// The next substream that the other side opened.
    pub(super) fn accept(&mut self, id: u64, side: usize, waker: &Waker) -> Poll<io::Result<[u64; 2]>> {
        self.check(id, side)?;
        let side = &mut self.connections.get_mut(&id).expect("it was just checked").sides[side];
        match side.inbound.pop_front() {
            Some(pipes) => Poll::Ready(Ok(pipes)),
            None => {
                side.waker = Some(waker.clone());
                Poll::Pending
            }
        }
    }

    /// Fails if a side's connection is over.
    pub(super) fn check(&self, id: u64, side: usize) -> io::Result<()> {
        let side = self.connections.get(&id).map(|connection| &connection.sides[side]);
        match side.map(|side| side.broken) {
            Some(None) => Ok(()),
            Some(Some(kind)) => Err(kind.into()),
            None => Err(io::ErrorKind::ConnectionReset.into()),
        }
    }

    /// A pipe has something to send.
    pub(super) fn mark_written(&mut self, pipe: u64) {
        if self.written.last() != Some(&pipe) {
            self.written.push(pipe);
        }
    }

    /// Frees a pipe that nobody will look at again.
    pub(super) fn reap(&mut self, id: u64) {
        if self.pipes.get(&id).is_some_and(Pipe::is_gone) {
            let pipe = self.pipes.remove(&id).expect("it was just seen");
            if let Some(connection) = self.connections.get_mut(&pipe.connection) {
                connection.pipes.remove(&id);
            }
        }
    }

    fn send(&mut self, now: Timestamp, id: u64) {
        let Some(pipe) = self.pipes.get_mut(&id) else { return };
        if pipe.busy {
            return;
        }
        if now < pipe.free {
            pipe.busy = true;
            let at = pipe.free;
            return self.schedule(at, Step::Send { pipe: id });
        }
        if let Some(batch) = pipe.next_batch() {
            self.transmit(now, id, batch);
        }
    }

    fn transmit(&mut self, now: Timestamp, id: u64, batch: Batch) {
        let Some((from, to)) = self.ends(id) else { return };
        if self.members[from.index()].stopped.is_some() {
            return;
        }
        let bytes = batch.bytes.len() as u64 + FRAMING;
        let pipe = self.pipes.get_mut(&id).expect("a pipe with ends exists");
        if self.links.is_cut(from, to) {
            pipe.busy = true;
            return self.schedule(now + LOST_AFTER, Step::Stuck { pipe: id, batch });
        }
        if self.links.is_bulk(bytes) {
            pipe.busy = true;
            let flow = self.links.start_bulk(now, from, to, bytes);
            self.bulk.insert(flow, (id, batch));
            return;
        }
        pipe.free = now + self.links.transmission(from, to, bytes);
        let arrival = (now + self.links.small_delay(from, to, bytes)).max(pipe.arrival);
        pipe.arrival = arrival;
        self.schedule(arrival, Step::Arrive { pipe: id, batch });
    }

    fn finish_bulk(&mut self, now: Timestamp) {
        for flow in self.links.finish_bulk(now) {
            let Some((id, batch)) = self.bulk.remove(&flow) else { continue };
            let Some((from, to)) = self.ends(id) else { continue };
            let flight = self.links.flight(from, to, 1);
            let pipe = self.pipes.get_mut(&id).expect("a pipe with ends exists");
            pipe.busy = false;
            pipe.arrival = pipe.arrival.max(now + flight);
            let at = pipe.arrival;
            self.schedule(at, Step::Arrive { pipe: id, batch });
            self.send(now, id);
        }
    }

    fn step(&mut self, now: Timestamp, step: Step) {
        match step {
            Step::Send { pipe: id } => {
                if let Some(pipe) = self.pipes.get_mut(&id) {
                    pipe.busy = false;
                    self.send(now, id);
                }
            }
            Step::Arrive { pipe, batch } => self.arrive(pipe, batch),
            Step::Stuck { pipe, batch } => self.stuck(now, pipe, batch),
            Step::Open { connection, side, pipes } => self.opened(connection, side, pipes),
            Step::Break { connection, side, kind } => self.broke(connection, side, kind),
        }
    }

    fn arrive(&mut self, id: u64, batch: Batch) {
        let Some((from, to)) = self.ends(id) else { return };
        let size = batch.bytes.len() as u64 + FRAMING;
        let pipe = self.pipes.get_mut(&id).expect("a pipe with ends exists");
        self.wakes.extend(pipe.arrive(batch));
        if self.members[to.index()].stopped.is_none() {
            self.delivered.push(Delivery { from, to, kind: BATCH, size });
        }
    }

    fn stuck(&mut self, now: Timestamp, id: u64, batch: Batch) {
        let Some((from, to)) = self.ends(id) else { return };
        let pipe = self.pipes.get_mut(&id).expect("a pipe with ends exists");
        pipe.busy = false;
        if self.links.is_cut(from, to) {
            let connection = pipe.connection;
            for side in 0..2 {
                self.broke(connection, side, io::ErrorKind::TimedOut);
            }
        } else {
            self.transmit(now, id, batch);
            self.send(now, id);
        }
    }

    fn opened(&mut self, id: u64, side: usize, pipes: [u64; 2]) {
        let side = self.connections.get_mut(&id).map(|connection| &mut connection.sides[side]);
        match side {
            Some(side) if !side.gone && side.inbound.len() < MAX_BACKLOG => {
                side.inbound.push_back(pipes);
                self.wakes.extend(side.waker.take());
            }
            _ => self.drop_stream(pipes),
        }
    }

    /// A node drops its end of a substream.
    pub(super) fn drop_stream(&mut self, [send, receive]: [u64; 2]) {
        if let Some(pipe) = self.pipes.get_mut(&send) {
            pipe.drop_writer();
            self.mark_written(send);
        }
        if let Some(pipe) = self.pipes.get_mut(&receive) {
            self.wakes.extend(pipe.drop_reader());
        }
        self.reap(send);
        self.reap(receive);
    }

    fn broke(&mut self, id: u64, side: usize, kind: io::ErrorKind) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.sides[side].broken.get_or_insert(kind);
        self.wakes.extend(connection.sides[side].waker.take());
        for pipe in &connection.pipes {
            if let Some(pipe) = self.pipes.get_mut(pipe) {
                self.wakes.extend(pipe.break_off(kind).into_iter().flatten());
            }
        }
    }

    /// Registers whom to wake when a side's connection ends or a substream comes.
    pub(super) fn wait(&mut self, id: u64, side: usize, waker: &Waker) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.sides[side].waker = Some(waker.clone());
        }
    }

    /// Writer's and reader's node of a pipe.
    fn ends(&self, id: u64) -> Option<(NodeNumber, NodeNumber)> {
        let pipe = self.pipes.get(&id)?;
        let nodes = self.connections.get(&pipe.connection)?.nodes;
        Some((nodes[pipe.writer_side], nodes[1 - pipe.writer_side]))
    }

    fn latency(&self, id: u64) -> Duration {
        let [a, b] = self.connections[&id].nodes;
        self.links.latency(a, b)
    }

    fn schedule(&mut self, at: Timestamp, step: Step) {
        let number = self.number();
        self.steps.insert((at, number), step);
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}
