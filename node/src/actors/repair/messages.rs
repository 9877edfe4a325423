//! What one may say to the repair actor. Which placements to watch it learns from storage's notices.

use crate::{
    actors::Passes,
    types::{PeerId, PlacementId},
};
use actix::Message;
use std::sync::Arc;

/// A provider does not hold its slot, or has lost it on the chain: find one that does, or give it to another. Answers
/// with who holds it now, if anybody does.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Option<PeerId>")]
pub struct Refill {
    /// Of which placement.
    pub id: PlacementId,
    /// Which slot.
    pub slot: u16,
    /// Who is not to hold it, whatever they say.
    pub without: Vec<PeerId>,
    /// What an owner shows to read the other slots, if the placement is protected; its holders need nothing.
    pub passes: Option<Arc<Passes>>,
}

/// What is being looked after.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "RepairStatus")]
pub struct RepairStatusQuery;

/// The answer to [`RepairStatusQuery`].
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RepairStatus {
    /// Placements watched.
    pub watched: u64,
    /// Repairs under way.
    pub under_way: u64,
    /// Shards rebuilt since the node started.
    pub rebuilt: u64,
}
