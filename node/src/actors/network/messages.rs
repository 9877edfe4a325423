//! What one may say to the network actor.

use crate::{
    env::NetError,
    types::{PeerId, PlacementId, ProviderStatus, Request, Response},
};
use actix::Message;
use std::time::Duration;

/// Ask a peer something, for at most `limit`.
#[derive(Debug, Message)]
#[rtype(result = "Result<Response, NetError>")]
pub struct SendRequest {
    /// Whom.
    pub peer: PeerId,
    /// What.
    pub request: Request,
    /// How long to wait for the answer.
    pub limit: Duration,
}

/// Start announcing that this node holds part of a placement, and go on doing so.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Announce(pub PlacementId);

/// Stop announcing a placement.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Withdraw(pub PlacementId);

/// Who announced that it holds part of a placement?
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Vec<PeerId>, NetError>")]
pub struct FindHolders {
    /// Which placement.
    pub id: PlacementId,
    /// At most so many.
    pub limit: usize,
}

/// Find peers that would store something now, asking all candidates at once.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Vec<Candidate>")]
pub struct FindProviders {
    /// Stop when so many would.
    pub wanted: usize,
    /// Be content with so many if the others are slow.
    pub needed: usize,
    /// Bytes that each must have free.
    pub free_bytes: u64,
    /// Peers to ask first.
    pub prefer: Vec<PeerId>,
    /// Peers not to ask.
    pub except: Vec<PeerId>,
}

/// A peer that said it would store something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub peer: PeerId,
    /// What it said.
    pub status: ProviderStatus,
}

/// How the network looks from here.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "NetworkStatus")]
pub struct NetworkStatusQuery;

/// The answer to [`NetworkStatusQuery`].
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct NetworkStatus {
    /// This node.
    pub peer: String,
    /// Where it listens.
    pub listen: Vec<String>,
    /// Peers connected now.
    pub connected: usize,
    /// Placements this node announces.
    pub announced: usize,
}
