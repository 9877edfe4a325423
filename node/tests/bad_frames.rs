//! Peers that break the request protocol, on raw libp2p streams over real sockets: each gets, or causes,
//! a clear error, and nobody else notices.
#![allow(clippy::disallowed_methods)]

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use holdfast::{
    env::{Env, NetError, conformance::net::Peer, libp2p::PROTOCOL, live},
    limits,
    node::Keys,
    settings::Settings,
    types::{Answer, Ask, Identity, PeerId, PlacementId, ShardKey},
};
use libp2p::{
    Multiaddr, Stream, Swarm, SwarmBuilder, identity::Keypair, noise, swarm::SwarmEvent, tcp, yamux,
};
use std::{path::Path, rc::Rc};
use tokio::{runtime::Builder, task::LocalSet};

const LISTEN: &str = "/ip4/127.0.0.1/tcp/0";

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    LocalSet::new().block_on(&runtime, test)
}

fn identity(number: u8) -> Identity {
    Identity::from_secret(&mut [number; 32]).expect("a valid secret")
}

async fn node(dir: &Path, bootstrap: &[String]) -> Env {
    let keys = Keys::from_secrets(&mut [1; 32], &mut [2; 32]).expect("two valid secrets");
    let settings =
        Settings { listen: vec![LISTEN.into()], bootstrap: bootstrap.to_vec(), ..Settings::default() };
    live::open(dir, &keys, &settings, Rc::default()).await.expect("a node starts")
}

/// A peer that speaks no protocol but what a test writes on its streams.
fn raw_peer(key: &Keypair) -> Swarm<libp2p_stream::Behaviour> {
    SwarmBuilder::with_existing_identity(key.clone())
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .expect("a transport")
        .with_behaviour(|_| libp2p_stream::Behaviour::new())
        .expect("a behaviour")
        .build()
}

/// A raw peer that is connected to `env`, and opens streams to it.
async fn connect(env: &Env) -> libp2p_stream::Control {
    let address: Multiaddr = env.net.listen_addresses()[0].parse().expect("an address");
    let mut swarm = raw_peer(identity(9).keypair());
    let control = swarm.behaviour().new_control();
    swarm.dial(address).expect("a dial");
    while !matches!(swarm.next().await, Some(SwarmEvent::ConnectionEstablished { .. })) {}
    tokio::task::spawn_local(async move { while swarm.next().await.is_some() {} });
    control
}

async fn open(control: &mut libp2p_stream::Control, peer: PeerId) -> Stream {
    control.open_stream(peer, PROTOCOL).await.expect("a stream")
}

/// Writes `frame`, closes, and returns what came back.
async fn exchange(control: &mut libp2p_stream::Control, peer: PeerId, frame: &[u8]) -> Vec<u8> {
    let mut stream = open(control, peer).await;
    stream.write_all(frame).await.expect("the node takes the frame");
    stream.close().await.expect("the node takes the end");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("the node answers");
    answer
}

fn prelude(version: u8, header: u32, body: u32) -> Vec<u8> {
    [&[version][..], &header.to_le_bytes(), &body.to_le_bytes()].concat()
}

fn rejection(text: &str) -> Vec<u8> {
    [&prelude(0, text.len() as u32, 0)[..], text.as_bytes()].concat()
}

#[test]
fn a_node_says_what_is_wrong_with_a_frame_and_goes_on() {
    let dir = tempfile::tempdir().expect("a directory");
    run(async {
        let env = node(dir.path(), &[]).await;
        let peer = env.net.local_peer();
        let mut control = connect(&env).await;
        let _server = Peer::new(env.net.clone(), env.common.clone());
        let header =
            format!("frame announces a header of 4294967295 bytes, the limit is {}", limits::MAX_HEADER);
        let body = format!("frame announces a body of 4294967295 bytes, the limit is {}", limits::MAX_SHARD);
        let cases = [
            (prelude(9, 1, 0), "frame has version 9, this node reads 1"),
            (prelude(1, u32::MAX, 0), &header),
            (prelude(1, 1, u32::MAX), &body),
            (prelude(1, 1, 5), "frame announces a body of 5 bytes, the limit is 0"),
            (vec![1, 2, 3], "frame ends inside its prelude, after 3 of 9 bytes"),
            (prelude(1, 100, 0), "frame ends inside its header, after 1 of 100 bytes"),
            (prelude(1, 1, 0), ""),
        ];
        for (mut frame, expected) in cases {
            if frame.len() > 3 {
                frame.push(0);
            }
            let answer = exchange(&mut control, peer, &frame).await;
            if expected.is_empty() {
                // A whole and valid request: the half-closed stream counts as an asker that has gone.
                assert!(answer.is_empty(), "a half-closed stream was answered");
            } else {
                assert_eq!(String::from_utf8_lossy(&answer), String::from_utf8_lossy(&rejection(expected)));
            }
        }
        let garbage = [&prelude(1, 2, 0)[..], &[0xFF, 0xFF]].concat();
        let answer = exchange(&mut control, peer, &garbage).await;
        let text = String::from_utf8_lossy(&answer[9..]).into_owned();
        assert!(text.starts_with("frame has a malformed header: "), "{text}");
    });
}

#[test]
fn one_peer_cannot_take_all_places() {
    let dir = tempfile::tempdir().expect("a directory");
    run(async {
        let env = node(dir.path(), &[]).await;
        let peer = env.net.local_peer();
        let mut control = connect(&env).await;
        let mut held = Vec::new();
        for _ in 0..limits::MAX_INBOUND_REQUESTS_PER_PEER {
            let mut stream = open(&mut control, peer).await;
            // A request that is never finished.
            stream.write_all(&prelude(1, 100, 0)).await.expect("the node takes the frame");
            held.push(stream);
        }
        let mut stream = open(&mut control, peer).await;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("the node answers");
        // Answer::Refused is number 6, Refusal::Busy number 5.
        assert_eq!(answer, [&prelude(1, 2, 0)[..], &[6, 5]].concat());
    });
}

/// Has a node ask a raw peer that answers every stream with `answer` and closes it.
async fn ask_raw(dir: &Path, ask: Ask, answer: Vec<u8>) -> Result<Answer, NetError> {
    let mut swarm = raw_peer(identity(9).keypair());
    let mut streams = swarm.behaviour().new_control().accept(PROTOCOL).expect("nobody else accepts");
    swarm.listen_on(LISTEN.parse().expect("an address")).expect("a listener");
    let address = loop {
        if let Some(SwarmEvent::NewListenAddr { address, .. }) = swarm.next().await {
            break address;
        }
    };
    let liar = *swarm.local_peer_id();
    tokio::task::spawn_local(async move { while swarm.next().await.is_some() {} });
    tokio::task::spawn_local(async move {
        while let Some((_, mut stream)) = streams.next().await {
            let mut request = [0; 10];
            stream.read_exact(&mut request).await.expect("a request");
            stream.write_all(&answer).await.expect("the node takes the answer");
            stream.close().await.expect("the node takes the end");
        }
    });
    let env = node(dir, &[format!("{address}/p2p/{liar}")]).await;
    env.net.request(liar, ask.into()).await.map(|response| response.answer)
}

#[test]
fn a_node_says_what_is_wrong_with_an_answer() {
    let key = ShardKey { placement: PlacementId::from_bytes([1; 32]), segment: 0, slot: 0 };
    let read = Ask::ReadShard { key, offset: 0, len: 64 };
    let too_long = [&prelude(1, 1, 65)[..], &[2], &[0; 65]].concat();
    let cut = [&prelude(1, 1, 64)[..], &[2], &[0; 63]].concat();
    let with_body = [&prelude(1, 1, 1)[..], &[5, 0]].concat();
    for (ask, answer, expected) in [
        (Ask::Status, prelude(9, 0, 0), "frame has version 9, this node reads 1"),
        (
            Ask::Status,
            rejection("frame has version 1, this node reads 2"),
            "it refused our frame: frame has version 1, this node reads 2",
        ),
        (Ask::Status, with_body, "frame announces a body of 1 bytes, the limit is 0"),
        (read.clone(), too_long, "frame announces a body of 65 bytes, the limit is 64"),
        (read, cut, "frame ends inside its body, after 63 of 64 bytes"),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        let error = run(ask_raw(dir.path(), ask, answer)).expect_err("the answer is bad");
        let NetError::Protocol { why, peer } = error else {
            panic!("{expected}: {error}");
        };
        assert_eq!((&why[..], peer), (expected, identity(9).peer()));
    }
}

#[test]
fn a_stream_closed_without_an_answer_is_an_interruption() {
    let dir = tempfile::tempdir().expect("a directory");
    let error = run(ask_raw(dir.path(), Ask::Status, vec![])).expect_err("no answer came");
    assert!(matches!(error, NetError::Interrupted { .. }), "{error}");
}

#[test]
fn a_peer_of_another_network_is_named_as_such() {
    let dir = tempfile::tempdir().expect("a directory");
    let error = run(async {
        let mut swarm = raw_peer(identity(9).keypair());
        swarm.listen_on(LISTEN.parse().expect("an address")).expect("a listener");
        let address = loop {
            if let Some(SwarmEvent::NewListenAddr { address, .. }) = swarm.next().await {
                break address;
            }
        };
        let stranger = *swarm.local_peer_id();
        tokio::task::spawn_local(async move { while swarm.next().await.is_some() {} });
        let env = node(dir.path(), &[format!("{address}/p2p/{stranger}")]).await;
        env.net.request(stranger, Ask::Status.into()).await.expect_err("it speaks another protocol")
    });
    assert!(
        matches!(&error, NetError::Protocol { why, .. } if why == "it does not speak /holdfast/request/1"),
        "{error}"
    );
}
