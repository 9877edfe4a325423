//! How far a run is, for someone who watches from outside its world.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// Shared figures of a run under way. Clones are the same figures.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Figures>);

#[derive(Debug, Default)]
struct Figures {
    virtual_ms: AtomicU64,
    nodes_online: AtomicU64,
    nodes: AtomicU64,
    files_stored: AtomicU64,
    files_safe: AtomicU64,
    events: AtomicU64,
}

/// The figures at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Milliseconds of virtual time.
    pub virtual_ms: u64,
    /// Nodes online.
    pub nodes_online: u64,
    /// Nodes that have not left for good.
    pub nodes: u64,
    /// Files stored.
    pub files_stored: u64,
    /// Of these, files that can be rebuilt.
    pub files_safe: u64,
    /// Node events and delivered messages.
    pub events: u64,
}

impl Progress {
    /// Sets all figures.
    pub fn set(&self, reading: Reading) {
        let figures = &self.0;
        for (figure, value) in [
            (&figures.virtual_ms, reading.virtual_ms),
            (&figures.nodes_online, reading.nodes_online),
            (&figures.nodes, reading.nodes),
            (&figures.files_stored, reading.files_stored),
            (&figures.files_safe, reading.files_safe),
            (&figures.events, reading.events),
        ] {
            figure.store(value, Relaxed);
        }
    }

    /// The figures now; each by itself is right, together they may be a moment apart.
    pub fn read(&self) -> Reading {
        let figures = &self.0;
        Reading {
            virtual_ms: figures.virtual_ms.load(Relaxed),
            nodes_online: figures.nodes_online.load(Relaxed),
            nodes: figures.nodes.load(Relaxed),
            files_stored: figures.files_stored.load(Relaxed),
            files_safe: figures.files_safe.load(Relaxed),
            events: figures.events.load(Relaxed),
        }
    }
}
