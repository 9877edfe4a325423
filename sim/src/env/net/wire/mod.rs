//! libp2p over simulated links: a transport whose connections are already authenticated and
//! multiplexed, as QUIC's are.
//!
//! A substream is two bounded pipes. What is written to a pipe is sent in batches: small ones pay
//! latency and their own transmission, large ones share bandwidth; a pipe sends one batch after the
//! other, and takes no more than its window until the reader has read. A connection ends when one side
//! closes it, when a node stops, or when a batch was stuck behind a cut for too long.
//!
//! There is no Noise and no Yamux here: they cost half of the time and memory of a simulated node and
//! draw entropy that no seed governs. Everything above them is the code of the real network.

mod muxer;
mod pipe;
mod shell;
mod state;
mod transport;

pub use shell::Wire;
pub use transport::address;
