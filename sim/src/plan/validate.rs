//! What the types of a plan cannot say.

use super::{Plan, PlanError};
use crate::{
    NodeNumber,
    faults::{Fault, FaultSource},
};
use holdfast::settings::Settings;

/// Most nodes of a plan.
const MAX_NODES: usize = 100_000;
/// Most points of a time series.
const MAX_SAMPLES: f64 = 100_000.0;
/// Scrub intervals after which every shard was read at least once: each wait is 0.5 to 1.5 of them.
const LONGEST_SCRUB: u32 = 2;
/// Probe intervals until a repairer has seen a damage that was found, and mended it.
const REPAIR_LOOKS: u32 = 4;
/// Longest run: ten years.
const MAX_HOURS: f64 = 87_600.0;

impl Plan {
    /// Checks what the types alone cannot.
    ///
    /// # Errors
    /// [`PlanError::Value`] naming the first key that cannot be used.
    pub fn validate(&self) -> Result<(), PlanError> {
        if self.name.is_empty() || self.name.len() > 64 || self.name.contains(['/', '\\']) {
            return wrong("name", "must have 1 to 64 characters, without slashes");
        }
        if self.nodes == 0 || self.nodes > MAX_NODES {
            return wrong("nodes", format!("must lie in 1..={MAX_NODES}, is {}", self.nodes));
        }
        for (key, hours) in [
            ("duration_h", self.duration_h),
            ("settle_h", self.settle_h),
            ("report_interval_h", self.report_interval_h),
        ] {
            if !(hours > 0.0 && hours <= MAX_HOURS) {
                return wrong(key, format!("must lie above 0 and up to {MAX_HOURS}, is {hours}"));
            }
        }
        if (self.duration_h + self.settle_h) / self.report_interval_h > MAX_SAMPLES {
            return wrong("report_interval_h", format!("would give more than {MAX_SAMPLES} points"));
        }
        self.world.validate().or_else(|why| wrong("world", why))?;
        self.validate_faults()?;
        let settings = Settings { timing: self.node.timing, ..Settings::default() };
        settings.validate().or_else(|e| wrong("node", e.to_string()))?;
        self.churn.validate().or_else(|(key, why)| wrong(&format!("churn.{key}"), why))?;
        self.validate_audit()?;
        self.workload
            .validate(self.nodes, self.duration_h)
            .or_else(|(key, why)| wrong(&format!("workload.{key}"), why))
    }

    fn validate_audit(&self) -> Result<(), PlanError> {
        let Some(audit) = &self.audit else { return Ok(()) };
        if self.world.prover.is_none() {
            return wrong("world.prover", "is needed for an audit");
        }
        if let Err((key, why)) = audit.validate(self.duration_h) {
            return wrong(&format!("audit.{key}"), why);
        }
        Ok(())
    }

    fn validate_faults(&self) -> Result<(), PlanError> {
        if let Some(chance) = self.faults.chance.clone() {
            FaultSource::new(chance, 0).map(drop).or_else(|why| wrong("faults.chance", why))?;
        }
        for (index, timed) in self.faults.script.iter().enumerate() {
            let key = format!("faults.script[{index}]");
            if !(0.0..=self.duration_h).contains(&timed.at_h) {
                return wrong(&key, format!("at_h must lie between 0 and duration_h, is {}", timed.at_h));
            }
            if nodes_of(&timed.fault).into_iter().any(|node| node.index() >= self.nodes) {
                return wrong(&key, format!("names a node outside 0..{}", self.nodes));
            }
        }
        self.validate_rot()
    }

    /// Rot is found when a shard is read or scrubbed, and repaired after that: the network must have
    /// time for both before promise L1 is judged.
    fn validate_rot(&self) -> Result<(), PlanError> {
        let by_chance = self.faults.chance.as_ref().is_some_and(|chance| chance.weights.rot > 0.0);
        let scripted = self.faults.script.iter().any(|timed| matches!(timed.fault, Fault::Rot { .. }));
        let timing = self.node.timing;
        let longest = LONGEST_SCRUB * timing.scrub_interval() + REPAIR_LOOKS * timing.probe_interval();
        if (by_chance || scripted) && self.settle() < longest {
            let why = format!(
                "is {}, and finding and repairing rot takes up to {:.1}: prolong it, shorten \
                 node.timing.scrub_interval_s, or set faults.chance.weights.rot to 0",
                self.settle_h,
                longest.as_secs_f64() / 3600.0
            );
            return wrong("settle_h", why);
        }
        Ok(())
    }
}

fn wrong(key: &str, why: impl Into<String>) -> Result<(), PlanError> {
    Err(PlanError::Value { key: key.into(), why: why.into() })
}

/// The nodes that a fault names.
fn nodes_of(fault: &Fault) -> Vec<NodeNumber> {
    match fault {
        Fault::Crash { node }
        | Fault::CrashInWrite { node, .. }
        | Fault::Kill { node }
        | Fault::Restart { node }
        | Fault::Pause { node }
        | Fault::Resume { node }
        | Fault::Depart { node }
        | Fault::Rot { node, .. }
        | Fault::FillDisk { node, .. }
        | Fault::FreeDisk { node }
        | Fault::SlowDisk { node, .. } => vec![*node],
        Fault::Cut(cut) => cut.from.union(&cut.to).copied().collect(),
        Fault::Heal | Fault::Loss { .. } => Vec::new(),
    }
}
