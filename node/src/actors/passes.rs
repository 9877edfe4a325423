//! A reader's way into a protected placement: a pass for each provider that asks for one.

use crate::{
    actors::{
        ask,
        peers::{PeerError, Peers},
        proof::MakePass,
    },
    env::AccessTicket,
    types::{Identity, OwnerVisit, Pass, PeerId, PlacementId, Refusal, Signed},
};
use actix::Recipient;
use futures::lock::Mutex;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex as StdMutex, PoisonError},
};

/// What a reader has to show: an owner signs for its own placements, others prove that they are in the list.
pub struct Passes {
    pub(crate) owner: Identity,
    pub(crate) ticket: Option<Arc<AccessTicket>>,
    pub(crate) make: Recipient<MakePass>,
    doors: StdMutex<BTreeMap<PeerId, Arc<Mutex<Door>>>>,
    /// What tells most of all refusals.
    refusal: StdMutex<Option<Refusal>>,
}

/// What a provider said to the last pass that it was shown.
#[derive(Default)]
struct Door {
    /// The epoch of that pass.
    epoch: u64,
    /// `None` if it let this node in.
    refusal: Option<Refusal>,
}

impl fmt::Debug for Passes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passes(..)")
    }
}

impl Passes {
    /// What `owner` and whoever has `ticket` may show.
    pub(crate) fn new(owner: Identity, ticket: Option<Arc<AccessTicket>>, make: Recipient<MakePass>) -> Self {
        Self { owner, ticket, make, doors: StdMutex::default(), refusal: StdMutex::default() }
    }

    fn door(&self, peer: PeerId) -> Arc<Mutex<Door>> {
        let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        doors.entry(peer).or_default().clone()
    }

    /// Why providers did not let this node in, as far as one refusal can tell.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn refused(&self, refusal: &Refusal) {
        let mut most = self.refusal.lock().unwrap_or_else(PoisonError::into_inner);
        if most.as_ref().is_none_or(|most| weight(refusal) > weight(most)) {
            *most = Some(refusal.clone());
        }
    }

    /// Shows a pass to a provider that asked for one of this epoch, once, however many shards wait for it. A provider that
    /// refused it is not asked again in that epoch.
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
        let door = self.door(peer);
        let mut door = door.lock().await;
        if door.epoch == epoch {
            let refusal = door.refusal.clone();
            return refusal.map_or(Ok(()), |refusal| Err(PeerError::Refused { peer, refusal }));
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
        let opened = peers.open_access(peer, id, pass).await;
        match &opened {
            Ok(()) => *door = Door { epoch, refusal: None },
            Err(PeerError::Refused { refusal, .. }) => {
                self.refused(refusal);
                *door = Door { epoch, refusal: Some(refusal.clone()) };
            }
            Err(_) => {}
        }
        opened
    }
}

/// How much a refusal tells a reader: what the list says more than that it could not be read, and that more than what
/// concerns one provider alone.
fn weight(refusal: &Refusal) -> u8 {
    match refusal {
        Refusal::NotAMember { .. } | Refusal::ListClosed => 3,
        Refusal::ListUnread => 2,
        Refusal::ListElsewhere { .. } => 1,
        _ => 0,
    }
}
