//! The shape of a plan. Every field but `name` and `nodes` has a default.

use crate::{
    churn::{ChurnPlan, trace::Session},
    workload::WorkloadPlan,
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
    /// What each node is given.
    #[serde(default)]
    pub node: NodePlan,
    /// Who runs the nodes, and where.
    #[serde(default)]
    pub population: PopulationPlan,
    /// Who is online when.
    #[serde(default)]
    pub churn: ChurnPlan,
    /// Files.
    #[serde(default)]
    pub workload: WorkloadPlan,
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

/// Who runs the nodes, and where: node i belongs to operator i mod `operators`, region i mod `regions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PopulationPlan {
    /// Operators; 0 is one of its own for each node.
    pub operators: usize,
    /// Regions.
    pub regions: usize,
}

impl Default for NodePlan {
    fn default() -> Self {
        Self { capacity_bytes: 1 << 30, timing: Timing::default() }
    }
}

impl Default for PopulationPlan {
    fn default() -> Self {
        Self { operators: 0, regions: 1 }
    }
}

impl PopulationPlan {
    /// The operator of a node, by number.
    pub fn operator(&self, node: usize) -> usize {
        if self.operators == 0 { node } else { node % self.operators }
    }

    /// The region of a node, by number.
    pub fn region(&self, node: usize) -> usize {
        node % self.regions
    }
}

impl Plan {
    /// How long churn and faults last.
    pub fn duration(&self) -> Duration {
        hours(self.duration_h)
    }

    /// How long the network may settle after that.
    pub fn settle(&self) -> Duration {
        hours(self.settle_h)
    }

    /// Time between two points of the time series.
    pub fn report_interval(&self) -> Duration {
        hours(self.report_interval_h)
    }
}

/// A duration of so many hours, which validation has bounded.
fn hours(hours: f64) -> Duration {
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
