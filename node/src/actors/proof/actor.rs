//! The shell: finds the slot, finds or builds its tree, and asks the prover.

use super::{
    gate::SharedGate,
    lists::{ListContract, Lists},
    messages::*,
    trees::Trees,
};
use crate::{
    actors::{
        incentive::ContractQuery,
        storage::{AccessQuery, Admit, KeepTree, KeptTree, OpenSlot, OpenedSlot, StorageError},
    },
    env::{Common, Prover, ReadSlot},
    limits,
    types::{PeerId, PlacementId, Response},
};
use actix::{Actor, Addr, Context, Handler, Message, MessageResult, Recipient, ResponseFuture};
use bytes::Bytes;
use futures::lock::Mutex;
use holdfast_proofs::tree::SlotTree;
use std::{cell::RefCell, collections::BTreeSet, rc::Rc, sync::Arc};

/// The actors that the proof actor asks.
pub struct Neighbours {
    /// Opens a held slot.
    pub open: Recipient<OpenSlot>,
    /// Tells how a placement is protected.
    pub access: Recipient<AccessQuery>,
    /// Lets a reader in.
    pub admit: Recipient<Admit>,
    /// Keeps a tree.
    pub keep: Recipient<KeepTree>,
    /// Tells what was kept.
    pub kept: Recipient<KeptTree>,
    /// Asks a contract.
    pub contract: Recipient<ContractQuery>,
}

/// Commits to slots and proves them.
pub struct ProofActor {
    shell: Rc<Shell>,
}

pub(super) struct Shell {
    pub(super) common: Common,
    prover: Option<Rc<dyn Prover>>,
    pub(super) me: PeerId,
    open: Recipient<OpenSlot>,
    pub(super) access: Recipient<AccessQuery>,
    pub(super) admit: Recipient<Admit>,
    pub(super) keep: Recipient<KeepTree>,
    pub(super) kept: Recipient<KeptTree>,
    pub(super) gate: RefCell<Option<SharedGate>>,
    pub(super) lists: Lists,
    pub(super) trees: RefCell<Trees>,
    /// Slots whose trees peers wait for.
    pub(super) waiting: RefCell<BTreeSet<PlacementId>>,
    /// One tree is built at a time.
    building: Mutex<()>,
    /// Cells are shown to one peer at a time.
    pub(super) showing: Mutex<()>,
    /// Passes are checked one at a time.
    pub(super) checking: Mutex<()>,
    /// Slots are read for one dispute at a time.
    pub(super) disputing: Mutex<()>,
}

impl ProofActor {
    /// Starts the actor; without a prover it refuses, and without the contract of access lists it lets nobody into
    /// placements that name a list.
    pub fn start(
        common: Common,
        prover: Option<Rc<dyn Prover>>,
        me: PeerId,
        lists: Option<ListContract>,
        Neighbours { open, access, admit, keep, kept, contract }: Neighbours,
    ) -> Addr<Self> {
        let shell = Shell {
            lists: Lists::new(common.clock.clone(), lists, contract),
            common,
            prover,
            me,
            open,
            access,
            admit,
            keep,
            kept,
            gate: RefCell::default(),
            trees: RefCell::default(),
            waiting: RefCell::default(),
            building: Mutex::default(),
            showing: Mutex::default(),
            checking: Mutex::default(),
            disputing: Mutex::default(),
        };
        Actor::start(Self { shell: Rc::new(shell) })
    }
}

impl Actor for ProofActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(limits::MAILBOX);
    }
}

impl Shell {
    pub(super) fn prover(&self) -> Result<Rc<dyn Prover>, ProofError> {
        self.prover.clone().ok_or(ProofError::NoProver)
    }

    pub(super) async fn slot(&self, id: PlacementId) -> Result<OpenedSlot, ProofError> {
        let stopping = |_| StorageError::Index("the node is stopping".into());
        self.open.send(OpenSlot(id)).await.map_err(stopping)??.ok_or(ProofError::NotHeld(id))
    }

    /// The slot's tree: kept in memory or on the disk, or built.
    pub(super) async fn tree(&self, id: PlacementId, slot: &OpenedSlot) -> Result<Arc<SlotTree>, ProofError> {
        if let Some(tree) = self.kept_tree(id, slot) {
            return Ok(tree);
        }
        let _turn = self.building.lock().await;
        // Whoever had the turn before may have wanted the same.
        if let Some(tree) = self.kept_tree(id, slot) {
            return Ok(tree);
        }
        let prover = self.prover()?;
        let tree = match self.tree_on_disk(id, slot, prover.circuit().levels()).await {
            Some(tree) => Arc::new(tree),
            None => {
                let tree = Arc::new(prover.commit(slot.length(), reading(slot.clone())).await?);
                self.keep_on_disk(id, slot.slot(), &tree).await;
                tree
            }
        };
        self.trees.borrow_mut().keep(id, tree.clone(), limits::TREE_CACHE_BYTES);
        Ok(tree)
    }

    pub(super) fn kept_tree(&self, id: PlacementId, slot: &OpenedSlot) -> Option<Arc<SlotTree>> {
        self.trees.borrow_mut().get(id).filter(|tree| tree.length() == slot.length())
    }

    async fn commit(&self, id: PlacementId) -> Result<SlotCommitment, ProofError> {
        let slot = self.slot(id).await?;
        let tree = self.tree(id, &slot).await?;
        Ok(SlotCommitment { slot: slot.slot(), length: slot.length(), root: tree.root() })
    }
}

/// Reads a slot for the prover.
pub(super) fn reading(slot: OpenedSlot) -> ReadSlot {
    Box::new(move |range| slot.read(range).map_err(|error| error.to_string()))
}

impl Handler<CommitSlot> for ProofActor {
    type Result = ResponseFuture<Result<SlotCommitment, ProofError>>;

    fn handle(&mut self, CommitSlot(id): CommitSlot, _: &mut Self::Context) -> Self::Result {
        let shell = self.shell.clone();
        Box::pin(async move { shell.commit(id).await })
    }
}

impl Handler<ProveWindow> for ProofActor {
    type Result = ResponseFuture<<ProveWindow as Message>::Result>;

    fn handle(&mut self, order: ProveWindow, _: &mut Self::Context) -> Self::Result {
        let shell = self.shell.clone();
        Box::pin(async move { shell.prove_window(order).await })
    }
}

impl Handler<ShowDisputed> for ProofActor {
    type Result = ResponseFuture<<ShowDisputed as Message>::Result>;

    fn handle(&mut self, order: ShowDisputed, _: &mut Self::Context) -> Self::Result {
        let shell = self.shell.clone();
        Box::pin(async move { shell.show_disputed(order).await })
    }
}

impl Handler<UpholdRoot> for ProofActor {
    type Result = ResponseFuture<<UpholdRoot as Message>::Result>;

    fn handle(&mut self, order: UpholdRoot, _: &mut Self::Context) -> Self::Result {
        let shell = self.shell.clone();
        Box::pin(async move { shell.uphold(order).await })
    }
}

impl Handler<ServeClaim> for ProofActor {
    type Result = ResponseFuture<Response>;

    fn handle(&mut self, ServeClaim(ask): ServeClaim, _: &mut Self::Context) -> Self::Result {
        let shell = self.shell.clone();
        Box::pin(async move { shell.serve(ask).await.unwrap_or_else(Response::from) })
    }
}

impl Handler<ServeVisit> for ProofActor {
    type Result = ResponseFuture<Response>;

    fn handle(&mut self, visit: ServeVisit, _: &mut Self::Context) -> Self::Result {
        let shell = self.shell.clone();
        Box::pin(async move { shell.admit(visit).await.unwrap_or_else(Response::from) })
    }
}

impl Handler<MakePass> for ProofActor {
    type Result = ResponseFuture<Result<Bytes, ProofError>>;

    fn handle(&mut self, order: MakePass, _: &mut Self::Context) -> Self::Result {
        let shell = self.shell.clone();
        Box::pin(async move { shell.make_pass(order).await })
    }
}

impl Handler<TreeLevels> for ProofActor {
    type Result = MessageResult<TreeLevels>;

    fn handle(&mut self, _: TreeLevels, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.shell.prover().ok().map(|prover| prover.circuit().levels()))
    }
}
