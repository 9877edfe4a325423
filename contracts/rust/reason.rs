//! Why a contract refused, in its own words.

use crate::abi;
use alloy::sol_types::{ContractError, GenericContractError, SolInterface};
use std::fmt::Debug;

/// Reads one contract's errors.
type Decoder = fn(&[u8]) -> Option<String>;

/// Every contract that declares errors.
const DECODERS: [Decoder; 16] = [
    custom::<abi::Market::MarketErrors>,
    custom::<abi::Challenges::ChallengesErrors>,
    custom::<abi::Stake::StakeErrors>,
    custom::<abi::Providers::ProvidersErrors>,
    custom::<abi::Disputes::DisputesErrors>,
    custom::<abi::Channels::ChannelsErrors>,
    custom::<abi::Deletions::DeletionsErrors>,
    custom::<abi::AccessLists::AccessListsErrors>,
    custom::<abi::Parameters::ParametersErrors>,
    custom::<abi::HoldToken::HoldTokenErrors>,
    custom::<abi::HoldfastGovernor::HoldfastGovernorErrors>,
    custom::<abi::HoldfastTimelock::HoldfastTimelockErrors>,
    custom::<abi::HoldfastProxy::HoldfastProxyErrors>,
    custom::<abi::ProviderVerifier::ProviderVerifierErrors>,
    custom::<abi::BlockhashRandomness::BlockhashRandomnessErrors>,
    custom::<abi::DevelopmentFaucet::DevelopmentFaucetErrors>,
];

/// The error that a call's revert data stands for, with its arguments, such as
/// `WrongState { agreement: 1, index: 0 }`; nothing if no contract of this crate declares it.
///
/// Errors are told apart by their selector alone (Solidity's ABI specification), so a contract that is none of ours
/// can say the same. `Error(string)` and `Panic(uint256)` are known too.
#[must_use]
pub fn reason(data: &[u8]) -> Option<String> {
    match GenericContractError::abi_decode(data) {
        Ok(ContractError::Revert(text)) => Some(text.reason),
        Ok(other) => Some(other.to_string()),
        Err(_) => DECODERS.iter().find_map(|decode| decode(data)),
    }
}

fn custom<E: SolInterface + Debug>(data: &[u8]) -> Option<String> {
    // The derived text of an enum of errors is `Name(Name { argument: value })`.
    let text = format!("{:?}", E::abi_decode(data).ok()?);
    let (_, error) = text.split_once('(')?;
    error.strip_suffix(')').map(str::to_string)
}
