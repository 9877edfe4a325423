//! What one may say to the repair actor. Which placements to watch it learns from storage's notices.

use actix::Message;

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
