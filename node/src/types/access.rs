//! Who may read a protected placement, and what opens it to a reader.

use super::{ListRoot, PeerId, PlacementId, Signable, Signed};
use crate::limits;
use alloy::primitives::Address;
use bytes::Bytes;
use holdfast_proofs::access::Scope;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Whom providers serve a protected placement to, beside its owner and its other holders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// The members of the list with this root, for ever.
    Root(ListRoot),
    /// The members of the list that has this name on a chain, whichever that is when a reader comes.
    Listed(ListName),
}

impl Access {
    /// A root's 32 bytes (big-endian), or a name's 36: [`ListName::to_bytes`].
    pub fn to_bytes(self) -> Vec<u8> {
        match self {
            Self::Root(root) => root.to_bytes().into(),
            Self::Listed(name) => name.to_bytes().into(),
        }
    }
}

/// Names an access list whose root its owner keeps on a chain (`AccessLists`), and can replace there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ListName {
    /// The chain's id (EIP-155).
    pub chain: u64,
    /// The account that alone can set the root.
    pub owner: Address,
    /// Which of the account's lists.
    pub list: u64,
}

impl ListName {
    /// Bytes of a name.
    pub const BYTES: usize = 36;

    /// Chain (8 bytes, big-endian), account (20 bytes), number (8 bytes, big-endian).
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.chain.to_be_bytes());
        bytes[8..28].copy_from_slice(self.owner.as_slice());
        bytes[28..].copy_from_slice(&self.list.to_be_bytes());
        bytes
    }

    /// Reads what [`ListName::to_bytes`] wrote; any bytes are a name.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let number = |at: usize| u64::from_be_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        Self { chain: number(0), owner: Address::from_slice(&bytes[8..28]), list: number(28) }
    }
}

impl fmt::Display for ListName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "list {} of {} on chain {}", self.list, self.owner, self.chain)
    }
}

/// What a reader shows. It lets this reader, known by the connection, read this placement at this provider until the
/// provider's epoch is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pass {
    /// A proof that whoever made it is in the placement's access list, without a name: [`holdfast_proofs::access::Pass`]
    /// for [`visit`].
    Member(Bytes),
    /// The owner's word.
    Owner(Signed<OwnerVisit>),
}

/// "Let this peer in": signed by a placement's owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerVisit {
    /// Who owns the placement.
    pub owner: PeerId,
    /// What is to be read.
    pub placement: PlacementId,
    /// Where.
    pub provider: PeerId,
    /// By whom.
    pub visitor: PeerId,
    /// In which of the provider's epochs.
    pub epoch: u64,
}

impl Signable for OwnerVisit {
    const NAME: &'static str = "owner's visit";
    const VERSION: u8 = 1;
    const LIMIT: usize = limits::MAX_SMALL_RECORD;
    fn signer(&self) -> PeerId {
        self.owner
    }
}

/// What a member's pass is bound to: provider and epoch, and the request of this reader for this placement.
pub fn visit(provider: &PeerId, epoch: u64, id: &PlacementId, visitor: &PeerId) -> (Scope, Vec<u8>) {
    let provider = blake3::derive_key("holdfast access provider v1", &provider.to_bytes());
    let request = [id.as_bytes().as_slice(), &visitor.to_bytes()].concat();
    (Scope { provider, epoch }, request)
}
