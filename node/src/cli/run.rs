//! `holdfast run`: a node in the foreground.

use super::{
    args,
    chain::join::{self, Joining},
    failure::Failure,
    home::Home,
};
use crate::{
    actors::network::NetworkStatusQuery,
    api::{self, Control, FailureKind},
    data::{self, CodecChoice},
    env::{
        Chain, Env,
        live::{self, LateChain, LiveError, LiveRecord},
    },
    node::{Keys, Node},
    settings::Settings,
};
use serde::Serialize;
use std::{
    fs::{self, Permissions},
    io::{self, IsTerminal, Read},
    os::unix::fs::PermissionsExt,
    path::Path,
    process,
    rc::Rc,
};
use tokio::{
    net::UnixListener,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
    task::LocalSet,
};
use tracing_subscriber::EnvFilter;

/// What other programs may want to know of a running node.
#[derive(Serialize)]
struct Running<'a> {
    version: &'a str,
    pid: u32,
    peer: String,
    owner: String,
    listen: &'a [String],
}

/// Runs the node until a signal, or until stdin closes if so asked.
pub fn run(home: &Home, options: &args::Run) -> Result<(), Failure> {
    let settings = home.settings()?;
    let keys = home.keys()?;
    log_to_stderr()?;
    let joining = join::prepare(home, &settings.chain, options.password_file.as_deref())?;
    if let Some(why) = &joining.apart {
        tracing::warn!(%why, "this node takes no part in the market");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|why| Failure::failed(format!("cannot start the runtime: {why}")))?;
    let local = LocalSet::new();
    let done = local.block_on(&runtime, serve(home, settings, keys, joining, options.until_stdin_closes));
    // Blocking jobs that still run end on their own; what they write is not acknowledged to anybody.
    runtime.shutdown_background();
    done
}

/// The two libraries must write the same bytes on this machine, unless only the reference is used.
fn check_codec(codec: CodecChoice) -> Result<(), Failure> {
    match (data::self_check(), codec) {
        (Ok(()), _) | (_, CodecChoice::NovelPoly) => Ok(()),
        (Err(why), CodecChoice::Simd) => {
            Err(Failure::failed(format!("the erasure code fails its self-check: {why}"))
                .hint("set codec = \"novelpoly\" in the settings, and report this machine's processor"))
        }
    }
}

/// Connects the node to the chain, whose server need not answer yet.
fn join(env: Env, keys: Keys, rpc: &str, joining: Joining) -> Result<(Env, Keys), Failure> {
    let Joining { id, wallet, contracts, .. } = joining;
    let late = |id| LateChain::new(rpc, id, env.common.clock.clone());
    let chain = id.map(late).transpose().map_err(|why| Failure::usage(why.to_string()))?;
    let chain = chain.map(|chain| Rc::new(chain) as Rc<dyn Chain>);
    let keys = match wallet {
        Some(wallet) => keys.with_wallet(wallet),
        None => keys,
    };
    Ok((Env { chain, contracts, ..env }, keys))
}

async fn serve(
    home: &Home,
    settings: Settings,
    keys: Keys,
    joining: Joining,
    until_stdin_closes: bool,
) -> Result<(), Failure> {
    check_codec(settings.codec)?;
    let record = Rc::new(LiveRecord::default());
    let env = live::open(home.dir(), &keys, &settings, record.clone()).await.map_err(open_failed)?;
    let apart = joining.apart.clone();
    let (env, keys) = join(env, keys, &settings.chain.rpc, joining)?;
    tracing::info!(codec = settings.codec.name(), "erasure code");
    let spawn = env.common.spawn.clone();
    let owner = keys.owner.peer();
    let node = Node::start(env, keys, settings).await.map_err(|why| {
        Failure::failed(why).hint(format!("look closer: holdfast --dir {} doctor", home.dir().display()))
    })?;
    let network = node
        .network_status
        .send(NetworkStatusQuery)
        .await
        .map_err(|why| Failure::failed(format!("the network actor stopped: {why}")))?;
    let listener = listen(&home.socket_path())?;
    let running = Running {
        version: env!("CARGO_PKG_VERSION"),
        pid: process::id(),
        peer: network.peer,
        owner: owner.to_string(),
        listen: &network.listen,
    };
    tell(home, &running)?;
    eprintln!("ready: peer {} at {}", running.peer, running.listen.join(", "));
    let counters = move || record.counters().into_iter().map(|(name, count)| (name.into(), count)).collect();
    let control = Rc::new(Control { node, owner, counters: Box::new(counters), spawn: spawn.clone(), apart });
    let stopped = tokio::select! {
        biased;
        why = stop(until_stdin_closes) => why,
        () = api::serve(listener, control, spawn) => Err(Failure::failed("the control socket failed")),
    };
    for path in [home.socket_path(), home.node_path()] {
        if let Err(why) = fs::remove_file(&path) {
            tracing::warn!(path = %path.display(), %why, "stays behind");
        }
    }
    stopped
}

fn open_failed(error: LiveError) -> Failure {
    let kind = match &error {
        LiveError::BadAddress { .. } => FailureKind::Usage,
        LiveError::PortInUse { .. } | LiveError::DirectoryInUse { .. } => FailureKind::Unavailable,
        LiveError::Listen { .. } | LiveError::NotWritable { .. } | LiveError::Key(_) => FailureKind::Failed,
    };
    let text = error.to_string();
    match text.split_once("\n\nhint: ") {
        Some((message, hint)) => Failure::new(kind, message).hint(hint),
        None => Failure::new(kind, text),
    }
}

/// Binds the control socket. The directory is locked for this node, so a socket that is there is a
/// dead one's.
fn listen(path: &Path) -> Result<UnixListener, Failure> {
    let bind = || -> io::Result<UnixListener> {
        if path.exists() {
            fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
        Ok(listener)
    };
    bind().map_err(|why| {
        Failure::file(path, &why)
            .hint("the path of a socket is short: some 100 bytes; choose a shorter --dir")
    })
}

fn tell(home: &Home, running: &Running<'_>) -> Result<(), Failure> {
    let path = home.node_path();
    let text = serde_json::to_string_pretty(running).expect("plain strings are valid JSON");
    fs::write(&path, text + "\n").map_err(|why| Failure::file(&path, &why))
}

/// Completes when the node shall stop.
async fn stop(until_stdin_closes: bool) -> Result<(), Failure> {
    let handler =
        |kind| signal(kind).map_err(|why| Failure::failed(format!("cannot wait for signals: {why}")));
    let mut interrupt = handler(SignalKind::interrupt())?;
    let mut terminate = handler(SignalKind::terminate())?;
    let parent = parent_gone(until_stdin_closes);
    tokio::select! {
        biased;
        _ = interrupt.recv() => eprintln!("stopping: interrupted"),
        _ = terminate.recv() => eprintln!("stopping: terminated"),
        // The sender is dropped only together with its thread, which ends by sending.
        _ = parent => eprintln!("stopping: stdin was closed"),
    }
    Ok(())
}

/// Completes when stdin is at its end. A thread of its own reads it, since nothing else in the process waits for
/// a read that may never return.
async fn parent_gone(watch: bool) {
    if !watch {
        return std::future::pending().await;
    }
    let (sender, receiver) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        let mut sink = [0; 64];
        while matches!(io::stdin().read(&mut sink), Ok(1..)) {}
        // The receiver is gone only if the node stops already.
        let _ = sender.send(());
    });
    // An error means that the thread is gone, which is the end of stdin too.
    let _ = receiver.await;
}

/// Logs to stderr what HOLDFAST_LOG asks for.
pub fn log_to_stderr() -> Result<(), Failure> {
    let filter = std::env::var("HOLDFAST_LOG").unwrap_or_else(|_| "warn,holdfast=info".into());
    let filter = EnvFilter::try_new(&filter)
        .map_err(|why| Failure::usage(format!("HOLDFAST_LOG {filter:?}: {why}")))?;
    let colour =
        io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(colour).init();
    Ok(())
}
