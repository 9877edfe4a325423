//! A reader's way into a protected placement: a pass for each provider that asks for one.

use crate::{
    actors::{
        ask,
        peers::{PeerError, Peers},
        proof::MakePass,
    },
    env::AccessTicket,
    types::{Identity, OwnerVisit, Pass, PeerId, PlacementId, Signed},
};
use actix::Recipient;
use futures::lock::Mutex;
use std::{collections::BTreeMap, fmt, sync::Arc};

/// What a reader has to show: an owner signs for its own placements, others prove that they are in the list.
pub struct Passes {
    pub(crate) owner: Identity,
    pub(crate) ticket: Option<Arc<AccessTicket>>,
    pub(crate) make: Recipient<MakePass>,
    /// The last epoch in which each provider let this node in.
    pub(crate) entered: std::sync::Mutex<BTreeMap<PeerId, Arc<Mutex<u64>>>>,
}

impl fmt::Debug for Passes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passes(..)")
    }
}

impl Passes {
    /// What `owner` and whoever has `ticket` may show.
    pub(crate) fn new(owner: Identity, ticket: Option<Arc<AccessTicket>>, make: Recipient<MakePass>) -> Self {
        Self { owner, ticket, make, entered: std::sync::Mutex::default() }
    }

    fn turn(&self, peer: PeerId) -> Arc<Mutex<u64>> {
        let mut entered = self.entered.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        entered.entry(peer).or_default().clone()
    }

    /// Shows a pass to a provider that asked for one of this epoch, once, however many shards wait for it.
    ///
    /// # Errors
    /// [`PeerError`] if this node has nothing to show, or the provider does not take it.
    pub(crate) async fn enter(
        &self,
        peers: &Peers,
        peer: PeerId,
        (id, owner): (PlacementId, PeerId),
        epoch: u64,
    ) -> Result<(), PeerError> {
        let turn = self.turn(peer);
        let mut entered = turn.lock().await;
        if *entered == epoch {
            return Ok(());
        }
        let pass = if owner == self.owner.peer() {
            let visit = OwnerVisit { owner, placement: id, provider: peer, visitor: peers.me, epoch };
            Pass::Owner(Signed::new(&self.owner, &visit))
        } else {
            let ticket = self.ticket.clone().ok_or(PeerError::NoPass { id })?;
            let make = MakePass { ticket, id, provider: peer, visitor: peers.me, epoch };
            let made = ask(&self.make, make).await;
            Pass::Member(made.map_err(|why| PeerError::Unprovable { id, why: why.to_string() })?)
        };
        peers.open_access(peer, id, pass).await?;
        *entered = epoch;
        Ok(())
    }
}
