//! What an owner asks of the set of providers that hold a file.

use serde::{Deserialize, Serialize};

/// Bounds on how many slots of one placement may share something that fails together.
///
/// Two slots never share a provider; that is not a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Most slots with one operator; `u16::MAX` is no bound.
    pub max_per_operator: u16,
    /// Most slots in one region; `u16::MAX` is no bound.
    pub max_per_region: u16,
}

impl Default for Policy {
    fn default() -> Self {
        Self { max_per_operator: u16::MAX, max_per_region: u16::MAX }
    }
}
