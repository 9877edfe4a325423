//! The network of libp2p nodes: the clock, the lock and the wakers around [`State`].

use super::{muxer::SimMuxer, state::State, transport::SimTransport};
use crate::{
    NodeNumber,
    env::{clock::Time, net::Stop},
    links::{Host, LinkPlan, Links},
    trace::Recorder,
};
use futures::channel::mpsc;
use holdfast::types::{PeerId, Timestamp};
use std::{
    future::poll_fn,
    io,
    sync::{Arc, Mutex},
    task::{Poll, Waker},
};

/// The network of a world of libp2p nodes.
#[derive(Clone)]
pub struct Wire(Arc<Shared>);

struct Shared {
    time: Time,
    state: Mutex<State>,
}

impl Wire {
    /// An empty network.
    pub fn new(time: Time, plan: LinkPlan, seed: u64) -> Self {
        Self(Arc::new(Shared { time, state: Mutex::new(State::new(plan, seed)) }))
    }

    /// Adds a node, which is down; numbers are given in order.
    pub fn add(&self, peer: PeerId, host: Host) -> NodeNumber {
        self.with(|state, _| state.add(peer, host))
    }

    /// Number of nodes.
    pub fn len(&self) -> u32 {
        self.with(|state, _| state.members.len() as u32)
    }

    /// Brings a node up: the transport for its swarm.
    pub fn start(&self, node: NodeNumber) -> SimTransport {
        let (sender, incoming) = mpsc::unbounded();
        self.with(|state, _| state.start(node, sender));
        SimTransport::new(self.clone(), node, incoming)
    }

    /// Takes a node down.
    pub fn stop(&self, node: NodeNumber, how: Stop) {
        self.with(|state, now| state.stop(now, node, how));
    }

    /// The links, to cut, heal and inspect.
    pub fn links<T>(&self, with: impl FnOnce(&mut Links) -> T) -> T {
        self.with(|state, _| with(&mut state.links))
    }

    /// Moves bytes for as long as it is polled: the task that makes this network go.
    pub async fn drive(self, recorder: Recorder) {
        let mut delivered = Vec::new();
        poll_fn(|cx| {
            let now = self.with(|state, now| {
                state.run(now);
                state.alarm.reset(&self.0.time, cx.waker(), None);
                std::mem::swap(&mut state.delivered, &mut delivered);
                now
            });
            delivered.drain(..).for_each(|delivery| recorder.delivery(now, delivery));
            Poll::<()>::Pending
        })
        .await;
    }

    /// Connects to a node: the dialler's side.
    pub(super) async fn dial(&self, from: NodeNumber, to: NodeNumber) -> io::Result<(PeerId, SimMuxer)> {
        let (delay, refused) = self.with(|state, _| state.handshake(from, to));
        self.0.time.sleep(delay).await;
        if let Some(kind) = refused {
            return Err(kind.into());
        }
        let accepted = self.with(|state, _| state.connect(from, to));
        let refused = io::ErrorKind::ConnectionRefused;
        let (listener, peer, connection) = accepted.ok_or(refused)?;
        let ours = SimMuxer::new(self.clone(), connection, 0, to);
        let theirs = SimMuxer::new(self.clone(), connection, 1, from);
        listener.unbounded_send(theirs).map_err(|_| refused)?;
        Ok((peer, ours))
    }

    /// The peer id of a node.
    pub fn peer(&self, node: NodeNumber) -> PeerId {
        self.with(|state, _| state.members[node.index()].peer)
    }

    /// Runs `action` under the lock, and afterwards wakes whom it names and sees that the driver runs
    /// when something is due.
    pub(super) fn with<T>(&self, action: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let now = self.0.time.now();
        let mut state = self.0.state.lock().expect("nothing panics while it holds the network");
        let result = action(&mut state, now);
        if let Some(next) = state.next_run(now) {
            state.alarm.advance(&self.0.time, next);
        }
        let wakes = std::mem::take(&mut state.wakes);
        drop(state);
        wakes.into_iter().for_each(Waker::wake);
        result
    }
}
