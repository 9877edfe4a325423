//! Proofs of retrievability.

use crate::limits;
use futures::future::LocalBoxFuture;
use holdfast_proofs::{
    access::{AccessKey, AccessList, Pass, PassError, Scope},
    circuit::{
        AccessCircuit, OpeningCircuit, OpeningWitness, ProviderCircuit, ProviderWitness, SlotOpenings,
    },
    field::Fr,
    groth16::{Proof, ProveError, ProvingKey, VerifyingKey},
    tree::{Schedule, SlotTree, Tree, TreeBuilder, TreeError, TreeHash},
};
use rand_core::Rng;
use std::{
    ops::Range,
    sync::{Arc, atomic::AtomicBool},
};

/// Bytes of a slot that are read at a time while its tree is built.
const COMMIT_READ: u64 = 1 << 20;

/// Returns a slot's bytes of a range, as they are on disk, or says why they cannot be read. Called where the
/// tree or the proof is computed, and so possibly on another thread.
pub type ReadSlot = Box<dyn FnMut(Range<u64>) -> Result<Vec<u8>, String> + Send>;

/// Why there is no tree or no proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProverError {
    /// The disk would not give the slot's bytes: try again, or repair it.
    #[error("slot cannot be read: {0}")]
    Read(String),
    /// The slot's bytes are too many, or not those committed to: repair it.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The prover refused.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// Open each of the slots drawn, in order, for one challenge.
    #[error("a proof is of all {expected} slots drawn, in order and for one challenge")]
    Slots {
        /// Slots that the circuit has.
        expected: usize,
    },
    /// Ask the owner to add the key to its access list.
    #[error("key is not in the access list")]
    NotAMember,
    /// Give the node a proving key that can be used.
    #[error("no proving key: {0}")]
    Key(String),
}

/// What a member of an access list has.
#[derive(Debug)]
pub struct AccessTicket {
    /// The list.
    pub list: AccessList,
    /// The member's secret.
    pub key: AccessKey,
}

/// What a pass is for.
#[derive(Debug, Clone)]
pub struct Visit {
    /// Who makes it.
    pub ticket: Arc<AccessTicket>,
    /// The provider, and its epoch.
    pub scope: Scope,
    /// What is asked of it.
    pub request: Vec<u8>,
}

/// Which cells of a slot are asked for: those of one of the slots drawn for a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Challenged {
    /// The challenge: below 2^248.
    pub seed: Fr,
    /// Which of the slots drawn it is.
    pub place: usize,
}

/// Commits to slots, proves that challenged cells are held, and answers doubts. Only what makes a proof needs a key.
///
/// All may take seconds and hold up nobody. Dropping a future cancels its work.
pub trait Prover {
    /// What is proven: how many cells of how many slots of which size.
    fn circuit(&self) -> ProviderCircuit;
    /// Builds the tree of a slot of `length` bytes.
    ///
    /// # Errors
    /// [`ProverError::Read`]; [`ProverError::Tree`] if the slot is longer than the circuit's.
    fn commit(&self, length: u64, read: ReadSlot) -> LocalBoxFuture<'static, Result<SlotTree, ProverError>>;
    /// Opens the challenged cells of one of the slots drawn: a few kilobytes, so that no two trees need be at hand at a
    /// time.
    ///
    /// # Errors
    /// [`ProverError::Read`]; [`ProverError::Tree`] if a challenged group of cells is not what was committed to;
    /// [`ProverError::Slots`] if there is no such place.
    fn open(
        &self,
        tree: Arc<SlotTree>,
        challenged: Challenged,
        read: ReadSlot,
    ) -> LocalBoxFuture<'static, Result<SlotOpenings, ProverError>>;
    /// Proves that the challenged cells of all slots drawn are held: what a verifier asks of a provider in a window. Its
    /// public inputs are [`provider_publics`](holdfast_proofs::circuit::provider_publics).
    ///
    /// # Errors
    /// [`ProverError::Slots`]; [`ProverError::Key`] if there is no key for the circuit.
    fn prove(&self, slots: Vec<SlotOpenings>) -> LocalBoxFuture<'static, Result<Proof, ProverError>>;
    /// Proves that a cell stands under its slot's root: the answer to whoever doubts the root. Its public inputs are
    /// [`opening_publics`](holdfast_proofs::circuit::opening_publics).
    ///
    /// # Errors
    /// Those of [`Prover::open`], [`TreeError::OutOfRange`] among them; [`ProverError::Key`] if there is no key for such
    /// proofs.
    fn uphold(
        &self,
        tree: Arc<SlotTree>,
        index: u64,
        read: ReadSlot,
    ) -> LocalBoxFuture<'static, Result<Proof, ProverError>>;
    /// Proves that somebody is in an access list, without a name: a [`Pass`](holdfast_proofs::access::Pass) as bytes.
    ///
    /// # Errors
    /// [`ProverError::Key`] if there is no key for such proofs, [`ProverError::NotAMember`].
    fn pass(&self, visit: Visit) -> LocalBoxFuture<'static, Result<Vec<u8>, ProverError>>;
    /// What verifies passes.
    ///
    /// # Errors
    /// [`ProverError::Key`].
    fn access_key(&self) -> LocalBoxFuture<'static, Result<VerifyingKey, ProverError>>;
}

/// Makes a pass on the calling thread, or in its rayon pool.
///
/// # Errors
/// Those of [`Prover::pass`].
pub fn make_pass(
    key: &ProvingKey,
    circuit: &AccessCircuit,
    visit: &Visit,
    random: &mut impl Rng,
    cancelled: &AtomicBool,
) -> Result<Vec<u8>, ProverError> {
    let AccessTicket { list, key: member } = &*visit.ticket;
    let pass = Pass::prove((key, circuit), (list, member), (&visit.scope, &visit.request), random, cancelled);
    match pass {
        Ok(pass) => Ok(pass.to_bytes(&key.verifying.circuit)),
        Err(PassError::NotAMember) => Err(ProverError::NotAMember),
        Err(PassError::Prove(error)) => Err(error.into()),
    }
}

/// Builds a slot's tree on the calling thread, or in its rayon pool.
///
/// # Errors
/// Those of [`Prover::commit`].
pub fn build_tree<H: TreeHash>(
    levels: usize,
    schedule: Schedule,
    length: u64,
    read: &mut ReadSlot,
) -> Result<Tree<H>, ProverError> {
    let mut builder = TreeBuilder::new(levels, schedule)?;
    let mut start = 0;
    while start < length {
        let end = length.min(start + COMMIT_READ);
        builder.push(&read(start..end).map_err(ProverError::Read)?)?;
        start = end;
    }
    Ok(builder.finish())
}

/// The statements that provers prove.
#[derive(Debug, Clone, Copy)]
pub struct Circuits {
    /// Slots that a provider holds.
    pub provider: ProviderCircuit,
    /// A cell of a doubted slot.
    pub opening: OpeningCircuit,
    /// A member of an access list.
    pub access: AccessCircuit,
}

impl Circuits {
    /// What is proven where providers prove `provider`.
    pub fn new(provider: ProviderCircuit) -> Self {
        let opening = OpeningCircuit::new(provider.levels()).expect("there are such slots");
        let access = AccessCircuit::new(limits::ACCESS_LEVELS).expect("there are such lists");
        Self { provider, opening, access }
    }

    /// Reads and opens the challenged cells of one of the slots drawn.
    ///
    /// # Errors
    /// Those of [`Prover::open`].
    pub fn open(
        &self,
        tree: &SlotTree,
        challenged: Challenged,
        read: &mut ReadSlot,
    ) -> Result<SlotOpenings, ProverError> {
        let Challenged { seed, place } = challenged;
        if place >= self.provider.slots() {
            return Err(self.not_all_slots());
        }
        self.provider.open(tree, seed, place, |range| read(range).map_err(ProverError::Read))
    }

    /// What a proof of all slots drawn needs.
    ///
    /// # Errors
    /// [`ProverError::Slots`].
    pub fn witness(&self, slots: Vec<SlotOpenings>) -> Result<ProviderWitness, ProverError> {
        self.provider.witness(slots).ok_or_else(|| self.not_all_slots())
    }

    /// Reads and opens a doubted cell.
    ///
    /// # Errors
    /// Those of [`Prover::uphold`] but for the key.
    pub fn doubted(
        &self,
        tree: &SlotTree,
        index: u64,
        read: &mut ReadSlot,
    ) -> Result<OpeningWitness, ProverError> {
        self.opening.gather(tree, index, |range| read(range).map_err(ProverError::Read))
    }

    fn not_all_slots(&self) -> ProverError {
        ProverError::Slots { expected: self.provider.slots() }
    }
}
