//! Promise D1: the same binary, plan and seed give the same trace in separate processes.
#![allow(clippy::disallowed_methods, reason = "the sources that nodes must not use are looked at here")]

mod support;

use futures::FutureExt;
use holdfast_sim::{
    NodeNumber,
    cluster::Cluster,
    env::NetKind,
    faults::{FaultPlan, FaultSource},
    world::run,
};
use std::{
    collections::HashSet,
    process::Command,
    time::{Duration, Instant, SystemTime},
};
use support::*;

const CHILD: &str = "HOLDFAST_SIM_CHILD";
const MARK: &str = "the child says ";

/// What a child process does: `KIND SEED`.
fn perform(task: &str) -> String {
    let (kind, seed) = task.split_once(' ').expect("a kind and a seed");
    let seed = seed.parse().expect("a number");
    match kind {
        "direct" => faulty_story(DIRECT, seed),
        "libp2p" => faulty_story(LIBP2P, seed),
        "entropy" => entropy(seed),
        _ => panic!("unknown task {task}"),
    }
}

/// Stores a file, lets things go wrong for a while, and tells the trace's hash.
fn faulty_story(net: NetKind, seed: u64) -> String {
    in_world(net, seed, 10, async move |cluster| {
        let stored = put(&cluster, NodeNumber(9), pattern(250_000)).await.is_ok();
        break_things(&cluster, seed).await;
        let deliveries = cluster.counters().deliveries;
        format!("{} stored={stored} deliveries={deliveries}", cluster.recorder().trace_hash())
    })
}

async fn break_things(cluster: &Cluster, seed: u64) {
    let plan = FaultPlan { mean_interval_s: 30.0, mean_duration_s: 60.0, ..FaultPlan::default() };
    let mut source = FaultSource::new(plan, seed).expect("a plan");
    for _ in 0..40 {
        let Some(drawn) = source.draw(&cluster.up()) else { break };
        cluster.time().sleep(drawn.after).await;
        cluster.apply(drawn.fault).expect("the node exists");
        if let Some((later, end)) = drawn.end {
            cluster.apply_later(later, end);
        }
    }
    cluster.time().sleep(Duration::from_secs(600)).await;
}

/// Every source of entropy and time that the standard library, libp2p or a crate below may reach for.
fn entropy(seed: u64) -> String {
    run(seed, || {
        async {
            let order: Vec<u32> = (0..50).collect::<HashSet<u32>>().into_iter().collect();
            let mut third = [0; 16];
            getrandom_03::fill(&mut third).expect("random bytes");
            let mut fourth = [0; 16];
            getrandom_04::fill(&mut fourth).expect("random bytes");
            let drawn: u64 = rand::random();
            let since = Instant::now();
            let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
            madsim::time::sleep(Duration::from_millis(5)).await;
            let passed = since.elapsed();
            format!("{order:?} {third:?} {fourth:?} {drawn} {wall:?} {passed:?}")
        }
        .boxed_local()
    })
}

fn in_a_process(task: &str) -> String {
    let this = std::env::current_exe().expect("a test has a binary");
    let output = Command::new(this)
        .args(["--exact", "child", "--nocapture"])
        .env(CHILD, task)
        .output()
        .expect("a child process");
    let text = String::from_utf8_lossy(&output.stdout);
    let said = text.lines().find_map(|line| line.split_once(MARK)).map(|(_, said)| said.to_owned());
    said.unwrap_or_else(|| panic!("{text}\n{}", String::from_utf8_lossy(&output.stderr)))
}

/// Not a test of its own: what the others run in a process of its own.
#[test]
fn child() {
    if let Ok(task) = std::env::var(CHILD) {
        println!("{MARK}{}", perform(&task));
    }
}

fn a_seed_is_a_run(kind: &str) {
    let first = in_a_process(&format!("{kind} 1"));
    assert_eq!(first, in_a_process(&format!("{kind} 1")), "one seed gave two runs");
    assert_ne!(first, in_a_process(&format!("{kind} 2")), "two seeds gave one run");
}

#[test]
fn a_seed_is_a_direct_run() {
    a_seed_is_a_run("direct");
}

#[test]
fn a_seed_is_a_libp2p_run() {
    a_seed_is_a_run("libp2p");
}

#[test]
fn a_seed_governs_every_source_of_entropy_in_use() {
    a_seed_is_a_run("entropy");
}
