//! What a transaction offers for its gas. All amounts are in wei.

use super::state::Attempt;
use crate::{limits, types::chain::Fees};
use alloy::primitives::U256;

/// One of the transactions that wait, and what it is worth to have it executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    /// Units of gas that it may use.
    pub gas: u64,
    /// Most wei that all of its gas may cost.
    pub worth: u128,
}

/// Most wei a unit of gas for the first transaction of a line, each of which is executed after those before it. So those
/// behind the first pay for it with what they are worth, if that is more (miners know it as "child pays for parent"): it
/// may cost the best mean of itself and those right behind it. `limits::MAX_FEE_PER_GAS` at most.
pub(super) fn ceiling(line: impl IntoIterator<Item = Waiting>) -> u128 {
    let (mut gas, mut worth, mut best) = (0_u128, 0_u128, 0);
    for waiting in line {
        gas = gas.saturating_add(waiting.gas.into());
        worth = worth.saturating_add(waiting.worth);
        best = best.max(worth / gas.max(1));
    }
    best.min(limits::MAX_FEE_PER_GAS)
}

/// Bounds what a transaction may offer by what its account has after the value that goes with it: nodes refuse what could not be
/// paid, whatever it would cost in the end. An account that has less than the base fee is bounded by nothing, so that the chain says
/// what is missing, and the same offer is good once that is there.
pub(super) fn funded(most: u128, base: u128, (has, value): (U256, U256), gas: u64) -> u128 {
    let affordable: u128 = (has.saturating_sub(value) / U256::from(gas.max(1))).saturating_to();
    if affordable > base { most.min(affordable) } else { most }
}

/// The fees of a first attempt, `most` at most: enough for six full blocks in a row.
pub(super) fn first(fees: Fees, most: u128) -> Attempt {
    let most = most.max(1);
    let tip = fees.tip.clamp(1, most);
    let max_fee = fees.base.saturating_mul(2).saturating_add(tip).min(most);
    Attempt { max_fee, tip, cancels: false }
}

fn bump(wei: u128) -> u128 {
    wei.saturating_mul(100 + limits::FEE_BUMP_PERCENT).div_ceil(100)
}

/// Fees of a transaction that does nothing, in place of `last`. It may offer more than any other, since it takes less gas than
/// what it replaces, and what is offered above the base fee and the tip is not paid.
pub(super) fn cancel(last: Attempt, fees: Fees, most: u128) -> Option<Attempt> {
    Some(Attempt { cancels: true, ..raise(last, fees, most.max(bump(last.max_fee)))? })
}

/// Fees that replace `last`, and fit the market; `None` if that is more than `most`.
pub(super) fn raise(last: Attempt, fees: Fees, most: u128) -> Option<Attempt> {
    let least = Attempt { max_fee: bump(last.max_fee), tip: bump(last.tip), cancels: last.cancels };
    if least.max_fee > most {
        return None;
    }
    let market = first(fees, most);
    let max_fee = least.max_fee.max(market.max_fee);
    Some(Attempt { max_fee, tip: least.tip.max(market.tip).min(max_fee), ..least })
}

/// `last` lowered to `most`; `None` if that is no lower, or less than the base fee.
pub(super) fn lower(last: Attempt, fees: Fees, most: u128) -> Option<Attempt> {
    let lower = Attempt { max_fee: most, tip: last.tip.min(most), ..last };
    (most < last.max_fee && most > fees.base).then_some(lower)
}
