//! THE SEAM. All that a node may ask of its world: time, randomness, tasks, peers, disk, proofs, a chain,
//! and a place to report to. Two worlds implement it: [`live`] here, and the simulator in a crate of its own.
//!
//! **Invariant:** nothing outside this folder knows which world it runs in.
//!
//! Everything here is used on one thread (the node's `LocalSet`), so futures need not be `Send`.

pub mod chain;
mod clock;
mod disk;
mod net;
pub mod prover;
mod record;
mod rng;
mod spawn;

pub mod conformance;
pub mod evm;
pub mod libp2p;
pub mod live;

pub use chain::{Chain, ChainError};
pub use clock::{Clock, Elapsed, timeout};
pub use disk::{Disk, DiskError, DiskFile};
pub use net::{Dht, Inbound, Net, NetError};
pub use prover::{AccessTicket, Challenged, Circuits, Prover, ProverError, ReadSlot, Visit};
pub use record::Record;
pub use rng::Rng;
pub use spawn::{Spawn, Work, blocking};

use crate::types::chain::Contracts;
use std::rc::Rc;

/// The capabilities that every actor has.
#[derive(Clone)]
pub struct Common {
    /// Time.
    pub clock: Rc<dyn Clock>,
    /// Randomness.
    pub rng: Rc<dyn Rng>,
    /// Tasks and blocking work.
    pub spawn: Rc<dyn Spawn>,
    /// Where events go.
    pub record: Rc<dyn Record>,
}

/// A whole world, as the composition root receives it. Each capability beside [`Common`] is handed
/// to one actor and to no other.
pub struct Env {
    /// For every actor.
    pub common: Common,
    /// For the network actor alone.
    pub net: Rc<dyn Net>,
    /// For the storage actor alone.
    pub disk: std::sync::Arc<dyn Disk>,
    /// For the proof actor alone; a node without one cannot prove.
    pub prover: Option<Rc<dyn Prover>>,
    /// For the incentive actor alone; a node without one pays nobody and is paid by nobody.
    pub chain: Option<Rc<dyn Chain>>,
    /// Where the market stands on the chain; without it nothing is agreed on.
    pub contracts: Option<Contracts>,
}
