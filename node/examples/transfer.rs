//! How fast shards move between processes on loopback, and what it costs: one asker, several servers
//! that keep nothing, no disk and no codec. docs/adr/0004-transport.md carries its figures.
//!
//! ```text
//! cargo run --release --example transfer -- [tcp|quic] [servers] [MiB] [KiB a shard] [requests at a time]
//! ```
#![allow(clippy::disallowed_methods)]

use bytes::Bytes;
use futures::{StreamExt, stream};
use holdfast::{
    env::{Env, live},
    limits,
    node::Keys,
    settings::Settings,
    types::{Answer, Ask, PeerId, PlacementId, Refusal, Request, Response, ShardHash, ShardKey},
};
use std::{
    error::Error,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    rc::Rc,
    time::Instant,
};
use tokio::{runtime::Builder, task::LocalSet};

type Fallible<T> = Result<T, Box<dyn Error>>;

fn main() -> Fallible<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    match &args[..] {
        [role, number, listen] if role == "serve" => {
            LocalSet::new().block_on(&runtime, serve(number.parse()?, listen))
        }
        _ => LocalSet::new().block_on(&runtime, measure(&args)),
    }
}

async fn open(number: u8, listen: &str, bootstrap: Vec<String>) -> Fallible<(Env, tempfile::TempDir)> {
    let dir = tempfile::tempdir()?;
    let keys = Keys::from_secrets(&mut [number + 1; 32], &mut [254; 32]).ok_or("not a secret")?;
    let settings = Settings { listen: vec![listen.into()], bootstrap, ..Settings::default() };
    Ok((live::open(dir.path(), &keys, &settings, Rc::default()).await?, dir))
}

async fn serve(number: u8, listen: &str) -> Fallible<()> {
    let (env, _dir) = open(number, listen, Vec::new()).await?;
    println!("{}", env.net.listen_addresses().join(" "));
    let shard = Bytes::from(vec![7; limits::MAX_SHARD]);
    let mut requests = env.net.inbound();
    while let Some(inbound) = requests.next().await {
        let response = match inbound.request.ask {
            Ask::ReadShard { len, .. } => {
                Response { answer: Answer::Shard, body: shard.slice(..len as usize) }
            }
            _ => Refusal::NotFound.into(),
        };
        // An asker that is gone needs no answer.
        let _ = inbound.reply.send(response);
    }
    Ok(())
}

struct Server {
    process: Child,
    address: String,
    peer: PeerId,
}

impl Server {
    fn start(number: usize, listen: &str) -> Fallible<Self> {
        let program = std::env::current_exe()?;
        let mut process = Command::new(program)
            .args(["serve", &number.to_string(), listen])
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = line.split_whitespace().next().ok_or("the server says no address")?.to_owned();
        let peer = address.rsplit('/').next().ok_or("no peer id")?.parse()?;
        Ok(Self { process, address, peer })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn measure(args: &[String]) -> Fallible<()> {
    let number = |at: usize, default: usize| args.get(at).map_or(Ok(default), |text| text.parse());
    let transport = args.first().map_or("tcp", String::as_str);
    let (servers, mib) = (number(1, 12)?, number(2, 1024)?);
    let (kib, at_once) = (number(3, 1024)?, number(4, 16)?);
    let listen = match transport {
        "tcp" => "/ip4/127.0.0.1/tcp/0",
        _ => "/ip4/127.0.0.1/udp/0/quic-v1",
    };
    let servers: Vec<_> = (1..=servers).map(|it| Server::start(it, listen)).collect::<Result<_, _>>()?;
    let bootstrap = servers.iter().map(|server| server.address.clone()).collect();
    let (env, _dir) = open(0, listen, bootstrap).await?;
    let key = ShardKey { placement: PlacementId::from_bytes([1; 32]), segment: 0, slot: 0 };
    let body = Bytes::from(vec![9; kib << 10]);
    let store = Request { ask: Ask::StoreShard { key, hash: ShardHash::of(&body) }, body };
    let read = Request::from(Ask::ReadShard { key, offset: 0, len: (kib << 10) as u32 });
    for (name, request) in [("send", store), ("fetch", read)] {
        let peers = servers.iter().map(|server| server.peer).cycle().take((mib << 10) / kib);
        let ask = |peer| env.net.request(peer, request.clone());
        let before = cpu_seconds(&servers)?;
        let start = Instant::now();
        let results: Vec<_> = stream::iter(peers.map(ask)).buffer_unordered(at_once).collect().await;
        let seconds = start.elapsed().as_secs_f64();
        let after = cpu_seconds(&servers)?;
        let failed = results.iter().filter(|result| result.is_err()).count();
        if let Some(Err(error)) = results.iter().find(|result| result.is_err()) {
            eprintln!("{error}");
        }
        let gib = mib as f64 / 1024.0;
        println!(
            "{transport:5} {name:5} {:7.1} MB/s  asker {:.2} CPU s/GiB  servers {:.2} CPU s/GiB  failed {failed}",
            (mib << 20) as f64 / 1e6 / seconds,
            (after.0 - before.0) / gib,
            (after.1 - before.1) / gib,
        );
    }
    Ok(())
}

/// CPU seconds of this process and of all servers so far, from `/proc/<pid>/stat` in 1/100 s.
fn cpu_seconds(servers: &[Server]) -> Fallible<(f64, f64)> {
    let of = |pid: u32| -> Fallible<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let (_, fields) = stat.rsplit_once(')').ok_or("no such format")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / 100.0)
    };
    let mut total = 0.0;
    for server in servers {
        total += of(server.process.id())?;
    }
    Ok((of(std::process::id())?, total))
}
