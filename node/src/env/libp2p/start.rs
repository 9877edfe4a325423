//! Starting the network: listen, join, serve.

use super::{
    behaviour::Behaviour,
    book::{AddressBook, entries},
    driver::{Driver, Shared},
    net::{Asker, Libp2pNet},
    server::Server,
};
use crate::{env::Common, limits};
use futures::{StreamExt, channel::mpsc};
use libp2p::{
    Multiaddr, PeerId, Swarm, TransportError,
    core::{
        muxing::StreamMuxerBox,
        transport::{Boxed, ListenerId},
    },
    identity::PublicKey,
    swarm::{self, Executor, SwarmEvent},
};
use rand::RngExt;
use std::{cell::RefCell, collections::BTreeSet, io, rc::Rc};

/// What a world gives to its network.
pub struct World<E> {
    /// Time, randomness and tasks.
    pub common: Common,
    /// This node's public key; the transport holds the secret one.
    pub key: PublicKey,
    /// Makes authenticated, multiplexed connections.
    pub transport: Boxed<(PeerId, StreamMuxerBox)>,
    /// Runs the tasks of connections.
    pub executor: E,
    /// Addresses to listen on.
    pub listen: Vec<Multiaddr>,
    /// Addresses of peers to join through, each ending in `/p2p/<peer id>`.
    pub bootstrap: Vec<Multiaddr>,
}

/// Why the network could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The transport cannot listen there.
    #[error("cannot listen on {address}: {why}")]
    Listen {
        /// Where.
        address: Multiaddr,
        /// What the system said.
        why: io::Error,
    },
    /// The transport does not know such addresses.
    #[error("cannot listen on {0}: no transport for such an address")]
    Unsupported(Multiaddr),
    /// A bootstrap address does not say which peer is there.
    #[error("bootstrap address {0} does not end in /p2p/<peer id>")]
    Bootstrap(Multiaddr),
}

impl Libp2pNet {
    /// Listens, and starts the task that serves and joins. Must be called where
    /// [`Spawn::local`](crate::env::Spawn::local) works.
    ///
    /// # Errors
    /// [`StartError`] naming the address that cannot be used.
    pub async fn start<E: Executor + Send + 'static>(world: World<E>) -> Result<Rc<Self>, StartError> {
        let World { common, key, transport, executor, listen, bootstrap } = world;
        let peer = key.to_peer_id();
        // Nodes that were started together do not refresh together.
        let refresh = limits::DHT_REFRESH_INTERVAL.mul_f64(common.rng.generator().random_range(0.5..1.5));
        let config = swarm::Config::with_executor(executor)
            .with_idle_connection_timeout(limits::IDLE_CONNECTION)
            .with_max_negotiating_inbound_streams(limits::MAX_INBOUND_REQUESTS_PER_PEER * 2);
        let swarm = Swarm::new(transport, Behaviour::new(key, refresh), peer, config);
        let (commands, receiver) = mpsc::channel(limits::MAILBOX);
        let (server, inbound) = Server::new(common.clone());
        let shared = Rc::<RefCell<Shared>>::default();
        let mut driver = Driver {
            swarm,
            common: common.clone(),
            commands: receiver,
            shared: shared.clone(),
            server,
            book: AddressBook::default(),
            waiting: Default::default(),
            queries: Default::default(),
            neighbours: Default::default(),
        };
        driver.introduce(peer, bootstrap)?;
        driver.listen(listen).await?;
        common.spawn.local(Box::pin(driver.run()));
        let asker = Asker { common, commands, places: Default::default() };
        Ok(Rc::new(Self { peer, inbound: RefCell::new(Some(inbound)), shared, asker }))
    }
}

impl Driver {
    /// Learns where the bootstrap peers are worth dialling.
    fn introduce(&mut self, local: PeerId, bootstrap: Vec<Multiaddr>) -> Result<(), StartError> {
        let entries = entries(bootstrap).map_err(StartError::Bootstrap)?;
        for (peer, addresses) in entries.into_iter().filter(|(peer, _)| *peer != local) {
            for address in addresses {
                self.swarm.behaviour_mut().kad.add_address(&peer, address.clone());
                self.book.pin(peer, address);
            }
        }
        Ok(())
    }

    /// Listens on all addresses, and waits until each is known to work.
    async fn listen(&mut self, addresses: Vec<Multiaddr>) -> Result<(), StartError> {
        let mut starting: Vec<(ListenerId, Multiaddr)> = Vec::new();
        for address in addresses {
            let id = self.swarm.listen_on(address.clone()).map_err(|error| match error {
                TransportError::MultiaddrNotSupported(address) => StartError::Unsupported(address),
                TransportError::Other(why) => StartError::Listen { address: address.clone(), why },
            })?;
            starting.push((id, address));
        }
        let mut started = BTreeSet::new();
        while started.len() < starting.len() {
            let event = self.swarm.select_next_some().await;
            let position = |id: &ListenerId| starting.iter().position(|(known, _)| known == id);
            match &event {
                SwarmEvent::NewListenAddr { listener_id, .. } => {
                    started.extend(position(listener_id));
                }
                SwarmEvent::ListenerClosed { listener_id, reason, .. } => {
                    if let Some(at) = position(listener_id) {
                        let why = match reason {
                            Err(why) => io::Error::new(why.kind(), why.to_string()),
                            Ok(()) => io::Error::other("the listener closed"),
                        };
                        return Err(StartError::Listen { address: starting.swap_remove(at).1, why });
                    }
                }
                _ => {}
            }
            self.on_event(event);
        }
        Ok(())
    }
}
