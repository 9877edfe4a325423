//! A chain that another program serves by Ethereum's JSON-RPC: a development node, `holdfast chain run`, or a public
//! testnet's.
//!
//! alloy encodes requests and decodes answers; the transport is our own, since alloy's reads answers of any
//! length. There is no polling here and no task: each question is one request.

mod client;
mod explain;
mod late;
mod transport;

pub use client::{ConnectError, JsonRpcChain};
pub use late::LateChain;
