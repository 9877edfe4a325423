//! What one may ask of the proof actor.

use crate::{
    actors::storage::StorageError,
    env::{AccessTicket, ProverError},
    types::{Ask, Pass, PeerId, PlacementId, Response},
};
use actix::Message;
use bytes::Bytes;
use holdfast_proofs::{field::Fr, groth16::Proof};
use std::sync::Arc;

/// A peer asks what the trees of this node's slots say: [`Ask::ClaimRoot`] or [`Ask::ShowCells`].
#[derive(Debug, Message)]
#[rtype(result = "Response")]
pub struct ServeClaim(pub Ask);

/// A peer wants to read a protected placement.
#[derive(Debug, Message)]
#[rtype(result = "Response")]
pub struct ServeVisit {
    /// Who asks; authenticated.
    pub from: PeerId,
    /// Which placement.
    pub id: PlacementId,
    /// Why it may.
    pub pass: Pass,
}

/// Make a pass for a reader, which this node is.
#[derive(Debug, Message)]
#[rtype(result = "Result<Bytes, ProofError>")]
pub struct MakePass {
    /// The list, and whose key.
    pub ticket: Arc<AccessTicket>,
    /// What is to be read.
    pub id: PlacementId,
    /// Where.
    pub provider: PeerId,
    /// By whom.
    pub visitor: PeerId,
    /// In which of the provider's epochs.
    pub epoch: u64,
}

/// Of how many levels are the trees that this node builds? `None` if it builds none.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Option<usize>")]
pub struct TreeLevels;

/// Commit to the slot that is held of a placement.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<SlotCommitment, ProofError>")]
pub struct CommitSlot(pub PlacementId);

/// What a slot's tree says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotCommitment {
    /// Which slot.
    pub slot: u16,
    /// Its bytes, without the zeros after them.
    pub length: u64,
    /// Its root.
    pub root: Fr,
}

/// Prove that the slot held of a placement is whole where `seed` asks.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<SlotProof, ProofError>")]
pub struct ProveSlot {
    /// Which placement.
    pub placement: PlacementId,
    /// The challenge: below 2^248.
    pub seed: Fr,
}

/// The answer to a challenge.
#[derive(Debug, Clone)]
pub struct SlotProof {
    /// The root it is for.
    pub root: Fr,
    /// The proof; its public inputs are the root and the seed.
    pub proof: Proof,
}

/// Why there is no commitment or no proof; by what is to be done next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Give the node a proving key.
    #[error("this node has no proving key")]
    NoProver,
    /// Wait for the repair of the slot, or stop challenging it.
    #[error("placement {0} is not held whole: its record or a shard is missing")]
    NotHeld(PlacementId),
    /// The index or the disk failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The prover failed; if a cell is damaged, the slot needs repair.
    #[error(transparent)]
    Prover(#[from] ProverError),
}
