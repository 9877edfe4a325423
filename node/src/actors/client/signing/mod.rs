//! Signing the roots of a placement's slots, after all receipts are in and the put is over.
//!
//! Round after round every provider whose slot root is not signed is asked for it and then for the cells that were
//! drawn while the file was uploaded. A root that passes is signed. A provider that claims a root which fails, or none
//! for longer than a holder may be silent, is one that does not hold the slot: the slot is given to another.

mod claim;
mod notes;
mod rounds;

pub(super) use notes::forget;
pub(super) use rounds::{prepare, resume, start, state, wait};
