//! The incentive actor: the only one that is given the chain. Whoever wants something done there names it by
//! an intent, and it is done once: through restarts, outages, rising fees and reorganisations.
//!
//! [`state`] decides, and [`fees`] what is paid; [`sender`] carries it out, [`journal`] keeps what must outlive the process.
//! [`questions`] hands the chain's answers to other actors.

mod actor;
mod fees;
mod journal;
mod messages;
mod questions;
mod sender;
mod state;
#[cfg(test)]
mod tests;

pub use actor::{IncentiveActor, Neighbours};
pub use messages::*;
