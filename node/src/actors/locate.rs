//! Finding a placement's record and its holders, from any node.

use crate::{
    actors::{
        Passes, ask,
        fetch::Located,
        holders::Holders,
        network::FindHolders,
        peers::{FoundPlacement, Peers},
        race::Speeds,
    },
    env::NetError,
    limits,
    types::{Code, PeerId, PlacementId, ProviderRecord, Signed, Timestamp},
};
use actix::Recipient;
use futures::{FutureExt, StreamExt, stream::FuturesUnordered};
use std::{cell::RefCell, collections::BTreeSet, rc::Rc, sync::Arc};

/// Asks the DHT, and this node's own storage, who holds a placement; gets its record from the first
/// who has it, and asks all others what they hold. `None` if nobody who has the record answers.
pub(crate) async fn locate(
    peers: &Peers,
    find: &Recipient<FindHolders>,
    id: PlacementId,
    passes: Option<Arc<Passes>>,
) -> Result<Option<Rc<Located>>, NetError> {
    let mut candidates = vec![peers.me];
    candidates.extend(ask(find, FindHolders { id, limit: limits::MAX_HOLDERS_ASKED }).await?);
    let Some(found) = first_record(peers, id, &candidates).await else { return Ok(None) };
    let mut holders = Holders::default();
    for record in trustworthy(&found, id, peers.common.clock.now()) {
        candidates.push(record.provider);
        holders.insert(record);
    }
    ask_holdings(peers, id, &candidates, found.record.code, &mut holders).await;
    Ok(Some(Rc::new(Located {
        id,
        record: found.record,
        signed: found.signed,
        holders: RefCell::new(holders),
        speeds: RefCell::new(Speeds::default()),
        passes,
    })))
}

/// The record from whoever answers first. A few are asked at once, since records may be large, and a few
/// more whenever nobody has answered for a while: it takes long to find out that a peer is gone.
async fn first_record(peers: &Peers, id: PlacementId, candidates: &[PeerId]) -> Option<FoundPlacement> {
    let mut waiting = candidates.iter().copied();
    let mut answers = FuturesUnordered::new();
    let mut at_once = limits::RECORD_FETCHES;
    let mut patience = peers.common.clock.sleep(limits::HOLDINGS_PATIENCE).fuse();
    loop {
        while answers.len() < at_once
            && let Some(peer) = waiting.next()
        {
            answers.push(peers.read_placement(peer, id));
        }
        futures::select_biased! {
            answer = answers.next() => match answer {
                Some(Ok(found)) => return Some(found),
                Some(Err(error)) => tracing::debug!(%id, %error, "no placement record"),
                None => return None,
            },
            () = patience => {
                at_once += limits::RECORD_FETCHES;
                patience = peers.common.clock.sleep(limits::HOLDINGS_PATIENCE).fuse();
            }
        }
    }
}

/// The provider records that came along, as far as they are unexpired and really their signer's.
fn trustworthy(found: &FoundPlacement, id: PlacementId, now: Timestamp) -> Vec<ProviderRecord> {
    let verified = found.holders.iter().take(limits::MAX_HOLDERS_ASKED).map(Signed::verify);
    verified.filter_map(Result::ok).filter(|r| r.placement == id && r.expires > now).collect()
}

/// Asks every candidate what it holds, until all answered or, after some patience, enough did.
async fn ask_holdings(
    peers: &Peers,
    id: PlacementId,
    candidates: &[PeerId],
    code: Code,
    holders: &mut Holders,
) {
    let distinct: BTreeSet<PeerId> = candidates.iter().copied().collect();
    let questions = distinct.into_iter().map(|peer| async move { (peer, peers.holdings(peer, id).await) });
    let mut answers: FuturesUnordered<_> = questions.collect();
    let mut patience = peers.common.clock.sleep(limits::HOLDINGS_PATIENCE).fuse();
    let mut answered = Holders::default();
    loop {
        futures::select_biased! {
            answer = answers.next() => match answer {
                Some((_, Ok((record, _)))) => {
                    answered.insert(record.clone());
                    holders.insert(record);
                }
                Some((peer, Err(_))) => holders.remove(&peer),
                None => return,
            },
            () = patience => {
                let enough = answered.min_live(code, 1) >= code.k();
                if enough { return }
                patience = peers.common.clock.sleep(limits::HOLDINGS_PATIENCE).fuse();
            }
        }
    }
}
