//! What opens a protected placement to a reader.

use super::{PeerId, PlacementId, Signable, Signed};
use crate::limits;
use bytes::Bytes;
use holdfast_proofs::access::Scope;
use serde::{Deserialize, Serialize};

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
