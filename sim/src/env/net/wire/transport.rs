//! The libp2p transport of one node: dials and listens on `/memory/N`, where N − 1 is a node's number.

use super::{muxer::SimMuxer, shell::Wire};
use crate::NodeNumber;
use futures::{
    StreamExt,
    channel::mpsc,
    future::{BoxFuture, Ready, ready},
};
use libp2p::{
    Multiaddr, PeerId, Transport, TransportError,
    core::transport::{DialOpts, ListenerId, TransportEvent},
    multiaddr::Protocol,
};
use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll},
};

/// The address of a node.
pub fn address(node: NodeNumber) -> Multiaddr {
    // `/memory/0` asks for any port, so numbers begin at 1.
    Protocol::Memory(u64::from(node.0) + 1).into()
}

fn node_at(address: &Multiaddr) -> Option<NodeNumber> {
    match address.iter().next()? {
        Protocol::Memory(number) => u32::try_from(number.checked_sub(1)?).ok().map(NodeNumber),
        _ => None,
    }
}

type Event = TransportEvent<Ready<io::Result<(PeerId, SimMuxer)>>, io::Error>;

/// The transport of one node in one of its lives.
pub struct SimTransport {
    wire: Wire,
    node: NodeNumber,
    incoming: mpsc::UnboundedReceiver<SimMuxer>,
    listener: Option<ListenerId>,
    events: VecDeque<Event>,
}

impl SimTransport {
    pub(super) fn new(wire: Wire, node: NodeNumber, incoming: mpsc::UnboundedReceiver<SimMuxer>) -> Self {
        Self { wire, node, incoming, listener: None, events: VecDeque::new() }
    }
}

impl Transport for SimTransport {
    type Output = (PeerId, SimMuxer);
    type Error = io::Error;
    type ListenerUpgrade = Ready<io::Result<Self::Output>>;
    type Dial = BoxFuture<'static, io::Result<Self::Output>>;

    fn listen_on(&mut self, id: ListenerId, listen: Multiaddr) -> Result<(), TransportError<io::Error>> {
        if node_at(&listen) != Some(self.node) {
            return Err(TransportError::MultiaddrNotSupported(listen));
        }
        if self.listener.is_some() {
            return Err(TransportError::Other(io::ErrorKind::AddrInUse.into()));
        }
        self.listener = Some(id);
        self.events.push_back(TransportEvent::NewAddress { listener_id: id, listen_addr: listen });
        Ok(())
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        let known = self.listener == Some(id);
        if known {
            self.listener = None;
            self.events.push_back(TransportEvent::ListenerClosed { listener_id: id, reason: Ok(()) });
        }
        known
    }

    fn dial(&mut self, to: Multiaddr, _: DialOpts) -> Result<Self::Dial, TransportError<io::Error>> {
        let Some(node) = node_at(&to).filter(|&node| node != self.node) else {
            return Err(TransportError::MultiaddrNotSupported(to));
        };
        let (wire, from) = (self.wire.clone(), self.node);
        Ok(Box::pin(async move { wire.dial(from, node).await }))
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Event> {
        if let Some(event) = self.events.pop_front() {
            return Poll::Ready(event);
        }
        while let Poll::Ready(Some(muxer)) = self.incoming.poll_next_unpin(cx) {
            // Without a listener a connection is dropped, which closes it.
            if let Some(listener_id) = self.listener {
                let other = muxer.other();
                return Poll::Ready(TransportEvent::Incoming {
                    listener_id,
                    upgrade: ready(Ok((self.wire.peer(other), muxer))),
                    local_addr: address(self.node),
                    send_back_addr: address(other),
                });
            }
        }
        Poll::Pending
    }
}
