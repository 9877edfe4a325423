//! Peers: the same requests over libp2p on simulated links, or directly over them.

mod dht;
mod direct;
mod exchange;
mod fabric;
mod network;
mod size;
mod wire;

pub use dht::{Announcements, Key, KeySpace, Living, REPLICATION};
pub use direct::DirectNet;
pub use fabric::{Fabric, Stop};
pub use network::Network;
pub use wire::Wire;

use serde::{Deserialize, Serialize};

/// Which network nodes speak.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum NetKind {
    /// Requests are handed over by value, the DHT is a model: tens of thousands of nodes.
    Direct {
        /// Share of the peers that a DHT lookup returns although they are down.
        stale_peers: f64,
    },
    /// The same libp2p as on real sockets, over simulated links: hundreds of nodes.
    Libp2p {
        /// The first so many nodes are those that the others join through.
        bootstrap: u32,
    },
}

impl Default for NetKind {
    fn default() -> Self {
        Self::Direct { stale_peers: 0.05 }
    }
}
