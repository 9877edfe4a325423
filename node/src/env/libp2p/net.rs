//! The `Net` that the network actor holds: turns its calls into commands to the swarm's task and
//! speaks the request protocol on the streams it gets.

use super::{
    driver::{Command, Shared},
    exchange::{Message, ReadError, read_message, write_message},
    streams::OpenReply,
};
use crate::{
    env::{Common, Dht, Inbound, Net, NetError, timeout},
    limits,
    types::{Answer, Ask, PeerId, PlacementId, Request, Response},
};
use futures::{
    AsyncReadExt,
    channel::{mpsc, oneshot},
    future::{Either, LocalBoxFuture, select},
};
use libp2p::Stream;
use std::{
    cell::RefCell,
    collections::BTreeMap,
    pin::pin,
    rc::Rc,
    sync::{Arc, Weak},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A node's network over libp2p, whatever its transport.
pub struct Libp2pNet {
    pub(super) peer: PeerId,
    pub(super) inbound: RefCell<Option<mpsc::Receiver<Inbound>>>,
    pub(super) shared: Rc<RefCell<Shared>>,
    pub(super) asker: Asker,
}

/// What a request needs of the network; cheap to clone.
#[derive(Clone)]
pub(super) struct Asker {
    pub common: Common,
    pub commands: mpsc::Sender<Command>,
    /// Places among the streams that may be open to one peer.
    pub places: Rc<RefCell<BTreeMap<PeerId, Weak<Semaphore>>>>,
}

impl Net for Libp2pNet {
    fn local_peer(&self) -> PeerId {
        self.peer
    }

    fn request(&self, peer: PeerId, request: Request) -> LocalBoxFuture<'static, Result<Response, NetError>> {
        let asker = self.asker.clone();
        Box::pin(async move {
            let _place = asker.place(peer).await;
            let stream = asker.open(peer).await?;
            ask(peer, stream, request).await
        })
    }

    fn inbound(&self) -> mpsc::Receiver<Inbound> {
        self.inbound.borrow_mut().take().expect("the requests are taken once, by the network actor")
    }

    fn connected(&self) -> Vec<PeerId> {
        self.shared.borrow().connected.iter().copied().collect()
    }

    fn listen_addresses(&self) -> Vec<String> {
        let listen = &self.shared.borrow().listen;
        listen.iter().map(|address| format!("{address}/p2p/{}", self.peer)).collect()
    }
}

impl Dht for Libp2pNet {
    fn announce(&self, id: PlacementId) -> LocalBoxFuture<'static, Result<(), NetError>> {
        self.asker.command(move |reply| Command::Announce { id, reply })
    }

    fn withdraw(&self, id: PlacementId) {
        // A fresh sender has a place of its own in the queue, so this fails only if the node stops.
        let _ = self.asker.commands.clone().try_send(Command::Withdraw { id });
    }

    fn find_holders(
        &self,
        id: PlacementId,
        limit: usize,
    ) -> LocalBoxFuture<'static, Result<Vec<PeerId>, NetError>> {
        self.asker.command(move |reply| Command::FindHolders { id, limit, reply })
    }

    fn closest(&self, point: [u8; 32]) -> LocalBoxFuture<'static, Result<Vec<PeerId>, NetError>> {
        self.asker.command(move |reply| Command::Closest { point, reply })
    }
}

impl Asker {
    fn command<T: 'static>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, NetError>>) -> Command + 'static,
    ) -> LocalBoxFuture<'static, Result<T, NetError>> {
        let commands = self.commands.clone();
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            send(commands, command(reply)).await?;
            answer.await.map_err(|_| NetError::Stopped)?
        })
    }

    async fn place(&self, peer: PeerId) -> OwnedSemaphorePermit {
        let places = {
            let mut all = self.places.borrow_mut();
            all.retain(|_, places| places.strong_count() > 0);
            let places = all.get(&peer).and_then(Weak::upgrade);
            let places = places.unwrap_or_else(|| Arc::new(Semaphore::new(limits::MAX_OUTBOUND_PER_PEER)));
            all.insert(peer, Arc::downgrade(&places));
            places
        };
        places.acquire_owned().await.expect("the semaphore is never closed")
    }

    async fn open(&self, peer: PeerId) -> Result<Stream, NetError> {
        let open = async {
            // The first connection may have closed, being idle, just when it was chosen.
            match self.try_open(peer).await? {
                Some(stream) => Ok(stream),
                None => self.try_open(peer).await?.ok_or_else(|| unreachable(peer, "the connection closed")),
            }
        };
        match timeout(&*self.common.clock, limits::CONNECT_TIMEOUT, open).await {
            Ok(result) => result,
            Err(elapsed) => {
                // What does not take a stream in so long is dead: the next request dials again.
                send(self.commands.clone(), Command::Disconnect { peer }).await?;
                Err(unreachable(peer, &elapsed.to_string()))
            }
        }
    }

    /// Opens a stream; `None` if the connection closed while it was being opened.
    async fn try_open(&self, peer: PeerId) -> Result<Option<Stream>, NetError> {
        let (reply, stream): (OpenReply, _) = oneshot::channel();
        send(self.commands.clone(), Command::Open { peer, reply }).await?;
        match stream.await {
            Ok(result) => result.map(Some),
            Err(oneshot::Canceled) if self.commands.is_closed() => Err(NetError::Stopped),
            Err(oneshot::Canceled) => Ok(None),
        }
    }
}

async fn send(mut commands: mpsc::Sender<Command>, command: Command) -> Result<(), NetError> {
    use futures::SinkExt;
    commands.send(command).await.map_err(|_| NetError::Stopped)
}

/// Writes the request and reads the response. Both at once: a peer that is busy answers before it has
/// read everything, and would otherwise never be heard.
async fn ask(peer: PeerId, stream: Stream, request: Request) -> Result<Response, NetError> {
    let (mut reader, mut writer) = stream.split();
    let max_body = max_response_body(&request.ask);
    let limit =
        move |answer: &Answer| if matches!(answer, Answer::Shard | Answer::Cells) { max_body } else { 0 };
    let read = pin!(read_message(&mut reader, limit, None));
    let write = pin!(write_message(&mut writer, &request.ask, &request.body));
    let result = match select(read, write).await {
        Either::Left((result, _)) => result,
        // A frame that breaks the limits was not sent; any other failure shows in the response.
        Either::Right((Err(ReadError::Frame(why)), _)) => Err(ReadError::Frame(why)),
        Either::Right((_, read)) => read.await,
    };
    match result {
        Ok(Message { header: answer, body, .. }) => Ok(Response { answer, body }),
        Err(ReadError::Frame(why)) => Err(NetError::Protocol { peer, why: why.to_string() }),
        Err(error) => Err(NetError::Interrupted { peer, why: error.to_string() }),
    }
}

fn max_response_body(ask: &Ask) -> usize {
    match ask {
        Ask::ReadShard { len: 0, .. } => limits::MAX_SHARD,
        Ask::ReadShard { len, .. } => limits::MAX_SHARD.min(*len as usize),
        Ask::ShowCells { cells, .. } => limits::MAX_SHARD.min(cells.len() * limits::SHOWN_CELL),
        _ => 0,
    }
}

fn unreachable(peer: PeerId, why: &str) -> NetError {
    NetError::Unreachable { peer, why: why.to_owned() }
}
