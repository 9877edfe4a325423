//! Protected files: members of the access list read them, their owner does, and holders repair them; nobody else is
//! served, and a pass lets in whom it was made for alone.

mod lists;
#[path = "../support/mod.rs"]
mod support;

use futures::future::LocalBoxFuture;
use holdfast::{
    actors::client::{ClientError, FileRef, GetFile, NoAccess, PutFile, PutReport},
    env::{AccessTicket, Env, Net, NetError},
    limits,
    node::Keys,
    settings::Settings,
    types::{Access, Answer, Ask, Code, ListRoot, PeerId, Policy, Refusal, Request, Response, ShardKey},
};
use holdfast_proofs::{
    access::{AccessKey, AccessList},
    field::Fr,
};
use holdfast_sim::{NodeNumber, cluster::Cluster};
use std::{cell::RefCell, ops::Range, sync::Arc, time::Duration};
use support::*;

const NODES: u32 = 10;
const OWNER: NodeNumber = NodeNumber(NODES - 1);
const READER: NodeNumber = NodeNumber(NODES - 2);

thread_local! {
    /// Passes that were shown: by whom, to whom.
    static SHOWN: RefCell<Vec<(PeerId, PeerId, Request)>> = const { RefCell::new(Vec::new()) };
}

/// Takes down which passes are shown.
fn tap(net: &dyn Net, peer: PeerId, request: Request) -> LocalBoxFuture<'static, Result<Response, NetError>> {
    if matches!(request.ask, Ask::OpenAccess { .. }) {
        SHOWN.with_borrow_mut(|all| all.push((net.local_peer(), peer, request.clone())));
    }
    net.request(peer, request)
}

fn boot(env: Env, keys: Keys, settings: Settings) -> Booted {
    tapped_boot(tap, env, keys, settings)
}

fn end() {
    forget_nets();
    SHOWN.take();
}

fn member(number: u64) -> AccessKey {
    AccessKey::new(Fr::from(1_000 + number))
}

fn list_of(numbers: Range<u64>) -> AccessList {
    let members = numbers.map(|number| member(number).member()).collect();
    AccessList::new(limits::ACCESS_LEVELS, members).expect("a list")
}

fn list() -> AccessList {
    list_of(0..20)
}

fn listed() -> Access {
    Access::Root(ListRoot(list().root()))
}

async fn put_protected(cluster: &Cluster, bytes: Vec<u8>, access: Access) -> PutReport {
    let message = PutFile {
        name: "file".into(),
        source: Arc::new(Memory(bytes)),
        code: Code::new(2, 5, 3).expect("a code"),
        policy: Policy::default(),
        segment_len: 100_000,
        access: Some(access),
        progress: None,
    };
    let owner = cluster.handles(OWNER).expect("it is up");
    owner.put.send(message).await.expect("alive").expect("the file is stored")
}

async fn get_as(
    cluster: &Cluster,
    reader: NodeNumber,
    link: &str,
    ticket: Option<(AccessKey, AccessList)>,
) -> Result<Vec<u8>, ClientError> {
    let sink = Arc::new(Collected::default());
    let access = ticket.map(|(key, list)| Arc::new(AccessTicket { list, key }));
    let file = FileRef::Link(link.parse().expect("a link"));
    let node = cluster.handles(reader).expect("it is up");
    node.get
        .send(GetFile { file, sink: sink.clone(), access, most: None, progress: None })
        .await
        .expect("alive")?;
    Ok(std::mem::take(&mut sink.0.lock().expect("no writer panicked")))
}

#[test]
fn members_and_the_owner_read_a_protected_file_and_nobody_else_is_served() {
    in_world_with(proving(), 1, NODES, boot, async |cluster| {
        let bytes = pattern(390_000);
        let report = put_protected(&cluster, bytes.clone(), listed()).await;
        let refused = get_as(&cluster, READER, &report.link, None).await;
        assert_eq!(refused, Err(ClientError::NoAccess(report.placement, NoAccess::NoKey)));
        let refused = get_as(&cluster, READER, &report.link, Some((member(20), list()))).await;
        assert!(refused.is_err(), "whoever is not in the list has read the file");
        let own = (member(20), list_of(20..21));
        let other = NoAccess::OtherList { counts: ListRoot(list().root()), yours: ListRoot(own.1.root()) };
        let refused = get_as(&cluster, READER, &report.link, Some(own)).await;
        assert_eq!(refused, Err(ClientError::NoAccess(report.placement, other)));
        let seventh = Some((member(7), list()));
        assert!(get_as(&cluster, READER, &report.link, seventh).await.expect("a member") == bytes);
        assert!(get_as(&cluster, OWNER, &report.link, None).await.expect("its owner") == bytes);
        // Whoever goes around the client is refused by every provider.
        let stranger = NodeNumber(NODES - 3);
        for holder in holders(&cluster).await.into_iter().filter(|node| *node != stranger) {
            let (asker, peer) =
                (cluster.peer(stranger).expect("it exists"), cluster.peer(holder).expect("it exists"));
            for slot in 0..5 {
                let key = ShardKey { placement: report.placement, segment: 0, slot };
                let answer = ask_as(asker, peer, Ask::ReadShard { key, offset: 0, len: 0 }).await;
                assert!(!matches!(answer, Answer::Shard), "{holder} served slot {slot}");
            }
        }
        end();
    });
}

#[test]
fn a_pass_lets_in_whom_it_was_made_for_where_it_was_made_for_and_once() {
    in_world_with(proving(), 2, NODES, boot, async |cluster| {
        let report = put_protected(&cluster, pattern(390_000), listed()).await;
        get_as(&cluster, READER, &report.link, Some((member(7), list()))).await.expect("a member reads");
        let shown = SHOWN.take();
        assert!(shown.len() >= 2, "nobody asked for a pass");
        let (reader, provider, pass) = shown[0].clone();
        let replayed = |answer: Answer| matches!(answer, Answer::Refused(Refusal::Invalid(_)));
        let root = ListRoot(list().root());
        let invalid = |answer: Answer| answer == Answer::Refused(Refusal::NotAMember { root });
        // Its nullifier was seen, whoever shows it.
        assert!(replayed(ask_as(reader, provider, pass.clone()).await), "a replay is let in");
        let other = cluster.peer(NodeNumber(0)).expect("it exists");
        assert_ne!(other, reader);
        if other != provider {
            assert!(replayed(ask_as(other, provider, pass.clone()).await), "another reader is let in");
        }
        let elsewhere =
            shown.iter().find(|(_, peer, _)| *peer != provider).expect("k providers were asked").1;
        assert!(invalid(ask_as(reader, elsewhere, pass.clone()).await), "another provider lets it in");
        // A provider that was restarted has another epoch.
        let node =
            (0..NODES).map(NodeNumber).find(|node| cluster.peer(*node) == Some(provider)).expect("a node");
        cluster.kill(node).expect("it exists");
        cluster.start(node).await.expect("it starts again");
        cluster.time().sleep(Duration::from_secs(5)).await;
        assert!(invalid(ask_as(reader, provider, pass).await), "a pass outlives its epoch");
        end();
    });
}

#[test]
fn holders_repair_a_protected_file_without_a_pass() {
    in_world_with(proving(), 3, NODES, boot, async |cluster| {
        let bytes = pattern(390_000);
        let report = put_protected(&cluster, bytes.clone(), listed()).await;
        roots(&cluster, OWNER, report.placement).await;
        // Long enough for holders to hear of one another.
        cluster.time().sleep(Duration::from_secs(300)).await;
        let lost: Vec<NodeNumber> =
            holders(&cluster).await.into_iter().filter(|node| *node != READER).take(2).collect();
        lost.into_iter().for_each(|node| cluster.depart(node).expect("it exists"));
        while holders(&cluster).await.len() < 5 {
            cluster.time().sleep(Duration::from_secs(30)).await;
        }
        cluster.time().sleep(Duration::from_secs(60)).await;
        assert!(
            SHOWN.take().iter().all(|(shower, ..)| Some(*shower) == cluster.peer(OWNER)),
            "a pass was shown"
        );
        let third = Some((member(3), list()));
        assert!(get_as(&cluster, READER, &report.link, third).await.expect("a member") == bytes);
        end();
    });
}
