//! What a network must do. The suite gives every node a small server ([`serve`]) that answers by the
//! kind of request, and then asks.

use crate::{
    env::{Common, Inbound, Net, NetError, timeout},
    limits,
    types::{
        Answer, Ask, PeerId, PlacementId, ProviderStatus, Refusal, Request, Response, ShardHash, ShardKey,
    },
};
use bytes::Bytes;
use futures::{
    StreamExt,
    channel::oneshot,
    future::{join, join_all},
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

/// Nodes that [`check`] needs: enough for their requests to overrun one of them.
pub const NODES: usize = 10;
/// A placement of which a server drops the reply.
const UNANSWERED: PlacementId = PlacementId::from_bytes([0xDD; 32]);
/// What a joined network needs at most to be known to everyone.
const JOIN: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(100);

const _: () = assert!((NODES - 1) * limits::MAX_OUTBOUND_PER_PEER > limits::MAX_INBOUND_REQUESTS);

/// A node of the network to check, and the server that answers for it.
pub struct Peer {
    net: Rc<dyn Net>,
    common: Common,
    served: Rc<Served>,
}

/// What a server saw.
#[derive(Default)]
struct Served {
    delivered: Cell<usize>,
    /// Requests that are held until [`Served::release`], or until their asker goes.
    held: RefCell<Vec<oneshot::Sender<()>>>,
    cancelled: Cell<usize>,
}

impl Peer {
    /// Starts the server of a node whose requests nobody has taken yet.
    pub fn new(net: Rc<dyn Net>, common: Common) -> Self {
        let served = Rc::<Served>::default();
        let task = serve(net.inbound(), common.clone(), served.clone());
        common.spawn.local(Box::pin(task));
        Self { net, common, served }
    }

    fn id(&self) -> PeerId {
        self.net.local_peer()
    }

    async fn ask(&self, whom: &Peer, request: impl Into<Request>) -> Result<Response, NetError> {
        self.net.request(whom.id(), request.into()).await
    }

    async fn pause(&self) {
        self.common.clock.sleep(PAUSE).await;
    }
}

impl Served {
    fn release(&self) {
        self.held.borrow_mut().clear();
    }
}

async fn serve(mut requests: futures::channel::mpsc::Receiver<Inbound>, common: Common, served: Rc<Served>) {
    while let Some(Inbound { from, request, reply }) = requests.next().await {
        served.delivered.set(served.delivered.get() + 1);
        let response = match request.ask {
            Ask::Status => Answer::Status(status(from)).into(),
            Ask::StoreShard { .. } => Refusal::Mismatch(fingerprint(&request.body)).into(),
            Ask::ReadShard { offset, len, .. } => shard(offset, len),
            Ask::Holdings { id } if id == UNANSWERED => continue,
            Ask::ReadPlacement { .. } => {
                common.spawn.local(Box::pin(hold(reply, served.clone())));
                continue;
            }
            _ => Refusal::NotFound.into(),
        };
        // An asker that is gone needs no answer.
        let _ = reply.send(response);
    }
}

async fn hold(mut reply: oneshot::Sender<Response>, served: Rc<Served>) {
    let (keep, released) = oneshot::channel();
    served.held.borrow_mut().push(keep);
    let released = futures::future::select(released, reply.cancellation()).await;
    match released {
        // It was released: whether the asker still waits is its affair.
        futures::future::Either::Left(_) => drop(reply.send(Refusal::NotFound.into())),
        futures::future::Either::Right(_) => served.cancelled.set(served.cancelled.get() + 1),
    }
}

/// Checks [`NODES`] nodes that were started with the first as their bootstrap peer.
///
/// # Panics
/// With a sentence that says what is broken.
pub async fn check(nodes: &[Peer]) {
    assert!(nodes.len() >= NODES, "the suite needs {NODES} nodes");
    everybody_meets(nodes).await;
    requests_are_answered(&nodes[1], &nodes[2]).await;
    bodies_arrive_whole(&nodes[2], &nodes[1]).await;
    requests_run_side_by_side(&nodes[1], &nodes[2]).await;
    nobody_is_unreachable(&nodes[1]).await;
    a_dropped_reply_interrupts(&nodes[1], &nodes[2]).await;
    a_dropped_request_is_cancelled(&nodes[3], &nodes[2]).await;
    too_many_are_turned_away(nodes).await;
    holders_are_found(nodes).await;
}

/// Checks that a request fails soon, and as interrupted, when `kill` takes `victim` down while it works
/// on it; and that the victim is unreachable afterwards.
///
/// # Panics
/// With a sentence that says what is broken.
pub async fn check_death(asker: &Peer, victim: PeerId, kill: impl FnOnce()) {
    let pending = asker.net.request(victim, Ask::ReadPlacement { id: UNANSWERED }.into());
    let killer = async {
        asker.common.clock.sleep(Duration::from_secs(1)).await;
        kill();
    };
    // A transport over datagrams learns of a death by silence.
    let within = limits::CONNECT_TIMEOUT * 2;
    let (result, ()) = join(timeout(&*asker.common.clock, within, pending), killer).await;
    assert!(
        matches!(result, Ok(Err(NetError::Interrupted { peer, .. })) if peer == victim),
        "a request to a peer that died ended in {result:?}, not in an interruption"
    );
    let result = timeout(&*asker.common.clock, within, asker.net.request(victim, Ask::Status.into())).await;
    assert!(
        matches!(result, Ok(Err(NetError::Unreachable { peer, .. })) if peer == victim),
        "a request to a dead peer ended in {result:?}, not in its being unreachable"
    );
}

/// Checks a node that knows nobody.
///
/// # Panics
/// With a sentence that says what is broken.
pub async fn check_alone(node: &Peer) {
    let id = PlacementId::from_bytes([3; 32]);
    assert_eq!(node.net.find_holders(id, 5).await, Err(NetError::Alone), "a node alone found holders");
    assert_eq!(node.net.closest([1; 32]).await, Err(NetError::Alone), "a node alone found neighbours");
    assert_eq!(node.net.announce(id).await, Err(NetError::Alone), "a node alone told somebody");
    assert!(node.net.connected().is_empty(), "a node alone is connected");
    nobody_is_unreachable(node).await;
}

/// True if `whom` answers `asker`; for worlds that wait until a node is up.
pub async fn answers(asker: &Peer, whom: PeerId) -> bool {
    asker.net.request(whom, Ask::Status.into()).await.is_ok()
}

/// The first address at which a node listens, without its peer id.
///
/// # Panics
/// If it listens nowhere.
pub fn listen_address(node: &Peer) -> String {
    let addresses = node.net.listen_addresses();
    let first = addresses.first().expect("a node listens");
    first.split("/p2p/").next().expect("a split has a first part").to_owned()
}

async fn everybody_meets(nodes: &[Peer]) {
    for (index, node) in nodes.iter().enumerate() {
        let meets = async {
            loop {
                let found = node.net.closest([index as u8; 32]).await.unwrap_or_default();
                assert!(!found.contains(&node.id()), "a node is its own neighbour");
                if found.len() == nodes.len() - 1 {
                    return;
                }
                node.pause().await;
            }
        };
        let met = timeout(&*node.common.clock, JOIN, meets).await;
        assert!(met.is_ok(), "node {index} did not find all {} others within {JOIN:?}", nodes.len() - 1);
        let suffix = format!("/p2p/{}", node.id());
        let addresses = node.net.listen_addresses();
        assert!(
            addresses.iter().all(|a| a.ends_with(&suffix)),
            "a listen address names no peer: {addresses:?}"
        );
        assert!(!node.net.connected().is_empty(), "a node that found others is connected to nobody");
    }
}

async fn requests_are_answered(asker: &Peer, server: &Peer) {
    let before = server.served.delivered.get();
    let answer = asker.ask(server, Ask::Status).await;
    assert_eq!(
        answer,
        Ok(Answer::Status(status(asker.id())).into()),
        "a server saw another asker, or another answer came"
    );
    assert!(asker.net.connected().contains(&server.id()), "a peer that answered is not connected");
    let refused = asker.ask(server, Ask::Holdings { id: PlacementId::from_bytes([1; 32]) }).await;
    assert_eq!(refused, Ok(Refusal::NotFound.into()), "a refusal did not come through as an answer");
    let delivered = server.served.delivered.get() - before;
    assert_eq!(delivered, 2, "2 requests were delivered {delivered} times");
}

async fn bodies_arrive_whole(asker: &Peer, server: &Peer) {
    for len in [0, 1, 65_535, 65_536, 1 << 20, limits::MAX_SHARD] {
        let body = pattern(len as u32, len);
        let answer = asker.ask(server, store(body.clone())).await;
        let expected = Refusal::Mismatch(fingerprint(&body)).into();
        assert_eq!(answer, Ok(expected), "a body of {len} bytes did not arrive as it was sent");
        let answer = asker.ask(server, read(7, len as u32)).await;
        assert_eq!(
            answer.map(|it| fingerprint(&it.body)),
            Ok(fingerprint(&shard(7, len as u32).body)),
            "a body of {len} bytes did not come back as it was sent"
        );
    }
    let oversize = asker.ask(server, store(Bytes::from(vec![0; limits::MAX_SHARD + 1]))).await;
    assert!(
        matches!(&oversize, Err(NetError::Protocol { why, .. }) if why.contains(&limits::MAX_SHARD.to_string())),
        "a body over the limit ended in {oversize:?}, not in an error that says the limit"
    );
}

async fn requests_run_side_by_side(one: &Peer, other: &Peer) {
    let ask = |from: &Peer, to: &Peer, number: u32| {
        let body = pattern(number, 10_000 + number as usize * 1_000);
        let store = from.net.request(to.id(), store(body.clone()));
        let read = from.net.request(to.id(), read(number, 20_000));
        async move {
            let (stored, got) = join(store, read).await;
            assert_eq!(
                stored,
                Ok(Refusal::Mismatch(fingerprint(&body)).into()),
                "requests side by side were mixed up"
            );
            assert_eq!(got, Ok(shard(number, 20_000)), "answers side by side were mixed up");
        }
    };
    let there = (0..50).map(|number| ask(one, other, number));
    let back = (50..100).map(|number| ask(other, one, number));
    join(join_all(there), join_all(back)).await;
}

async fn nobody_is_unreachable(asker: &Peer) {
    let nobody = crate::types::Identity::from_secret(&mut [0xAB; 32]).expect("a valid secret").peer();
    let answer = asker.net.request(nobody, Ask::Status.into()).await;
    assert!(
        matches!(answer, Err(NetError::Unreachable { peer, .. }) if peer == nobody),
        "a request to a peer that does not exist ended in {answer:?}"
    );
}

async fn a_dropped_reply_interrupts(asker: &Peer, server: &Peer) {
    let answer = asker.ask(server, Ask::Holdings { id: UNANSWERED }).await;
    assert!(
        matches!(answer, Err(NetError::Interrupted { peer, .. }) if peer == server.id()),
        "a request whose reply was dropped ended in {answer:?}, not in an interruption"
    );
    assert!(asker.ask(server, Ask::Status).await.is_ok(), "a dropped reply broke the connection for others");
}

async fn a_dropped_request_is_cancelled(asker: &Peer, server: &Peer) {
    let before = server.served.cancelled.get();
    let request = asker.ask(server, Ask::ReadPlacement { id: UNANSWERED });
    let ended = timeout(&*asker.common.clock, Duration::from_secs(1), request).await;
    assert!(ended.is_err(), "a request that is never answered ended in {ended:?}");
    let noticed = async {
        while server.served.cancelled.get() == before {
            server.pause().await;
        }
    };
    let noticed = timeout(&*server.common.clock, Duration::from_secs(10), noticed).await;
    assert!(noticed.is_ok(), "a server did not notice that its asker had gone");
}

async fn too_many_are_turned_away(nodes: &[Peer]) {
    let (server, askers) = nodes.split_last().expect("there are nodes");
    let id = UNANSWERED;
    let each = limits::MAX_OUTBOUND_PER_PEER;
    let requests =
        askers.iter().flat_map(|asker| (0..each).map(move |_| asker.ask(server, Ask::ReadPlacement { id })));
    let release = async {
        let full = async {
            while server.served.held.borrow().len() < limits::MAX_INBOUND_REQUESTS {
                server.pause().await;
            }
        };
        let full = timeout(&*server.common.clock, JOIN, full).await;
        let held = server.served.held.borrow().len();
        assert!(full.is_ok(), "of {} requests a server took {held}", limits::MAX_INBOUND_REQUESTS);
        // Time for one too many to come, if one could.
        server.common.clock.sleep(Duration::from_secs(1)).await;
        let held = server.served.held.borrow().len();
        server.served.release();
        held
    };
    let (answers, held) = join(join_all(requests), release).await;
    assert_eq!(held, limits::MAX_INBOUND_REQUESTS, "a server works on more requests than the limit");
    let busy = answers.iter().filter(|answer| **answer == Ok(Refusal::Busy.into())).count();
    let done = answers.iter().filter(|answer| **answer == Ok(Refusal::NotFound.into())).count();
    assert_eq!(
        (busy, done),
        (answers.len() - held, held),
        "turned away and served do not add up: {answers:?}"
    );
    assert!(askers[0].ask(server, Ask::Status).await.is_ok(), "a server that was overrun answers no more");
}

async fn holders_are_found(nodes: &[Peer]) {
    let id = PlacementId::from_bytes([42; 32]);
    let stranger = &nodes[NODES - 1];
    assert_eq!(stranger.net.find_holders(id, 5).await, Ok(vec![]), "holders of nothing were found");
    let holders: Vec<_> = nodes[1..5].iter().map(Peer::id).collect();
    for node in &nodes[1..5] {
        assert_eq!(node.net.announce(id).await, Ok(()), "an announcement failed");
    }
    let mut found = stranger.net.find_holders(id, 100).await.expect("a query among many nodes");
    found.sort();
    let mut expected = holders.clone();
    expected.sort();
    assert_eq!(found, expected, "other holders were found than announced");
    let some = stranger.net.find_holders(id, 2).await.expect("a query among many nodes");
    assert!(
        some.len() == 2 && some.iter().all(|peer| holders.contains(peer)),
        "2 holders were asked for, {some:?} found"
    );
    let others = nodes[1].net.find_holders(id, 100).await.expect("a query among many nodes");
    assert!(!others.contains(&nodes[1].id()) && others.len() == 3, "a holder found {others:?}");
    nodes[1].net.withdraw(id);
}

fn status(from: PeerId) -> ProviderStatus {
    ProviderStatus { free_bytes: 1, operator: from.to_string(), region: String::new() }
}

fn store(body: Bytes) -> Request {
    Request { ask: Ask::StoreShard { key: key(), hash: ShardHash::of(&[]) }, body }
}

fn read(offset: u32, len: u32) -> Request {
    Ask::ReadShard { key: key(), offset, len }.into()
}

fn key() -> ShardKey {
    ShardKey { placement: PlacementId::from_bytes([1; 32]), segment: 0, slot: 0 }
}

/// The shard that a server returns.
fn shard(offset: u32, len: u32) -> Response {
    Response { answer: Answer::Shard, body: pattern(offset, len as usize) }
}

fn pattern(seed: u32, len: usize) -> Bytes {
    (0..len).map(|at| (at as u32).wrapping_mul(2_654_435_761).wrapping_add(seed) as u8).collect()
}

fn fingerprint(bytes: &[u8]) -> String {
    format!("{} bytes, {}", bytes.len(), ShardHash::of(bytes))
}
