//! With whom a node is connected. Pure.

use crate::NodeNumber;
use holdfast::types::Timestamp;
use std::time::Duration;

/// A connection that nobody used for this long is closed.
const IDLE: Duration = Duration::from_secs(60);
/// Closed connections are looked for only beyond this many.
const FEW: usize = 16;

#[derive(Clone, Copy, Debug)]
struct Connection {
    peer: NodeNumber,
    /// Which of the peer's lives it is with.
    life: u32,
    used: Timestamp,
}

/// The connections of one node, by peer.
#[derive(Debug, Default)]
pub struct Connections(Vec<Connection>);

impl Connections {
    /// Uses the connection with a peer in one of its lives, making it if need be; `true` if it was
    /// there.
    pub fn touch(&mut self, peer: NodeNumber, life: u32, now: Timestamp) -> bool {
        match self.0.binary_search_by_key(&peer, |connection| connection.peer) {
            Ok(at) => {
                let connection = &mut self.0[at];
                let open = connection.life == life && now.since(connection.used) < IDLE;
                (connection.life, connection.used) = (life, now);
                open
            }
            Err(at) => {
                self.0.insert(at, Connection { peer, life, used: now });
                // Powers of two, so that looking at all of them costs little a message.
                if self.0.len() > FEW && self.0.len().is_power_of_two() {
                    self.0.retain(|connection| now.since(connection.used) < IDLE);
                }
                false
            }
        }
    }

    /// Closes the connection with a peer.
    pub fn close(&mut self, peer: NodeNumber) {
        if let Ok(at) = self.0.binary_search_by_key(&peer, |connection| connection.peer) {
            self.0.remove(at);
        }
    }

    /// Closes all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Peers, each with the life it was in, whose connection has not been idle for too long.
    pub fn open(&self, now: Timestamp) -> impl Iterator<Item = (NodeNumber, u32)> {
        self.0.iter().filter(move |c| now.since(c.used) < IDLE).map(|c| (c.peer, c.life))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_open_until_it_idles_closes_or_its_peer_lives_anew() {
        let (peer, later) = (NodeNumber(3), |s| Timestamp::default() + Duration::from_secs(s));
        let mut connections = Connections::default();
        assert!(!connections.touch(peer, 1, later(0)));
        assert!(connections.touch(peer, 1, later(59)));
        assert!(!connections.touch(peer, 2, later(60)), "the peer lives anew");
        assert_eq!(connections.open(later(119)).collect::<Vec<_>>(), [(peer, 2)]);
        assert!(!connections.touch(peer, 2, later(120)), "it was idle");
        connections.close(peer);
        assert!(!connections.touch(peer, 2, later(121)), "it was closed");
    }

    #[test]
    fn what_idles_is_not_kept_for_ever() {
        let mut connections = Connections::default();
        for second in 0..10_000 {
            connections.touch(
                NodeNumber(second),
                1,
                Timestamp::default() + Duration::from_secs(u64::from(second)),
            );
        }
        assert!(connections.0.len() <= 128, "{} connections kept", connections.0.len());
    }
}
