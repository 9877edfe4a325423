//! What the types of a plan cannot say.

use super::{Plan, PlanError};
use holdfast::settings::Settings;

/// Most nodes of a plan.
const MAX_NODES: usize = 100_000;
/// Most points of a time series.
const MAX_SAMPLES: f64 = 100_000.0;
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
        if self.population.regions == 0 {
            return wrong("population.regions", "must be at least 1");
        }
        let settings = Settings { timing: self.node.timing, ..Settings::default() };
        settings.validate().or_else(|e| wrong("node", e.to_string()))?;
        self.churn.validate().or_else(|(key, why)| wrong(&format!("churn.{key}"), why))?;
        self.workload
            .validate(self.nodes, self.duration_h)
            .or_else(|(key, why)| wrong(&format!("workload.{key}"), why))
    }
}

fn wrong(key: &str, why: impl Into<String>) -> Result<(), PlanError> {
    Err(PlanError::Value { key: key.into(), why: why.into() })
}
