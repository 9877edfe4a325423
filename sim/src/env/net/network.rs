//! The network of a world, whichever kind its nodes speak.

use super::{Fabric, NetKind, Stop, Wire, wire};
use crate::{
    NodeNumber,
    env::clock::Time,
    links::{Host, LinkPlan, Links},
    trace::Recorder,
};
use futures::{
    channel::mpsc,
    future::{FutureExt, LocalBoxFuture},
};
use holdfast::{
    env::{Common, Dht, Inbound, Net, NetError, libp2p as live},
    types::{Identity, PeerId, PlacementId, Request, Response},
};
use libp2p::{Multiaddr, Transport, core::muxing::StreamMuxerBox, multiaddr::Protocol};
use std::rc::Rc;

/// The network of a world.
#[derive(Clone)]
pub enum Network {
    /// Requests are handed over by value.
    Direct(Fabric),
    /// Requests travel through libp2p.
    Libp2p(Libp2p),
}

/// A world of libp2p nodes.
#[derive(Clone)]
pub struct Libp2p {
    wire: Wire,
    recorder: Recorder,
    /// The first so many nodes are those that the others join through.
    bootstrap: u32,
}

impl Network {
    /// An empty network.
    pub fn new(kind: NetKind, time: Time, recorder: Recorder, plan: LinkPlan, seed: u64) -> Self {
        match kind {
            NetKind::Direct { stale_peers } => {
                Self::Direct(Fabric::new(time, recorder, plan, stale_peers, seed))
            }
            NetKind::Libp2p { bootstrap } => {
                Self::Libp2p(Libp2p { wire: Wire::new(time, plan, seed), recorder, bootstrap })
            }
        }
    }

    /// Adds a node, which is down; numbers are given in order.
    pub fn add(&self, peer: PeerId, host: Host) -> NodeNumber {
        match self {
            Self::Direct(fabric) => fabric.add(peer, host),
            Self::Libp2p(libp2p) => libp2p.wire.add(peer, host),
        }
    }

    /// Brings a node up in its `life`-th life. To be awaited in the node's `LocalSet`.
    pub async fn start(
        &self,
        node: NodeNumber,
        life: u32,
        common: Common,
        identity: &Identity,
    ) -> Rc<dyn Net> {
        match self {
            Self::Direct(fabric) => Rc::new(fabric.start(node, life)),
            Self::Libp2p(libp2p) => libp2p.start(node, common, identity).await,
        }
    }

    /// Takes a node down.
    pub fn stop(&self, node: NodeNumber, how: Stop) {
        match self {
            Self::Direct(fabric) => fabric.stop(node, how),
            Self::Libp2p(libp2p) => libp2p.wire.stop(node, how),
        }
    }

    /// The links, to cut, heal and inspect.
    pub fn links<T>(&self, with: impl FnOnce(&mut Links) -> T) -> T {
        match self {
            Self::Direct(fabric) => fabric.links(with),
            Self::Libp2p(libp2p) => libp2p.wire.links(with),
        }
    }

    /// The task that makes this network go.
    pub fn drive(self) -> LocalBoxFuture<'static, ()> {
        match self {
            Self::Direct(fabric) => Box::pin(fabric.drive()),
            Self::Libp2p(libp2p) => Box::pin(libp2p.wire.drive(libp2p.recorder)),
        }
    }
}

impl Libp2p {
    #[allow(clippy::disallowed_methods, reason = "this is where the world starts a node's tasks")]
    async fn start(&self, node: NodeNumber, common: Common, identity: &Identity) -> Rc<dyn Net> {
        let transport = self.wire.start(node);
        let transport = transport.map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer))).boxed();
        let world = live::World {
            common,
            key: identity.keypair().public(),
            transport,
            executor: |task| {
                tokio::task::spawn_local(task);
            },
            listen: vec![wire::address(node)],
            bootstrap: self.bootstrap(node),
        };
        let net = live::Libp2pNet::start(world).await;
        let net = net.expect("a node's own address can be listened on, and bootstrap addresses name peers");
        Rc::new(Counted { net, recorder: self.recorder.clone() })
    }

    fn bootstrap(&self, node: NodeNumber) -> Vec<Multiaddr> {
        let known = self.wire.len().min(self.bootstrap);
        let others = (0..known).map(NodeNumber).filter(|&other| other != node);
        others.map(|other| wire::address(other).with(Protocol::P2p(self.wire.peer(other)))).collect()
    }
}

/// Counts the requests that are answered.
struct Counted {
    net: Rc<live::Libp2pNet>,
    recorder: Recorder,
}

impl Net for Counted {
    fn local_peer(&self) -> PeerId {
        self.net.local_peer()
    }

    fn request(&self, peer: PeerId, request: Request) -> LocalBoxFuture<'static, Result<Response, NetError>> {
        let recorder = self.recorder.clone();
        let count = move |outcome: &Result<Response, NetError>| {
            if outcome.is_ok() {
                recorder.round_trip();
            }
        };
        Box::pin(self.net.request(peer, request).inspect(count))
    }

    fn inbound(&self) -> mpsc::Receiver<Inbound> {
        self.net.inbound()
    }

    fn connected(&self) -> Vec<PeerId> {
        self.net.connected()
    }

    fn listen_addresses(&self) -> Vec<String> {
        self.net.listen_addresses()
    }
}

impl Dht for Counted {
    fn announce(&self, id: PlacementId) -> LocalBoxFuture<'static, Result<(), NetError>> {
        self.net.announce(id)
    }

    fn withdraw(&self, id: PlacementId) {
        self.net.withdraw(id);
    }

    fn find_holders(
        &self,
        id: PlacementId,
        limit: usize,
    ) -> LocalBoxFuture<'static, Result<Vec<PeerId>, NetError>> {
        self.net.find_holders(id, limit)
    }

    fn closest(&self, point: [u8; 32]) -> LocalBoxFuture<'static, Result<Vec<PeerId>, NetError>> {
        self.net.closest(point)
    }
}
