//! What one may ask of the proof actor.

use crate::{
    actors::storage::StorageError,
    env::{AccessTicket, ProverError},
    limits::MAX_DISPUTED_CELLS,
    types::{Ask, Pass, PeerId, PlacementId, Response},
};
use actix::Message;
use bytes::Bytes;
use holdfast_proofs::{field::Fr, groth16::Proof, tree::CELL_BYTES};
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

/// Prove that the slots drawn for a window are whole where its challenge asks.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<WindowProof, ProofError>")]
pub struct ProveWindow {
    /// The challenge: below 2^248.
    pub seed: Fr,
    /// The placements whose slots are drawn, in the order drawn: as many as the circuit has slots, some more than once.
    pub drawn: Vec<PlacementId>,
}

/// The answer to a challenge.
#[derive(Debug, Clone)]
pub struct WindowProof {
    /// The roots of the slots drawn, in that order.
    pub roots: Vec<Fr>,
    /// Their hash, which the verifier takes from the prover.
    pub h: Fr,
    /// The proof; its public inputs follow from the seed and the roots.
    pub proof: Proof,
}

/// Show cells of the slot held of a placement as a dispute demands them.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<ShownCells, ProofError>")]
pub struct ShowDisputed {
    /// Which placement.
    pub placement: PlacementId,
    /// Which cells: at most [`MAX_DISPUTED_CELLS`]. With none only the cell root is told.
    pub cells: Vec<u32>,
}

/// Cells and the root that they lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownCells {
    /// The root of the SHA-256 tree over the slot as it is held now. If it is not the one that the owner signed, some byte
    /// of the slot is lost, and no cell can be shown.
    pub cell_root: [u8; 32],
    /// The cells asked for, in order.
    pub cells: Vec<ShownCell>,
}

/// A cell as a contract is shown it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownCell {
    /// Its bytes.
    pub content: [u8; CELL_BYTES],
    /// Its siblings, seven a level, from the cell up.
    pub path: Vec<[u8; 32]>,
}

/// Uphold the root of the slot held of a placement, which is doubted at one cell.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<UpheldRoot, ProofError>")]
pub struct UpholdRoot {
    /// Which placement.
    pub placement: PlacementId,
    /// Which cell.
    pub cell: u32,
}

/// A cell under both roots of its slot.
#[derive(Debug, Clone)]
pub struct UpheldRoot {
    /// As in [`ShownCells`].
    pub cell_root: [u8; 32],
    /// The cell under the cell root.
    pub shown: ShownCell,
    /// The slot root.
    pub root: Fr,
    /// The proof that the same cell stands under the slot root.
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
    /// Ask for fewer cells at a time.
    #[error("{0} cells, at most {MAX_DISPUTED_CELLS} are shown at a time")]
    Cells(usize),
    /// The prover failed; if a cell is damaged, the slot needs repair.
    #[error(transparent)]
    Prover(#[from] ProverError),
}
