//! The real world: tokio's clock and pool, the system's entropy, files, libp2p, a chain's server.
//!
//! Here, and only here, the node touches the system itself.
#![allow(clippy::disallowed_methods)]

mod clock;
mod coalesce;
mod disk;
mod net;
mod open;
mod prover;
mod proving_key;
mod record;
mod rng;
mod rpc;
mod spawn;

pub use clock::LiveClock;
pub use disk::LiveDisk;
pub use open::{LiveError, open};
pub use prover::{LiveProver, LoadKey, ProofKeys};
pub use proving_key::{KeyFile, proof_keys};
pub use record::LiveRecord;
pub use rng::LiveRng;
pub use rpc::{ConnectError, JsonRpcChain, LateChain};
pub use spawn::LiveSpawn;
