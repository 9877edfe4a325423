//! The shell: carries requests out and in.

use super::{messages::*, providers, state::Absentees};
use crate::{
    actors::{Service, agenda::Agenda},
    env::{Common, Inbound, Net, NetError, timeout},
    limits,
    settings::Timing,
    types::{PeerId, PlacementId, Request, Response, Timestamp},
};
use actix::{Actor, Addr, Context, Handler, MessageResult, ResponseFuture};
use futures::{FutureExt, StreamExt, channel::mpsc};
use rand::RngExt;
use std::{cell::RefCell, rc::Rc, time::Duration};

/// The network actor.
pub struct NetworkActor {
    shared: Rc<Shared>,
}

/// What its tasks share; the whole node runs on one thread.
pub(super) struct Shared {
    pub(super) common: Common,
    pub(super) net: Rc<dyn Net>,
    absentees: RefCell<Absentees>,
    announcements: Agenda,
    timing: Timing,
}

impl NetworkActor {
    /// Starts the actor; `serve` answers peers.
    pub fn start(common: Common, net: Rc<dyn Net>, timing: Timing, serve: Service) -> Addr<Self> {
        common.spawn.local(serve_peers(common.clone(), net.inbound(), serve).boxed_local());
        let shared =
            Shared { common, net, absentees: RefCell::default(), announcements: Agenda::default(), timing };
        let shared = Rc::new(shared);
        shared.common.spawn.local(shared.clone().keep_announcing().boxed_local());
        Actor::start(Self { shared })
    }
}

impl Actor for NetworkActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(limits::MAILBOX);
    }
}

/// Has each peer's request answered, side by side: the world bounds how many there are at a
/// time, and how often one peer may come.
async fn serve_peers(common: Common, mut inbound: mpsc::Receiver<Inbound>, serve: Service) {
    while let Some(Inbound { from, request, reply }) = inbound.next().await {
        let serve = serve.clone();
        let task = async move {
            let response = serve.answer(from, request).await;
            // The peer may have given up; then nobody waits for the response.
            let _ = reply.send(response);
        };
        common.spawn.local(task.boxed_local());
    }
}

impl Shared {
    /// Asks a peer, unless it could not be reached a moment ago.
    pub(super) async fn request(
        &self,
        peer: PeerId,
        request: Request,
        limit: Duration,
    ) -> Result<Response, NetError> {
        if self.absentees.borrow().is_absent(&peer, self.now()) {
            return Err(NetError::Unreachable { peer, why: "it could not be reached a moment ago".into() });
        }
        let sent = timeout(&*self.common.clock, limit, self.net.request(peer, request)).await;
        let result =
            sent.unwrap_or_else(|elapsed| Err(NetError::Interrupted { peer, why: elapsed.to_string() }));
        match &result {
            Ok(_) => self.absentees.borrow_mut().seen(&peer),
            Err(NetError::Unreachable { .. }) => self.absentees.borrow_mut().missed(peer, self.now()),
            Err(_) => {}
        }
        result
    }

    fn now(&self) -> Timestamp {
        self.common.clock.now()
    }

    /// When to announce again: early by up to a fifth, so that nodes do not move in step.
    fn next_announcement(&self) -> Timestamp {
        let early: f64 = self.common.rng.generator().random_range(0.8..1.0);
        self.now() + self.timing.announce_interval().mul_f64(early)
    }

    async fn announce(&self, id: PlacementId) {
        if let Err(error) = self.net.announce(id).await {
            tracing::debug!(%id, %error, "announcement failed; it is repeated when it falls due");
        }
    }

    /// Announces what falls due, again and again.
    async fn keep_announcing(self: Rc<Self>) {
        loop {
            let id = self.announcements.next(&*self.common.clock).await;
            self.announcements.schedule(id, self.next_announcement());
            self.announce(id).await;
        }
    }
}

impl Handler<SendRequest> for NetworkActor {
    type Result = ResponseFuture<Result<Response, NetError>>;

    fn handle(&mut self, message: SendRequest, _: &mut Self::Context) -> Self::Result {
        let shared = self.shared.clone();
        async move { shared.request(message.peer, message.request, message.limit).await }.boxed_local()
    }
}

impl Handler<Announce> for NetworkActor {
    type Result = ();

    fn handle(&mut self, Announce(id): Announce, _: &mut Self::Context) {
        if !self.shared.announcements.schedule(id, self.shared.next_announcement()) {
            let shared = self.shared.clone();
            let first = async move { shared.announce(id).await };
            self.shared.common.spawn.local(first.boxed_local());
        }
    }
}

impl Handler<Withdraw> for NetworkActor {
    type Result = ();

    fn handle(&mut self, Withdraw(id): Withdraw, _: &mut Self::Context) {
        self.shared.announcements.cancel(id);
        self.shared.net.withdraw(id);
    }
}

impl Handler<FindHolders> for NetworkActor {
    type Result = ResponseFuture<Result<Vec<PeerId>, NetError>>;

    fn handle(&mut self, FindHolders { id, limit }: FindHolders, _: &mut Self::Context) -> Self::Result {
        let shared = self.shared.clone();
        async move {
            let query = shared.net.find_holders(id, limit);
            timeout(&*shared.common.clock, limits::DHT_TIMEOUT, query)
                .await
                .unwrap_or_else(|_| Ok(Vec::new()))
        }
        .boxed_local()
    }
}

impl Handler<FindProviders> for NetworkActor {
    type Result = ResponseFuture<Vec<Candidate>>;

    fn handle(&mut self, wish: FindProviders, _: &mut Self::Context) -> Self::Result {
        providers::find(self.shared.clone(), wish).boxed_local()
    }
}

impl Handler<NetworkStatusQuery> for NetworkActor {
    type Result = MessageResult<NetworkStatusQuery>;

    fn handle(&mut self, _: NetworkStatusQuery, _: &mut Self::Context) -> Self::Result {
        MessageResult(NetworkStatus {
            peer: self.shared.net.local_peer().to_string(),
            listen: self.shared.net.listen_addresses(),
            connected: self.shared.net.connected().len(),
            announced: self.shared.announcements.len(),
        })
    }
}
