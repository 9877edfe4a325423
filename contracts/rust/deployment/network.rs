//! Which chains are whose.

/// True while the verifying key in `ProviderVerifier` is one whose trapdoor everybody knows.
pub const DEVELOPMENT_KEY: bool = true;

/// Chains on which money is real, as the verifiers list them: Ethereum, BNB Smart Chain, Polygon, OP, Base, Arbitrum One,
/// Gnosis, Avalanche C, Linea, Scroll, zkSync Era.
pub const PUBLIC_MAINNETS: [u64; 11] = [1, 56, 137, 10, 8453, 42161, 100, 43114, 59144, 534352, 324];

/// Local chains whose coins are free.
const LOCAL: [u64; 2] = [31337, 1337];
/// Public test networks, as the faucet lists them: Sepolia, Holesky, Hoodi, BNB Smart Chain testnet.
const PUBLIC_TESTNETS: [u64; 4] = [11155111, 17000, 560048, 97];

/// What kind of chain an id stands for (EIP-155).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// On this machine: coins are free, defaults are quick.
    Local,
    /// A public test network: there is a faucet.
    Testnet,
    /// Money is real, or the chain is not known: everything must be chosen by a person.
    Public,
}

impl Network {
    /// The kind of a chain.
    #[must_use]
    pub fn of(chain_id: u64) -> Self {
        match chain_id {
            id if LOCAL.contains(&id) => Self::Local,
            id if PUBLIC_TESTNETS.contains(&id) => Self::Testnet,
            _ => Self::Public,
        }
    }

    /// True if test tokens may be given away.
    #[must_use]
    pub fn may_have_faucet(self) -> bool {
        self != Self::Public
    }
}
