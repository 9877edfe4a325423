//! Streams of the request protocol: a behaviour that opens one when told to and reports each one that
//! a peer opened. What is said on them is not its business.
//!
//! `libp2p-stream` was not taken: it hands inbound streams over through a queue of one and resets
//! those that find it full, and it never forgets a closed connection (docs/adr/0004).

use crate::{env::NetError, limits};
use futures::channel::oneshot;
use libp2p::{
    Multiaddr, PeerId, Stream, StreamProtocol,
    core::{Endpoint, transport::PortUse, upgrade::ReadyUpgrade},
    swarm::{
        ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm,
        NetworkBehaviour, NotifyHandler, StreamUpgradeError, SubstreamProtocol, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm,
        handler::{ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound},
    },
};
use std::{
    collections::{BTreeMap, VecDeque},
    task::{Context, Poll, Waker},
};

/// The protocol's name; its number changes when a peer of another version could not even reject.
pub const PROTOCOL: StreamProtocol = StreamProtocol::new("/holdfast/request/1");

/// Takes a stream, or the reason why there is none.
pub(super) type OpenReply = oneshot::Sender<Result<Stream, NetError>>;

/// A stream that a peer opened.
#[derive(Debug)]
pub struct InboundStream {
    /// Who opened it; authenticated.
    pub peer: PeerId,
    /// The stream.
    pub stream: Stream,
}

/// Opens and accepts streams.
#[derive(Debug, Default)]
pub struct Behaviour {
    /// The connections of each peer, oldest first.
    connections: BTreeMap<PeerId, Vec<ConnectionId>>,
    actions: VecDeque<ToSwarm<InboundStream, OpenReply>>,
    waker: Option<Waker>,
}

impl Behaviour {
    /// Opens a stream on the newest connection with a peer: an older one may be dead unnoticed.
    /// Gives the reply back if there is no connection; drops it if the connection closes first.
    pub(super) fn open(&mut self, peer: PeerId, reply: OpenReply) -> Result<(), OpenReply> {
        let Some(&connection) = self.connections.get(&peer).and_then(|all| all.last()) else {
            return Err(reply);
        };
        let handler = NotifyHandler::One(connection);
        self.push(ToSwarm::NotifyHandler { peer_id: peer, handler, event: reply });
        Ok(())
    }

    fn push(&mut self, action: ToSwarm<InboundStream, OpenReply>) {
        self.actions.push_back(action);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = InboundStream;

    fn handle_established_inbound_connection(
        &mut self,
        _connection: ConnectionId,
        peer: PeerId,
        _local: &Multiaddr,
        _remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::new(peer))
    }

    fn handle_established_outbound_connection(
        &mut self,
        _connection: ConnectionId,
        peer: PeerId,
        _address: &Multiaddr,
        _role: Endpoint,
        _port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::new(peer))
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionEstablished(established) => {
                self.connections.entry(established.peer_id).or_default().push(established.connection_id);
            }
            FromSwarm::ConnectionClosed(closed) => {
                if let Some(all) = self.connections.get_mut(&closed.peer_id) {
                    all.retain(|id| *id != closed.connection_id);
                    if all.is_empty() {
                        self.connections.remove(&closed.peer_id);
                    }
                }
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        _connection: ConnectionId,
        stream: THandlerOutEvent<Self>,
    ) {
        self.push(ToSwarm::GenerateEvent(InboundStream { peer, stream }));
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        match self.actions.pop_front() {
            Some(action) => Poll::Ready(action),
            None => {
                self.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// One connection's share of the work.
#[derive(Debug)]
pub struct Handler {
    peer: PeerId,
    /// Streams to open.
    wanted: VecDeque<OpenReply>,
    /// Streams that came.
    accepted: VecDeque<Stream>,
    waker: Option<Waker>,
}

impl Handler {
    fn new(peer: PeerId) -> Self {
        Self { peer, wanted: VecDeque::new(), accepted: VecDeque::new(), waker: None }
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn refusal<E>(&self, error: StreamUpgradeError<E>) -> NetError {
        let peer = self.peer;
        match error {
            StreamUpgradeError::NegotiationFailed => {
                NetError::Protocol { peer, why: format!("it does not speak {PROTOCOL}") }
            }
            StreamUpgradeError::Io(error) => NetError::Unreachable { peer, why: error.to_string() },
            StreamUpgradeError::Timeout | StreamUpgradeError::Apply(_) => {
                NetError::Unreachable { peer, why: "it did not take a stream in time".into() }
            }
        }
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = OpenReply;
    type ToBehaviour = Stream;
    type InboundProtocol = ReadyUpgrade<StreamProtocol>;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = OpenReply;

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        SubstreamProtocol::new(ReadyUpgrade::new(PROTOCOL), ()).with_timeout(limits::CONNECT_TIMEOUT)
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, OpenReply, Stream>> {
        if let Some(stream) = self.accepted.pop_front() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(stream));
        }
        while let Some(reply) = self.wanted.pop_front() {
            if !reply.is_canceled() {
                let protocol = SubstreamProtocol::new(ReadyUpgrade::new(PROTOCOL), reply)
                    .with_timeout(limits::CONNECT_TIMEOUT);
                return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
            }
        }
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    fn on_behaviour_event(&mut self, reply: OpenReply) {
        self.wanted.push_back(reply);
        self.wake();
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<Self::InboundProtocol, Self::OutboundProtocol, (), OpenReply>,
    ) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound { protocol: stream, .. }) => {
                self.accepted.push_back(stream);
                self.wake();
            }
            // A receiver that is gone was cancelled: dropping the stream resets it.
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound { protocol, info }) => {
                let _ = info.send(Ok(protocol));
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError { info, error }) => {
                let _ = info.send(Err(self.refusal(error)));
            }
            _ => {}
        }
    }
}
