//! A run: a plan carried out in a simulated world, watched, and judged.
//!
//! [`run_plan`] is what the command line, tests and experiments call. What happens inside the world
//! is in `driver` (churn and faults) and `traffic` (puts and gets); `outcome` sums it up.

mod audit;
mod driver;
mod journal;
mod outcome;
mod progress;
mod traffic;
mod watch;

pub use outcome::{RunOutcome, World};
pub use progress::{Progress, Reading};

use crate::{
    plan::Plan,
    result::{Measured, stopwatch},
    workload::{File, Input, generated},
};

/// Carries out a plan. `progress` may be read from another thread meanwhile.
///
/// # Panics
/// If the simulated world panics: that is a bug in the node or in the simulator.
pub fn run_plan(plan: &Plan, seed: u64, input: Option<&Input>, progress: &Progress) -> RunOutcome {
    let stop = stopwatch();
    let files: Vec<File> = match input {
        Some(input) => input.files.clone(),
        None => generated(&plan.workload, seed),
    };
    let (inner_plan, inner_progress) = (plan.clone(), progress.clone());
    let world: World = crate::world::run(seed, move || {
        Box::pin(async move { driver::live(inner_plan, seed, files, inner_progress).await })
    });
    let measured: Measured = stop();
    RunOutcome::new(plan, seed, input, world, measured)
}
