//! The signed roots of the slots of placements that are held here: kept, and given to whoever asks.

use super::{
    actor::Shell,
    changes::{Change, Outcome},
    messages::Shelf,
    store::{Store, refusal},
};
use crate::{
    env::Work,
    types::{PlacementId, Refusal, Signed, SlotRoots, Timestamp},
};
use bytes::Bytes;
use std::rc::Rc;

/// When kept roots were signed; `None` if the bytes are none.
pub(super) fn signed_at(note: &[u8]) -> Option<Timestamp> {
    let roots: Signed<SlotRoots> = postcard::from_bytes(note).ok()?;
    roots.decode_unverified().ok().map(|roots| roots.signed)
}

impl Shell {
    /// Keeps an owner's roots of a placement whose record is here, unless later ones are.
    pub(super) async fn store_roots(self: &Rc<Self>, signed: Signed<SlotRoots>) -> Result<(), Refusal> {
        let work = Work::Compute { bytes: signed.encoded_len() as u64 };
        let change = self.job(work, move |store| store.check_roots(&signed)).await?;
        match self.commit(change).await.map_err(refusal)? {
            Outcome::Removed => Err(Refusal::NotFound),
            _ => Ok(()),
        }
    }

    /// The roots that are kept of a placement: another owner's as its provider, or this node's own.
    pub(super) async fn read_roots(&self, id: PlacementId) -> Result<Signed<SlotRoots>, Refusal> {
        let read = move |store: &Store| {
            let key = id.to_string();
            let held = store.look(|index| index.note(Shelf::Roots, &key))?;
            if held.is_some() { Ok(held) } else { store.look(|index| index.note(Shelf::Signing, &key)) }
        };
        let note =
            self.job(Work::Read { bytes: 0 }, read).await.map_err(refusal)?.ok_or(Refusal::NotFound)?;
        // What follows the owner's roots in a note of its own is nobody else's affair.
        let parsed = postcard::take_from_bytes(&note);
        parsed.map(|(roots, _)| roots).map_err(|error| Refusal::Storage(format!("kept roots: {error}")))
    }
}

impl Store {
    /// Refuses to remove a placement whose slot here stands behind an agreement: this provider would pay for it.
    pub(super) fn may_remove(&self, id: PlacementId) -> Result<(), Refusal> {
        let pledge = self.look(|index| index.note(Shelf::Pledges, &id.to_string())).map_err(refusal)?;
        match pledge {
            None => Ok(()),
            Some(_) => Err(Refusal::Invalid("an agreement about it runs".into())),
        }
    }

    fn check_roots(&self, signed: &Signed<SlotRoots>) -> Result<Change, Refusal> {
        let roots = signed.verify().map_err(|error| Refusal::Invalid(error.to_string()))?;
        let id = roots.placement;
        let record = self.record(id).map_err(refusal)?.ok_or(Refusal::NotFound)?;
        if roots.owner != record.owner {
            let why = format!("placement {id} is owned by {}, not by {}", record.owner, roots.owner);
            return Err(Refusal::Invalid(why));
        }
        if !roots.fits(record.code.n()) {
            let why = format!("placement {id} has {} slots", record.code.n());
            return Err(Refusal::Invalid(why));
        }
        let bytes = postcard::to_allocvec(signed).expect("in-memory records always encode");
        Ok(Change::PutRoots { id, signed: roots.signed, bytes: Bytes::from(bytes) })
    }
}
