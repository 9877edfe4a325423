//! What may go wrong, as plain data, and how it is drawn.

use crate::{NodeNumber, env::rng, links::Cut};
use rand::{RngExt, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Something that the world does to a node or to the links.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The host loses power: un-synced bytes are lost or torn, peers see silence.
    Crash {
        /// Whose.
        node: NodeNumber,
    },
    /// The power fails at the operation after the next `operations` that change the disk.
    CrashInWrite {
        /// Whose.
        node: NodeNumber,
        /// Operations that still succeed.
        operations: u64,
    },
    /// The process is killed: the disk keeps what was written, peers are refused.
    Kill {
        /// Whose.
        node: NodeNumber,
    },
    /// It starts again.
    Restart {
        /// Which.
        node: NodeNumber,
    },
    /// The process stands still; its links and disk do not.
    Pause {
        /// Whose.
        node: NodeNumber,
    },
    /// It goes on.
    Resume {
        /// Which.
        node: NodeNumber,
    },
    /// It is gone for good, and its disk with it.
    Depart {
        /// Which.
        node: NodeNumber,
    },
    /// Messages from one set of nodes to another do not arrive any more.
    Cut(Cut),
    /// All cuts end, and packet loss is back to the plan's.
    Heal,
    /// Packets are lost with this probability.
    Loss {
        /// In 0..0.9.
        probability: f64,
    },
    /// Bits of stored files flip.
    Rot {
        /// On whose disk.
        node: NodeNumber,
        /// Only in files whose path begins so.
        prefix: String,
        /// How many bits, each in a file drawn by itself.
        flips: u32,
    },
    /// The disk is full but for some bytes.
    FillDisk {
        /// Whose.
        node: NodeNumber,
        /// Bytes that are left.
        free_bytes: u64,
    },
    /// The disk has its room back.
    FreeDisk {
        /// Whose.
        node: NodeNumber,
    },
    /// Disk work takes longer by a factor; 1 is normal.
    SlowDisk {
        /// Whose.
        node: NodeNumber,
        /// The factor.
        factor: f64,
    },
}

/// Kinds of faults that come by chance, and how often each comes relative to the others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultWeights {
    /// [`Fault::Crash`], with a restart.
    pub crash: f64,
    /// [`Fault::CrashInWrite`], with a restart.
    pub crash_in_write: f64,
    /// [`Fault::Kill`], with a restart.
    pub kill: f64,
    /// [`Fault::Pause`], with a resume.
    pub pause: f64,
    /// [`Fault::Depart`].
    pub depart: f64,
    /// [`Fault::Cut`] in one direction, healed later.
    pub cut: f64,
    /// [`Fault::Loss`], healed later.
    pub loss: f64,
    /// [`Fault::Rot`].
    pub rot: f64,
    /// [`Fault::FillDisk`], freed later.
    pub full_disk: f64,
    /// [`Fault::SlowDisk`], normal later.
    pub slow_disk: f64,
}

impl Default for FaultWeights {
    /// Everything but permanent departures, which churn plans bring.
    fn default() -> Self {
        Self {
            crash: 1.0,
            crash_in_write: 1.0,
            kill: 1.0,
            pause: 1.0,
            depart: 0.0,
            cut: 1.0,
            loss: 0.5,
            rot: 0.5,
            full_disk: 0.5,
            slow_disk: 0.5,
        }
    }
}

/// Faults by chance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultPlan {
    /// Mean seconds between two faults; exponential.
    pub mean_interval_s: f64,
    /// Mean seconds until what is not permanent ends; exponential.
    pub mean_duration_s: f64,
    /// Draws for each run which kinds take part at all (swarm testing: Groce et al., ISSTA 2012);
    /// otherwise all of them do.
    pub swarm: bool,
    /// How often each kind comes.
    pub weights: FaultWeights,
    /// Where bits rot: files whose path begins so.
    pub rot_prefix: String,
}

impl Default for FaultPlan {
    fn default() -> Self {
        Self {
            mean_interval_s: 600.0,
            mean_duration_s: 300.0,
            swarm: true,
            weights: FaultWeights::default(),
            rot_prefix: "shards/".into(),
        }
    }
}

/// The kinds, in the order of [`FaultWeights`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Crash,
    CrashInWrite,
    Kill,
    Pause,
    Depart,
    Cut,
    Loss,
    Rot,
    FullDisk,
    SlowDisk,
}

impl FaultWeights {
    fn by_kind(&self) -> [(Kind, f64); 10] {
        [
            (Kind::Crash, self.crash),
            (Kind::CrashInWrite, self.crash_in_write),
            (Kind::Kill, self.kill),
            (Kind::Pause, self.pause),
            (Kind::Depart, self.depart),
            (Kind::Cut, self.cut),
            (Kind::Loss, self.loss),
            (Kind::Rot, self.rot),
            (Kind::FullDisk, self.full_disk),
            (Kind::SlowDisk, self.slow_disk),
        ]
    }
}

/// Draws faults; all draws follow from the run's seed.
pub struct FaultSource {
    plan: FaultPlan,
    kinds: Vec<(Kind, f64)>,
    rng: ChaCha8Rng,
}

/// One fault by chance, and what ends it.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// Time since the fault before it.
    pub after: Duration,
    /// What happens.
    pub fault: Fault,
    /// What ends it, and how much later.
    pub end: Option<(Duration, Fault)>,
}

impl FaultSource {
    /// Draws which kinds take part in this run.
    ///
    /// # Errors
    /// A sentence naming the first value that is out of its range.
    pub fn new(plan: FaultPlan, seed: u64) -> Result<Self, String> {
        let mut rng = rng::stream(seed, "faults", 0);
        for (name, value) in
            [("mean_interval_s", plan.mean_interval_s), ("mean_duration_s", plan.mean_duration_s)]
        {
            if !(1e-3..=1e9).contains(&value) {
                return Err(format!("{name} is {value}, outside 0.001..=1000000000"));
            }
        }
        let mut kinds = Vec::from(plan.weights.by_kind());
        if let Some((kind, weight)) = kinds.iter().find(|(_, weight)| !(0.0..=1e6).contains(weight)) {
            return Err(format!("the weight of {kind:?} is {weight}, outside 0..=1000000"));
        }
        kinds.retain(|&(_, weight)| weight > 0.0);
        if plan.swarm && kinds.len() > 1 {
            let lucky = rng.random_range(0..kinds.len());
            let mut index = 0..;
            kinds.retain(|_| index.next() == Some(lucky) || rng.random());
        }
        Ok(Self { plan, kinds, rng })
    }

    /// The next fault, for one of the nodes that are up; `None` if there is no kind or no node.
    pub fn draw(&mut self, up: &[NodeNumber]) -> Option<Drawn> {
        let after = self.wait(self.plan.mean_interval_s);
        let node = *up.choose(&mut self.rng)?;
        let kind = self.kinds.choose_weighted(&mut self.rng, |&(_, weight)| weight).ok()?.0;
        let length = self.wait(self.plan.mean_duration_s);
        let (fault, end) = self.fault(kind, node, up);
        Some(Drawn { after, fault, end: end.map(|end| (length, end)) })
    }

    fn fault(&mut self, kind: Kind, node: NodeNumber, up: &[NodeNumber]) -> (Fault, Option<Fault>) {
        let restart = Some(Fault::Restart { node });
        match kind {
            Kind::Crash => (Fault::Crash { node }, restart),
            Kind::CrashInWrite => {
                (Fault::CrashInWrite { node, operations: self.rng.random_range(0..40) }, restart)
            }
            Kind::Kill => (Fault::Kill { node }, restart),
            Kind::Pause => (Fault::Pause { node }, Some(Fault::Resume { node })),
            Kind::Depart => (Fault::Depart { node }, None),
            Kind::Cut => {
                let share = self.rng.random_range(0.05..0.5);
                let (from, to) = up.iter().partition(|_| self.rng.random_bool(share));
                (Fault::Cut(Cut { from, to }), Some(Fault::Heal))
            }
            Kind::Loss => (Fault::Loss { probability: self.rng.random_range(0.001..0.1) }, Some(Fault::Heal)),
            Kind::Rot => {
                let prefix = self.plan.rot_prefix.clone();
                (Fault::Rot { node, prefix, flips: self.rng.random_range(1..4) }, None)
            }
            Kind::FullDisk => {
                let free_bytes = self.rng.random_range(0..1 << 16);
                (Fault::FillDisk { node, free_bytes }, Some(Fault::FreeDisk { node }))
            }
            Kind::SlowDisk => {
                let factor = self.rng.random_range(2.0..100.0);
                (Fault::SlowDisk { node, factor }, Some(Fault::SlowDisk { node, factor: 1.0 }))
            }
        }
    }

    fn wait(&mut self, mean_s: f64) -> Duration {
        let exponential = Exp::new(1.0 / mean_s).expect("means are positive and finite");
        Duration::from_secs_f64(exponential.sample(&mut self.rng))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn nodes() -> Vec<NodeNumber> {
        (0..10).map(NodeNumber).collect()
    }

    fn draws(seed: u64, plan: FaultPlan, count: usize) -> Vec<Drawn> {
        let mut source = FaultSource::new(plan, seed).unwrap();
        (0..count).map(|_| source.draw(&nodes()).unwrap()).collect()
    }

    #[test]
    fn draws_follow_from_the_seed() {
        let plan = FaultPlan::default();
        assert_eq!(draws(1, plan.clone(), 50), draws(1, plan.clone(), 50));
        assert_ne!(draws(1, plan.clone(), 50), draws(2, plan, 50));
    }

    #[test]
    fn swarms_differ_in_the_kinds_that_take_part() {
        let kinds = |seed| FaultSource::new(FaultPlan::default(), seed).unwrap().kinds.len();
        let sizes: BTreeSet<usize> = (0..100).map(kinds).collect();
        assert!(sizes.len() >= 5 && !sizes.contains(&0), "{sizes:?}");
    }

    #[test]
    fn a_kind_without_weight_never_comes() {
        let plan = FaultPlan { swarm: false, ..FaultPlan::default() };
        let drawn = draws(3, plan, 2_000);
        assert!(!drawn.iter().any(|d| matches!(d.fault, Fault::Depart { .. })));
        assert!(drawn.iter().any(|d| matches!(d.fault, Fault::Rot { .. })));
        let total: Duration = drawn.iter().map(|d| d.after).sum();
        let mean = total.as_secs_f64() / 2_000.0;
        assert!((540.0..660.0).contains(&mean), "mean interval {mean} s, wanted 600");
    }

    #[test]
    fn nobody_up_is_nothing_to_break() {
        assert_eq!(FaultSource::new(FaultPlan::default(), 1).unwrap().draw(&[]), None);
    }

    #[test]
    fn faults_are_data() {
        let text = "[[fault]]\ncrash = { node = 3 }\n[[fault]]\ncut = { from = [1], to = [2] }\n";
        #[derive(Deserialize)]
        struct Schedule {
            fault: Vec<Fault>,
        }
        let schedule: Schedule = toml::from_str(text).unwrap();
        assert_eq!(schedule.fault[0], Fault::Crash { node: NodeNumber(3) });
        assert!(toml::from_str::<Schedule>("[[fault]]\ncrash = { nod = 3 }").is_err());
    }
}
