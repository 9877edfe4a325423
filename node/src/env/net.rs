//! Peers.

use crate::types::{PeerId, PlacementId, Request, Response};
use futures::{
    channel::{mpsc, oneshot},
    future::LocalBoxFuture,
};

/// Why a peer could not be asked. What a peer *answers* is never an error here, refusals included.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    /// It could not be reached: ask another.
    #[error("peer {peer} cannot be reached: {why}")]
    Unreachable {
        /// Who.
        peer: PeerId,
        /// What the transport said.
        why: String,
    },
    /// The connection broke before the answer came: it may have acted on the request.
    #[error("peer {peer} did not answer: {why}")]
    Interrupted {
        /// Who.
        peer: PeerId,
        /// What the transport said.
        why: String,
    },
    /// It broke the protocol, or speaks another version of it.
    #[error("peer {peer} broke the protocol: {why}")]
    Protocol {
        /// Who.
        peer: PeerId,
        /// How.
        why: String,
    },
    /// A DHT query found nobody to ask.
    #[error("no peer is known yet")]
    Alone,
    /// The node is stopping.
    #[error("the network is stopped")]
    Stopped,
}

/// A request from a peer, and where to answer it. Dropping `reply` ends the exchange unanswered.
#[derive(Debug)]
pub struct Inbound {
    /// Who asks; authenticated.
    pub from: PeerId,
    /// What it asks.
    pub request: Request,
    /// Takes the answer.
    pub reply: oneshot::Sender<Response>,
}

/// Talks to peers.
///
/// Contract: a request is delivered at most once; its future completes or fails, or is dropped by the
/// caller, which cancels it. There is no time-out here but for connecting
/// ([`limits::CONNECT_TIMEOUT`](crate::limits::CONNECT_TIMEOUT)): the caller has a clock. Bodies and
/// headers obey the limits in [`limits`](crate::limits) before they are allocated.
pub trait Net: Dht {
    /// This node.
    fn local_peer(&self) -> PeerId;
    /// Asks a peer, connecting first if need be.
    fn request(&self, peer: PeerId, request: Request) -> LocalBoxFuture<'static, Result<Response, NetError>>;
    /// Requests from peers. To be taken once, by the network actor; the queue is bounded, and a
    /// peer that overruns it is answered [`Refusal::Busy`](crate::types::Refusal::Busy).
    fn inbound(&self) -> mpsc::Receiver<Inbound>;
    /// Peers connected now.
    fn connected(&self) -> Vec<PeerId>;
    /// Addresses at which this node listens, as text (multiaddr with peer id); for people.
    fn listen_addresses(&self) -> Vec<String>;
}

/// Finds peers and who holds what, by a Kademlia DHT (Maymounkov and Mazières, IPTPS 2002).
pub trait Dht {
    /// Tells the DHT that this node holds part of a placement; the DHT forgets it after
    /// [`limits::ANNOUNCE_TTL`](crate::limits::ANNOUNCE_TTL).
    fn announce(&self, id: PlacementId) -> LocalBoxFuture<'static, Result<(), NetError>>;
    /// Stops announcing.
    fn withdraw(&self, id: PlacementId);
    /// Peers that announced a placement, at most `limit`, without this node.
    fn find_holders(
        &self,
        id: PlacementId,
        limit: usize,
    ) -> LocalBoxFuture<'static, Result<Vec<PeerId>, NetError>>;
    /// Some 20 live peers near a point of the key space: a sample of the network if the point is random.
    fn closest(&self, point: [u8; 32]) -> LocalBoxFuture<'static, Result<Vec<PeerId>, NetError>>;
}
