//! The nouns. Every other room speaks in these types, never in a bare `[u8; 32]` or `u64`.

mod access;
pub mod chain;
mod code;
mod codec;
mod elements;
mod identity;
mod ids;
mod manifest;
mod offer;
mod placement;
mod policy;
mod provider;
mod roots;
mod signed;
mod units;
mod voucher;
mod wallet;
mod wire;

pub use access::{OwnerVisit, Pass, visit};
pub use code::{Code, CodeError, ShardKey};
pub use codec::{FormatError, decode_versioned, encode_versioned};
pub use elements::{ElementError, ListRoot, Member, SlotRoot};
pub use identity::{Identity, PeerId, RawSignature, account};
pub use ids::{ContentHash, IntentId, PlacementId, ShardHash};
pub use manifest::{FileLink, LinkError, Manifest, ManifestKey};
pub use offer::{Approval, SlotOffer};
pub use placement::{PlacementError, PlacementRecord};
pub use policy::Policy;
pub use provider::{HeldSlot, ProviderRecord, ProviderStatus, Receipt, Removal};
pub use roots::{CellRoot, SlotRoots};
pub use signed::{Signable, SignatureError, Signed};
pub use units::Timestamp;
pub use voucher::{Bill, ReadPrice, Voucher};
pub use wallet::{AccountSignature, Wallet};
pub use wire::{Answer, Ask, Refusal, Request, Response};
