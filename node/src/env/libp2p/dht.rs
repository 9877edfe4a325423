//! The driver's dealings with Kademlia: lookups by placement, by point and by peer.

use super::driver::{Driver, Reply};
use crate::{
    env::NetError,
    types::{PeerId, PlacementId},
};
use libp2p::kad::{
    self, AddProviderOk, GetClosestPeersError, GetClosestPeersOk, GetProvidersOk, PeerInfo, QueryId,
    QueryResult, RecordKey,
};
use std::collections::{BTreeSet, HashMap};

/// Queries under way, by Kademlia's number for them. Never iterated, so their order does not matter.
pub(super) type Queries = HashMap<QueryId, Query>;

/// What a query is for.
#[derive(Debug)]
pub(super) enum Query {
    Announce(Reply<()>),
    FindHolders {
        found: BTreeSet<PeerId>,
        limit: usize,
        reply: Reply<Vec<PeerId>>,
    },
    Closest(Reply<Vec<PeerId>>),
    /// Where is this peer?
    LookUp(PeerId),
}

impl Driver {
    pub fn announce(&mut self, id: PlacementId, reply: Reply<()>) {
        let query = self.swarm.behaviour_mut().kad.start_providing(key(id));
        let query = query.expect("a node's own announcements are always kept");
        self.queries.insert(query, Query::Announce(reply));
    }

    pub fn withdraw(&mut self, id: PlacementId) {
        self.swarm.behaviour_mut().kad.stop_providing(&key(id));
    }

    pub fn find_holders(&mut self, id: PlacementId, limit: usize, reply: Reply<Vec<PeerId>>) {
        let query = self.swarm.behaviour_mut().kad.get_providers(key(id));
        self.queries.insert(query, Query::FindHolders { found: BTreeSet::new(), limit, reply });
    }

    pub fn closest(&mut self, point: [u8; 32], reply: Reply<Vec<PeerId>>) {
        let query = self.swarm.behaviour_mut().kad.get_closest_peers(point.to_vec());
        self.queries.insert(query, Query::Closest(reply));
    }

    /// Asks the DHT where a peer is, and dials it there.
    pub fn look_up(&mut self, peer: PeerId) {
        let query = self.swarm.behaviour_mut().kad.get_closest_peers(peer);
        self.queries.insert(query, Query::LookUp(peer));
    }

    pub fn on_kad(&mut self, event: kad::Event) {
        if let kad::Event::OutboundQueryProgressed { id, result, stats, step } = event
            && let Some(query) = self.queries.remove(&id)
        {
            let alone = stats.num_successes() == 0;
            if let Some(query) = self.on_progress(id, query, result, step.last, alone) {
                self.queries.insert(id, query);
            }
        }
    }

    /// Takes a query a step on; returns it if it goes on.
    fn on_progress(
        &mut self,
        id: QueryId,
        query: Query,
        result: QueryResult,
        last: bool,
        alone: bool,
    ) -> Option<Query> {
        match (query, result) {
            (Query::Announce(reply), QueryResult::StartProviding(result)) => {
                let done: Result<AddProviderOk, _> = result;
                answer(reply, if alone || done.is_err() { Err(NetError::Alone) } else { Ok(()) });
                None
            }
            (Query::FindHolders { mut found, limit, reply }, QueryResult::GetProviders(result)) => {
                if let Ok(GetProvidersOk::FoundProviders { providers, .. }) = result {
                    let local = *self.swarm.local_peer_id();
                    found.extend(providers.into_iter().filter(|peer| *peer != local));
                }
                let enough = found.len() >= limit;
                if !(last || enough) {
                    return Some(Query::FindHolders { found, limit, reply });
                }
                if let Some(mut query) = self.swarm.behaviour_mut().kad.query_mut(&id) {
                    query.finish();
                }
                let nobody = alone && found.is_empty();
                let found = found.into_iter().take(limit).collect();
                answer(reply, if nobody { Err(NetError::Alone) } else { Ok(found) });
                None
            }
            (Query::Closest(reply), QueryResult::GetClosestPeers(result)) => {
                let peers = self.remember(result);
                answer(reply, if peers.is_empty() { Err(NetError::Alone) } else { Ok(peers) });
                None
            }
            (Query::LookUp(peer), QueryResult::GetClosestPeers(result)) => {
                if !self.remember(result).contains(&peer) {
                    self.give_up(peer, "the network does not know its address");
                } else if let Err(error) = self.dial(peer) {
                    self.give_up(peer, &error.to_string());
                }
                None
            }
            (query, result) => {
                tracing::warn!(?query, ?result, "query ended in an answer to another question");
                None
            }
        }
    }

    /// Remembers where the peers found are, and returns who they are.
    fn remember(&mut self, result: kad::GetClosestPeersResult) -> Vec<PeerId> {
        let (Ok(GetClosestPeersOk { peers, .. }) | Err(GetClosestPeersError::Timeout { peers, .. })) = result;
        let local = *self.swarm.local_peer_id();
        let mut found = Vec::new();
        for PeerInfo { peer_id, addrs } in peers.into_iter().filter(|peer| peer.peer_id != local) {
            if self.book.addresses(&peer_id).is_empty() {
                self.book.insert(peer_id, addrs);
            }
            found.push(peer_id);
        }
        found
    }
}

fn key(id: PlacementId) -> RecordKey {
    RecordKey::new(id.as_bytes())
}

fn answer<T>(reply: Reply<T>, result: Result<T, NetError>) {
    // Whoever was cancelled does not miss the answer.
    let _ = reply.send(result);
}
