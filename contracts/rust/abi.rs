//! Types of every contract's calls, events and errors, and its creation bytecode (`NAME::BYTECODE`), from
//! `contracts/artifacts` at compile time.

/// Each contract in a module of its own: what two of them share, such as `IMarket`, would clash otherwise.
macro_rules! contracts {
    ($($module:ident, $name:ident, $artifact:tt;)*) => {$(
        mod $module {
            #![allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated from the artifact")]
            alloy::sol!(
                #[sol(all_derives)]
                $name,
                $artifact
            );
        }
        pub use $module::$name;
    )*};
}

contracts! {
    access_lists, AccessLists, "artifacts/AccessLists.json";
    blockhash_randomness, BlockhashRandomness, "artifacts/BlockhashRandomness.json";
    challenges, Challenges, "artifacts/Challenges.json";
    channels, Channels, "artifacts/Channels.json";
    compatibility_fallback_handler, CompatibilityFallbackHandler, "artifacts/CompatibilityFallbackHandler.json";
    deletions, Deletions, "artifacts/Deletions.json";
    development_faucet, DevelopmentFaucet, "artifacts/DevelopmentFaucet.json";
    disputes, Disputes, "artifacts/Disputes.json";
    hold_token, HoldToken, "artifacts/HoldToken.json";
    holdfast_governor, HoldfastGovernor, "artifacts/HoldfastGovernor.json";
    holdfast_proxy, HoldfastProxy, "artifacts/HoldfastProxy.json";
    holdfast_timelock, HoldfastTimelock, "artifacts/HoldfastTimelock.json";
    market, Market, "artifacts/Market.json";
    opening_verifier, OpeningVerifier, "artifacts/OpeningVerifier.json";
    parameters, Parameters, "artifacts/Parameters.json";
    prevrandao_randomness, PrevrandaoRandomness, "artifacts/PrevrandaoRandomness.json";
    provider_verifier, ProviderVerifier, "artifacts/ProviderVerifier.json";
    providers, Providers, "artifacts/Providers.json";
    safe, Safe, "artifacts/Safe.json";
    safe_proxy, SafeProxy, "artifacts/SafeProxy.json";
    safe_proxy_factory, SafeProxyFactory, "artifacts/SafeProxyFactory.json";
    slot_verifier, SlotVerifier, "artifacts/SlotVerifier.json";
    small_provider_verifier, SmallProviderVerifier, "artifacts/SmallProviderVerifier.json";
    stake, Stake, "artifacts/Stake.json";
}

pub use challenges::Challenges::Submission;
pub use market::IMarket::{self, Terms};
pub use providers::Providers::Offer;
