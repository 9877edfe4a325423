//! A slot of an agreement, offered to the provider that holds its bytes.

use super::{AccountSignature, PlacementId};
use alloy::primitives::Address;
use serde::{Deserialize, Serialize};

/// An owner's signature for a slot, as the market takes it, over the EIP-712 message `SlotApproval` (docs/spec/market.md).
pub type Approval = AccountSignature;

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
