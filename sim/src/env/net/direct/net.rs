//! `Net` and `Dht` without libp2p: requests are values that travel over the simulated links.

use super::{
    dht::{Key, Living},
    exchange::Pending,
    fabric::Fabric,
};
use crate::env::clock::Time;
use futures::{channel::mpsc, future::LocalBoxFuture};
use holdfast::{
    env::{Dht, Inbound, Net, NetError},
    types::{PeerId, PlacementId, Request, Response},
};
use std::cell::RefCell;

/// The Net capability of one node in one of its lives.
pub struct DirectNet {
    /// The links and all other nodes.
    pub(super) fabric: Fabric,
    /// How long lookups take.
    pub(super) time: Time,
    /// Who we are.
    pub(super) me: Living,
    /// Who we are to others.
    pub(super) peer: PeerId,
    /// Requests from peers, until the network actor takes the queue.
    pub(super) inbound: RefCell<Option<mpsc::Receiver<Inbound>>>,
}

impl DirectNet {
    /// Waits as long as a lookup takes and then asks the model.
    fn lookup<T: 'static>(
        &self,
        answer: impl FnOnce(&Fabric, Living) -> Result<T, NetError> + 'static,
    ) -> LocalBoxFuture<'static, Result<T, NetError>> {
        let (fabric, time, me) = (self.fabric.clone(), self.time.clone(), self.me);
        Box::pin(async move {
            time.sleep(fabric.begin_lookup(me.node)?).await;
            answer(&fabric, me)
        })
    }
}

impl Net for DirectNet {
    fn local_peer(&self) -> PeerId {
        self.peer
    }

    fn request(&self, peer: PeerId, request: Request) -> LocalBoxFuture<'static, Result<Response, NetError>> {
        let id = self.fabric.send(self.me, peer, request);
        Box::pin(Pending { fabric: self.fabric.clone(), id })
    }

    fn inbound(&self) -> mpsc::Receiver<Inbound> {
        self.inbound.borrow_mut().take().expect("the network actor takes the inbound queue once")
    }

    fn connected(&self) -> Vec<PeerId> {
        self.fabric.connected(self.me.node)
    }

    fn listen_addresses(&self) -> Vec<String> {
        vec![format!("/memory/{}/p2p/{}", self.me.node.0 + 1, self.peer)]
    }
}

impl Dht for DirectNet {
    fn announce(&self, id: PlacementId) -> LocalBoxFuture<'static, Result<(), NetError>> {
        self.lookup(move |fabric, me| {
            fabric.announce(me, id);
            Ok(())
        })
    }

    /// The model announces once a call, so there is nothing to stop; as in Kademlia, what others
    /// keep stays with them until it expires.
    fn withdraw(&self, _id: PlacementId) {}

    fn find_holders(
        &self,
        id: PlacementId,
        limit: usize,
    ) -> LocalBoxFuture<'static, Result<Vec<PeerId>, NetError>> {
        self.lookup(move |fabric, me| Ok(fabric.find_holders(me, id, limit)))
    }

    fn closest(&self, point: [u8; 32]) -> LocalBoxFuture<'static, Result<Vec<PeerId>, NetError>> {
        self.lookup(move |fabric, me| fabric.closest(me, Key::at(&point)))
    }
}
