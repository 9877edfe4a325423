//! Churn and faults: carries out what the plan says, in virtual time.

use super::{audit::audit, outcome::World, progress::Progress, traffic, watch::Watch};
use crate::{
    NodeNumber,
    churn::{Change, Leave, Timeline, Transition},
    cluster::{ClusterError, NodeState},
    env::START,
    faults::{Fault, FaultSource},
    plan::Plan,
    workload::{File, Schedule},
};
use holdfast::types::Timestamp;
use std::{collections::BTreeMap, time::Duration};

/// Time between two looks for nodes that have not come up yet.
const START_POLL: Duration = Duration::from_secs(30);

/// Lives through a whole run: churn, faults and traffic; then calm; then the last fetches.
pub(super) async fn live(plan: Plan, seed: u64, files: Vec<File>, progress: Progress) -> World {
    let schedule = Schedule::draw(&plan.workload, files.len(), plan.duration(), seed);
    let watch = Watch::new(plan, seed, files.len(), progress);
    for _ in 0..watch.plan.nodes {
        watch.add_node();
    }
    let (storm_ends, calm_ends) = (START + watch.plan.duration(), START + watch.plan.total());
    futures::join!(
        churn(&watch),
        faults(&watch, storm_ends),
        traffic::live(&watch, &files, &schedule, storm_ends),
        audit(&watch),
        watch.sample_until(storm_ends),
    );
    calm(&watch);
    futures::join!(keep_all_up(&watch, calm_ends), watch.sample_until(calm_ends));
    World::judge(watch, files).await
}

fn timeline(watch: &Watch) -> Timeline {
    let plan = &watch.plan;
    if plan.churn.trace.is_some() {
        Timeline::recorded(&plan.sessions, plan.duration())
    } else {
        Timeline::drawn(plan.churn.model(), plan.nodes, plan.duration(), watch.seed)
    }
}

async fn churn(watch: &Watch) {
    for transition in timeline(watch) {
        watch.sleep_until(START + transition.at).await;
        change(watch, transition);
    }
}

fn change(watch: &Watch, Transition { node, change, .. }: Transition) {
    while watch.cluster.len() <= node {
        watch.add_node();
    }
    watch.wanted.borrow_mut()[node] = change == Change::Up;
    let number = NodeNumber(node as u32);
    watch.note(&format!("node {node}"), &format!("{change:?}"));
    let done = match change {
        Change::Up => watch.cluster.apply(Fault::Restart { node: number }),
        Change::Down => match watch.plan.churn.leave {
            Leave::PowerOff => {
                watch.crashed.borrow_mut()[node] = true;
                watch.cluster.crash(number)
            }
            Leave::Stop => watch.cluster.kill(number),
        },
        Change::Departs => depart(watch, number),
    };
    done.expect("nodes of the timeline were added above");
}

fn depart(watch: &Watch, node: NodeNumber) -> Result<(), ClusterError> {
    watch.cluster.depart(node)?;
    watch.observer.borrow_mut().departed(node.index());
    Ok(())
}

/// What is to be done when; `None` is to draw the next fault by chance.
#[derive(Default)]
struct Agenda {
    items: BTreeMap<(Timestamp, usize), Option<Fault>>,
    order: usize,
}

impl Agenda {
    fn add(&mut self, at: Timestamp, item: Option<Fault>) {
        self.order += 1;
        self.items.insert((at, self.order), item);
    }
}

/// Carries out scripted faults and faults by chance until `end`, and whatever ends them.
async fn faults(watch: &Watch, end: Timestamp) {
    let plan = &watch.plan.faults;
    let mut agenda = Agenda::default();
    for timed in &plan.script {
        agenda.add(START + timed.at(), Some(timed.fault.clone()));
    }
    let mut source = plan
        .chance
        .clone()
        .map(|chance| FaultSource::new(chance, watch.seed).expect("the plan was validated"));
    if source.is_some() {
        agenda.add(START, None);
    }
    while let Some(((at, _), item)) = agenda.items.pop_first() {
        if at > end {
            return;
        }
        watch.sleep_until(at).await;
        match (item, &mut source) {
            (Some(fault), _) => apply(watch, fault),
            (None, Some(source)) => match source.draw(&watch.cluster.up()) {
                Some(drawn) => {
                    agenda.add(at + drawn.after, Some(drawn.fault));
                    if let Some((length, fault)) = drawn.end {
                        agenda.add(at + drawn.after + length, Some(fault));
                    }
                    agenda.add(at + drawn.after, None);
                }
                None => agenda.add(at + START_POLL, None),
            },
            (None, None) => unreachable!("draws are put on the agenda only if there is a source"),
        }
    }
}

fn apply(watch: &Watch, fault: Fault) {
    // A restart ends a crash; it is no reason to be online while churn says otherwise.
    if let Fault::Restart { node } = &fault
        && !watch.wanted.borrow().get(node.index()).copied().unwrap_or(false)
    {
        return;
    }
    if let Fault::Crash { node } | Fault::CrashInWrite { node, .. } = &fault {
        watch.crashed.borrow_mut()[node.index()] = true;
    }
    if let Fault::Rot { node, flips, .. } = &fault {
        watch.observer.borrow_mut().rotted(node.index(), *flips);
    }
    watch.note("fault", &format!("{fault:?}"));
    let done = match fault {
        Fault::Depart { node } => depart(watch, node),
        fault => watch.cluster.apply(fault),
    };
    done.expect("the plan was validated, and chance draws nodes that exist");
}

/// Ends every fault and brings every remaining node online.
fn calm(watch: &Watch) {
    watch.note("world", "faults stop, and every remaining node comes online");
    apply(watch, Fault::Heal);
    for node in (0..watch.cluster.len() as u32).map(NodeNumber) {
        watch.wanted.borrow_mut()[node.index()] = true;
        for fault in [Fault::Resume { node }, Fault::FreeDisk { node }, Fault::SlowDisk { node, factor: 1.0 }]
        {
            watch.cluster.apply(fault).expect("the node exists");
        }
    }
    start_all(watch);
}

fn start_all(watch: &Watch) {
    for node in (0..watch.cluster.len() as u32).map(NodeNumber) {
        if watch.cluster.state(node) == Some(NodeState::Down) {
            watch.cluster.apply(Fault::Restart { node }).expect("the node exists");
        }
    }
}

/// A node that was starting when power failed, or whose disk was still cut, needs another start.
async fn keep_all_up(watch: &Watch, end: Timestamp) {
    while watch.now() < end {
        start_all(watch);
        watch.sleep_until(end.min(watch.now() + START_POLL * 10)).await;
    }
}
