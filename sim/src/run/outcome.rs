//! Sums a run up.

use super::{
    traffic,
    watch::{Gets, Watch},
};
use crate::{
    NodeNumber,
    checks::{Check, FileFate, evaluate},
    cluster::NodeState,
    plan::Plan,
    result::{AuditResult, InputJson, Latency, Measured, RunResult, Series, Versions, binary_hash},
    trace::Counters,
    workload::{File, Input},
};
use holdfast::{actors::storage::StorageStatusQuery, env::timeout};
use std::{collections::BTreeMap, time::Duration};

/// A node that does not tell what it holds within this is asked no more.
const STATUS_PATIENCE: Duration = Duration::from_secs(600);

/// Time until a node whose answer differs from the books is asked again.
const SECOND_LOOK: Duration = Duration::from_secs(60);

/// What happened inside the simulated world.
#[derive(Debug)]
pub struct World {
    trace_hash: String,
    virtual_seconds: f64,
    counters: Counters,
    nodes_ever: usize,
    nodes_departed: usize,
    files: usize,
    fates: Vec<FileFate>,
    bytes_stored: u64,
    gets: Gets,
    fewest_live: usize,
    shards_repaired: u64,
    repair_bytes: u64,
    checks: Vec<Check>,
    audit: Option<AuditResult>,
    series: Series,
    journal: String,
}

/// A finished run.
#[derive(Debug)]
pub struct RunOutcome {
    /// What `result.json` says.
    pub result: RunResult,
    /// How the run went over time.
    pub series: Series,
    /// The run's log, one line an event.
    pub log: String,
}

impl World {
    /// Fetches everything once more, compares the books, evaluates the promises and ends the world.
    pub(super) async fn judge(watch: Watch, files: Vec<File>) -> Self {
        let books = compare_books(&watch).await;
        let fates = traffic::fetch_all(&watch, &files).await;
        let world = Self::weigh(&watch, &files, books, fates);
        watch.cluster.shut_down().await;
        world
    }

    /// Evaluates the promises on what is known at the end.
    fn weigh(watch: &Watch, files: &[File], books: Vec<String>, fates: Vec<(usize, FileFate)>) -> Self {
        let stored = watch.stored.borrow().clone();
        let judged: Vec<_> = fates
            .iter()
            .filter_map(|&(i, fate)| Some((files[i].name.clone(), stored[i].as_ref()?.placement, fate)))
            .collect();
        let observer = watch.observer.borrow();
        let gets = watch.gets.get();
        let audit = watch.audit.take();
        let mut checks = evaluate(&observer, &judged, gets.altered, books, watch.plan.settle_h);
        checks.extend(audit.iter().flat_map(Check::of_audit));
        let departed = (0..watch.cluster.len() as u32)
            .filter(|&node| watch.cluster.state(NodeNumber(node)) == Some(NodeState::Departed));
        for check in &checks {
            check.why.iter().for_each(|why| watch.note(check.id, why));
        }
        Self {
            trace_hash: watch.cluster.recorder().trace_hash().to_string(),
            virtual_seconds: watch.now().since(crate::env::START).as_secs_f64(),
            counters: watch.cluster.counters(),
            nodes_ever: watch.cluster.len(),
            nodes_departed: departed.count(),
            files: files.len(),
            bytes_stored: fates.iter().map(|&(i, _)| files[i].bytes.len() as u64).sum(),
            fates: fates.into_iter().map(|(_, fate)| fate).collect(),
            gets,
            fewest_live: judged.iter().flat_map(|(_, id, _)| observer.fewest_of(*id)).min().unwrap_or(0),
            shards_repaired: observer.shards_repaired,
            repair_bytes: observer.repair_bytes,
            checks,
            audit,
            series: watch.series.take(),
            journal: watch.journal.take().finish(),
        }
    }
}

/// Asks every node how many shards it has on disk; differences from the observer's books.
///
/// A node whose power was cut may have changed its index without a word: it may have more, a shard that
/// was on disk and not acknowledged yet, and it may have dropped what had rotted. A node that is just
/// about to report a change is asked a second time.
async fn compare_books(watch: &Watch) -> Vec<String> {
    let mut differences = Vec::new();
    for node in watch.cluster.up() {
        if difference(watch, node).await.is_some() {
            watch.sleep(SECOND_LOOK).await;
            differences.extend(difference(watch, node).await);
        }
    }
    differences
}

async fn difference(watch: &Watch, node: NodeNumber) -> Option<String> {
    let handles = watch.cluster.handles(node)?;
    let asked = handles.storage_status.send(StorageStatusQuery);
    let answer = timeout(&watch.clock(), STATUS_PATIENCE, asked).await;
    let (books, unreported_rot) = {
        let observer = watch.observer.borrow();
        (observer.shards_on(node.index()), observer.unreported_rot(node.index()))
    };
    let silent = watch.crashed.borrow()[node.index()];
    let may_hold = if silent { books.saturating_sub(unreported_rot)..=u64::MAX } else { books..=books };
    match answer {
        Ok(Ok(Ok(status))) if may_hold.contains(&status.shards) => None,
        Ok(Ok(Ok(status))) => Some(format!(
            "{node} says that it holds {} shards, by the recorded events it holds {books}",
            status.shards
        )),
        Ok(Ok(Err(error))) => Some(format!("{node} cannot tell what it holds: {error}")),
        Ok(Err(_)) | Err(_) => Some(format!("{node} does not tell what it holds")),
    }
}

impl RunOutcome {
    pub(super) fn new(
        plan: &Plan,
        seed: u64,
        input: Option<&Input>,
        world: World,
        measured: Measured,
    ) -> Self {
        let count = |fate: FileFate| world.fates.iter().filter(|&&one| one == fate).count();
        let events = world.counters.total();
        let rate = |seconds: f64| if seconds > 0.0 { events as f64 / seconds } else { 0.0 };
        let result = RunResult {
            name: plan.name.clone(),
            trace_hash: world.trace_hash,
            seed,
            plan_hash: plan.hash().to_string(),
            binary_hash: binary_hash(),
            virtual_seconds: world.virtual_seconds,
            wall_seconds: measured.wall_seconds,
            cpu_seconds: measured.cpu_seconds,
            events,
            events_per_second: rate(measured.wall_seconds),
            events_per_cpu_second: rate(measured.cpu_seconds),
            round_trips: world.counters.round_trips,
            peak_rss_bytes: measured.peak_rss_bytes,
            bytes_per_node: measured.added_bytes / world.nodes_ever.max(1) as u64,
            nodes: plan.nodes,
            nodes_ever: world.nodes_ever,
            nodes_departed: world.nodes_departed,
            availability: availability(&world.series, plan.duration_h),
            files_stored: world.fates.len(),
            files_not_stored: world.files - world.fates.len(),
            bytes_stored: world.bytes_stored,
            files_lost: count(FileFate::Lost),
            files_retrieved_ok: count(FileFate::Retrieved),
            files_unavailable: count(FileFate::Unavailable),
            gets_ok: world.gets.ok,
            gets_failed: world.gets.failed,
            gets_interrupted: world.gets.interrupted,
            fewest_live_shards: world.fewest_live,
            shards_repaired: world.shards_repaired,
            repair_bytes: world.repair_bytes,
            network_bytes: world.counters.bytes,
            retrieval_latency_ms: Latency::of(&world.series.retrievals),
            audit: world.audit.clone(),
            checks: world.checks.iter().map(|check| (check.id.to_owned(), check.verdict)).collect(),
            broken: broken(&world.checks),
            not_evaluated: not_evaluated(),
            modelled: modelled(plan),
            input: input.map(|input| InputJson {
                dir: input.dir.display().to_string(),
                hash: input.hash().to_string(),
            }),
            versions: Versions::current(),
            replay: String::new(),
        };
        Self { result, series: world.series, log: world.journal }
    }
}

/// Mean share of the remaining nodes that were online while there was churn.
fn availability(series: &Series, duration_h: f64) -> f64 {
    let storm = series.samples.iter().filter(|sample| sample.hour <= duration_h && sample.nodes > 0);
    let shares: Vec<f64> =
        storm.map(|sample| f64::from(sample.nodes_online) / f64::from(sample.nodes)).collect();
    shares.iter().sum::<f64>() / shares.len().max(1) as f64
}

fn broken(checks: &[Check]) -> BTreeMap<String, Vec<String>> {
    let failed = checks.iter().filter(|check| !check.why.is_empty());
    failed.map(|check| (check.id.to_owned(), check.why.clone())).collect()
}

fn not_evaluated() -> BTreeMap<String, String> {
    let how = "one run cannot tell: use run --verify-determinism, or replay on the run's folder";
    BTreeMap::from([("D1".to_owned(), how.to_owned())])
}

fn modelled(plan: &Plan) -> Vec<String> {
    let mut modelled: Vec<String> = plan.world.modelled().into_iter().map(str::to_owned).collect();
    if plan.churn.trace.is_none() {
        modelled.push("churn, drawn from distributions".to_owned());
    }
    modelled.extend(plan.churn.preset.map(|preset| preset.provenance().to_owned()));
    modelled
}
