//! What became of transactions.

use super::{
    super::{failure::Failure, output::Output},
    connect,
};
use crate::{api::FailureKind, chain::SendError, types::chain::Receipt};
use alloy::primitives::B256;
use serde::Serialize;

#[derive(Serialize)]
struct Sent {
    transaction: B256,
    block: u64,
    gas: u64,
}

/// Tells what was done, and by which transactions.
pub fn print(what: &str, receipts: &[Receipt], output: Output) -> Result<(), Failure> {
    let sent: Vec<Sent> = receipts
        .iter()
        .map(|it| Sent { transaction: it.transaction, block: it.block, gas: it.gas_used })
        .collect();
    output.print(&sent, |out| {
        sent.iter().try_for_each(|it| {
            writeln!(out, "transaction {} in block {}, {} gas", it.transaction, it.block, it.gas)
        })?;
        writeln!(out, "{what}")
    })
}

/// A transaction that did not do what it was sent for.
pub fn failed(error: SendError) -> Failure {
    match error {
        SendError::Refused(why) => connect::failed(why),
        SendError::Failed(_) => {
            Failure::failed(error).hint("somebody else was quicker: look at the state, and try again")
        }
        SendError::Waiting(_) => Failure::new(FailureKind::Unavailable, error)
            .hint("it may still be executed: look for it before you send anything again"),
    }
}
