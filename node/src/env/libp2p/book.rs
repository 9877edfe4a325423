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

/// The peers that settings name to join through, in their order, with the addresses worth dialling.
///
/// # Errors
/// An address that does not end in a peer id.
pub(super) fn entries(bootstrap: Vec<Multiaddr>) -> Result<Vec<(PeerId, Vec<Multiaddr>)>, Multiaddr> {
    let mut entries: Vec<(PeerId, Vec<Multiaddr>)> = Vec::new();
    for address in bootstrap {
        let Some(Protocol::P2p(peer)) = address.iter().last() else { return Err(address) };
        match entries.iter_mut().find(|(known, _)| *known == peer) {
            Some((_, addresses)) => addresses.push(address),
            None => entries.push((peer, vec![address])),
        }
    }
    for (_, addresses) in &mut entries {
        *addresses = worth_dialling(std::mem::take(addresses), true);
    }
    Ok(entries)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Identity;

    fn peer(number: u16) -> PeerId {
        let mut secret = [7; 32];
        secret[..2].copy_from_slice(&(number + 1).to_be_bytes());
        Identity::from_secret(&mut secret).unwrap().peer()
    }

    fn addresses(texts: &[&str]) -> Vec<Multiaddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn who_was_told_of_longest_ago_is_forgotten_first() {
        let mut book = AddressBook::default();
        let pinned = peer(limits::MAX_KNOWN_PEERS as u16 + 1);
        book.pin(pinned, "/ip4/192.0.2.1/tcp/1".parse().unwrap());
        for number in 0..limits::MAX_KNOWN_PEERS as u16 {
            book.insert(peer(number), addresses(&["/ip4/192.0.2.2/tcp/2"]));
        }
        book.insert(peer(0), addresses(&["/ip4/192.0.2.3/tcp/3"]));
        book.insert(peer(limits::MAX_KNOWN_PEERS as u16), addresses(&["/ip4/192.0.2.4/tcp/4"]));
        assert!(book.addresses(&peer(1)).is_empty());
        assert_eq!(book.addresses(&peer(0)), addresses(&["/ip4/192.0.2.3/tcp/3"]));
        assert_eq!(book.addresses(&pinned), addresses(&["/ip4/192.0.2.1/tcp/1"]));
        assert_eq!(book.peers.len(), limits::MAX_KNOWN_PEERS);
        assert_eq!(book.order.len(), limits::MAX_KNOWN_PEERS);
    }

    #[test]
    fn pinned_addresses_outlive_what_was_told() {
        let mut book = AddressBook::default();
        book.pin(peer(1), "/ip4/192.0.2.1/tcp/1".parse().unwrap());
        book.insert(peer(1), addresses(&["/ip4/192.0.2.2/tcp/2", "/ip4/192.0.2.1/tcp/1"]));
        assert_eq!(book.addresses(&peer(1)), addresses(&["/ip4/192.0.2.2/tcp/2", "/ip4/192.0.2.1/tcp/1"]));
        book.remove(&peer(1));
        assert_eq!(book.addresses(&peer(1)), addresses(&["/ip4/192.0.2.1/tcp/1"]));
    }

    #[test]
    fn a_peer_cannot_fill_the_book() {
        let mut book = AddressBook::default();
        book.insert(peer(1), addresses(&["/ip4/192.0.2.2/tcp/2"; 100]));
        assert_eq!(book.addresses(&peer(1)).len(), limits::MAX_ADDRESSES_PER_PEER);
    }

    #[test]
    fn tcp_is_preferred_and_loopback_is_for_neighbours() {
        let quic = "/ip4/192.0.2.1/udp/1/quic-v1";
        let offered = ["/ip4/127.0.0.1/tcp/1", "/ip4/192.0.2.1/tcp/1", quic, "/ip6/::1/udp/1/quic-v1"];
        assert_eq!(worth_dialling(addresses(&offered), true), addresses(&offered[..2]));
        assert_eq!(worth_dialling(addresses(&offered), false), addresses(&offered[1..2]));
        assert_eq!(worth_dialling(addresses(&[quic]), false), addresses(&[quic]));
        assert_eq!(worth_dialling(addresses(&["/memory/7"]), false), addresses(&["/memory/7"]));
    }

    #[test]
    fn an_entry_that_offers_both_is_dialled_over_tcp() {
        let at = |address: &str, number| format!("{address}/p2p/{}", peer(number));
        let (quic, tcp) = (at("/ip4/127.0.0.1/udp/1/quic-v1", 2), at("/ip4/127.0.0.1/tcp/1", 2));
        let other = at("/ip4/127.0.0.1/udp/3/quic-v1", 1);
        let found = entries(addresses(&[&quic, &other, &tcp])).unwrap();
        assert_eq!(found, [(peer(2), addresses(&[&tcp])), (peer(1), addresses(&[&other]))]);
        let nobody = addresses(&["/ip4/127.0.0.1/tcp/1"]);
        assert_eq!(entries(nobody.clone()), Err(nobody[0].clone()));
    }
}
