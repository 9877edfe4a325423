//! What happens to messages and disks when links and nodes fail, by the promise each test names.
#![allow(clippy::unwrap_used, reason = "what cannot be unwrapped fails the test")]

use futures::{FutureExt, StreamExt};
use holdfast::{
    env::{Common, Disk, Net, NetError},
    types::{Answer, Ask, PeerId, PlacementId, Refusal, ShardHash, ShardKey},
};
use holdfast_sim::{
    NodeNumber,
    cluster::{Boot, Cluster, ClusterError, NodeSpec, NodeState},
    env::NetKind,
    faults::Fault,
    links::{Cut, Latency, LinkPlan},
    world::{WorldPlan, run},
};
use std::{cell::Cell, collections::BTreeSet, rc::Rc, sync::Arc, time::Duration};

const LATENCY: Duration = Duration::from_millis(50);
const DIRECT: NetKind = NetKind::Direct { stale_peers: 0.0 };
const LIBP2P: NetKind = NetKind::Libp2p { bootstrap: 1 };

/// A node that answers every request after a while, or holds on to it.
#[derive(Clone)]
struct Echo {
    net: Rc<dyn Net>,
    common: Common,
    disk: Arc<dyn Disk>,
    deaf: Rc<Cell<bool>>,
}

fn echo() -> Boot<Echo> {
    Rc::new(|env, _, _| {
        Box::pin(async move {
            let node = Echo { net: env.net, common: env.common, disk: env.disk, deaf: Rc::default() };
            let (mut inbound, deaf) = (node.net.inbound(), node.deaf.clone());
            node.common.spawn.local(Box::pin(async move {
                let mut held = Vec::new();
                while let Some(request) = inbound.next().await {
                    if deaf.get() {
                        held.push(request);
                        continue;
                    }
                    let answer = match request.request.ask {
                        Ask::Status => Answer::Refused(Refusal::NotFound),
                        _ => Answer::Shard,
                    };
                    let _ = request.reply.send(answer.into());
                }
            }));
            Ok(node)
        })
    })
}

struct World {
    cluster: Cluster<Echo>,
    nodes: Vec<Echo>,
}

impl World {
    async fn start(net: NetKind, count: u32) -> Self {
        let latency = Latency::Constant { ms: LATENCY.as_secs_f64() * 1e3 };
        let links = LinkPlan { latency, jitter_ms: 0.0, ..LinkPlan::default() };
        let cluster = Cluster::with_boot(WorldPlan { net, links, ..WorldPlan::default() }, 1, echo());
        let numbers: Vec<_> = (0..count).map(|_| cluster.add_node(NodeSpec::default())).collect();
        let mut nodes = Vec::new();
        for node in numbers {
            nodes.push(cluster.start(node).await.expect("the node starts"));
        }
        // Libp2p nodes find each other.
        cluster.time().sleep(Duration::from_secs(5)).await;
        Self { cluster, nodes }
    }

    fn peer(&self, node: u32) -> PeerId {
        self.cluster.peer(NodeNumber(node)).expect("the node exists")
    }

    /// Asks, and tells how long it took.
    async fn ask(&self, from: u32, to: u32) -> (Result<Answer, NetError>, Duration) {
        let before = self.cluster.time().now();
        let answer = self.nodes[from as usize].net.request(self.peer(to), Ask::Status.into()).await;
        (answer.map(|response| response.answer), self.cluster.time().now().since(before))
    }
}

fn in_world(net: NetKind, count: u32, test: impl AsyncFnOnce(World) + Send + 'static) {
    run(1, move || {
        async move {
            let world = World::start(net, count).await;
            let cluster = world.cluster.clone();
            test(world).await;
            cluster.shut_down().await;
        }
        .boxed_local()
    });
}

fn about(actual: Duration, expected: Duration) -> bool {
    actual >= expected && actual < expected + Duration::from_millis(5)
}

#[test]
fn an_answer_takes_a_round_trip_and_the_first_one_a_handshake_more() {
    in_world(DIRECT, 2, async |world| {
        let (answer, time) = world.ask(0, 1).await;
        assert_eq!(answer, Ok(Answer::Refused(Refusal::NotFound)));
        assert!(about(time, LATENCY * 4), "{time:?}");
        let (_, time) = world.ask(0, 1).await;
        assert!(about(time, LATENCY * 2), "{time:?}");
        assert_eq!(world.nodes[0].net.connected(), [world.peer(1)]);
        assert_eq!(world.nodes[1].net.connected(), [world.peer(0)]);
        assert_eq!(world.cluster.counters().round_trips, 2);
    });
}

#[test]
fn libp2p_answers_over_the_same_links() {
    in_world(LIBP2P, 3, async |world| {
        for (from, to) in [(1, 0), (2, 1), (0, 2)] {
            let (answer, time) = world.ask(from, to).await;
            assert_eq!(answer, Ok(Answer::Refused(Refusal::NotFound)), "{from} asks {to}");
            assert!(time >= LATENCY * 2 && time < LATENCY * 40, "{time:?}");
        }
    });
}

fn peers_see_how_a_node_went(net: NetKind) {
    in_world(net, 4, async |world| {
        let (killed, crashed) = (NodeNumber(1), NodeNumber(2));
        world.cluster.kill(killed).unwrap();
        world.cluster.crash(crashed).unwrap();
        // Longer than any connection that is left takes to die.
        world.cluster.time().sleep(Duration::from_secs(60)).await;
        let (answer, refused) = world.ask(3, 1).await;
        assert!(matches!(answer, Err(NetError::Unreachable { .. })), "{answer:?}");
        assert!(refused < Duration::from_secs(1), "a dead process is refused at once, not after {refused:?}");
        let (answer, silent) = world.ask(3, 2).await;
        assert!(matches!(answer, Err(NetError::Unreachable { .. })), "{answer:?}");
        assert!(silent >= Duration::from_secs(9), "a dark host answers nothing, yet it took {silent:?}");
        assert!(world.cluster.handles(killed).is_none());
        world.cluster.start(killed).await.unwrap();
        world.cluster.time().sleep(Duration::from_secs(5)).await;
        assert!(world.ask(3, 1).await.0.is_ok(), "a restarted node answers");
    });
}

#[test]
fn direct_peers_see_how_a_node_went() {
    peers_see_how_a_node_went(DIRECT);
}

#[test]
fn libp2p_peers_see_how_a_node_went() {
    peers_see_how_a_node_went(LIBP2P);
}

fn a_request_to_a_node_that_dies_is_interrupted(net: NetKind) {
    in_world(net, 2, async |world| {
        world.ask(0, 1).await.0.unwrap();
        world.nodes[1].deaf.set(true);
        let asking = world.nodes[0].net.request(world.peer(1), Ask::Status.into());
        let killing = async {
            world.cluster.time().sleep(Duration::from_secs(1)).await;
            world.cluster.kill(NodeNumber(1)).unwrap();
        };
        let (answer, ()) = futures::join!(asking, killing);
        assert!(matches!(answer, Err(NetError::Interrupted { .. })), "{answer:?}");
    });
}

#[test]
fn a_direct_request_to_a_node_that_dies_is_interrupted() {
    a_request_to_a_node_that_dies_is_interrupted(DIRECT);
}

#[test]
fn a_libp2p_request_to_a_node_that_dies_is_interrupted() {
    a_request_to_a_node_that_dies_is_interrupted(LIBP2P);
}

fn a_cut_in_either_direction_stops_an_exchange(net: NetKind) {
    in_world(net, 2, async |world| {
        for (from, to) in [(0, 1), (1, 0)] {
            world.ask(0, 1).await.0.unwrap();
            let cut = Cut { from: [NodeNumber(from)].into(), to: [NodeNumber(to)].into() };
            world.cluster.apply(Fault::Cut(cut)).unwrap();
            let (answer, time) = world.ask(0, 1).await;
            assert!(answer.is_err(), "{answer:?}");
            assert!(time > Duration::from_secs(5), "silence is not noticed after {time:?}");
            world.cluster.apply(Fault::Heal).unwrap();
            world.cluster.time().sleep(Duration::from_secs(60)).await;
        }
        world.ask(0, 1).await.0.unwrap();
    });
}

#[test]
fn a_cut_in_either_direction_stops_a_direct_exchange() {
    a_cut_in_either_direction_stops_an_exchange(DIRECT);
}

#[test]
fn a_cut_in_either_direction_stops_a_libp2p_exchange() {
    a_cut_in_either_direction_stops_an_exchange(LIBP2P);
}

#[test]
fn shards_to_one_node_share_its_downlink() {
    in_world(DIRECT, 3, async |world| {
        let key = ShardKey { placement: PlacementId::from_bytes([1; 32]), segment: 0, slot: 0 };
        let body = bytes::Bytes::from(vec![7; 5_000_000]);
        let ask = Ask::StoreShard { key, hash: ShardHash::of(&body) };
        let request = holdfast::types::Request { ask, body };
        let before = world.cluster.time().now();
        let one = world.nodes[0].net.request(world.peer(2), request.clone());
        one.await.unwrap();
        let alone = world.cluster.time().now().since(before).as_secs_f64();
        let before = world.cluster.time().now();
        let both = [0, 1].map(|n| world.nodes[n].net.request(world.peer(2), request.clone()));
        futures::future::join_all(both).await;
        let together = world.cluster.time().now().since(before).as_secs_f64();
        // 5 MB at 100 Mbit/s is 0.4 s; two senders fill the 200 Mbit/s downlink without slowing down.
        assert!((0.5..0.7).contains(&alone), "{alone}");
        assert!((0.5..0.7).contains(&together), "{together}");
        let before = world.cluster.time().now();
        let four = [0, 1, 0, 1].map(|n| world.nodes[n].net.request(world.peer(2), request.clone()));
        futures::future::join_all(four).await;
        let crowded = world.cluster.time().now().since(before).as_secs_f64();
        assert!((0.9..1.1).contains(&crowded), "{crowded}");
    });
}

#[test]
fn a_peer_that_overruns_the_inbound_queue_is_told_that_it_is_busy() {
    in_world(DIRECT, 2, async |world| {
        world.ask(0, 1).await.0.unwrap();
        world.cluster.pause(NodeNumber(1)).unwrap();
        let asking = (0..400).map(|_| world.nodes[0].net.request(world.peer(1), Ask::Status.into()));
        let asking = futures::future::join_all(asking);
        let resuming = async {
            world.cluster.time().sleep(Duration::from_secs(5)).await;
            world.cluster.resume(NodeNumber(1)).unwrap();
        };
        let (answers, ()) = futures::join!(asking, resuming);
        let busy = answers.iter().filter(|answer| {
            matches!(answer.as_ref().map(|r| &r.answer), Ok(Answer::Refused(Refusal::Busy)))
        });
        let busy = busy.count();
        assert!((100..200).contains(&busy), "{busy} of 400 were refused by a queue of 256");
    });
}

#[test]
fn a_paused_node_answers_once_it_is_resumed() {
    in_world(DIRECT, 2, async |world| {
        world.cluster.pause(NodeNumber(1)).unwrap();
        assert_eq!(world.cluster.state(NodeNumber(1)), Some(NodeState::Paused));
        let resuming = async {
            world.cluster.time().sleep(Duration::from_secs(3)).await;
            world.cluster.resume(NodeNumber(1)).unwrap();
        };
        let ((answer, time), ()) = futures::join!(world.ask(0, 1), resuming);
        answer.unwrap();
        assert!(about(time, Duration::from_secs(3) + LATENCY), "{time:?}");
    });
}

#[test]
fn a_crash_loses_what_was_not_synced_and_a_kill_does_not() {
    in_world(DIRECT, 1, async |world| {
        let node = NodeNumber(0);
        let mut disk = world.nodes[0].disk.clone();
        let mut outcomes = BTreeSet::new();
        for round in 0..20u8 {
            let file = disk.open("a", true).unwrap();
            file.write_at(0, &[round + 1; 512]).unwrap();
            file.sync().unwrap();
            disk.sync_dir("").unwrap();
            file.write_at(0, &[0xFF; 512]).unwrap();
            world.cluster.crash(node).unwrap();
            assert!(file.write_at(0, &[0; 512]).is_err(), "a dead process cannot write");
            disk = world.cluster.start(node).await.unwrap().disk;
            let mut read = [0; 512];
            disk.open("a", false).unwrap().read_at(0, &mut read).unwrap();
            assert!(read == [round + 1; 512] || read == [0xFF; 512]);
            outcomes.insert(read[0] == 0xFF);
        }
        assert_eq!(outcomes.len(), 2, "an un-synced sector is sometimes lost and sometimes not");
        disk.open("a", false).unwrap().write_at(0, &[3; 512]).unwrap();
        world.cluster.kill(node).unwrap();
        disk = world.cluster.start(node).await.unwrap().disk;
        let mut read = [0; 512];
        disk.open("a", false).unwrap().read_at(0, &mut read).unwrap();
        assert_eq!(read, [3; 512]);
    });
}

#[test]
fn the_power_fails_at_the_operation_that_was_chosen() {
    in_world(DIRECT, 1, async |world| {
        let node = NodeNumber(0);
        world.cluster.apply(Fault::CrashInWrite { node, operations: 3 }).unwrap();
        let disk = world.nodes[0].disk.clone();
        let file = disk.open("a", true).unwrap();
        file.write_at(0, b"x").unwrap();
        file.sync().unwrap();
        assert!(disk.sync_dir("").is_err(), "the power is off");
        assert!(file.len().is_err());
        world.cluster.time().sleep(Duration::from_secs(1)).await;
        assert_eq!(world.cluster.state(node), Some(NodeState::Down));
    });
}

#[test]
fn a_departed_node_never_comes_back() {
    in_world(DIRECT, 1, async |world| {
        let node = NodeNumber(0);
        world.cluster.depart(node).unwrap();
        let state = NodeState::Departed;
        let error = world.cluster.start(node).await.map(drop);
        assert_eq!(error, Err(ClusterError::State { node, state }));
        world.cluster.apply(Fault::Restart { node }).unwrap();
        assert_eq!(world.cluster.state(node), Some(state));
        assert_eq!(world.cluster.disk(node).unwrap().used_bytes(), 0);
    });
}

fn announcements_are_found_and_expire(net: NetKind) {
    in_world(net, 8, async |world| {
        let id = PlacementId::from_bytes([9; 32]);
        for holder in [2, 5] {
            world.nodes[holder].net.announce(id).await.unwrap();
        }
        let mut found = world.nodes[7].net.find_holders(id, 10).await.unwrap();
        let mut expected = vec![world.peer(2), world.peer(5)];
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        assert_eq!(world.nodes[7].net.find_holders(id, 1).await.unwrap().len(), 1);
        let mine = world.nodes[2].net.find_holders(id, 10).await.unwrap();
        assert_eq!(mine, [world.peer(5)], "without this node");
        let near = world.nodes[0].net.closest([0; 32]).await.unwrap();
        assert!(near.len() >= 6 && !near.contains(&world.peer(0)), "{near:?}");
        // A holder remembers its own announcement for as long as it lives; others, until it expires.
        world.cluster.kill(NodeNumber(2)).unwrap();
        world.cluster.kill(NodeNumber(5)).unwrap();
        world.cluster.time().sleep(Duration::from_secs(60)).await;
        assert_eq!(world.nodes[7].net.find_holders(id, 10).await.unwrap().len(), 2);
        world.cluster.time().sleep(holdfast::limits::ANNOUNCE_TTL).await;
        assert_eq!(world.nodes[7].net.find_holders(id, 10).await.unwrap(), []);
    });
}

#[test]
fn direct_announcements_are_found_and_expire() {
    announcements_are_found_and_expire(DIRECT);
}

#[test]
fn libp2p_announcements_are_found_and_expire() {
    announcements_are_found_and_expire(LIBP2P);
}

#[test]
fn an_announcement_is_lost_with_those_who_keep_it() {
    in_world(DIRECT, 30, async |world| {
        let id = PlacementId::from_bytes([9; 32]);
        world.nodes[0].net.announce(id).await.unwrap();
        for node in 2..30 {
            world.cluster.kill(NodeNumber(node)).unwrap();
            world.cluster.start(NodeNumber(node)).await.unwrap();
        }
        assert_eq!(world.nodes[1].net.find_holders(id, 10).await.unwrap(), []);
    });
}
