//! The task that owns the swarm: carries out commands, and follows connections.

use super::{
    behaviour::{Behaviour, BehaviourEvent},
    book::{AddressBook, is_loopback, worth_dialling},
    dht::Queries,
    server::Server,
    streams::OpenReply,
};
use crate::{
    env::{Common, NetError},
    limits,
    types::{PeerId, PlacementId},
};
use futures::{
    FutureExt, StreamExt,
    channel::{mpsc, oneshot},
    future::LocalBoxFuture,
};
use libp2p::{
    Multiaddr, Swarm, identify,
    swarm::{
        DialError, SwarmEvent,
        dial_opts::{DialOpts, PeerCondition},
    },
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    time::Duration,
};

/// What the network's holder may ask of the swarm.
#[derive(Debug)]
pub(super) enum Command {
    /// Open a stream to a peer, dialling and looking it up if need be.
    Open { peer: PeerId, reply: OpenReply },
    /// Close all connections with a peer.
    Disconnect { peer: PeerId },
    /// Announce that this node holds part of a placement.
    Announce { id: PlacementId, reply: Reply<()> },
    /// Stop announcing it.
    Withdraw { id: PlacementId },
    /// Find who announced a placement.
    FindHolders { id: PlacementId, limit: usize, reply: Reply<Vec<PeerId>> },
    /// Find live peers near a point.
    Closest { point: [u8; 32], reply: Reply<Vec<PeerId>> },
}

/// Takes the result of a command.
pub(super) type Reply<T> = oneshot::Sender<Result<T, NetError>>;

/// What the holder may read without asking.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Peers connected now.
    pub connected: BTreeSet<PeerId>,
    /// Where the node listens.
    pub listen: Vec<Multiaddr>,
}

/// Owns the swarm.
pub(super) struct Driver {
    pub swarm: Swarm<Behaviour>,
    pub common: Common,
    pub commands: mpsc::Receiver<Command>,
    pub shared: Rc<RefCell<Shared>>,
    pub server: Rc<Server>,
    pub book: AddressBook,
    /// Requests that wait for a connection.
    pub waiting: BTreeMap<PeerId, Vec<OpenReply>>,
    pub queries: Queries,
    /// Peers connected from this machine itself.
    pub neighbours: BTreeSet<PeerId>,
}

impl Driver {
    /// Runs until the network's holder is gone.
    pub async fn run(mut self) {
        let mut pause = limits::JOIN_RETRY;
        let mut retry = self.join(pause);
        loop {
            futures::select_biased! {
                command = self.commands.next() => match command {
                    Some(command) => self.command(command),
                    None => return,
                },
                event = self.swarm.select_next_some() => self.on_event(event),
                () = retry => {
                    pause = limits::JOIN_RETRY_MAX.min(pause * 2);
                    retry = self.join(pause);
                }
            }
        }
    }

    /// Dials the bootstrap peers if nobody is connected, and says when to look again: never, once
    /// somebody was reached.
    fn join(&mut self, pause: Duration) -> futures::future::Fuse<LocalBoxFuture<'static, ()>> {
        if !self.shared.borrow().connected.is_empty() {
            return futures::future::Fuse::terminated();
        }
        for peer in self.book.pinned().collect::<Vec<_>>() {
            // A peer that cannot be dialled now is dialled again by the next try.
            let _ = self.dial(peer);
        }
        self.common.clock.sleep(pause).fuse()
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Open { peer, reply } => self.open(peer, reply),
            Command::Disconnect { peer } => {
                // It fails only if there is no connection, which is what was wanted.
                let _ = self.swarm.disconnect_peer_id(peer);
            }
            Command::Announce { id, reply } => self.announce(id, reply),
            Command::Withdraw { id } => self.withdraw(id),
            Command::FindHolders { id, limit, reply } => self.find_holders(id, limit, reply),
            Command::Closest { point, reply } => self.closest(point, reply),
        }
    }

    fn open(&mut self, peer: PeerId, reply: OpenReply) {
        let Err(reply) = self.swarm.behaviour_mut().streams.open(peer, reply) else {
            return;
        };
        let waiting = self.waiting.entry(peer).or_default();
        waiting.retain(|reply| !reply.is_canceled());
        waiting.push(reply);
        if waiting.len() > 1 {
            // Whoever came first has it dialled or looked up already.
            return;
        }
        match self.dial(peer) {
            Ok(()) => {}
            Err(DialError::NoAddresses) => self.look_up(peer),
            Err(error) => self.give_up(peer, &error.to_string()),
        }
    }

    /// Dials a peer unless that is being done already.
    pub fn dial(&mut self, peer: PeerId) -> Result<(), DialError> {
        let opts = DialOpts::peer_id(peer)
            .condition(PeerCondition::DisconnectedAndNotDialing)
            .addresses(self.book.addresses(&peer))
            .extend_addresses_through_behaviour()
            .build();
        match self.swarm.dial(opts) {
            Err(DialError::DialPeerConditionFalse(_)) => Ok(()),
            result => result,
        }
    }

    /// Fails the requests that wait for a connection with this peer.
    pub fn give_up(&mut self, peer: PeerId, why: &str) {
        for reply in self.waiting.remove(&peer).unwrap_or_default() {
            // Whoever was cancelled does not miss the answer.
            let _ = reply.send(Err(NetError::Unreachable { peer, why: why.to_owned() }));
        }
    }

    pub fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Streams(inbound)) => self.server.accept(inbound),
            SwarmEvent::Behaviour(BehaviourEvent::Kad(event)) => self.on_kad(event),
            SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received {
                peer_id,
                info,
                ..
            })) => {
                self.on_identified(peer_id, info);
            }
            SwarmEvent::NewListenAddr { address, .. } => self.shared.borrow_mut().listen.push(address),
            SwarmEvent::ExpiredListenAddr { address, .. } => {
                self.shared.borrow_mut().listen.retain(|known| *known != address);
            }
            SwarmEvent::ConnectionEstablished { peer_id, endpoint, .. } => {
                if is_loopback(endpoint.get_remote_address()) {
                    self.neighbours.insert(peer_id);
                }
                self.on_connected(peer_id);
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => {
                self.shared.borrow_mut().connected.remove(&peer_id);
                self.neighbours.remove(&peer_id);
            }
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer), error, .. } => {
                self.on_dial_failed(peer, &error);
            }
            event => tracing::trace!(?event),
        }
    }

    fn on_connected(&mut self, peer: PeerId) {
        self.shared.borrow_mut().connected.insert(peer);
        for reply in self.waiting.remove(&peer).unwrap_or_default() {
            // A reply that comes back is dropped: its asker tries again.
            let _ = self.swarm.behaviour_mut().streams.open(peer, reply);
        }
    }

    fn on_dial_failed(&mut self, peer: PeerId, error: &DialError) {
        tracing::debug!(%peer, %error, "dial failed");
        if self.shared.borrow().connected.contains(&peer) {
            return;
        }
        if matches!(error, DialError::Transport(_) | DialError::WrongPeerId { .. }) {
            self.book.remove(&peer);
        }
        self.give_up(peer, &error.to_string());
    }

    fn on_identified(&mut self, peer: PeerId, info: identify::Info) {
        let addresses = worth_dialling(info.listen_addrs, self.neighbours.contains(&peer));
        for address in &addresses {
            self.swarm.behaviour_mut().kad.add_address(&peer, address.clone());
        }
        self.book.insert(peer, addresses);
    }
}
