//! Peers: the same requests over libp2p on simulated links, or directly over them.

mod direct;
mod network;
mod wire;

pub use direct::{DirectNet, Fabric};
pub use network::Network;
pub use wire::Wire;

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A connection whose other end fell silent is given up after this: libp2p-quic's idle time-out.
const LOST_AFTER: Duration = Duration::from_secs(10);

/// How a node stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Its process is dead and its host answers for it: connections are refused at once.
    Killed,
    /// Its host is off: whoever connects waits for a time-out.
    Dark,
}

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
