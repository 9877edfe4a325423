//! The transitions of all nodes in order of time, drawn as they are needed: memory is a few dozen
//! bytes a node, however long the run.

use super::{ChurnModel, Lifetime, trace::Session};
use crate::env::rng::stream;
use rand::{RngExt, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rand_distr::Exp1;
use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

/// What happens to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It leaves for good; its disk is gone.
    Departs,
    /// It goes offline.
    Down,
    /// It comes online; a number not seen before is a new, empty node.
    Up,
}

/// One change of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Transition {
    /// When, from the start of the run.
    pub at: Duration,
    /// Which node, counted from 0; replacements continue the count.
    pub node: usize,
    /// What happens.
    pub change: Change,
}

/// All transitions of a run up to its horizon, in order of time.
pub struct Timeline {
    queue: BinaryHeap<Reverse<Transition>>,
    source: Source,
    horizon: Duration,
}

enum Source {
    Drawn { model: ChurnModel, seed: u64, lives: Vec<Life>, replace: bool },
    Recorded,
}

/// One node's state.
struct Life {
    rng: ChaCha8Rng,
    alternation: Option<(Lifetime, Lifetime)>,
    departs: Duration,
    /// What is left of the session that the run starts in.
    first_session: Option<f64>,
}

impl Timeline {
    /// Draws from a model, started from its stationary state: a node that alternates is online with
    /// probability E\[up\] / (E\[up\] + E\[down\]), and its first session or absence is a residue.
    pub fn drawn(model: ChurnModel, nodes: usize, horizon: Duration, seed: u64) -> Self {
        let mut order: Vec<usize> = (0..nodes).collect();
        let mut rng = stream(seed, "churn population", 0);
        order.shuffle(&mut rng);
        let always_on = share_of(model.always_on, nodes);
        let steady: std::collections::BTreeSet<usize> = order[..always_on].iter().copied().collect();
        order.shuffle(&mut rng);
        let leavers: std::collections::BTreeSet<usize> =
            order[..share_of(model.departures.share, nodes)].iter().copied().collect();
        let mut timeline = Self {
            queue: BinaryHeap::new(),
            source: Source::Drawn { model, seed, lives: Vec::new(), replace: model.departures.replace },
            horizon,
        };
        for node in 0..nodes {
            timeline.begin(node, Duration::ZERO, !steady.contains(&node), leavers.contains(&node));
        }
        timeline
    }

    /// Replays recorded sessions. Nodes whose first session starts later are offline until then.
    pub fn recorded(sessions: &[Session], horizon: Duration) -> Self {
        let mut queue = BinaryHeap::new();
        for session in sessions {
            let end = if session.permanent { Change::Departs } else { Change::Down };
            queue.push(Reverse(Transition { at: session.start, node: session.node, change: Change::Up }));
            queue.push(Reverse(Transition { at: session.end, node: session.node, change: end }));
        }
        Self { queue, source: Source::Recorded, horizon }
    }

    /// Starts the life of a node at `now`: one of the first, or a replacement, which joins online.
    fn begin(&mut self, node: usize, now: Duration, alternates: bool, leaves: bool) {
        let Source::Drawn { model, seed, lives, .. } = &mut self.source else {
            unreachable!("recorded lives are queued whole")
        };
        let mut rng = stream(*seed, "churn node", node as u64);
        let mut departs = Duration::MAX;
        if leaves {
            departs = self.horizon.mul_f64(rng.random::<f64>());
        }
        if model.departures.rate_per_day > 0.0 {
            let life = rng.sample::<f64, _>(Exp1) / model.departures.rate_per_day * 86_400.0;
            departs = departs.min(now.saturating_add(seconds(life)));
        }
        let alternation = model.alternation.filter(|_| alternates);
        let (mut up_at, mut first) = (now, None);
        if let (Some((session, absence)), true) = (alternation, now == Duration::ZERO) {
            if rng.random_bool(session.mean() / (session.mean() + absence.mean())) {
                first = Some(session.sample_residue(&mut rng));
            } else {
                up_at = seconds(absence.sample_residue(&mut rng));
            }
        }
        lives.push(Life { rng, alternation, departs, first_session: first });
        self.schedule(node, up_at, Change::Up);
        if departs < Duration::MAX {
            self.schedule(node, departs, Change::Departs);
        }
    }

    /// Queues a transition unless it lies beyond the run or behind the node's departure.
    fn schedule(&mut self, node: usize, at: Duration, change: Change) {
        let departs = match &self.source {
            Source::Drawn { lives, .. } => lives[node].departs,
            Source::Recorded => Duration::MAX,
        };
        if at <= self.horizon && (at < departs || change == Change::Departs) {
            self.queue.push(Reverse(Transition { at, node, change }));
        }
    }

    /// Draws what follows a transition that has just happened.
    fn follow(&mut self, done: Transition) {
        let Source::Drawn { lives, replace, .. } = &mut self.source else { return };
        let (joins, alternates) = (lives.len(), lives[done.node].alternation.is_some());
        if done.change == Change::Departs {
            if *replace {
                self.begin(joins, done.at, alternates, false);
            }
            return;
        }
        let life = &mut lives[done.node];
        let Some((session, absence)) = life.alternation else { return };
        let (length, next) = match done.change {
            Change::Up => {
                (life.first_session.take().unwrap_or_else(|| session.sample(&mut life.rng)), Change::Down)
            }
            _ => (absence.sample(&mut life.rng), Change::Up),
        };
        self.schedule(done.node, done.at.saturating_add(seconds(length)), next);
    }
}

impl Iterator for Timeline {
    type Item = Transition;

    fn next(&mut self) -> Option<Transition> {
        let Reverse(next) = self.queue.pop()?;
        if next.at > self.horizon {
            return None;
        }
        self.follow(next);
        Some(next)
    }
}

fn share_of(share: f64, nodes: usize) -> usize {
    ((share * nodes as f64).round() as usize).min(nodes)
}

/// A duration of so many seconds; what no `Duration` can hold is for ever.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}
