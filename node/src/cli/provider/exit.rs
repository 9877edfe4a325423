//! `holdfast provider exit`: no more slots, and those held are offered to others.

use super::{
    super::{
        chain::{
            args::Whose,
            connect::{self, block_on, failed},
            sent,
        },
        failure::Failure,
        home::Home,
        output::Output,
    },
    first_block, provider,
};
use crate::{chain::view, env::Chain, limits, types::chain::LogFilter};
use alloy::{
    primitives::{Address, B256, Log, U256, keccak256},
    sol_types::{SolEvent, SolValue},
};
use holdfast_contracts::{
    abi::{Challenges, Market, Providers},
    deployment::Addresses,
};
use std::collections::BTreeMap;

/// Leaves the market, or comes back.
pub fn run(home: &Home, undo: bool, whose: &Whose, output: Output) -> Result<(), Failure> {
    let provider = provider(home, whose.provider)?;
    let since = first_block(home, &whose.chain)?;
    let (receipts, slots) = block_on(async {
        let chain = connect::connect(home, &whose.chain).await?;
        let it = connect::deployment(home, &whose.chain, &*chain)?;
        let held = held(&*chain, &it, provider, since).await?;
        let sender = connect::sender(home, &whose.account, chain.clone())?;
        let leave = Providers::setExitingCall { provider, exiting: !undo };
        let mut receipts = vec![sender.call(it.providers, &leave).await.map_err(sent::failed)?];
        for &(agreement, index) in &held {
            let slot = Market::slotOfCall { agreement, index };
            let slot = view(&*chain, it.market, &slot).await.map_err(failed)?;
            // What somebody has reserved already goes its way.
            if slot.offered != undo || slot.reserver != Address::ZERO {
                continue;
            }
            let offer = Market::offerCall { agreement, index, offered: !undo };
            receipts.push(sender.call(it.market, &offer).await.map_err(sent::failed)?);
        }
        Ok((receipts, held.len()))
    })?;
    let what = if undo {
        format!("provider {provider} takes slots again, and keeps its {slots}")
    } else {
        format!(
            "provider {provider} takes no more slots; its {slots} are offered, and must be proven until others take them"
        )
    };
    sent::print(&what, &receipts, output)
}

/// The slots that a provider holds, as agreement and index: the chain lists their keys, and its log tells which they are.
async fn held(
    chain: &dyn Chain,
    it: &Addresses,
    provider: Address,
    since: u64,
) -> Result<Vec<(U256, U256)>, Failure> {
    let set = view(chain, it.challenges, &Challenges::setOfCall { provider }).await.map_err(failed)?;
    let mut found: BTreeMap<B256, (U256, U256)> = BTreeMap::new();
    let head = chain.head().await.map_err(failed)?.number;
    let mut from = since;
    while from <= head && !set.keys.is_empty() {
        let to = head.min(from + limits::MAX_LOG_BLOCKS - 1);
        let events = vec![Market::SlotFilled::SIGNATURE_HASH];
        let filter = LogFilter { addresses: vec![it.market], events, blocks: from..=to };
        for log in chain.logs(filter).await.map_err(failed)? {
            let log = Log::new_unchecked(log.address, log.topics, log.data);
            if let Ok(filled) = Market::SlotFilled::decode_log(&log)
                && filled.provider == provider
            {
                let slot = (filled.agreement, filled.index);
                found.insert(keccak256(slot.abi_encode()), slot);
            }
        }
        from = to + 1;
    }
    Ok(set.keys.iter().filter_map(|key| found.get(key).copied()).collect())
}
