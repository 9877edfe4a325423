//! What is signed off the chain (EIP-712), and how peer keys sign it.

use alloy::{
    primitives::{Address, B256, U256},
    sol,
    sol_types::{Eip712Domain, SolStruct},
};
use sha2::{Digest, Sha256};
use std::borrow::Cow;

sol! {
    /// A peer key names its operator; `nonce` counts how often it did.
    #[derive(Debug, PartialEq, Eq)]
    struct Operator {
        address provider;
        address operator;
        uint256 nonce;
    }

    /// An owner lets a provider take a slot, under roots that the owner has checked.
    #[derive(Debug, PartialEq, Eq)]
    struct SlotApproval {
        uint256 agreement;
        uint256 index;
        address provider;
        bytes32 root;
        bytes32 cellRoot;
    }

    /// A payer owes a channel's provider `total` in all, in 10^-18 HOLD.
    #[derive(Debug, PartialEq, Eq)]
    struct Voucher {
        uint256 channel;
        uint256 total;
    }

    /// A provider says that it deleted what a salted commitment stands for.
    #[derive(Debug, PartialEq, Eq)]
    struct Deleted {
        address provider;
        bytes32 commitment;
        uint256 blockNumber;
    }

    /// A provider says that it served it.
    #[derive(Debug, PartialEq, Eq)]
    struct Served {
        address provider;
        bytes32 commitment;
        uint256 blockNumber;
    }
}

/// A message with the name that its contract's EIP-712 domain has.
pub trait Message: SolStruct {
    /// The domain's name.
    const DOMAIN: &'static str;

    /// The EIP-712 digest for the contract on the chain: what accounts sign.
    fn digest(&self, chain_id: u64, contract: Address) -> B256 {
        self.eip712_signing_hash(&Eip712Domain {
            name: Some(Cow::Borrowed(Self::DOMAIN)),
            version: Some(Cow::Borrowed("1")),
            chain_id: Some(U256::from(chain_id)),
            verifying_contract: Some(contract),
            salt: None,
        })
    }

    /// What ECDSA runs on when a peer key signs the digest: libp2p hashes a message with SHA-256.
    fn peer_digest(&self, chain_id: u64, contract: Address) -> B256 {
        B256::from(<[u8; 32]>::from(Sha256::digest(self.digest(chain_id, contract))))
    }
}

impl Message for Operator {
    const DOMAIN: &'static str = "Holdfast Providers";
}

impl Message for SlotApproval {
    const DOMAIN: &'static str = "Holdfast Market";
}

impl Message for Voucher {
    const DOMAIN: &'static str = "Holdfast Channels";
}

impl Message for Deleted {
    const DOMAIN: &'static str = "Holdfast Deletions";
}

impl Message for Served {
    const DOMAIN: &'static str = "Holdfast Deletions";
}
