//! What peers are told of this node's trees: the root, and cells under it.

use super::{actor::Shell, messages::ProofError};
use crate::{
    actors::storage::{OpenedSlot, StorageError},
    env::{Work, blocking},
    limits,
    types::{Answer, Ask, PlacementId, Refusal, Response, SlotRoot},
};
use futures::FutureExt;
use holdfast_proofs::{
    spot_check::Shown,
    tree::{GROUP_BYTES, SlotTree, TreeError},
};
use std::{rc::Rc, sync::Arc};

/// Why cells could not be shown.
enum Unshown {
    Tree(TreeError),
    Disk(StorageError),
}

impl From<TreeError> for Unshown {
    fn from(error: TreeError) -> Self {
        Self::Tree(error)
    }
}

impl From<Unshown> for Refusal {
    fn from(why: Unshown) -> Self {
        match why {
            Unshown::Tree(TreeError::Damaged { .. }) => Self::Damaged,
            Unshown::Tree(error) => Self::Invalid(error.to_string()),
            Unshown::Disk(error) => Self::Storage(error.to_string()),
        }
    }
}

impl Shell {
    /// Answers a peer.
    pub(super) async fn serve(self: &Rc<Self>, ask: Ask) -> Result<Response, Refusal> {
        match ask {
            Ask::ClaimRoot { id, slot } => {
                let (tree, _) = self.tree_or_busy(id, slot).await?;
                let (levels, length, root) = (tree.levels() as u8, tree.length(), SlotRoot(tree.root()));
                Ok(Answer::RootClaimed { levels, length, root }.into())
            }
            Ask::ShowCells { id, slot, cells } => {
                let (tree, held) = self.tree_or_busy(id, slot).await?;
                self.show(tree, held, cells).await
            }
            _ => Err(Refusal::Invalid("trees answer no such question".into())),
        }
    }

    /// The tree of a slot. If it is not there it is built, and meanwhile this node is busy: the asker comes again.
    async fn tree_or_busy(
        self: &Rc<Self>,
        id: PlacementId,
        slot: u16,
    ) -> Result<(Arc<SlotTree>, OpenedSlot), Refusal> {
        self.prover().map_err(|_| Refusal::Invalid("this node builds no trees".into()))?;
        let held = self.slot(id).await.map_err(|error| match error {
            ProofError::NotHeld(_) => Refusal::NotFound,
            other => Refusal::Storage(other.to_string()),
        })?;
        if held.slot() != slot {
            return Err(Refusal::NotFound);
        }
        if let Some(tree) = self.kept_tree(id, &held) {
            return Ok((tree, held));
        }
        let room = self.waiting.borrow().len() < limits::MAX_WAITING_TREES;
        if room && self.waiting.borrow_mut().insert(id) {
            let shell = self.clone();
            let build = async move {
                if let Err(error) = shell.tree(id, &held).await {
                    tracing::warn!(%id, %error, "no tree of a held slot");
                }
                shell.waiting.borrow_mut().remove(&id);
            };
            self.common.spawn.local(build.boxed_local());
        }
        Err(Refusal::Busy)
    }

    /// Opens cells, for one peer at a time: to hash the groups around a few hundred cells takes a third of a second.
    async fn show(
        &self,
        tree: Arc<SlotTree>,
        held: OpenedSlot,
        cells: Vec<u64>,
    ) -> Result<Response, Refusal> {
        let _turn = self.showing.try_lock().ok_or(Refusal::Busy)?;
        let work = Work::Compute { bytes: (cells.len() * GROUP_BYTES) as u64 };
        let open = move || -> Result<Vec<u8>, Unshown> {
            let read = |range| held.read(range).map_err(Unshown::Disk);
            Ok(Shown::open(&tree, &cells, read)?.to_bytes())
        };
        let body = blocking(&*self.common.spawn, work, open).await?;
        Ok(Response { answer: Answer::Cells, body: body.into() })
    }
}
