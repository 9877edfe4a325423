//! Questions to contracts, typed.

use crate::{
    env::{Chain, ChainError},
    types::chain::Call,
};
use alloy::{primitives::Address, sol_types::SolCall};

/// What a contract answers at the head.
///
/// # Errors
/// [`ChainError`]; [`ChainError::Unreachable`] if what comes back is no such answer, as from an address without code.
pub async fn view<C: SolCall>(chain: &dyn Chain, to: Address, call: &C) -> Result<C::Return, ChainError> {
    let data = call.abi_encode().into();
    let answer = chain.call(Call { to: Some(to), data, ..Call::default() }).await?;
    C::abi_decode_returns(&answer).map_err(|why| ChainError::Unreachable {
        why: format!("{to} does not answer {} as a contract of ours: {why}", C::SIGNATURE),
    })
}
