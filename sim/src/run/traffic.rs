//! Puts and gets: what people would do with the network.

use super::watch::{Gets, Stored, Watch};
use crate::{
    NodeNumber,
    checks::FileFate,
    churn::HOUR,
    env::{START, rng},
    result::Retrieval,
    workload::{File, Get, MemorySink, Schedule},
};
use futures::{
    StreamExt,
    stream::{self, FuturesUnordered},
};
use holdfast::{
    actors::client::{FileRef, GetFile, PutFile},
    env::timeout,
    node::Node,
    types::Timestamp,
};
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use std::{sync::Arc, time::Duration};

/// Who waits longer than this for a put or a get has given up.
const PATIENCE: Duration = Duration::from_secs(3600);
/// Last fetches that are under way at a time.
const LAST_FETCHES: usize = 16;
/// Nodes through which a last fetch is tried.
const LAST_TRIES: usize = 3;

/// All puts and gets of the plan. Puts that did not succeed by `end` are given up.
pub(super) async fn live(watch: &Watch, files: &[File], schedule: &Schedule, end: Timestamp) {
    let puts = schedule.puts.iter().enumerate();
    let mut puts: FuturesUnordered<_> = puts.map(|(i, at)| put(watch, files, i, START + *at, end)).collect();
    let gets = schedule.gets.iter().enumerate();
    let mut gets: FuturesUnordered<_> =
        gets.map(|(number, get)| one_get(watch, files, number, *get)).collect();
    futures::join!(async { while puts.next().await.is_some() {} }, async {
        while gets.next().await.is_some() {}
    });
}

/// Picks a node that is online.
fn pick(watch: &Watch, rng: &mut ChaCha8Rng) -> Option<(NodeNumber, Node)> {
    let node = *watch.cluster.up().choose(rng)?;
    Some((node, watch.cluster.handles(node)?))
}

/// Puts a file through one random node after the other until one succeeds.
async fn put(watch: &Watch, files: &[File], number: usize, at: Timestamp, end: Timestamp) {
    let mut rng = rng::stream(watch.seed, "put", number as u64);
    watch.sleep_until(at).await;
    let workload = &watch.plan.workload;
    while watch.now() < end {
        if let Some((node, handles)) = pick(watch, &mut rng) {
            let order = PutFile {
                name: files[number].name.clone(),
                source: Arc::new(files[number].clone()),
                code: workload.code,
                policy: workload.policy,
                segment_len: workload.segment_bytes,
                access: None,
                progress: None,
            };
            let why = match timeout(&watch.clock(), PATIENCE, handles.put.send(order)).await {
                Ok(Ok(Ok(report))) => match report.link.parse() {
                    Ok(link) => {
                        let stored = Stored { link, placement: report.placement };
                        watch.observer.borrow_mut().stored(report.placement, report.segments);
                        watch.stored.borrow_mut()[number] = Some(stored);
                        watch.note(&node.to_string(), &format!("stored {}", files[number].name));
                        return;
                    }
                    Err(error) => error.to_string(),
                },
                Ok(Ok(Err(error))) => error.to_string(),
                Ok(Err(_)) => "the node went offline".to_owned(),
                Err(elapsed) => elapsed.to_string(),
            };
            watch.note(&node.to_string(), &format!("could not store {}: {why}", files[number].name));
        }
        watch.sleep(Duration::from_secs_f64(workload.retry_s)).await;
    }
}

/// How a fetch ended.
enum Fetched {
    Same,
    Altered,
    Failed(String),
    Interrupted,
}

async fn one_get(watch: &Watch, files: &[File], number: usize, get: Get) {
    watch.sleep_until(START + get.at).await;
    let stored = watch.stored.borrow()[get.file].clone();
    let mut rng = rng::stream(watch.seed, "get", number as u64);
    let (Some(stored), Some((node, handles))) = (stored, pick(watch, &mut rng)) else { return };
    let fetched = fetch(watch, &files[get.file], &stored, node, &handles, false).await;
    let mut gets: Gets = watch.gets.get();
    match fetched {
        Fetched::Same => gets.ok += 1,
        Fetched::Altered => gets.altered += 1,
        Fetched::Failed(_) => gets.failed += 1,
        Fetched::Interrupted => gets.interrupted += 1,
    }
    watch.gets.set(gets);
}

async fn fetch(
    watch: &Watch,
    file: &File,
    stored: &Stored,
    node: NodeNumber,
    handles: &Node,
    last: bool,
) -> Fetched {
    let (sink, asked) = (Arc::new(MemorySink::default()), watch.now());
    let order = GetFile {
        file: FileRef::Link(stored.link.clone()),
        sink: sink.clone(),
        access: None,
        most: None,
        progress: None,
    };
    let fetched = match timeout(&watch.clock(), PATIENCE, handles.get.send(order)).await {
        Ok(Ok(Ok(_))) if sink.hash() == file.hash => Fetched::Same,
        Ok(Ok(Ok(_))) => Fetched::Altered,
        Ok(Ok(Err(error))) => Fetched::Failed(error.to_string()),
        Ok(Err(_)) => Fetched::Interrupted,
        Err(elapsed) => Fetched::Failed(elapsed.to_string()),
    };
    if !matches!(fetched, Fetched::Interrupted) {
        watch.retrieval(Retrieval {
            hour: asked.since(START).as_secs_f64() / HOUR,
            bytes: file.bytes.len() as u64,
            latency_ms: watch.now().since(asked).as_secs_f64() * 1e3,
            ok: matches!(fetched, Fetched::Same),
            last,
        });
    }
    let how = match &fetched {
        Fetched::Same => "came back".to_owned(),
        Fetched::Altered => "came back with other bytes".to_owned(),
        Fetched::Failed(why) => format!("did not come back: {why}"),
        Fetched::Interrupted => "did not come back: the asking node went offline".to_owned(),
    };
    watch.note(&node.to_string(), &format!("{} {how}", file.name));
    fetched
}

/// Fetches every stored file once the network has settled, through up to three nodes each.
pub(super) async fn fetch_all(watch: &Watch, files: &[File]) -> Vec<(usize, FileFate)> {
    let stored = watch.stored.borrow().clone();
    let all = stored.iter().enumerate().filter_map(|(i, stored)| Some((i, stored.as_ref()?)));
    let fates =
        stream::iter(all).map(|(i, stored)| async move { (i, fate(watch, &files[i], i, stored).await) });
    let mut fates: Vec<(usize, FileFate)> = fates.buffer_unordered(LAST_FETCHES).collect().await;
    fates.sort_by_key(|(i, _)| *i);
    fates
}

async fn fate(watch: &Watch, file: &File, number: usize, stored: &Stored) -> FileFate {
    let mut rng = rng::stream(watch.seed, "last get", number as u64);
    for _ in 0..LAST_TRIES {
        let Some((node, handles)) = pick(watch, &mut rng) else { break };
        match fetch(watch, file, stored, node, &handles, true).await {
            Fetched::Same => return FileFate::Retrieved,
            Fetched::Altered => return FileFate::Altered,
            Fetched::Failed(_) | Fetched::Interrupted => {}
        }
    }
    let (observer, k) = (watch.observer.borrow(), watch.plan.workload.code.k());
    let lost = observer.live_of(stored.placement).iter().any(|&live| live < k);
    if lost { FileFate::Lost } else { FileFate::Unavailable }
}
