//! Finding peers that would store something: sample the network through the DHT, ask every new
//! peer at once, and stop as soon as enough have answered.

use super::{
    actor::Shared,
    messages::{Candidate, FindProviders},
};
use crate::{
    env::timeout,
    limits,
    types::{Answer, Ask, PeerId, Response},
};
use futures::{FutureExt, StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};
use std::{collections::BTreeSet, rc::Rc};

type Asked = FuturesUnordered<LocalBoxFuture<'static, Option<Candidate>>>;

/// Runs the search. The answer holds at most `wanted` candidates, in the order they answered.
pub(super) async fn find(shared: Rc<Shared>, wish: FindProviders) -> Vec<Candidate> {
    let mut known: BTreeSet<PeerId> = wish.except.iter().copied().collect();
    known.insert(shared.net.local_peer());
    let mut found = Vec::new();
    let mut asked = Asked::new();
    for &peer in wish.prefer.iter().filter(|peer| known.insert(**peer)) {
        asked.push(status(shared.clone(), peer).boxed_local());
    }
    for _ in 0..limits::SAMPLE_ROUNDS {
        let fresh = sample(&shared, &mut known).await;
        if fresh.is_empty() && asked.is_empty() {
            break;
        }
        for peer in fresh {
            asked.push(status(shared.clone(), peer).boxed_local());
        }
        collect(&shared, &wish, &mut asked, &mut found).await;
        if found.len() >= wish.wanted {
            break;
        }
    }
    found
}

/// Peers near a random point of the key space, and those already connected, that nobody asked yet.
async fn sample(shared: &Rc<Shared>, known: &mut BTreeSet<PeerId>) -> Vec<PeerId> {
    let mut point = [0; 32];
    shared.common.rng.fill(&mut point);
    let query = shared.net.closest(point);
    let near = timeout(&*shared.common.clock, limits::DHT_TIMEOUT, query).await;
    let mut peers = near.ok().and_then(Result::ok).unwrap_or_default();
    peers.extend(shared.net.connected());
    peers.retain(|peer| known.insert(*peer));
    peers
}

/// Asks one peer whether it would store something.
async fn status(shared: Rc<Shared>, peer: PeerId) -> Option<Candidate> {
    match shared.request(peer, Ask::Status.into(), limits::REQUEST_TIMEOUT).await {
        Ok(Response { answer: Answer::Status(status), .. }) => Some(Candidate { peer, status }),
        _ => None,
    }
}

/// Takes answers until enough came, all came, or those that came suffice and patience ends.
async fn collect(shared: &Rc<Shared>, wish: &FindProviders, asked: &mut Asked, found: &mut Vec<Candidate>) {
    let mut patience = shared.common.clock.sleep(limits::STATUS_PATIENCE).fuse();
    let mut out_of_patience = false;
    while found.len() < wish.wanted && !(out_of_patience && found.len() >= wish.needed) {
        futures::select_biased! {
            answer = asked.next() => match answer {
                Some(Some(candidate)) if candidate.status.free_bytes >= wish.free_bytes.max(1) => found.push(candidate),
                Some(_) => {}
                None => return,
            },
            () = patience => out_of_patience = true,
        }
    }
}
