//! Which actor of this node answers a peer's request.

use crate::{
    actors::{
        ask,
        market::{ServeOffer, ServeReader},
        proof::{ServeClaim, ServeVisit},
        storage::ServeRequest,
    },
    types::{Ask, PeerId, Request, Response},
};
use actix::Recipient;

/// The actors that peers may ask.
#[derive(Clone)]
pub struct Service {
    /// Answers what the disk can answer.
    pub storage: Recipient<ServeRequest>,
    /// Answers what the trees of slots can answer.
    pub proof: Recipient<ServeClaim>,
    /// Lets readers in.
    pub gate: Recipient<ServeVisit>,
    /// Takes slots of agreements.
    pub market: Recipient<ServeOffer>,
    /// Takes pay for what is read.
    pub till: Recipient<ServeReader>,
}

impl Service {
    /// Answers a request as this node answers any peer.
    pub(crate) async fn answer(&self, from: PeerId, request: Request) -> Response {
        match request.ask {
            Ask::ClaimRoot { .. } | Ask::ShowCells { .. } => ask(&self.proof, ServeClaim(request.ask)).await,
            Ask::OpenAccess { id, pass } => ask(&self.gate, ServeVisit { from, id, pass }).await,
            Ask::OfferSlot { offer } => ask(&self.market, ServeOffer { from, offer }).await,
            Ask::ShowBill | Ask::Pay { .. } | Ask::CloseChannel { .. } => {
                ask(&self.till, ServeReader { from, ask: request.ask }).await
            }
            _ => ask(&self.storage, ServeRequest { from, request }).await,
        }
    }
}
