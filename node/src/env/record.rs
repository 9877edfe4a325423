//! Where events go.

use crate::events::Event;

/// Takes notice of what happens; never fails and never blocks.
pub trait Record {
    /// Records an event at the time it happens.
    fn record(&self, event: Event);
}
