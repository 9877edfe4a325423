//! The shell: starts one task a request.

use super::{catalogue, get, messages::*, put, remove};
use crate::{
    actors::{
        network::{FindHolders, FindProviders, SendRequest},
        peers::Peers,
        storage::{ListNotes, ReadNote, ServeRequest, WriteNote},
    },
    data::CodecChoice,
    env::Common,
    limits,
    node::Keys,
};
use actix::{Actor, Addr, Context, Handler, Recipient, ResponseFuture};
use futures::FutureExt;
use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

/// The actors that the client asks.
pub struct Neighbours {
    /// Asks a peer.
    pub send: Recipient<SendRequest>,
    /// Finds who would store.
    pub providers: Recipient<FindProviders>,
    /// Finds who holds.
    pub holders: Recipient<FindHolders>,
    /// Asks this node's own storage as a peer would.
    pub own: Recipient<ServeRequest>,
    /// Keeps the journal and the catalogue.
    pub write_note: Recipient<WriteNote>,
    /// Reads a note.
    pub read_note: Recipient<ReadNote>,
    /// Lists notes.
    pub list_notes: Recipient<ListNotes>,
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
}

/// The client actor.
pub struct ClientActor {
    client: Rc<Client>,
}

impl ClientActor {
    /// Starts the actor.
    pub fn start(common: Common, keys: Keys, codec: CodecChoice, neighbours: Neighbours) -> Addr<Self> {
        let peers = Peers {
            common: common.clone(),
            me: keys.peer.peer(),
            network: neighbours.send.clone(),
            storage: neighbours.own.clone(),
        };
        Actor::start(Self {
            client: Rc::new(Client {
                common,
                keys,
                peers,
                ask: neighbours,
                codec,
                uploads: RefCell::default(),
            }),
        })
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
