//! The protocols a node speaks, and their bounds.

use super::{announcements::Announcements, streams};
use crate::limits;
use libp2p::{
    StreamProtocol,
    connection_limits::{self, ConnectionLimits},
    identify,
    identity::PublicKey,
    kad,
    swarm::NetworkBehaviour,
};
use std::time::Duration;

/// The DHT's protocol name: nodes of other networks are not asked.
const KAD: StreamProtocol = StreamProtocol::new("/holdfast/kad/1");
/// What identify calls this family of protocols.
const FAMILY: &str = "holdfast/1";

/// All protocols of a node. There is no ping: a dead connection shows when it is used.
#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    // First, so that a connection over the limit is refused before others hear of it.
    limits: connection_limits::Behaviour,
    pub identify: identify::Behaviour,
    pub kad: kad::Behaviour<Announcements>,
    pub streams: streams::Behaviour,
}

impl Behaviour {
    /// `refresh` is the time between two bootstraps of the DHT's routing table.
    pub fn new(key: PublicKey, refresh: Duration) -> Self {
        let peer = key.to_peer_id();
        let mut kad = kad::Behaviour::with_config(peer, Announcements::new(peer), kad_config(refresh));
        kad.set_mode(Some(kad::Mode::Server));
        let identify = identify::Config::new(FAMILY.into(), key)
            .with_agent_version(concat!("holdfast/", env!("CARGO_PKG_VERSION")).into())
            .with_interval(limits::DHT_REFRESH_INTERVAL)
            .with_cache_size(0);
        Self {
            limits: connection_limits::Behaviour::new(connection_limits()),
            identify: identify::Behaviour::new(identify),
            kad,
            streams: streams::Behaviour::default(),
        }
    }
}

fn kad_config(refresh: Duration) -> kad::Config {
    let mut config = kad::Config::new(KAD);
    config
        .set_provider_record_ttl(Some(limits::ANNOUNCE_TTL))
        // The network actor announces again, and knows what is still held.
        .set_provider_publication_interval(None)
        .set_publication_interval(None)
        .set_replication_interval(None)
        .set_caching(kad::Caching::Disabled)
        // Only addresses that identify told are kept: where a connection came from is no place to dial.
        .set_kbucket_inserts(kad::BucketInserts::Manual)
        .set_periodic_bootstrap_interval(Some(refresh))
        .set_substreams_timeout(limits::CONNECT_TIMEOUT);
    config
}

fn connection_limits() -> ConnectionLimits {
    ConnectionLimits::default()
        .with_max_pending_incoming(Some(limits::MAX_PENDING_CONNECTIONS))
        .with_max_pending_outgoing(Some(limits::MAX_PENDING_CONNECTIONS))
        .with_max_established(Some(limits::MAX_CONNECTIONS))
        .with_max_established_per_peer(Some(limits::MAX_CONNECTIONS_PER_PEER))
}
