//! The shell: finds the slot, finds or builds its tree, and asks the prover.

use super::{messages::*, trees::Trees};
use crate::{
    actors::storage::{OpenSlot, OpenedSlot, StorageError},
    env::{Prover, ReadSlot},
    limits,
    types::PlacementId,
};
use actix::{Actor, Addr, Context, Handler, Recipient, ResponseFuture};
use holdfast_proofs::tree::SlotTree;
use std::{cell::RefCell, rc::Rc, sync::Arc};

/// Commits to slots and proves them.
pub struct ProofActor {
    shell: Rc<Shell>,
}

struct Shell {
    prover: Option<Rc<dyn Prover>>,
    open: Recipient<OpenSlot>,
    trees: RefCell<Trees>,
}

impl ProofActor {
    /// Starts the actor; without a prover it refuses.
    pub fn start(prover: Option<Rc<dyn Prover>>, open: Recipient<OpenSlot>) -> Addr<Self> {
        Actor::start(Self { shell: Rc::new(Shell { prover, open, trees: RefCell::default() }) })
    }
}

impl Actor for ProofActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(limits::MAILBOX);
    }
}

impl Shell {
    fn prover(&self) -> Result<Rc<dyn Prover>, ProofError> {
        self.prover.clone().ok_or(ProofError::NoProver)
    }

    async fn slot(&self, id: PlacementId) -> Result<OpenedSlot, ProofError> {
        let stopping = |_| StorageError::Index("the node is stopping".into());
        self.open.send(OpenSlot(id)).await.map_err(stopping)??.ok_or(ProofError::NotHeld(id))
    }

    /// The slot's tree; built from what is on disk if it is not kept.
    async fn tree(&self, id: PlacementId, slot: &OpenedSlot) -> Result<Arc<SlotTree>, ProofError> {
        let kept = self.trees.borrow_mut().get(id);
        if let Some(tree) = kept.filter(|tree| tree.length() == slot.length()) {
            return Ok(tree);
        }
        let tree = Arc::new(self.prover()?.commit(slot.length(), reading(slot.clone())).await?);
        self.trees.borrow_mut().keep(id, tree.clone(), limits::TREE_CACHE_BYTES);
        Ok(tree)
    }

    async fn commit(&self, id: PlacementId) -> Result<SlotCommitment, ProofError> {
        let slot = self.slot(id).await?;
        let tree = self.tree(id, &slot).await?;
        Ok(SlotCommitment { slot: slot.slot(), length: slot.length(), root: tree.root() })
    }

    async fn prove(&self, ProveSlot { placement, seed }: ProveSlot) -> Result<SlotProof, ProofError> {
        let slot = self.slot(placement).await?;
        let tree = self.tree(placement, &slot).await?;
        let root = tree.root();
        let proof = self.prover()?.prove(tree, seed, reading(slot)).await?;
        Ok(SlotProof { root, proof })
    }
}

fn reading(slot: OpenedSlot) -> ReadSlot {
    Box::new(move |range| slot.read(range).map_err(|error| error.to_string()))
}

impl Handler<CommitSlot> for ProofActor {
    type Result = ResponseFuture<Result<SlotCommitment, ProofError>>;

    fn handle(&mut self, CommitSlot(id): CommitSlot, _: &mut Self::Context) -> Self::Result {
        let shell = self.shell.clone();
        Box::pin(async move { shell.commit(id).await })
    }
}

impl Handler<ProveSlot> for ProofActor {
    type Result = ResponseFuture<Result<SlotProof, ProofError>>;

    fn handle(&mut self, challenge: ProveSlot, _: &mut Self::Context) -> Self::Result {
        let shell = self.shell.clone();
        Box::pin(async move { shell.prove(challenge).await })
    }
}
