//! `holdfast chain run`: the embedded chain for programs that speak Ethereum's JSON-RPC, on this machine alone.

mod answers;
mod http;
mod methods;
mod node;
mod protocol;
#[cfg(test)]
mod tests;

pub use http::serve;
pub use node::{Node, Pace};
