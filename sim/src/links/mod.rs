//! Links between nodes: latency, jitter, loss, cuts and bandwidth. Pure: the caller says what time it
//! is, and every draw comes from one seeded stream.

mod delay;
mod fair;
mod plan;

pub use delay::{Cut, Host, Links};
pub use fair::{Capacity, FairShare, FlowId, Transfer};
pub use plan::{Latency, LinkPlan};
