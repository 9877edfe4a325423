//! What terms a provider takes, and what it pays to keep its collateral.

use super::state::Book;
use crate::settings::MarketSettings;
use alloy::primitives::U256;
use holdfast_contracts::{Amount, abi::Terms};

/// Bytes of a GiB.
const GIB: u64 = 1 << 30;

/// Least price of a slot and window, 10⁻¹⁸ HOLD, rounded up.
fn least_price(settings: &MarketSettings, bytes: u64) -> U256 {
    settings.least_price.0.saturating_mul(U256::from(bytes)).div_ceil(U256::from(GIB))
}

/// Why a provider takes no slot of so many bytes under these terms; nothing if it does.
pub(super) fn objection(settings: &MarketSettings, terms: &Terms, bytes: u64) -> Option<String> {
    if !settings.sell {
        return Some("this provider takes no slots".into());
    }
    if terms.slotBytes < bytes {
        return Some(format!("the terms speak of {} bytes, the slot has {bytes}", terms.slotBytes));
    }
    let (price, least) = (U256::from(terms.price), least_price(settings, bytes));
    if price < least {
        let (price, least) = (Amount(price), Amount(least));
        return Some(format!("{price} HOLD for a slot and window, this provider takes {least} at least"));
    }
    let collateral = Amount(U256::from(terms.collateral));
    if collateral > settings.most_collateral {
        let most = settings.most_collateral;
        return Some(format!("{collateral} HOLD of collateral, this provider locks {most} at most"));
    }
    None
}

/// Basis points of a whole.
const WHOLE: u64 = 10_000;

/// So many basis points of an amount.
fn share(of: U256, bps: u64) -> U256 {
    of.saturating_mul(U256::from(bps)) / U256::from(WHOLE)
}

/// What a reservation burns of its provider's stake if no refill follows in time, 10⁻¹⁸ HOLD: the parameter `ReservationBondBps` of
/// the slot's collateral.
pub(super) fn bond(terms: &Terms, bps: u64) -> U256 {
    share(U256::from(terms.collateral), bps)
}

/// Most basis points of the collateral that one miss costs (`STEEPEST_BPS` of `Challenges.sol`).
const STEEPEST: u64 = 5_000;

/// What the contracts take for a missed window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Penalties {
    /// Collateral of all its slots, 10⁻¹⁸ HOLD.
    pub locked: U256,
    /// Basis points of it that the first miss costs; each further one costs twice as much.
    pub miss_bps: u64,
    /// Windows without a miss that lower the level by one.
    pub decay_windows: u64,
    /// The level at which anybody may take the slots away, which then costs …
    pub evict_level: u64,
    /// … so many basis points of what is left.
    pub fail_bps: u64,
}

/// What a provider loses if it misses `window`, 10⁻¹⁸ HOLD: `pay`, what it is paid for the window; the penalty, as
/// `Challenges._penalise` computes it; and if that was one miss too many, what is seized with all its slots.
pub(super) fn miss_cost(penalties: &Penalties, book: &Book, window: u64, pay: U256) -> U256 {
    let Penalties { locked, miss_bps, decay_windows, evict_level, fail_bps } = *penalties;
    let decayed = window.saturating_sub(book.last_miss) / decay_windows.max(1);
    let level = (u64::from(book.level).saturating_sub(decayed) + 1).min(evict_level).max(1);
    let doubled = 1_u64.checked_shl(level as u32 - 1).unwrap_or(u64::MAX);
    let penalty = share(locked, miss_bps.saturating_mul(doubled).min(STEEPEST));
    let seized = if level == evict_level { share(locked - penalty, fail_bps) } else { U256::ZERO };
    pay.saturating_add(penalty).saturating_add(seized)
}

/// Wei that so many 10⁻¹⁸ HOLD are worth to whoever set these prices.
pub(super) fn worth(settings: &MarketSettings, hold: U256) -> u128 {
    let one = Amount::whole(1).0;
    hold.saturating_mul(settings.hold_price.0).checked_div(one).unwrap_or_default().saturating_to()
}
