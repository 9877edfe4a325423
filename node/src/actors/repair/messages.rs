//! What one may say to the repair actor.

use crate::types::PlacementId;
use actix::Message;

/// Look after a placement from now on: this node holds part of it.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Watch(pub PlacementId);

/// Stop looking after a placement: it was removed, or its last shard here is gone.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Unwatch(pub PlacementId);

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
