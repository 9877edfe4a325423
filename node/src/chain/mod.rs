//! What an operator or owner does with the chain beside the node's own actors: single transactions that are waited for,
//! and the deployment of the contracts.
//!
//! Everything here works over the [`Chain`](crate::env::Chain) capability, so that it runs on the embedded chain, on anvil
//! and on public networks alike.

mod audit;
mod deploy;
mod reason;
mod register;
mod sender;
mod view;

pub use audit::{audit, changed_code};
pub use deploy::{DeployError, Deployment, Progress, deploy, is_done, is_fresh};
pub use reason::reason;
pub use register::register;
pub use sender::{SendError, Sender};
pub use view::view;
