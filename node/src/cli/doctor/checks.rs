//! The checks that need no network.

use super::Finding;
use crate::{
    api::{FailureKind, NodeStatus},
    cli::{failure::Failure, home::Home},
    data,
    env::{Disk, live::LiveDisk},
    settings::Settings,
};
use indicatif::HumanBytes;
use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// A sync that takes longer makes every put slow.
const SLOW_SYNC: Duration = Duration::from_millis(500);
/// 2026-01-01, before which this program was not written.
const YOUNGEST: Duration = Duration::from_secs(1_767_225_600);
/// Disagreement between clock and file times that timers survive.
const SKEW: Duration = Duration::from_secs(60);

pub fn settings(settings: &Result<Settings, Failure>) -> Finding {
    match settings {
        Ok(_) => Finding::ok("settings", "holdfast.toml is valid"),
        Err(why) => Finding::fail(
            "settings",
            &why.message,
            why.hint.clone().unwrap_or_else(|| "correct holdfast.toml".into()),
        ),
    }
}

pub fn keys(home: &Home) -> Finding {
    match home.keys() {
        Ok(keys) => Finding::ok("keys", format!("peer {}, mode 600", keys.peer.peer())),
        Err(why) => Finding::of_failure("keys", why),
    }
}

pub fn directory(home: &Home) -> Finding {
    let mode = fs::metadata(home.dir()).map(|metadata| metadata.permissions().mode() & 0o777);
    let remedy =
        format!("make it yours: chmod 700 {0}, chown it, or choose another with --dir", home.dir().display());
    match (mode, timed_sync(home.dir())) {
        (Err(why), _) | (_, Err(why)) => {
            Finding::fail("directory", format!("{} cannot be written: {why}", home.dir().display()), remedy)
        }
        (Ok(mode), _) if mode & 0o077 != 0 => {
            Finding::warn("directory", format!("mode {mode:03o} lets others look into it"), remedy)
        }
        (_, Ok(took)) if took > SLOW_SYNC => {
            let seen = format!("a sync takes {} ms", took.as_millis());
            Finding::warn("directory", seen, "use a faster disk: every stored shard waits for a sync")
        }
        (_, Ok(took)) => Finding::ok("directory", format!("writable, a sync takes {} ms", took.as_millis())),
    }
}

fn timed_sync(dir: &Path) -> io::Result<Duration> {
    let path = dir.join(".doctor");
    let started = Instant::now();
    let mut file = File::create(&path)?;
    file.write_all(b"written by holdfast doctor\n")?;
    file.sync_all()?;
    let took = started.elapsed();
    fs::remove_file(&path)?;
    Ok(took)
}

pub fn space(home: &Home, settings: Option<&Settings>, status: Option<&NodeStatus>) -> Finding {
    let Some(settings) = settings else {
        return Finding::warn("space", "unknown without settings", "correct the settings first");
    };
    let stored = status.map_or(0, |status| status.storage.shard_bytes);
    let owed = settings.capacity_bytes.saturating_sub(stored);
    let free = LiveDisk::open(&home.data_path())
        .map_err(|why| why.to_string())
        .and_then(|disk| disk.free_bytes().map_err(|why| why.to_string()));
    match free {
        Err(why) => Finding::fail("space", why, "the disk must be readable and writable"),
        Ok(free) if free < owed => Finding::warn(
            "space",
            format!("{} free for {} offered and not yet used", HumanBytes(free), HumanBytes(owed)),
            "make room, or lower capacity_bytes in holdfast.toml",
        ),
        Ok(free) => Finding::ok(
            "space",
            format!("{} free for {} offered and not yet used", HumanBytes(free), HumanBytes(owed)),
        ),
    }
}

/// A record that was signed in the future, or has expired when it is signed, is refused by everybody.
pub fn clock(home: &Home) -> Finding {
    let remedy = "set the clock, and keep it set with NTP";
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    if now < YOUNGEST {
        return Finding::fail("clock", format!("{} s after 1970 is in the past", now.as_secs()), remedy);
    }
    let newest = [home.settings_path(), home.node_path(), home.peer_key_path()]
        .iter()
        .filter_map(|path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok())
        .filter_map(|time| time.duration_since(UNIX_EPOCH).ok())
        .max()
        .unwrap_or_default();
    if newest > now + SKEW {
        let seen = format!("files here are {} s younger than now", (newest - now).as_secs());
        return Finding::fail("clock", seen, remedy);
    }
    Finding::ok("clock", "plausible")
}

pub fn codec() -> Finding {
    match data::self_check() {
        Ok(()) => Finding::ok("codec", "both implementations agree, and rebuild what was lost"),
        Err(why) => Finding::fail("codec", why, "do not store anything with this build; report it"),
    }
}

pub fn running(status: &Result<NodeStatus, Failure>) -> Finding {
    match status {
        Ok(status) => Finding::ok("running", format!("process {} answers", status.pid)),
        Err(why) if why.kind == FailureKind::Unavailable => Finding::warn(
            "running",
            &why.message,
            why.hint.clone().unwrap_or_else(|| "start it with `holdfast run`".into()),
        ),
        Err(why) => Finding::fail("running", &why.message, "start it again with `holdfast run`"),
    }
}

/// A running node has its index open and tells what is in it; otherwise it is opened here, which also
/// repairs what a crash left.
pub fn index(home: &Home, status: &Result<NodeStatus, Failure>) -> Finding {
    let path = home.data_path().join("index.redb");
    if let Ok(status) = status {
        let storage = &status.storage;
        return Finding::ok(
            "index",
            format!("{} shards, {}", storage.shards, HumanBytes(storage.shard_bytes)),
        );
    }
    if !path.exists() {
        return Finding::ok("index", "not made yet");
    }
    match redb::Database::open(&path) {
        Ok(_) => Finding::ok("index", "opens"),
        Err(why) => Finding::fail(
            "index",
            format!("{} does not open: {why}", path.display()),
            "stop the node that uses it, or restore the directory from a copy",
        ),
    }
}

pub fn peers(settings: &Settings, status: &NodeStatus) -> Finding {
    let connected = status.network.connected;
    match connected {
        0 if settings.bootstrap.is_empty() => {
            Finding::warn("peers", "nobody is connected", "name a node to join through in `bootstrap`")
        }
        0 => Finding::warn(
            "peers",
            "nobody is connected",
            "are the nodes in `bootstrap` up, and their addresses right?",
        ),
        _ => Finding::ok("peers", format!("{connected} connected")),
    }
}
