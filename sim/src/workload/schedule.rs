//! When files are put and fetched.

use super::WorkloadPlan;
use crate::{churn::HOUR, env::rng};
use rand::RngExt;
use std::time::Duration;

/// One fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Get {
    /// When, from the start of the run.
    pub at: Duration,
    /// Which file.
    pub file: usize,
}

/// All puts and gets of a run; they follow from the seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// When each file is put, by file.
    pub puts: Vec<Duration>,
    /// All fetches, in order of time.
    pub gets: Vec<Get>,
}

impl Schedule {
    /// Draws put times over the plan's window and get times over what is left of the run.
    pub fn draw(plan: &WorkloadPlan, files: usize, duration: Duration, seed: u64) -> Self {
        let mut rng = rng::stream(seed, "workload", 0);
        let window = Duration::from_secs_f64(plan.put_window_h * HOUR);
        let puts = (0..files).map(|_| window.mul_f64(rng.random())).collect();
        let gets = (plan.gets_per_file * files as f64).round() as usize;
        let rest = duration.saturating_sub(window);
        let get = |_| Get { at: window + rest.mul_f64(rng.random()), file: rng.random_range(0..files) };
        let mut gets: Vec<Get> = if files == 0 { Vec::new() } else { (0..gets).map(get).collect() };
        gets.sort_unstable();
        Self { puts, gets }
    }
}
