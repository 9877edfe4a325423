//! Requests from peers: admitted within limits, read, handed to the node, answered.

use super::{
    exchange::{Budget, Message, ReadError, read_message, write_message, write_rejection},
    rate::Rates,
    streams::InboundStream,
};
use crate::{
    env::{Clock, Common, Inbound, timeout},
    limits,
    types::{Ask, PeerId, Refusal, Request, Response},
};
use futures::{
    AsyncReadExt, AsyncWriteExt,
    channel::{mpsc, oneshot},
    future::{Either, select},
};
use libp2p::Stream;
use std::{cell::RefCell, collections::BTreeMap, rc::Rc, sync::Arc};
use tokio::sync::Semaphore;

/// Serves the streams that peers open.
pub(super) struct Server {
    common: Common,
    queue: mpsc::Sender<Inbound>,
    budget: Budget,
    open: Rc<RefCell<Open>>,
}

/// Requests being worked on.
#[derive(Default)]
struct Open {
    total: usize,
    by_peer: BTreeMap<PeerId, usize>,
    /// Peers being told that this node is busy.
    turned_away: usize,
    rates: Rates,
}

/// A place among the open requests, given back when it is dropped.
struct Slot {
    open: Rc<RefCell<Open>>,
    /// Whose request it is; `None` if it is being turned away.
    peer: Option<PeerId>,
}

impl Server {
    /// A server, and the queue that its requests come out of.
    pub fn new(common: Common) -> (Rc<Self>, mpsc::Receiver<Inbound>) {
        let (queue, requests) = mpsc::channel(limits::MAX_INBOUND_REQUESTS);
        let budget = Arc::new(Semaphore::new(limits::MAX_INBOUND_BYTES));
        (Rc::new(Self { common, queue, budget, open: Rc::default() }), requests)
    }

    /// Starts a task for a stream; one too many is reset.
    pub fn accept(self: &Rc<Self>, inbound: InboundStream) {
        let InboundStream { peer, stream } = inbound;
        let server = self.clone();
        let task = match self.admit(peer) {
            Some(slot) if slot.peer.is_some() => {
                Box::pin(async move { server.serve(peer, stream, slot).await }) as _
            }
            Some(slot) => Box::pin(async move { server.turn_away(stream, slot).await }) as _,
            None => return,
        };
        self.common.spawn.local(task);
    }

    fn admit(&self, peer: PeerId) -> Option<Slot> {
        let mut open = self.open.borrow_mut();
        let by_peer = open.by_peer.get(&peer).copied().unwrap_or_default();
        let admitted = open.rates.allow(peer, self.clock().now())
            && open.total < limits::MAX_INBOUND_REQUESTS
            && by_peer < limits::MAX_INBOUND_REQUESTS_PER_PEER;
        if admitted {
            open.total += 1;
            open.by_peer.insert(peer, by_peer + 1);
        } else if open.turned_away < limits::MAX_INBOUND_REQUESTS {
            open.turned_away += 1;
        } else {
            return None;
        }
        let peer = admitted.then_some(peer);
        Some(Slot { open: self.open.clone(), peer })
    }

    async fn serve(&self, peer: PeerId, mut stream: Stream, _slot: Slot) {
        let read = read_message(&mut stream, max_request_body, Some(&self.budget));
        let read = timeout(self.clock(), limits::SHARD_TIMEOUT, read).await;
        let Message { header: ask, body, grant: _grant } = match read {
            Ok(Ok(message)) => message,
            Ok(Err(ReadError::Frame(why))) => {
                tracing::debug!(%peer, %why, "frame refused");
                // If it does not take the reason either, there is nothing left to tell it.
                let rejection = write_rejection(&mut stream, &why);
                let _ = timeout(self.clock(), limits::REQUEST_TIMEOUT, rejection).await;
                return;
            }
            Ok(Err(error)) => return tracing::debug!(%peer, %error, "request broke off"),
            Err(elapsed) => return tracing::debug!(%peer, %elapsed, "request took too long"),
        };
        if let Some(response) = self.answer(peer, Request { ask, body }, &mut stream).await {
            self.respond(&mut stream, response).await;
        }
    }

    /// Hands a request to the node; `None` if nobody waits for the answer any more, or none came.
    async fn answer(&self, from: PeerId, request: Request, stream: &mut Stream) -> Option<Response> {
        let (reply, response) = oneshot::channel();
        if let Err(error) = self.queue.clone().try_send(Inbound { from, request, reply }) {
            return error.is_full().then(|| Refusal::Busy.into());
        }
        // The asker sends nothing after its request: whatever comes now, it has gone.
        let mut byte = [0];
        match select(response, stream.read(&mut byte)).await {
            Either::Left((response, _)) => response.ok(),
            Either::Right(_) => None,
        }
    }

    async fn turn_away(&self, mut stream: Stream, _slot: Slot) {
        self.respond(&mut stream, Refusal::Busy.into()).await;
    }

    async fn respond(&self, stream: &mut Stream, response: Response) {
        let write = async {
            write_message(stream, &response.answer, &response.body).await?;
            stream.close().await?;
            Ok::<_, ReadError>(())
        };
        match timeout(self.clock(), limits::SHARD_TIMEOUT, write).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "answer not taken"),
            Err(elapsed) => tracing::debug!(%elapsed, "answer not taken"),
        }
    }

    fn clock(&self) -> &dyn Clock {
        &*self.common.clock
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.open.borrow_mut();
        let Some(peer) = self.peer else {
            open.turned_away -= 1;
            return;
        };
        open.total -= 1;
        if let Some(count) = open.by_peer.get_mut(&peer) {
            *count -= 1;
            if *count == 0 {
                open.by_peer.remove(&peer);
            }
        }
    }
}

fn max_request_body(ask: &Ask) -> usize {
    match ask {
        Ask::StoreShard { .. } => limits::MAX_SHARD,
        _ => 0,
    }
}
