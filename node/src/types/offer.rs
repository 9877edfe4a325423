//! A slot of an agreement, offered to the provider that holds its bytes.

use super::PlacementId;
use alloy::primitives::Address;
use serde::{Deserialize, Serialize};

/// An owner's signature for a slot, as the market takes it: ECDSA over the EIP-712 message `SlotApproval`
/// (docs/spec/market.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    r: [u8; 32],
    s: [u8; 32],
    v: u8,
}

impl Approval {
    /// 65 bytes: r, s, v.
    pub fn from_bytes(bytes: &[u8; 65]) -> Self {
        let (mut r, mut s) = ([0; 32], [0; 32]);
        r.copy_from_slice(&bytes[..32]);
        s.copy_from_slice(&bytes[32..64]);
        Self { r, s, v: bytes[64] }
    }

    /// 65 bytes: r, s, v.
    pub fn to_bytes(self) -> [u8; 65] {
        let mut bytes = [0; 65];
        bytes[..32].copy_from_slice(&self.r);
        bytes[32..64].copy_from_slice(&self.s);
        bytes[64] = self.v;
        bytes
    }
}

/// A slot of an agreement, offered to whoever holds its bytes: by the agreement's owner, or, once the slot has lost its
/// provider, by any provider of the agreement. The slot's index in the agreement is its number in the placement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotOffer {
    /// Of which placement.
    pub placement: PlacementId,
    /// Which slot.
    pub slot: u16,
    /// On which chain (EIP-155).
    pub chain: u64,
    /// In which market.
    pub market: Address,
    /// Which agreement.
    pub agreement: u64,
    /// The owner's signature under which a slot is taken that nobody ever had. A slot that lost its provider is refilled
    /// without one.
    pub approval: Option<Approval>,
}
