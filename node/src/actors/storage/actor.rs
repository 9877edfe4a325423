//! The actix shell of the storage actor: takes messages, runs blocking work, answers. What to do is
//! decided in `state.rs` and, at commits, in `changes.rs`.

use super::{
    StorageError,
    changes::{Change, Committed, Outcome},
    files::Tag,
    grants::Grants,
    holdings::Holdings,
    messages::*,
    notices::Notices,
    scrub::scrub_for_ever,
    state::{Admission, CommitQueue, State, Waiters},
    store::{ShardWrite, Store, Written, conflict, refusal, removed, second_slot},
};
use crate::{
    env::{Common, Disk, Work, blocking},
    limits,
    settings::Settings,
    types::{
        Answer, Ask, Identity, PeerId, PlacementId, PlacementRecord, ProviderRecord, ProviderStatus, Receipt,
        Refusal, Removal, Response, ShardHash, ShardKey, Signed,
    },
};
use actix::{Actor, Addr, Context, Handler, ResponseFuture};
use bytes::Bytes;
use futures::channel::oneshot;
use rand_chacha::ChaCha12Rng;
use rand_core::Rng as _;
use std::{cell::RefCell, rc::Rc, sync::Arc};

/// Bytes of index pages that one change writes, about.
const INDEX_WRITE: u64 = 4 << 10;

/// Keeps shards, placement records and notes. See the [module](super) for what it promises.
pub struct StorageActor {
    shell: Rc<Shell>,
}

/// What all requests under way share. A borrow of a cell never lasts over an `await`.
pub(super) struct Shell {
    pub(super) common: Common,
    store: Arc<Store>,
    pub(super) me: PeerId,
    pub(super) random: RefCell<ChaCha12Rng>,
    pub(super) state: RefCell<State>,
    commits: RefCell<CommitQueue<Pending>>,
    writes: RefCell<Waiters<oneshot::Sender<()>>>,
    pub(super) holdings: RefCell<Holdings>,
    pub(super) grants: RefCell<Grants>,
    /// Where reads are paid, if they are.
    pub(super) sales: RefCell<Option<Rc<SellReads>>>,
    pub(super) notices: RefCell<Notices>,
    pub(super) scrubbing: futures::lock::Mutex<()>,
}

/// A change that waits for its commit.
struct Pending {
    change: Change,
    done: oneshot::Sender<Result<Outcome, StorageError>>,
}

impl StorageActor {
    /// Opens the data directory, recovers it, and starts the actor in the current `LocalSet`.
    ///
    /// # Errors
    /// [`StorageError`] if the directory cannot be used.
    pub async fn start(
        common: Common,
        disk: Arc<dyn Disk>,
        identity: Identity,
        settings: Settings,
    ) -> Result<Addr<Self>, StorageError> {
        let me = identity.peer();
        let (capacity, interval) = (settings.capacity_bytes, settings.timing.scrub_interval());
        let open = move || Store::open(disk, identity, &settings);
        let (store, totals) = blocking(&*common.spawn, Work::Read { bytes: 0 }, open).await?;
        let shell = Shell {
            random: RefCell::new(common.rng.generator()),
            common,
            store: Arc::new(store),
            me,
            state: RefCell::new(State::new(capacity, totals)),
            commits: RefCell::default(),
            writes: RefCell::default(),
            holdings: RefCell::default(),
            grants: RefCell::default(),
            sales: RefCell::default(),
            notices: RefCell::default(),
            scrubbing: futures::lock::Mutex::new(()),
        };
        let shell = Rc::new(shell);
        shell.clone().common.spawn.local(Box::pin(scrub_for_ever(Rc::downgrade(&shell), interval)));
        Ok(Actor::create(|context: &mut Context<Self>| {
            context.set_mailbox_capacity(limits::MAILBOX);
            Self { shell }
        }))
    }
}

impl Actor for StorageActor {
    type Context = Context<Self>;
}

impl Shell {
    /// Runs `job` as blocking work.
    pub(super) async fn job<T: Send + 'static>(
        &self,
        work: Work,
        job: impl FnOnce(&Store) -> T + Send + 'static,
    ) -> T {
        let store = self.store.clone();
        blocking(&*self.common.spawn, work, move || job(&store)).await
    }

    fn tag(&self) -> Tag {
        self.random.borrow_mut().next_u64()
    }

    /// Commits a change together with all others that wait, and returns what became of it.
    pub(super) async fn commit(self: &Rc<Self>, change: Change) -> Result<Outcome, StorageError> {
        let (done, outcome) = oneshot::channel();
        if self.commits.borrow_mut().push(Pending { change, done }) {
            let shell = self.clone();
            self.common.spawn.local(Box::pin(async move { shell.run_commits().await }));
        }
        outcome.await.unwrap_or_else(|_| Err(StorageError::Index("the node is stopping".into())))
    }

    async fn run_commits(self: &Rc<Self>) {
        loop {
            let batch = self.commits.borrow_mut().next_batch();
            if batch.is_empty() {
                return;
            }
            let (changes, done): (Vec<_>, Vec<_>) =
                batch.into_iter().map(|pending| (pending.change, pending.done)).unzip();
            let totals = self.state.borrow().totals();
            let work = Work::Write { bytes: INDEX_WRITE * changes.len() as u64, syncs: 2 };
            match self.job(work, move |store| store.commit(&changes, totals)).await {
                Ok(committed) => self.committed(committed, done),
                Err(error) => {
                    for done in done {
                        // Who asked may have gone.
                        let _ = done.send(Err(error.clone()));
                    }
                }
            }
        }
    }

    fn committed(
        self: &Rc<Self>,
        committed: Committed,
        done: Vec<oneshot::Sender<Result<Outcome, StorageError>>>,
    ) {
        self.state.borrow_mut().committed(committed.totals);
        for touched in &committed.touched {
            self.holdings.borrow_mut().forget_own(touched.id);
            if touched.was_held && !touched.is_held {
                self.holdings.borrow_mut().forget_others(touched.id);
            }
        }
        for event in committed.events {
            self.common.record.record(event);
        }
        self.notices.borrow_mut().committed(&committed.touched);
        if !committed.garbage.is_empty() {
            let (shell, garbage) = (self.clone(), committed.garbage);
            let delete =
                async move { shell.job(Work::Read { bytes: 0 }, move |store| store.delete(&garbage)).await };
            self.common.spawn.local(Box::pin(delete));
        }
        for (done, outcome) in done.into_iter().zip(committed.outcomes) {
            // Who asked may have gone; the change is made all the same.
            let _ = done.send(Ok(outcome));
        }
    }

    async fn serve(self: &Rc<Self>, from: PeerId, ask: Ask, body: Bytes) -> Result<Response, Refusal> {
        let answer = match ask {
            Ask::Status => Answer::Status(self.status().await.map_err(refusal)?),
            Ask::StoreShard { key, hash } => Answer::ShardStored(self.store_shard(key, hash, body).await?),
            Ask::ReadShard { key, offset, len } => {
                let body = self.read_shard(from, key, offset, len).await?;
                return Ok(Response { answer: Answer::Shard, body });
            }
            Ask::StorePlacement { record } => Answer::Holdings(self.store_placement(record).await?),
            Ask::ReadPlacement { id } => self.read_placement(id).await?,
            Ask::Holdings { id } => Answer::Holdings(self.own_record(id).await?),
            Ask::Remove { order } => {
                self.remove(order).await?;
                Answer::Removed
            }
            Ask::StoreRoots { roots } => {
                self.store_roots(roots).await?;
                Answer::RootsStored
            }
            Ask::ReadRoots { id } => Answer::Roots(self.read_roots(id).await?),
            Ask::ClaimRoot { .. }
            | Ask::ShowCells { .. }
            | Ask::OpenAccess { .. }
            | Ask::OfferSlot { .. }
            | Ask::ShowBill
            | Ask::Pay { .. }
            | Ask::CloseChannel { .. } => {
                return Err(Refusal::Invalid("the disk knows nothing of proofs and chains".into()));
            }
        };
        Ok(answer.into())
    }

    /// Bytes that would still be taken, by the offer and by the disk.
    async fn free(&self) -> Result<u64, StorageError> {
        let disk_free = self.job(Work::Read { bytes: 0 }, Store::disk_free).await?;
        Ok(disk_free.min(self.state.borrow().free()))
    }

    async fn status(&self) -> Result<ProviderStatus, StorageError> {
        let free_bytes = self.free().await?;
        let (operator, region) = self.store.labels();
        Ok(ProviderStatus { free_bytes, operator, region })
    }

    async fn store_shard(
        self: &Rc<Self>,
        key: ShardKey,
        hash: ShardHash,
        body: Bytes,
    ) -> Result<Signed<Receipt>, Refusal> {
        let (tag, len) = (self.tag(), body.len());
        let may_write = loop {
            let admission = self.state.borrow_mut().admit(key, len, tag);
            match admission {
                Admission::Write => break true,
                Admission::OnlyIfHeld => break false,
                Admission::Refuse(refusal) => return Err(refusal),
                Admission::Wait => {
                    let (ended, wait) = oneshot::channel();
                    self.writes.borrow_mut().add(key, ended);
                    // An error says that the write was given up, which ends it as well.
                    let _ = wait.await;
                }
            }
        };
        let stored = self.write_shard(key, hash, body, tag, may_write).await;
        self.state.borrow_mut().ended(key, len, tag);
        for waiter in self.writes.borrow_mut().take(key) {
            let _ = waiter.send(());
        }
        stored
    }

    async fn write_shard(
        self: &Rc<Self>,
        key: ShardKey,
        hash: ShardHash,
        body: Bytes,
        tag: Tag,
        may_write: bool,
    ) -> Result<Signed<Receipt>, Refusal> {
        let len = body.len() as u32;
        loop {
            let write =
                ShardWrite { key, hash, body: body.clone(), tag, may_write, now: self.common.clock.now() };
            let work = Work::Write { bytes: u64::from(len), syncs: 1 };
            let (receipt, change) = match self.job(work, move |store| store.write_shard(write)).await? {
                Written::Held(receipt) => return Ok(receipt),
                Written::File { receipt, change } => (receipt, change),
            };
            match self.commit(change).await.map_err(refusal)? {
                Outcome::Applied | Outcome::Unneeded => return Ok(receipt),
                Outcome::Conflict => return Err(conflict()),
                Outcome::SecondSlot(held) => return Err(second_slot(held)),
                Outcome::Removed => return Err(removed()),
                Outcome::RecordCame => {}
            }
        }
    }

    async fn access(&self, id: PlacementId) -> Result<Option<Protected>, StorageError> {
        let Some(record) = self.job(Work::Read { bytes: 0 }, move |store| store.record(id)).await? else {
            return Ok(None);
        };
        let epoch = self.grants.borrow_mut().epoch(self.common.clock.now());
        Ok(record.access.map(|access| Protected { owner: record.owner, access, epoch }))
    }

    /// Drops a damaged shard; true if it was still there.
    pub(super) async fn drop_damaged(self: &Rc<Self>, key: ShardKey, tag: Tag) -> Result<bool, StorageError> {
        Ok(self.commit(Change::DropDamaged { key, tag }).await? == Outcome::Applied)
    }

    async fn store_placement(
        self: &Rc<Self>,
        record: Signed<PlacementRecord>,
    ) -> Result<Signed<ProviderRecord>, Refusal> {
        let (tag, len, now) = (self.tag(), record.encoded_len() as u64, self.common.clock.now());
        let may_write = self.state.borrow_mut().reserve(len, tag);
        let work = Work::Write { bytes: len, syncs: 1 };
        let stored = self.write_placement(record, tag, may_write, work, now).await;
        self.state.borrow_mut().release(len, tag);
        self.own_record(stored?).await
    }

    async fn write_placement(
        self: &Rc<Self>,
        record: Signed<PlacementRecord>,
        tag: Tag,
        may_write: bool,
        work: Work,
        now: crate::types::Timestamp,
    ) -> Result<PlacementId, Refusal> {
        let (id, change) =
            self.job(work, move |store| store.write_placement(&record, tag, may_write, now)).await?;
        let Some(change) = change else { return Ok(id) };
        match self.commit(change).await.map_err(refusal)? {
            Outcome::Removed => Err(removed()),
            _ => Ok(id),
        }
    }

    /// This node's own provider record of a placement.
    async fn own_record(&self, id: PlacementId) -> Result<Signed<ProviderRecord>, Refusal> {
        let now = self.common.clock.now();
        if let Some(record) = self.holdings.borrow().own(id, now) {
            return Ok(record);
        }
        let commits = self.notices.borrow().commits();
        let signed = self.job(Work::Read { bytes: 0 }, move |store| store.holdings(id, now)).await;
        let record = signed.map_err(refusal)?.ok_or(Refusal::NotFound)?;
        if self.notices.borrow().commits() == commits {
            self.holdings.borrow_mut().keep_own(record.clone());
        }
        Ok(record)
    }

    async fn read_placement(&self, id: PlacementId) -> Result<Answer, Refusal> {
        let signed = self.job(Work::Read { bytes: 0 }, move |store| store.signed_record(id)).await;
        let record = signed.map_err(refusal)?.ok_or(Refusal::NotFound)?;
        let own = self.own_record(id).await?;
        let budget = limits::MAX_HEADER - record.encoded_len() - 2 * limits::MAX_PROVIDER_RECORD;
        let others = self.holdings.borrow().others(id, self.common.clock.now(), budget);
        let holders = std::iter::once(own).chain(others).collect();
        Ok(Answer::Placement { record, holders })
    }

    async fn remove(self: &Rc<Self>, order: Signed<Removal>) -> Result<(), Refusal> {
        let now = self.common.clock.now();
        let check = move |store: &Store| -> Result<(PlacementId, bool), Refusal> {
            let order = order.verify().map_err(|error| Refusal::Invalid(error.to_string()))?;
            let id = order.placement;
            if store.look(|index| index.removed(id)).map_err(refusal)? {
                return Ok((id, true));
            }
            let record = store.record(id).map_err(refusal)?.ok_or(Refusal::NotFound)?;
            if record.owner == order.owner {
                return store.may_remove(id).map(|()| (id, false));
            }
            Err(Refusal::Invalid(format!(
                "placement {id} is owned by {}, not by {}",
                record.owner, order.owner
            )))
        };
        let (id, done) = self.job(Work::Read { bytes: 0 }, check).await?;
        if !done {
            self.commit(Change::Remove { id, now }).await.map_err(refusal)?;
        }
        Ok(())
    }

    async fn held_placements(&self) -> Result<Vec<PlacementId>, StorageError> {
        let mut held = Vec::new();
        let mut after = None;
        loop {
            let page =
                move |store: &Store| store.look(|index| index.placements_after(after, limits::INDEX_PAGE));
            let rows = self.job(Work::Read { bytes: 0 }, page).await?;
            let Some(last) = rows.last() else { return Ok(held) };
            after = Some(last.id);
            held.extend(rows.iter().filter(|row| row.has_shards).map(|row| row.id));
        }
    }

    async fn storage_status(&self) -> Result<StorageStatus, StorageError> {
        let free_bytes = self.free().await?;
        let state = self.state.borrow();
        let totals = state.totals();
        Ok(StorageStatus {
            shards: totals.shards,
            shard_bytes: totals.shard_bytes,
            placements: totals.placements,
            capacity_bytes: state.capacity(),
            free_bytes,
        })
    }
}

/// Most messages are answered when their blocking work is done; meanwhile others are taken.
macro_rules! answer {
    ($message:ty, $result:ty, |$shell:ident, $ask:pat_param| $answer:expr) => {
        impl Handler<$message> for StorageActor {
            type Result = ResponseFuture<$result>;
            fn handle(&mut self, $ask: $message, _: &mut Context<Self>) -> Self::Result {
                let $shell = self.shell.clone();
                Box::pin(async move { $answer })
            }
        }
    };
}

answer!(ServeRequest, Response, |shell, ServeRequest { from, request }| {
    shell.serve(from, request.ask, request.body).await.unwrap_or_else(Response::from)
});
answer!(AccessQuery, Result<Option<Protected>, StorageError>, |shell, AccessQuery(id)| shell
    .access(id)
    .await);
answer!(Admit, bool, |shell, Admit { id, peer, epoch }| {
    shell.grants.borrow_mut().admit(id, peer, epoch, shell.common.clock.now())
});
answer!(SellReads, (), |shell, sale| drop(shell.sales.replace(Some(Rc::new(sale)))));
answer!(Subscribe, (), |shell, subscriber| shell.subscribe(subscriber).await);
answer!(HeldPlacements, Result<Vec<PlacementId>, StorageError>, |shell, _| shell.held_placements().await);
answer!(
    PlacementQuery,
    Result<Option<Signed<PlacementRecord>>, StorageError>,
    |shell, PlacementQuery(id)| {
        shell.job(Work::Read { bytes: 0 }, move |store| store.signed_record(id)).await
    }
);
answer!(WriteNote, Result<(), StorageError>, |shell, WriteNote { shelf, key, value }| {
    shell.commit(Change::Note { shelf, key, value }).await.map(|_| ())
});
answer!(ReadNote, Result<Option<Bytes>, StorageError>, |shell, ReadNote { shelf, key }| {
    shell.job(Work::Read { bytes: 0 }, move |store| store.look(|index| index.note(shelf, &key))).await
});
answer!(ListNotes, Result<Vec<(String, Bytes)>, StorageError>, |shell, ListNotes(shelf)| {
    shell.job(Work::Read { bytes: 0 }, move |store| store.look(|index| index.notes(shelf))).await
});
answer!(OpenSlot, Result<Option<OpenedSlot>, StorageError>, |shell, OpenSlot(id)| {
    let store = shell.store.clone();
    shell.job(Work::Read { bytes: 0 }, move |_| OpenedSlot::open(&store, id)).await
});
answer!(KeepTree, Result<(), StorageError>, |shell, KeepTree { placement, bytes }| {
    let work = Work::Write { bytes: bytes.len() as u64, syncs: 1 };
    shell.job(work, move |store| store.keep_tree(placement, &bytes)).await
});
answer!(KeptTree, Result<Option<Bytes>, StorageError>, |shell, KeptTree(id)| {
    shell.job(Work::Read { bytes: 0 }, move |store| store.kept_tree(id)).await
});
answer!(StorageStatusQuery, Result<StorageStatus, StorageError>, |shell, _| shell.storage_status().await);
answer!(Scrub, Result<ScrubReport, StorageError>, |shell, _| shell.scrub().await);

impl Handler<RememberHolders> for StorageActor {
    type Result = ();
    fn handle(&mut self, RememberHolders { id, records }: RememberHolders, _: &mut Context<Self>) {
        let now = self.shell.common.clock.now();
        self.shell.holdings.borrow_mut().remember(self.shell.me, id, records, now);
    }
}
