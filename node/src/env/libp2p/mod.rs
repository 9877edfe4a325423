//! The network over libp2p, for any transport: QUIC and TCP in live, simulated links in sim.
//!
//! ```text
//! net.rs ──commands──▶ driver.rs (owns the swarm) ──▶ behaviour.rs: limits, identify, kad (announcements.rs), streams.rs
//!   │                     │      └─ dht.rs: queries                         │
//!   └── exchange.rs ◀─────┴── server.rs (rate.rs) ◀────────── streams that peers open ┘
//!        └─ frame.rs: bytes
//! ```
//!
//! **What a world provides** ([`World`]): [`Common`](crate::env::Common) (clock, randomness, tasks), the
//! public key, the addresses, an [`Executor`](libp2p::swarm::Executor) for the tasks of connections, and a
//! transport boxed to `(PeerId, StreamMuxerBox)`: already authenticated and multiplexed. Then
//! [`Libp2pNet::start`] gives an `Rc<Libp2pNet>` that is the [`Net`](crate::env::Net).
//!
//! **What else it must see to.** libp2p itself waits through `futures_timer` (set its source first),
//! reads `std::time::Instant`, and draws from `rand`'s thread generator and from `HashMap` seeds. This
//! folder adds no source of time, randomness or threads of its own, and no tokio runtime call; of
//! tokio it uses only the semaphore.
//!
//! **Invariant:** everything but the connections' tasks runs on the node's thread, in tasks made by
//! `Spawn::local`: when the node's `LocalSet` is dropped, the swarm and its connections go with it.

mod announcements;
mod behaviour;
mod book;
mod dht;
mod driver;
mod exchange;
mod net;
mod rate;
mod server;
mod start;
mod streams;

pub mod frame;

pub use net::Libp2pNet;
pub use start::{StartError, World};
pub use streams::PROTOCOL;
