//! The shape of a plan. Every field but `name` and `nodes` has a default.

use super::audit::AuditPlan;
use crate::{
    churn::{ChurnPlan, trace::Session},
    faults::{Fault, FaultPlan},
    workload::WorkloadPlan,
    world::WorldPlan,
};
use holdfast::settings::Timing;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A simulated run as data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What the run is called in results and reports.
    pub name: String,
    /// One sentence on what it shows.
    #[serde(default)]
    pub description: String,
    /// The seed, unless the command line gives another.
    #[serde(default = "defaults::seed")]
    pub seed: u64,
    /// Nodes at the start.
    pub nodes: usize,
    /// Hours of churn and faults.
    #[serde(default = "defaults::duration_h")]
    pub duration_h: f64,
    /// Hours after that, with every remaining node online and no faults; the bound of promise L1.
    #[serde(default = "defaults::settle_h")]
    pub settle_h: f64,
    /// Hours between two points of the time series.
    #[serde(default = "defaults::report_interval_h")]
    pub report_interval_h: f64,
    /// Who runs the nodes: node i belongs to operator i mod this; 0 is one operator a node.
    #[serde(default)]
    pub operators: usize,
    /// Network, links, disks and processors.
    #[serde(default)]
    pub world: WorldPlan,
    /// What each node is given.
    #[serde(default)]
    pub node: NodePlan,
    /// Who is online when.
    #[serde(default)]
    pub churn: ChurnPlan,
    /// What else goes wrong.
    #[serde(default)]
    pub faults: FaultsPlan,
    /// Files.
    #[serde(default)]
    pub workload: WorkloadPlan,
    /// Challenges; they need a prover in `world`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditPlan>,
    /// The sessions of the churn trace, if there is one.
    #[serde(skip)]
    pub sessions: Vec<Session>,
    /// The text of the churn trace, if there is one.
    #[serde(skip)]
    pub trace_text: Option<String>,
}

/// What each node is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NodePlan {
    /// Bytes of shards it offers to store.
    pub capacity_bytes: u64,
    /// How often it does what nobody asked it for.
    pub timing: Timing,
}

/// Faults beside churn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultsPlan {
    /// Faults by chance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chance: Option<FaultPlan>,
    /// Faults at stated times.
    pub script: Vec<TimedFault>,
}

/// A fault at a stated time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimedFault {
    /// Hours from the start of the run.
    pub at_h: f64,
    /// What happens.
    pub fault: Fault,
}

/// Who runs the nodes, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Population {
    operators: usize,
    regions: usize,
}

impl Default for NodePlan {
    fn default() -> Self {
        Self { capacity_bytes: 1 << 30, timing: Timing::default() }
    }
}

impl Population {
    /// The operator of a node, by number.
    pub fn operator(&self, node: usize) -> usize {
        if self.operators == 0 { node } else { node % self.operators }
    }

    /// The region of a node, by number.
    pub fn region(&self, node: usize) -> usize {
        node % self.regions
    }
}

impl TimedFault {
    /// Time from the start of the run.
    pub fn at(&self) -> Duration {
        hours(self.at_h)
    }
}

impl Plan {
    /// Who runs the nodes, and where.
    pub fn population(&self) -> Population {
        Population { operators: self.operators, regions: usize::from(self.world.links.regions) }
    }

    /// How long churn and faults last.
    pub fn duration(&self) -> Duration {
        hours(self.duration_h)
    }

    /// How long the network may settle after that.
    pub fn settle(&self) -> Duration {
        hours(self.settle_h)
    }

    /// How long the run lasts until the last fetches.
    pub fn total(&self) -> Duration {
        self.duration() + self.settle()
    }

    /// Time between two points of the time series.
    pub fn report_interval(&self) -> Duration {
        hours(self.report_interval_h)
    }
}

/// A duration of so many hours, which validation has bounded.
pub(super) fn hours(hours: f64) -> Duration {
    Duration::from_secs_f64(hours * crate::churn::HOUR)
}

mod defaults {
    pub(super) fn seed() -> u64 {
        1
    }
    pub(super) fn duration_h() -> f64 {
        24.0
    }
    pub(super) fn settle_h() -> f64 {
        24.0
    }
    pub(super) fn report_interval_h() -> f64 {
        1.0
    }
}
