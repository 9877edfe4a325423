//! What terms a provider takes.

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
