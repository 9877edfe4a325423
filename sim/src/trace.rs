//! What happened in a run: a running hash of it, counters, and subscribers.
//!
//! The trace hash is promise D1: the same binary, plan and seed give the same hash in separate
//! processes. It covers every event that a node reports and every message that is delivered, each
//! with its virtual time, so that two runs that differ anywhere that matters differ in it.

use crate::NodeNumber;
use holdfast::{
    events::Event,
    types::{ContentHash, Timestamp},
};
use std::{cell::RefCell, rc::Rc};

/// Bytes that are gathered before they are hashed: BLAKE3 is fast on long input only.
const BUFFER: usize = 64 << 10;

/// Marks an event in the trace.
const EVENT: u8 = 1;
/// Marks a delivered message in the trace.
const DELIVERY: u8 = 2;
/// Marks a change of a node's state in the trace.
const LIFE: u8 = 3;

/// Marks a block of the chain in the trace.
const BLOCK: u8 = 4;

/// A message that reached its destination, as the trace sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Who sent it.
    pub from: NodeNumber,
    /// Who got it.
    pub to: NodeNumber,
    /// Which kind of message, by a number of its own.
    pub kind: u8,
    /// Its size on the wire, in bytes.
    pub size: u64,
}

/// How a node's life went on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Its process started.
    Started,
    /// Its process or its host stopped.
    Stopped,
    /// It is gone for good.
    Departed,
    /// It stands still.
    Paused,
    /// It goes on.
    Resumed,
}

/// How much happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counters {
    /// Events reported by nodes.
    pub events: u64,
    /// Messages delivered.
    pub deliveries: u64,
    /// Bytes of these messages.
    pub bytes: u64,
    /// Requests whose answer reached the asker.
    pub round_trips: u64,
}

impl Counters {
    /// Everything that the simulator carried out: the numerator of "events per second".
    pub fn total(&self) -> u64 {
        self.events + self.deliveries
    }
}

/// Something that wants to see every event, such as a check or a time series.
pub type Subscriber = Box<dyn FnMut(Timestamp, NodeNumber, &Event)>;

/// Something that wants to see every change of a node's state.
pub type LifeSubscriber = Box<dyn FnMut(NodeNumber, Life)>;

/// The one recorder of a run.
#[derive(Clone, Default)]
pub struct Recorder(Rc<Inner>);

#[derive(Default)]
struct Inner {
    trace: RefCell<Trace>,
    subscribers: RefCell<Vec<Subscriber>>,
    life_subscribers: RefCell<Vec<LifeSubscriber>>,
}

#[derive(Default)]
struct Trace {
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
    counters: Counters,
}

impl Trace {
    fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.buffer);
        if self.buffer.len() >= BUFFER {
            self.hasher.update(&self.buffer);
            self.buffer.clear();
        }
    }
}

impl Recorder {
    /// Calls `subscriber` with every event from now on.
    pub fn subscribe(&self, subscriber: Subscriber) {
        self.0.subscribers.borrow_mut().push(subscriber);
    }

    /// Calls `subscriber` with every change of a node's state from now on.
    pub fn subscribe_lives(&self, subscriber: LifeSubscriber) {
        self.0.life_subscribers.borrow_mut().push(subscriber);
    }

    /// Records what a node reported of itself.
    pub fn event(&self, now: Timestamp, node: NodeNumber, event: &Event) {
        let mut trace = self.0.trace.borrow_mut();
        trace.counters.events += 1;
        trace.push(|out| {
            header(out, EVENT, now, node);
            let encoded = postcard::to_extend(event, std::mem::take(out));
            *out = encoded.expect("an event in memory always encodes");
        });
        drop(trace);
        for subscriber in self.0.subscribers.borrow_mut().iter_mut() {
            subscriber(now, node, event);
        }
    }

    /// Records that a message reached its destination.
    pub fn delivery(&self, now: Timestamp, delivery: Delivery) {
        let mut trace = self.0.trace.borrow_mut();
        trace.counters.deliveries += 1;
        trace.counters.bytes += delivery.size;
        trace.push(|out| {
            header(out, DELIVERY, now, delivery.from);
            out.extend_from_slice(&delivery.to.0.to_le_bytes());
            out.push(delivery.kind);
            out.extend_from_slice(&delivery.size.to_le_bytes());
        });
    }

    /// Records a change of a node's state.
    pub fn life(&self, now: Timestamp, node: NodeNumber, life: Life) {
        self.0.trace.borrow_mut().push(|out| {
            header(out, LIFE, now, node);
            out.push(life as u8);
        });
        for subscriber in self.0.life_subscribers.borrow_mut().iter_mut() {
            subscriber(node, life);
        }
    }

    /// Records that a block became the chain's head.
    pub fn block(&self, now: Timestamp, number: u64, hash: [u8; 32]) {
        self.0.trace.borrow_mut().push(|out| {
            out.push(BLOCK);
            for word in [now.0, number] {
                out.extend_from_slice(&word.to_le_bytes());
            }
            out.extend_from_slice(&hash);
        });
    }

    /// Counts a request whose answer reached the asker.
    pub fn round_trip(&self) {
        self.0.trace.borrow_mut().counters.round_trips += 1;
    }

    /// How much happened so far.
    pub fn counters(&self) -> Counters {
        self.0.trace.borrow().counters
    }

    /// The hash of everything recorded so far.
    pub fn trace_hash(&self) -> ContentHash {
        let trace = self.0.trace.borrow();
        let mut hasher = trace.hasher.clone();
        hasher.update(&trace.buffer);
        ContentHash::from_bytes(*hasher.finalize().as_bytes())
    }
}

fn header(out: &mut Vec<u8>, mark: u8, now: Timestamp, node: NodeNumber) {
    out.push(mark);
    out.extend_from_slice(&now.0.to_le_bytes());
    out.extend_from_slice(&node.0.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast::types::PlacementId;

    fn probe(live: u16) -> Event {
        Event::ProbeEnded { placement: PlacementId::from_bytes([7; 32]), live }
    }

    fn hash_of(records: &[(u64, u32, u16)]) -> ContentHash {
        let recorder = Recorder::default();
        for &(time, node, live) in records {
            recorder.event(Timestamp(time), NodeNumber(node), &probe(live));
        }
        recorder.trace_hash()
    }

    #[test]
    fn the_hash_depends_on_time_node_event_and_order() {
        let base = hash_of(&[(1, 2, 3), (4, 5, 6)]);
        assert_eq!(base, hash_of(&[(1, 2, 3), (4, 5, 6)]));
        for other in
            [[(9, 2, 3), (4, 5, 6)], [(1, 9, 3), (4, 5, 6)], [(1, 2, 9), (4, 5, 6)], [(4, 5, 6), (1, 2, 3)]]
        {
            assert_ne!(base, hash_of(&other));
        }
    }

    #[test]
    fn the_hash_does_not_depend_on_when_it_is_read_or_on_the_buffer() {
        let (read, unread) = (Recorder::default(), Recorder::default());
        for time in 0..10_000 {
            let delivery = Delivery { from: NodeNumber(1), to: NodeNumber(2), kind: 3, size: time };
            read.delivery(Timestamp(time), delivery);
            read.trace_hash();
            unread.delivery(Timestamp(time), delivery);
        }
        assert_eq!(read.trace_hash(), unread.trace_hash());
        assert_eq!(read.counters().deliveries, 10_000);
    }

    #[test]
    fn subscribers_see_every_event() {
        let recorder = Recorder::default();
        let seen = Rc::new(RefCell::new(Vec::new()));
        let sink = seen.clone();
        recorder.subscribe(Box::new(move |time, node, _| sink.borrow_mut().push((time, node))));
        recorder.event(Timestamp(5), NodeNumber(6), &probe(1));
        assert_eq!(*seen.borrow(), [(Timestamp(5), NodeNumber(6))]);
    }
}
