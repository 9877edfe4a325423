//! Who acts.

use alloy::primitives::{Address, keccak256};
use holdfast::types::Wallet;

/// Everybody in the story; the same on every chain.
pub struct Cast {
    pub deployer: Wallet,
    pub owner: Wallet,
    /// Operates the provider that fails, `loser`.
    pub first: Wallet,
    pub loser: Wallet,
    /// Operates the provider that takes over, `heir`.
    pub second: Wallet,
    pub heir: Wallet,
    pub delegator: Wallet,
    pub challenger: Wallet,
    pub reporter: Wallet,
    pub voter: Wallet,
    /// The treasury's owners, in the order of their addresses, as a Safe wants signatures.
    pub signers: Vec<Wallet>,
}

impl Cast {
    pub fn new() -> Self {
        let mut signers: Vec<Wallet> = ["signer 1", "signer 2", "signer 3"].map(wallet).into();
        signers.sort_by_key(Wallet::address);
        Self {
            deployer: wallet("deployer"),
            owner: wallet("owner"),
            first: wallet("first operator"),
            loser: wallet("first peer key"),
            second: wallet("second operator"),
            heir: wallet("second peer key"),
            delegator: wallet("delegator"),
            challenger: wallet("challenger"),
            reporter: wallet("reporter"),
            voter: wallet("voter"),
            signers,
        }
    }

    /// Who sends transactions, and so needs coins.
    pub fn senders(&self) -> [(&'static str, &Wallet); 8] {
        [
            ("deployer", &self.deployer),
            ("owner", &self.owner),
            ("first operator", &self.first),
            ("second operator", &self.second),
            ("delegator", &self.delegator),
            ("challenger", &self.challenger),
            ("reporter", &self.reporter),
            ("voter", &self.voter),
        ]
    }

    pub fn funded(&self) -> Vec<Address> {
        self.senders().iter().map(|(_, wallet)| wallet.address()).collect()
    }
}

fn wallet(name: &str) -> Wallet {
    let mut secret = keccak256(format!("holdfast/story/{name}")).0;
    Wallet::from_secret(&mut secret).unwrap()
}
