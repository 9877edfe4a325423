//! What everyone in a run shares: the cluster, the books on it, and the series.

use super::{
    journal::{Journal, since_start},
    progress::{Progress, Reading},
};
use crate::{
    NodeNumber,
    checks::Observer,
    cluster::{Cluster, NodeSpec, NodeState},
    env::START,
    plan::Plan,
    result::{AuditResult, Retrieval, Sample, Series},
    trace::Life,
};
use holdfast::{
    env::Clock,
    settings::Settings,
    types::{FileLink, PlacementId, Timestamp},
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

/// The first sample waits until the nodes that start with the run are up.
const FIRST_SAMPLE: Duration = Duration::from_secs(60);

/// A file whose put was acknowledged.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) link: FileLink,
    pub(super) placement: PlacementId,
}

/// Counts of fetches during the run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gets {
    pub(super) ok: usize,
    pub(super) failed: usize,
    pub(super) interrupted: usize,
    pub(super) altered: u64,
}

/// Shared by all drivers of a run, on the world's one thread.
pub(super) struct Watch {
    pub(super) plan: Plan,
    pub(super) seed: u64,
    pub(super) cluster: Cluster,
    pub(super) observer: Rc<RefCell<Observer>>,
    pub(super) journal: Rc<RefCell<Journal>>,
    pub(super) series: RefCell<Series>,
    /// By number of the file; `None` until its put is acknowledged.
    pub(super) stored: RefCell<Vec<Option<Stored>>>,
    pub(super) gets: Cell<Gets>,
    /// By number of the node: true while churn wants it online.
    pub(super) wanted: RefCell<Vec<bool>>,
    /// By number of the node: true once its power was cut.
    pub(super) crashed: RefCell<Vec<bool>>,
    /// By number of the node: when it was first seen up since it was last away.
    up_since: Rc<RefCell<Vec<Option<Timestamp>>>>,
    /// What came of the challenges, once they are over.
    pub(super) audit: RefCell<Option<AuditResult>>,
    progress: Progress,
}

impl Watch {
    pub(super) fn new(plan: Plan, seed: u64, files: usize, progress: Progress) -> Self {
        let cluster = Cluster::new(plan.world.clone(), seed);
        let workload = &plan.workload;
        let observer = Observer::new(workload.code, workload.policy, plan.population());
        let (observer, journal) =
            (Rc::new(RefCell::new(observer)), Rc::new(RefCell::new(Journal::default())));
        let (watching, noting) = (Rc::clone(&observer), Rc::clone(&journal));
        cluster.recorder().subscribe(Box::new(move |now, node, event| {
            watching.borrow_mut().event(node.index(), event);
            noting.borrow_mut().event(now, node.index(), event);
        }));
        let up_since: Rc<RefCell<Vec<Option<Timestamp>>>> = Rc::default();
        let (watching, forgetting) = (Rc::clone(&observer), Rc::clone(&up_since));
        cluster.recorder().subscribe_lives(Box::new(move |node, life| {
            if matches!(life, Life::Stopped | Life::Departed | Life::Paused) {
                watching.borrow_mut().away(node.index());
                forgetting.borrow_mut().get_mut(node.index()).into_iter().for_each(|since| *since = None);
            }
        }));
        Self {
            plan,
            seed,
            cluster,
            observer,
            journal,
            series: RefCell::default(),
            stored: RefCell::new(vec![None; files]),
            gets: Cell::default(),
            wanted: RefCell::default(),
            crashed: RefCell::default(),
            up_since,
            audit: RefCell::default(),
            progress,
        }
    }

    /// Adds a node as the plan describes it; it is down.
    pub(super) fn add_node(&self) {
        let (number, population) = (self.cluster.len(), self.plan.population());
        let settings = Settings {
            capacity_bytes: self.plan.node.capacity_bytes,
            operator: format!("operator-{}", population.operator(number)),
            region: format!("region-{}", population.region(number)),
            timing: self.plan.node.timing,
            ..Settings::default()
        };
        let region = Some(population.region(number) as u16);
        self.cluster.add_node(NodeSpec { settings, region, ..NodeSpec::default() });
        self.wanted.borrow_mut().push(false);
        self.crashed.borrow_mut().push(false);
    }

    pub(super) fn now(&self) -> Timestamp {
        self.cluster.time().now()
    }

    pub(super) async fn sleep_until(&self, at: Timestamp) {
        self.cluster.time().sleep_until(at).await;
    }

    pub(super) async fn sleep(&self, duration: Duration) {
        self.cluster.time().sleep(duration).await;
    }

    pub(super) fn clock(&self) -> impl Clock {
        crate::env::SimClock(self.cluster.time())
    }

    pub(super) fn note(&self, who: &str, what: &str) {
        self.journal.borrow_mut().note(since_start(self.now()), who, what);
    }

    pub(super) fn retrieval(&self, retrieval: Retrieval) {
        self.series.borrow_mut().retrievals.push(retrieval);
    }

    pub(super) fn stored_count(&self) -> usize {
        self.stored.borrow().iter().flatten().count()
    }

    /// Nodes that have not left for good.
    pub(super) fn remaining(&self) -> usize {
        let departed = |n: &u32| self.cluster.state(NodeNumber(*n)) == Some(NodeState::Departed);
        self.cluster.len() - (0..self.cluster.len() as u32).filter(departed).count()
    }

    /// Takes samples at every interval, and at `end`; tells progress in between.
    pub(super) async fn sample_until(&self, end: Timestamp) {
        let interval = self.plan.report_interval();
        let glance = (interval / 6).clamp(Duration::from_secs(1), Duration::from_secs(600));
        let mut next = self.now() + FIRST_SAMPLE.min(interval);
        loop {
            self.glance();
            let now = self.now();
            if now >= next || now >= end {
                self.sample();
                // Points stand at whole intervals, whenever this stretch began.
                let done = now.since(START).as_nanos() / interval.as_nanos();
                next = START + interval * (done as u32 + 1);
            }
            if now >= end {
                return;
            }
            self.sleep_until(next.min(end).min(now + glance)).await;
        }
    }

    /// Notes who is up, tells progress, and tells the observer whom every repairer must know: nodes
    /// that have been up for two probe intervals.
    fn glance(&self) {
        let (now, steady_after) = (self.now(), self.plan.node.timing.probe_interval() * 2);
        let mut up_since = self.up_since.borrow_mut();
        up_since.resize(self.cluster.len(), None);
        for (number, since) in up_since.iter_mut().enumerate() {
            let up = self.cluster.is_up(NodeNumber(number as u32));
            *since = if up { Some(since.unwrap_or(now)) } else { None };
        }
        let steady = |since: &Option<Timestamp>| since.is_some_and(|since| now.since(since) >= steady_after);
        self.observer.borrow_mut().set_steady(up_since.iter().map(steady).collect());
        self.tell();
    }

    fn sample(&self) {
        let (observer, counters) = (self.observer.borrow(), self.cluster.counters());
        let live = observer.redundancy(|_| true);
        let online = observer.redundancy(|node| self.cluster.is_up(NodeNumber(node as u32)));
        self.series.borrow_mut().samples.push(Sample {
            hour: since_start(self.now()) / crate::churn::HOUR,
            nodes_online: self.cluster.up().len() as u32,
            nodes: self.remaining() as u32,
            files_stored: self.stored_count() as u32,
            files_safe: observer.safe() as u32,
            live_min: live.min,
            live_p05: live.p05,
            live_p50: live.p50,
            live_p95: live.p95,
            online_min: online.min,
            online_p50: online.p50,
            shards_repaired: observer.shards_repaired,
            repair_bytes: observer.repair_bytes,
            network_bytes: counters.bytes,
            events: counters.total(),
        });
    }

    fn tell(&self) {
        self.progress.set(Reading {
            virtual_ms: (since_start(self.now()) * 1e3) as u64,
            nodes_online: self.cluster.up().len() as u64,
            nodes: self.remaining() as u64,
            files_stored: self.stored_count() as u64,
            files_safe: self.observer.borrow().safe() as u64,
            events: self.cluster.counters().total(),
        });
    }
}
