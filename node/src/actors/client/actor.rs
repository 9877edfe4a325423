//! The shell: starts one task a request.

use super::{catalogue, get, messages::*, put, remove, signing};
use crate::{
    actors::{
        Passes, Service,
        market::SignVoucher,
        network::{FindHolders, FindProviders, SendRequest},
        peers::Peers,
        proof::{MakePass, TreeLevels},
        repair::Refill,
        storage::{ListNotes, ReadNote, WriteNote},
    },
    data::CodecChoice,
    env::{AccessTicket, Common},
    limits,
    node::Keys,
    settings::Settings,
    types::PlacementId,
};
use actix::{Actor, Addr, Context, Handler, MessageResult, Recipient, ResponseFuture};
use futures::FutureExt;
use std::{cell::RefCell, collections::BTreeSet, rc::Rc, sync::Arc, time::Duration};
use tokio::sync::{Notify, Semaphore};

/// The actors that the client asks.
pub struct Neighbours {
    /// Asks a peer.
    pub send: Recipient<SendRequest>,
    /// Finds who would store.
    pub providers: Recipient<FindProviders>,
    /// Finds who holds.
    pub holders: Recipient<FindHolders>,
    /// Asks this node itself as a peer would.
    pub own: Service,
    /// Keeps the journal and the catalogue.
    pub write_note: Recipient<WriteNote>,
    /// Reads a note.
    pub read_note: Recipient<ReadNote>,
    /// Lists notes.
    pub list_notes: Recipient<ListNotes>,
    /// Tells of which trees slots have roots here.
    pub levels: Recipient<TreeLevels>,
    /// Gives a slot to another provider.
    pub refill: Recipient<Refill>,
    /// Makes passes into protected placements.
    pub make_pass: Recipient<MakePass>,
    /// Signs vouchers for providers that ask for pay.
    pub sign_voucher: Recipient<SignVoucher>,
}

/// What every task of the client shares.
pub(super) struct Client {
    pub(super) common: Common,
    pub(super) keys: Keys,
    pub(super) peers: Peers,
    pub(super) ask: Neighbours,
    pub(super) codec: CodecChoice,
    /// Journals in use.
    pub(super) uploads: RefCell<BTreeSet<String>>,
    /// Placements whose slot roots are being signed.
    pub(super) signing: RefCell<BTreeSet<PlacementId>>,
    /// The right to ask for them now.
    pub(super) signing_turns: Semaphore,
    /// Told when a root was signed.
    pub(super) signed: Notify,
    /// How long a provider may be silent.
    pub(super) grace: Duration,
}

impl Client {
    /// What this node has to show as a reader.
    pub(super) fn passes(&self, ticket: Option<Arc<AccessTicket>>) -> Arc<Passes> {
        Arc::new(Passes::new(self.keys.owner.clone(), ticket, self.ask.make_pass.clone()))
    }
}

/// The client actor.
pub struct ClientActor {
    client: Rc<Client>,
}

impl ClientActor {
    /// Starts the actor.
    pub fn start(common: Common, keys: Keys, settings: &Settings, neighbours: Neighbours) -> Addr<Self> {
        let peers = Peers {
            common: common.clone(),
            me: keys.peer.peer(),
            network: neighbours.send.clone(),
            own: neighbours.own.clone(),
        };
        let client = Rc::new(Client {
            common,
            keys,
            peers,
            ask: neighbours,
            codec: settings.codec,
            uploads: RefCell::default(),
            signing: RefCell::default(),
            signing_turns: Semaphore::new(limits::SIGNINGS_AT_A_TIME),
            signed: Notify::new(),
            grace: settings.timing.holder_grace(),
        });
        client.common.spawn.local(signing::resume(client.clone()).boxed_local());
        Actor::start(Self { client })
    }
}

impl Actor for ClientActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(limits::MAILBOX);
    }
}

impl Handler<PutFile> for ClientActor {
    type Result = ResponseFuture<Result<PutReport, ClientError>>;

    fn handle(&mut self, request: PutFile, _: &mut Self::Context) -> Self::Result {
        put::put(self.client.clone(), request).boxed_local()
    }
}

impl Handler<GetFile> for ClientActor {
    type Result = ResponseFuture<Result<GetReport, ClientError>>;

    fn handle(&mut self, request: GetFile, _: &mut Self::Context) -> Self::Result {
        get::get(self.client.clone(), request).boxed_local()
    }
}

impl Handler<ListFiles> for ClientActor {
    type Result = ResponseFuture<Result<Vec<CatalogueEntry>, ClientError>>;

    fn handle(&mut self, _: ListFiles, _: &mut Self::Context) -> Self::Result {
        let client = self.client.clone();
        async move { catalogue::list(&client).await }.boxed_local()
    }
}

impl Handler<RemoveFile> for ClientActor {
    type Result = ResponseFuture<Result<RemoveReport, ClientError>>;

    fn handle(&mut self, RemoveFile { name }: RemoveFile, _: &mut Self::Context) -> Self::Result {
        remove::remove(self.client.clone(), name).boxed_local()
    }
}

impl Handler<AwaitRoots> for ClientActor {
    type Result = ResponseFuture<Result<Option<RootsState>, ClientError>>;

    fn handle(
        &mut self,
        AwaitRoots { placement, progress }: AwaitRoots,
        _: &mut Self::Context,
    ) -> Self::Result {
        signing::wait(self.client.clone(), placement, progress).boxed_local()
    }
}

impl Handler<SigningStatusQuery> for ClientActor {
    type Result = MessageResult<SigningStatusQuery>;

    fn handle(&mut self, _: SigningStatusQuery, _: &mut Self::Context) -> Self::Result {
        MessageResult(SigningStatus { waiting: self.client.signing.borrow().len() as u64 })
    }
}
