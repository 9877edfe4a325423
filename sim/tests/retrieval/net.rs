//! A network that counts what each node reads from whom, and lets chosen providers take pay and serve nothing.

use futures::{FutureExt, channel::mpsc, future::LocalBoxFuture};
use holdfast::{
    env::{Dht, Env, Inbound, Net, NetError},
    node::{Keys, Node},
    settings::Settings,
    types::{Answer, Ask, PeerId, PlacementId, Request, Response},
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use crate::support::Booted;

thread_local! {
    static NETS: RefCell<BTreeMap<PeerId, Rc<dyn Net>>> = const { RefCell::new(BTreeMap::new()) };
    /// Bytes of shards that came, by reader and provider.
    static READ: RefCell<BTreeMap<(PeerId, PeerId), u64>> = const { RefCell::new(BTreeMap::new()) };
    /// Providers whose shards come without their bytes.
    static CHEATS: RefCell<BTreeSet<PeerId>> = const { RefCell::new(BTreeSet::new()) };
    /// Vouchers that were given: by whom, to whom.
    static PAID: RefCell<Vec<(PeerId, PeerId, Ask)>> = const { RefCell::new(Vec::new()) };
}

/// The network of a node.
struct Watched(Rc<dyn Net>);

impl Dht for Watched {
    fn announce(&self, id: PlacementId) -> LocalBoxFuture<'static, Result<(), NetError>> {
        self.0.announce(id)
    }
    fn withdraw(&self, id: PlacementId) {
        self.0.withdraw(id);
    }
    fn find_holders(
        &self,
        id: PlacementId,
        limit: usize,
    ) -> LocalBoxFuture<'static, Result<Vec<PeerId>, NetError>> {
        self.0.find_holders(id, limit)
    }
    fn closest(&self, point: [u8; 32]) -> LocalBoxFuture<'static, Result<Vec<PeerId>, NetError>> {
        self.0.closest(point)
    }
}

impl Net for Watched {
    fn local_peer(&self) -> PeerId {
        self.0.local_peer()
    }
    fn request(&self, peer: PeerId, request: Request) -> LocalBoxFuture<'static, Result<Response, NetError>> {
        let (me, ask) = (self.local_peer(), request.ask.clone());
        let answer = self.0.request(peer, request);
        async move {
            let mut response = answer.await?;
            match (&ask, &response.answer) {
                (Ask::ReadShard { .. }, Answer::Shard) if CHEATS.with_borrow(|all| all.contains(&peer)) => {
                    response.body.clear();
                }
                (Ask::ReadShard { .. }, Answer::Shard) => {
                    let bytes = response.body.len() as u64;
                    READ.with_borrow_mut(|read| *read.entry((me, peer)).or_default() += bytes);
                }
                (Ask::Pay { .. }, Answer::Paid) => PAID.with_borrow_mut(|paid| paid.push((me, peer, ask))),
                _ => {}
            }
            Ok(response)
        }
        .boxed_local()
    }
    fn connected(&self) -> Vec<PeerId> {
        self.0.connected()
    }
    fn listen_addresses(&self) -> Vec<String> {
        self.0.listen_addresses()
    }
    fn inbound(&self) -> mpsc::Receiver<Inbound> {
        self.0.inbound()
    }
}

/// Starts a node on such a network.
pub fn boot(mut env: Env, keys: Keys, settings: Settings) -> Booted {
    env.net = Rc::new(Watched(env.net));
    NETS.with_borrow_mut(|nets| nets.insert(keys.peer.peer(), env.net.clone()));
    Node::start(env, keys, settings).boxed_local()
}

/// To be called at the end of a world.
pub fn end() {
    drop((NETS.take(), READ.take(), CHEATS.take(), PAID.take()));
}

/// From now on nothing comes of what this provider serves.
pub fn cheat(provider: PeerId) {
    CHEATS.with_borrow_mut(|all| all.insert(provider));
}

/// Bytes of shards that a reader got from a provider.
pub fn read(reader: PeerId, provider: PeerId) -> u64 {
    READ.with_borrow(|read| read.get(&(reader, provider)).copied().unwrap_or_default())
}

/// What a reader paid with, provider by provider.
pub fn paid(reader: PeerId) -> Vec<(PeerId, Ask)> {
    let mine =
        |(payer, provider, ask): &(PeerId, PeerId, Ask)| (*payer == reader).then(|| (*provider, ask.clone()));
    PAID.with_borrow(|paid| paid.iter().filter_map(mine).collect())
}

/// Asks a peer as one of the nodes would.
pub async fn ask_as(asker: PeerId, peer: PeerId, ask: Ask) -> Answer {
    let net = NETS.with_borrow(|nets| nets[&asker].clone());
    net.request(peer, ask.into()).await.expect("it answers").answer
}
