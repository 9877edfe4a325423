//! Who is in a local network: directories, keys, ports and settings of its nodes.

use crate::{
    cli::{
        args::{self, Pace},
        failure::Failure,
        home::Home,
        init,
    },
    data::CodecChoice,
    settings::{ProofCircuit, Proving, Settings, Timing},
};
use std::{
    io,
    net::{Ipv4Addr, TcpListener, UdpSocket},
    path::{Path, PathBuf, absolute},
};

/// Nodes that the others join through.
const ENTRIES: usize = 3;

/// One node of the network.
pub struct Member {
    pub name: String,
    pub home: Home,
    port: u16,
}

impl Member {
    pub fn log(&self) -> PathBuf {
        self.home.dir().join("log")
    }

    /// Where it listens on TCP.
    pub fn address(&self) -> String {
        format!("/ip4/127.0.0.1/tcp/{}", self.port)
    }
}

/// A network whose directories are made and whose settings are written.
pub struct Plan {
    pub members: Vec<Member>,
}

impl Plan {
    /// Makes the directories that are missing, and writes all settings anew.
    pub fn make(dir: &Path, options: &args::Localnet) -> Result<Self, Failure> {
        let count = usize::from(options.nodes);
        let ports = match options.base_port {
            Some(base) => (base..).take(count).collect(),
            None => free_ports(count).map_err(|why| Failure::failed(format!("no free ports: {why}")))?,
        };
        let member = |(index, port)| {
            let name = format!("node-{index:02}");
            let home = Home::at(dir.join(&name));
            Member { name, home, port }
        };
        let members: Vec<Member> = ports.into_iter().enumerate().map(member).collect();
        for member in &members {
            if member.home.must_exist().is_err() {
                init::make(&member.home, &Settings::default())?;
            }
        }
        let entries = members.iter().take(ENTRIES).map(entry).collect::<Result<Vec<_>, _>>()?;
        let proving = Proving {
            circuit: ProofCircuit::Full,
            key_file: shared_file(dir, "development.key")?,
            opening_key_file: shared_file(dir, "development-opening.key")?,
            access_key_file: shared_file(dir, "development-access.key")?,
            insecure_development_key: true,
        };
        for (index, member) in members.iter().enumerate() {
            let others = entries.iter().enumerate().filter(|(entry, _)| *entry != index);
            let bootstrap = others.flat_map(|(_, addresses)| addresses.clone()).collect();
            init::write_settings(&member.home, &settings(member, bootstrap, proving.clone(), options)?)?;
        }
        Ok(Self { members })
    }
}

fn entry(member: &Member) -> Result<[String; 2], Failure> {
    let peer = member.home.keys()?.peer.peer();
    Ok(listen(member.port).map(|address| format!("{address}/p2p/{peer}")))
}

fn listen(port: u16) -> [String; 2] {
    [format!("/ip4/127.0.0.1/udp/{port}/quic-v1"), format!("/ip4/127.0.0.1/tcp/{port}")]
}

/// A key for all nodes; whichever first needs it makes it.
fn shared_file(dir: &Path, name: &str) -> Result<PathBuf, Failure> {
    absolute(dir.join(name)).map_err(|why| Failure::file(dir, &why))
}

fn settings(
    member: &Member,
    bootstrap: Vec<String>,
    proving: Proving,
    options: &args::Localnet,
) -> Result<Settings, Failure> {
    // What a person chose of the chain stays.
    let Settings { chain, market, proving: Proving { circuit, .. }, .. } = member.home.settings()?;
    Ok(Settings {
        capacity_bytes: options.capacity.as_u64(),
        operator: member.name.clone(),
        region: "localnet".into(),
        listen: listen(member.port).into(),
        bootstrap,
        codec: CodecChoice::default(),
        chain,
        market,
        proving: Proving { circuit, ..proving },
        timing: match options.timing {
            Pace::Normal => Timing::default(),
            Pace::Fast => FAST,
        },
    })
}

/// A repair that one can wait for.
const FAST: Timing = Timing {
    probe_interval_s: 4.0,
    holder_grace_s: 10.0,
    repair_stagger_s: 5.0,
    announce_interval_s: 60.0,
    scrub_interval_s: 600.0,
};

/// Ports that are free for TCP and UDP alike. They are held until all are found, so that they differ.
fn free_ports(count: usize) -> io::Result<Vec<u16>> {
    let mut held = Vec::with_capacity(count);
    while held.len() < count {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = tcp.local_addr()?.port();
        if let Ok(udp) = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)) {
            held.push((port, tcp, udp));
        }
    }
    Ok(held.into_iter().map(|(port, _, _)| port).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn options(nodes: u16) -> args::Localnet {
        let capacity = bytesize::ByteSize::gib(1);
        args::Localnet { nodes, base_port: None, capacity, timing: Pace::Fast }
    }

    #[test]
    fn a_plan_gives_each_node_ports_of_its_own_and_others_to_join_through() {
        let dir = tempfile::tempdir().unwrap();
        let plan = Plan::make(dir.path(), &options(4)).unwrap();
        let ports: BTreeSet<u16> = plan.members.iter().map(|member| member.port).collect();
        assert_eq!(ports.len(), 4);
        for member in &plan.members {
            let settings = member.home.settings().unwrap();
            let own = member.home.keys().unwrap().peer.peer().to_string();
            assert!(!settings.bootstrap.is_empty());
            assert!(settings.bootstrap.iter().all(|address| !address.ends_with(&own)));
            assert_eq!(settings.timing, FAST);
        }
    }

    #[test]
    fn the_next_plan_keeps_the_keys() {
        let dir = tempfile::tempdir().unwrap();
        let peers = |plan: Plan| -> Vec<_> {
            plan.members.iter().map(|member| member.home.keys().unwrap().peer.peer()).collect()
        };
        let first = peers(Plan::make(dir.path(), &options(2)).unwrap());
        assert_eq!(first, peers(Plan::make(dir.path(), &options(2)).unwrap()));
    }
}
