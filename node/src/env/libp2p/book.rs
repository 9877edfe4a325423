//! Who can be dialled where: what settings, identify and the DHT told, bounded.

use crate::limits;
use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use std::collections::BTreeMap;

/// Addresses of peers. The peer that was told of longest ago is forgotten first.
#[derive(Debug, Default)]
pub(super) struct AddressBook {
    peers: BTreeMap<PeerId, Entry>,
    /// Peers in the order in which they were last told of.
    order: BTreeMap<u64, PeerId>,
    counter: u64,
    /// Peers that settings name: never forgotten.
    pinned: BTreeMap<PeerId, Vec<Multiaddr>>,
}

#[derive(Debug)]
struct Entry {
    addresses: Vec<Multiaddr>,
    told: u64,
}

impl AddressBook {
    /// Keeps an address for good.
    pub fn pin(&mut self, peer: PeerId, address: Multiaddr) {
        self.pinned.entry(peer).or_default().push(address);
    }

    /// Peers whose addresses were pinned.
    pub fn pinned(&self) -> impl Iterator<Item = PeerId> {
        self.pinned.keys().copied()
    }

    /// Replaces what is known of a peer.
    pub fn insert(&mut self, peer: PeerId, mut addresses: Vec<Multiaddr>) {
        addresses.truncate(limits::MAX_ADDRESSES_PER_PEER);
        self.remove(&peer);
        if addresses.is_empty() {
            return;
        }
        if self.peers.len() >= limits::MAX_KNOWN_PEERS
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.peers.remove(&oldest);
        }
        self.counter += 1;
        self.order.insert(self.counter, peer);
        self.peers.insert(peer, Entry { addresses, told: self.counter });
    }

    /// Forgets what was told of a peer: nobody was found there.
    pub fn remove(&mut self, peer: &PeerId) {
        if let Some(entry) = self.peers.remove(peer) {
            self.order.remove(&entry.told);
        }
    }

    /// Where to dial a peer.
    pub fn addresses(&self, peer: &PeerId) -> Vec<Multiaddr> {
        let told = self.peers.get(peer).map(|entry| &entry.addresses[..]).unwrap_or_default();
        let pinned = self.pinned.get(peer).map(Vec::as_slice).unwrap_or_default();
        let mut all = told.to_vec();
        all.extend(pinned.iter().filter(|address| !told.contains(address)).cloned());
        all
    }
}

/// The addresses worth remembering of those a peer says it listens on.
///
/// TCP is preferred where a peer offers it: it costs a fraction of QUIC's CPU, and a dead peer's port
/// refuses at once where QUIC waits for a time-out (docs/adr/0004). Loopback addresses mean something
/// only to those who talk over loopback.
pub(super) fn worth_dialling(offered: Vec<Multiaddr>, over_loopback: bool) -> Vec<Multiaddr> {
    let mut kept: Vec<_> =
        offered.into_iter().filter(|address| over_loopback || !is_loopback(address)).collect();
    if kept.iter().any(is_tcp) {
        kept.retain(is_tcp);
    }
    kept
}

fn is_tcp(address: &Multiaddr) -> bool {
    address.iter().any(|part| matches!(part, Protocol::Tcp(_)))
}

/// True if packets to this address do not leave the machine.
pub(super) fn is_loopback(address: &Multiaddr) -> bool {
    address.iter().any(|part| match part {
        Protocol::Ip4(ip) => ip.is_loopback(),
        Protocol::Ip6(ip) => ip.is_loopback(),
        _ => false,
    })
}
