//! Real sockets: TCP with Noise and Yamux, and QUIC.

use super::coalesce::Coalesced;
use crate::{limits, types::Identity};
use futures::io::BufReader;
use libp2p::{
    PeerId, Transport,
    core::{
        muxing::StreamMuxerBox,
        transport::{Boxed, OrTransport},
        upgrade::Version,
    },
    identity::Keypair,
    noise, quic, tcp, yamux,
};
use std::io;

/// Streams that a connection may carry: what the request protocol may use, and as many for the rest.
const MAX_STREAMS: usize = 2 * limits::MAX_INBOUND_REQUESTS_PER_PEER;
/// Bytes that a connection reads at a time, a Noise message; Noise itself asks for 8 KiB.
const READ_BUFFER: usize = 64 << 10;

/// The transports of a live node. TCP first: an address that both understand does not exist.
///
/// # Errors
/// If the identity cannot be used for Noise.
pub fn transport(identity: &Identity) -> io::Result<Boxed<(PeerId, StreamMuxerBox)>> {
    let keypair = identity.keypair();
    let noise = noise::Config::new(keypair).map_err(io::Error::other)?;
    let mut yamux = yamux::Config::default();
    yamux.set_max_num_streams(MAX_STREAMS);
    let tcp = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
        .map(|stream, _| BufReader::with_capacity(READ_BUFFER, stream))
        .upgrade(Version::V1Lazy)
        .authenticate(noise)
        .multiplex(Coalesced(yamux))
        .timeout(limits::CONNECT_TIMEOUT)
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    let quic = quic::tokio::Transport::new(quic_config(keypair))
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    Ok(OrTransport::new(tcp, quic).map(|either, _| either.into_inner()).boxed())
}

fn quic_config(keypair: &Keypair) -> quic::Config {
    let mut config = quic::Config::new(keypair);
    config.max_concurrent_stream_limit = MAX_STREAMS as u32;
    config
}
