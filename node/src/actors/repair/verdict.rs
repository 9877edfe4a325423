//! The one decision of repair: what do so many live shards mean?

use crate::types::Code;

/// What to do about a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Enough shards live.
    Healthy,
    /// Rebuild the missing ones now.
    Repair,
    /// Fewer than k live: it cannot be rebuilt.
    Lost,
}

/// Judges a segment by its live shards.
pub fn judge(code: Code, live: usize) -> Verdict {
    if live < code.k() {
        Verdict::Lost
    } else if live <= code.repair_at() {
        Verdict::Repair
    } else {
        Verdict::Healthy
    }
}
