//! Proofs of retrievability.

use futures::future::LocalBoxFuture;
use holdfast_proofs::{
    access::{AccessKey, AccessList, Pass, PassError, Scope},
    circuit::{AccessCircuit, SlotCircuit, SlotWitness},
    field::Fr,
    groth16::{Proof, ProveError, ProvingKey, VerifyingKey},
    tree::{Schedule, SlotTree, SlotTreeBuilder, TreeError},
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

/// Commits to slots and proves that challenged cells are held. Only a proof needs a key.
///
/// Both may take seconds and hold up nobody. Dropping a future cancels its work.
pub trait Prover {
    /// What is proven: how many cells of a slot of which size.
    fn circuit(&self) -> SlotCircuit;
    /// Builds the tree of a slot of `length` bytes.
    ///
    /// # Errors
    /// [`ProverError::Read`]; [`ProverError::Tree`] if the slot is longer than the circuit's.
    fn commit(&self, length: u64, read: ReadSlot) -> LocalBoxFuture<'static, Result<SlotTree, ProverError>>;
    /// Proves that the cells of `tree` that `seed` challenges are held.
    ///
    /// # Errors
    /// [`ProverError`]; [`ProverError::Key`] if there is no key for the circuit.
    fn prove(
        &self,
        tree: Arc<SlotTree>,
        seed: Fr,
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
pub fn build_tree(
    circuit: &SlotCircuit,
    schedule: Schedule,
    length: u64,
    read: &mut ReadSlot,
) -> Result<SlotTree, ProverError> {
    let mut builder = SlotTreeBuilder::new(circuit.levels(), schedule)?;
    let mut start = 0;
    while start < length {
        let end = length.min(start + COMMIT_READ);
        builder.push(&read(start..end).map_err(ProverError::Read)?)?;
        start = end;
    }
    Ok(builder.finish())
}

/// Reads and opens the challenged cells.
///
/// # Errors
/// [`ProverError::Read`], and [`ProverError::Tree`] if a challenged group of cells is not what was committed to.
pub fn open_cells(
    circuit: &SlotCircuit,
    tree: &SlotTree,
    seed: Fr,
    read: &mut ReadSlot,
) -> Result<SlotWitness, ProverError> {
    circuit.gather(tree, seed, |range| read(range).map_err(ProverError::Read))
}
