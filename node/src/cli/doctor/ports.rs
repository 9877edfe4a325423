//! Can the node listen, and does it?

use super::Finding;
use crate::{api::NodeStatus, settings::Settings};
use libp2p::{Multiaddr, multiaddr::Protocol};
use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    time::Duration,
};

const CHECK: &str = "port";
/// This machine answers itself at once.
const PATIENCE: Duration = Duration::from_secs(2);

enum Port {
    Tcp(SocketAddr),
    Udp(SocketAddr),
}

/// The node does not run: could it listen?
pub fn free(settings: &Settings) -> Finding {
    for address in &settings.listen {
        let Some(port) = parse(address) else {
            let remedy = "listen addresses look like /ip4/0.0.0.0/tcp/4001 or /ip4/0.0.0.0/udp/4001/quic-v1";
            return Finding::fail(CHECK, format!("{address:?} is no listen address"), remedy);
        };
        if let Err(why) = bind(&port) {
            let remedy = "stop the program that listens there, or choose another port in `listen`";
            return Finding::fail(CHECK, format!("cannot listen on {address}: {why}"), remedy);
        }
    }
    Finding::ok(CHECK, format!("{} can be listened on", settings.listen.join(", ")))
}

/// The node runs: does it answer on TCP? A datagram that is not answered tells nothing, so UDP is not tried.
pub fn reachable(status: &NodeStatus) -> Finding {
    let addresses = &status.network.listen;
    for address in addresses {
        if let Some(Port::Tcp(socket)) = parse(address)
            && let Err(why) = TcpStream::connect_timeout(&socket, PATIENCE)
        {
            let remedy = "a firewall on this machine may refuse it";
            return Finding::fail(CHECK, format!("{address} does not answer: {why}"), remedy);
        }
    }
    match addresses.is_empty() {
        true => Finding::warn(CHECK, "listens nowhere", "set `listen` so that others can reach this node"),
        false => Finding::ok(CHECK, format!("listens on {} addresses", addresses.len())),
    }
}

fn bind(port: &Port) -> io::Result<()> {
    match port {
        Port::Tcp(socket) => TcpListener::bind(socket).map(drop),
        Port::Udp(socket) => UdpSocket::bind(socket).map(drop),
    }
}

fn parse(address: &str) -> Option<Port> {
    let address: Multiaddr = address.parse().ok()?;
    let mut parts = address.iter();
    let ip: IpAddr = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    match parts.next()? {
        Protocol::Tcp(port) => Some(Port::Tcp(SocketAddr::new(ip, port))),
        Protocol::Udp(port) => Some(Port::Udp(SocketAddr::new(ip, port))),
        _ => None,
    }
}
