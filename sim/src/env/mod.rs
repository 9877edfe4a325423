//! THE SEAM, the simulated side: the same capabilities as in `holdfast::env::live`, on virtual time,
//! simulated links and disks in memory. Every duration here is modelled; what nodes do is real.

#![allow(clippy::disallowed_methods)]

pub mod chain;
mod clock;
mod disk;
mod net;
mod prover;
mod record;
pub mod rng;
mod spawn;

pub use chain::{ChainPlan, SimChain};
pub use clock::{START, SimClock, Sleep, Time};
pub use disk::{DiskPlan, PowerCut, SimDisk};
pub use net::{DirectNet, Fabric, NetKind, Network, Stop};
pub use prover::{ProverKeys, ProverKind, ProverPlan, SimProver};
pub use record::SimRecord;
pub use rng::SimRng;
pub use spawn::{ComputePlan, Machine, SimSpawn};
