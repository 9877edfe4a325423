//! Reads back from the chain what must be true of a deployment.

use crate::{
    env::{Chain, ChainError},
    limits,
    types::chain::{Call, LogFilter},
};
use alloy::primitives::{Address, B256, Bytes, Log, keccak256};
use holdfast_contracts::deployment::{Audit, Finding, Question};
use std::collections::BTreeMap;

/// Asks every question of an audit and replays the contracts' record since `first_block`; returns what is not as it must
/// be, nothing if all is well.
///
/// # Errors
/// [`ChainError`] if the chain does not answer. A question that reverts is a finding.
pub async fn audit(chain: &dyn Chain, audit: &Audit, first_block: u64) -> Result<Vec<Finding>, ChainError> {
    let mut findings = Vec::new();
    for it in &audit.expectations {
        let found = match ask(chain, &it.question).await {
            Err(ChainError::Reverted { why, .. }) => format!("the call reverts: {why}"),
            answer => match answer? {
                answer if answer == it.answer => continue,
                answer => format!("found {answer}, expected {}", it.answer),
            },
        };
        findings.push(Finding(format!("{}: {found}", it.what)));
    }
    let logs = record(chain, audit, first_block).await?;
    findings.extend(audit.replay(&logs));
    Ok(findings)
}

/// Asks a contract.
pub(super) async fn ask(chain: &dyn Chain, question: &Question) -> Result<Bytes, ChainError> {
    let (to, data) = (Some(question.to), question.data.clone());
    chain.call(Call { to, data, ..Call::default() }).await
}

/// All that the watched contracts ever said.
async fn record(chain: &dyn Chain, audit: &Audit, first_block: u64) -> Result<Vec<Log>, ChainError> {
    let head = chain.head().await?.number;
    let mut logs = Vec::new();
    let mut from = first_block;
    while from <= head {
        let to = head.min(from + limits::MAX_LOG_BLOCKS - 1);
        let addresses = audit.watched().into_iter().collect();
        let told = chain.logs(LogFilter { addresses, events: Audit::events(), blocks: from..=to }).await?;
        logs.extend(told.into_iter().map(|it| Log::new_unchecked(it.address, it.topics, it.data)));
        from = to + 1;
    }
    Ok(logs)
}

/// The Keccak-256 hashes of the code at addresses; an address without code has none.
pub(super) async fn code_hashes(
    chain: &dyn Chain,
    addresses: impl IntoIterator<Item = Address>,
) -> Result<BTreeMap<Address, B256>, ChainError> {
    let mut hashes = BTreeMap::new();
    for address in addresses {
        let code = chain.code(address).await?;
        if !code.is_empty() {
            hashes.insert(address, keccak256(&code));
        }
    }
    Ok(hashes)
}

/// Contracts whose code is not what it was when these hashes were taken.
///
/// # Errors
/// [`ChainError`] if the chain does not answer.
pub async fn changed_code(
    chain: &dyn Chain,
    hashes: &BTreeMap<Address, B256>,
) -> Result<Vec<Finding>, ChainError> {
    let found = code_hashes(chain, hashes.keys().copied()).await?;
    let changed = hashes.iter().filter(|(address, hash)| found.get(*address) != Some(*hash));
    Ok(changed.map(|(address, _)| Finding(format!("the code at {address} is another"))).collect())
}
