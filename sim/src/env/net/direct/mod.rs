//! The network without libp2p: requests are values that travel over simulated links, and the DHT is a
//! model. Tens of thousands of nodes fit.

mod connections;
mod dht;
mod exchange;
mod fabric;
mod net;
mod size;
mod table;
mod traffic;

pub use fabric::Fabric;
pub use net::DirectNet;
