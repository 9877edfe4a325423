//! Many lives, summed as they come: memory does not grow with the number of runs.

use super::{Life, Model};
use serde::Serialize;

/// Days of the year that rates and the loss probability speak of.
const YEAR_DAYS: f64 = 365.0;
/// The 97.5 % quantile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// A 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// Running sums over lives (Welford, "Note on a method for calculating corrected sums of squares and
/// products", Technometrics 1962).
#[derive(Clone, Debug, Default)]
pub struct Estimator {
    runs: u64,
    mean: f64,
    squares: f64,
    days: f64,
    lost_within_year: u64,
    repairs: u64,
    events: u64,
}

/// What the lives say.
#[derive(Clone, Debug, PartialEq)]
pub struct Durability {
    /// Lives simulated.
    pub runs: u64,
    /// Mean time to data loss, days.
    pub mttdl_days: f64,
    /// Its confidence interval (Student's t); `None` for a single life.
    pub mttdl_days_ci95: Option<Interval>,
    /// Share of lives that ended within 365 days.
    pub loss_probability_365d: f64,
    /// Its confidence interval (Wilson, "Probable inference", JASA 1927).
    pub loss_probability_365d_ci95: Interval,
    /// Finished repairs in 365 days of one segment's life.
    pub repairs_per_year: f64,
    /// Shard deaths and ends of repairs simulated.
    pub events: u64,
}

/// What `--json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct DurabilityJson {
    n: usize,
    k: usize,
    repair_at: usize,
    mttf_days: f64,
    mttr_days: f64,
    runs: u64,
    seed: u64,
    mttdl_days: f64,
    mttdl_days_ci95: Option<Interval>,
    loss_probability_365d: f64,
    loss_probability_365d_ci95: Interval,
    repairs_per_year: f64,
    events: u64,
}

impl Estimator {
    /// Adds a life that ended in loss.
    pub fn add(&mut self, life: Life) {
        self.runs += 1;
        let delta = life.days - self.mean;
        self.mean += delta / self.runs as f64;
        self.squares += delta * (life.days - self.mean);
        self.days += life.days;
        self.lost_within_year += u64::from(life.days <= YEAR_DAYS);
        self.repairs += life.repairs;
        self.events += life.events;
    }

    /// Events of the lives added.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The estimates; `None` if no life was added.
    pub fn estimate(&self) -> Option<Durability> {
        if self.runs == 0 {
            return None;
        }
        let runs = self.runs as f64;
        let interval = (self.runs > 1).then(|| {
            let half = student_t(self.runs - 1) * (self.squares / (runs - 1.0) / runs).sqrt();
            Interval { low: (self.mean - half).max(0.0), high: self.mean + half }
        });
        let share = self.lost_within_year as f64 / runs;
        Some(Durability {
            runs: self.runs,
            mttdl_days: self.mean,
            mttdl_days_ci95: interval,
            loss_probability_365d: share,
            loss_probability_365d_ci95: wilson(share, runs),
            repairs_per_year: self.repairs as f64 / self.days * YEAR_DAYS,
            events: self.events,
        })
    }
}

impl Durability {
    /// The object that `--json` prints.
    pub fn to_json(&self, model: &Model, seed: u64) -> DurabilityJson {
        DurabilityJson {
            n: model.code().n(),
            k: model.code().k(),
            repair_at: model.code().repair_at(),
            mttf_days: model.mttf_days(),
            mttr_days: model.mttr_days(),
            runs: self.runs,
            seed,
            mttdl_days: self.mttdl_days,
            mttdl_days_ci95: self.mttdl_days_ci95,
            loss_probability_365d: self.loss_probability_365d,
            loss_probability_365d_ci95: self.loss_probability_365d_ci95,
            repairs_per_year: self.repairs_per_year,
            events: self.events,
        }
    }
}

/// Wilson's score interval of a share.
fn wilson(share: f64, runs: f64) -> Interval {
    let z2 = Z * Z / runs;
    let centre = (share + z2 / 2.0) / (1.0 + z2);
    let half = Z / (1.0 + z2) * (share * (1.0 - share) / runs + z2 / (4.0 * runs)).sqrt();
    // At a share of 0 or 1 the end is that very number, which rounding would miss by a hair.
    let low = if share == 0.0 { 0.0 } else { centre - half };
    let high = if share == 1.0 { 1.0 } else { centre + half };
    Interval { low, high }
}

/// The 97.5 % quantile of Student's t: exact for one and two degrees of freedom, beyond that the
/// expansion of Abramowitz and Stegun 26.7.5, whose error is below 0.5 % from three on.
fn student_t(freedom: u64) -> f64 {
    match freedom {
        1 => return 12.706_204_736,
        2 => return 4.302_652_730,
        _ => {}
    }
    let v = freedom as f64;
    let odd = |coefficients: &[f64]| coefficients.iter().rev().fold(0.0, |sum, c| sum * Z * Z + c) * Z;
    Z + odd(&[1.0, 1.0]) / (4.0 * v)
        + odd(&[3.0, 16.0, 5.0]) / (96.0 * v * v)
        + odd(&[-15.0, 17.0, 19.0, 3.0]) / (384.0 * v.powi(3))
        + odd(&[-945.0, -1920.0, 1482.0, 776.0, 79.0]) / (92_160.0 * v.powi(4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn student_t_meets_the_published_table() {
        for (freedom, quantile) in
            [(1, 12.706), (2, 4.303), (3, 3.182), (9, 2.262), (30, 2.042), (120, 1.980)]
        {
            assert!((student_t(freedom) / quantile - 1.0).abs() < 5e-3, "{freedom} {}", student_t(freedom));
        }
    }

    #[test]
    fn no_loss_still_leaves_an_upper_bound() {
        let interval = wilson(0.0, 100.0);
        assert_eq!(interval.low, 0.0);
        assert!((interval.high - 0.037).abs() < 1e-3, "{interval:?}");
    }
}
