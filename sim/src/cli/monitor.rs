//! The live progress line of a run, drawn from a thread beside it.

#![allow(clippy::disallowed_methods, reason = "the line is drawn outside the simulated world, in real time")]

use super::style;
use crate::{
    churn::HOUR,
    plan::Plan,
    run::{Progress, RunOutcome, run_plan},
    workload::Input,
};
use indicatif::ProgressBar;
use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// Time between two drawings of the line.
const TICK: Duration = Duration::from_millis(250);

/// Carries out a plan while a progress line tells how far it is.
pub(super) fn run_watched(plan: &Plan, seed: u64, input: Option<&Input>) -> RunOutcome {
    let (progress, done) = (Progress::default(), AtomicBool::new(false));
    let bar = style::bar(plan.total().as_secs(), &format!("{} {seed}", plan.name));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let start = Instant::now();
            while !done.load(Relaxed) {
                draw(&bar, &progress, start.elapsed());
                std::thread::park_timeout(TICK);
            }
        });
        // Whatever happens in the world, the line must end or this scope never would.
        let ended = SetOnDrop(&done);
        let outcome = run_plan(plan, seed, input, &progress);
        drop(ended);
        bar.finish_and_clear();
        outcome
    })
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

fn draw(bar: &ProgressBar, progress: &Progress, elapsed: Duration) {
    let now = progress.read();
    bar.set_position(now.virtual_ms / 1000);
    bar.set_message(format!(
        "day {:.1} · {}/{} nodes up · {}/{} files safe · {:.0} events/s",
        now.virtual_ms as f64 / 1e3 / (24.0 * HOUR),
        now.nodes_online,
        now.nodes,
        now.files_safe,
        now.files_stored,
        now.events as f64 / elapsed.as_secs_f64().max(1e-3),
    ));
}
