//! A network that a test looks into or meddles with, and asks through as one of its nodes would.

use super::Booted;
use futures::{FutureExt, channel::mpsc, future::LocalBoxFuture};
use holdfast::{
    env::{Dht, Env, Inbound, Net, NetError},
    node::{Keys, Node},
    settings::Settings,
    types::{Answer, PeerId, PlacementId, Request, Response},
};
use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

thread_local! {
    /// The networks of the nodes of this thread's world, as far as they were listed.
    static NETS: RefCell<BTreeMap<PeerId, Rc<dyn Net>>> = const { RefCell::new(BTreeMap::new()) };
}

/// What becomes of a request to a peer: it is passed on to the network below, and looked at on its way there or back.
pub type Tap = fn(&dyn Net, PeerId, Request) -> LocalBoxFuture<'static, Result<Response, NetError>>;

struct Tapped {
    below: Rc<dyn Net>,
    tap: Tap,
}

impl Dht for Tapped {
    fn announce(&self, id: PlacementId) -> LocalBoxFuture<'static, Result<(), NetError>> {
        self.below.announce(id)
    }
    fn withdraw(&self, id: PlacementId) {
        self.below.withdraw(id);
    }
    fn find_holders(
        &self,
        id: PlacementId,
        limit: usize,
    ) -> LocalBoxFuture<'static, Result<Vec<PeerId>, NetError>> {
        self.below.find_holders(id, limit)
    }
    fn closest(&self, point: [u8; 32]) -> LocalBoxFuture<'static, Result<Vec<PeerId>, NetError>> {
        self.below.closest(point)
    }
}

impl Net for Tapped {
    fn local_peer(&self) -> PeerId {
        self.below.local_peer()
    }
    fn request(&self, peer: PeerId, request: Request) -> LocalBoxFuture<'static, Result<Response, NetError>> {
        (self.tap)(&*self.below, peer, request)
    }
    fn connected(&self) -> Vec<PeerId> {
        self.below.connected()
    }
    fn listen_addresses(&self) -> Vec<String> {
        self.below.listen_addresses()
    }
    fn inbound(&self) -> mpsc::Receiver<Inbound> {
        self.below.inbound()
    }
}

/// Starts a node that [`ask_as`] can ask as.
pub fn listed_boot(env: Env, keys: Keys, settings: Settings) -> Booted {
    NETS.with_borrow_mut(|nets| nets.insert(keys.peer.peer(), env.net.clone()));
    Node::start(env, keys, settings).boxed_local()
}

/// The same, with a tap in its network.
pub fn tapped_boot(tap: Tap, mut env: Env, keys: Keys, settings: Settings) -> Booted {
    env.net = Rc::new(Tapped { below: env.net, tap });
    listed_boot(env, keys, settings)
}

/// To be called at the end of a world whose nodes were listed.
pub fn forget_nets() {
    NETS.take();
}

/// Asks a peer as a listed node would.
pub async fn ask_as(asker: PeerId, peer: PeerId, request: impl Into<Request>) -> Answer {
    let net = NETS.with_borrow(|nets| nets[&asker].clone());
    net.request(peer, request.into()).await.expect("it answers").answer
}
