//! The plots of a run.

use super::chart::{Axes, BLUE, ChartError, GREY, ORANGE, Plane, RED, round_up, steps, svg, ticks};
use crate::{
    plan::Plan,
    result::{Latency, RunResult, Sample, Series},
};
use plotters::prelude::*;

/// One plot with its caption and the meaning of its colours.
pub(super) struct Plot {
    pub(super) title: &'static str,
    pub(super) svg: String,
    /// (style class of the swatch, meaning)
    pub(super) legend: Vec<(&'static str, String)>,
    pub(super) caption: String,
}

const CALM: (&str, &str) = ("calm", "faults and churn have stopped");

/// Draws all plots.
pub(super) fn all(plan: &Plan, result: &RunResult, series: &Series) -> Result<Vec<Plot>, ChartError> {
    let time = TimeAxis::new(plan, &series.samples);
    Ok(vec![
        nodes_online(&time, series)?,
        redundancy(&time, plan, series)?,
        repair_traffic(&time, plan, result, series)?,
        latency(result, series)?,
    ])
}

/// Time in days for long runs, in hours for short ones.
struct TimeAxis {
    name: &'static str,
    hours_a_unit: f64,
    end: f64,
    calm_from: f64,
}

impl TimeAxis {
    fn new(plan: &Plan, samples: &[Sample]) -> Self {
        let end = samples.last().map_or(1.0, |sample| sample.hour).max(1e-6);
        let (name, unit) = if end > 72.0 { ("time (days)", 24.0) } else { ("time (hours)", 1.0) };
        Self { name, hours_a_unit: unit, end: end / unit, calm_from: plan.duration_h / unit }
    }

    fn points(&self, samples: &[Sample], value: impl Fn(&Sample) -> f64) -> Vec<(f64, f64)> {
        samples.iter().map(|sample| (sample.hour / self.hours_a_unit, value(sample))).collect()
    }

    fn plot(
        &self,
        name: &str,
        y_name: &str,
        y: (f64, f64),
        draw: impl FnOnce(&mut Plane<'_, '_>) -> super::chart::Drawn,
    ) -> Result<String, ChartError> {
        let axes = Axes {
            x: (0.0, self.end),
            x_ticks: ticks(self.end),
            y,
            x_name: self.name,
            y_name,
            x_label: &|x| trim(*x),
            y_label: &|y| trim(*y),
        };
        svg(name, &axes, |plane| {
            let calm = [(self.calm_from.min(self.end), y.0), (self.end, y.1)];
            plane.draw_series([Rectangle::new(calm, GREY.mix(0.14).filled())])?;
            draw(plane)
        })
    }
}

fn nodes_online(time: &TimeAxis, series: &Series) -> Result<Plot, ChartError> {
    let samples = &series.samples;
    let top = samples.iter().map(|s| s.nodes).max().unwrap_or(1);
    let remaining = steps(&time.points(samples, |s| f64::from(s.nodes)));
    let online = steps(&time.points(samples, |s| f64::from(s.nodes_online)));
    let svg =
        time.plot("nodes online over time", "nodes", (0.0, round_up(f64::from(top) * 1.02)), |plane| {
            plane.draw_series(LineSeries::new(remaining, GREY.stroke_width(1)))?;
            plane.draw_series(LineSeries::new(online, BLUE.stroke_width(2)))?;
            Ok(())
        })?;
    Ok(Plot {
        title: "Nodes online",
        svg,
        legend: vec![("blue", "online".into()), ("grey", "not departed".into()), (CALM.0, CALM.1.into())],
        caption: "Departed nodes take their disks with them.".into(),
    })
}

fn redundancy(time: &TimeAxis, plan: &Plan, series: &Series) -> Result<Plot, ChartError> {
    let code = plan.workload.code;
    let stored: Vec<Sample> = series.samples.iter().filter(|s| s.files_stored > 0).copied().collect();
    let line = |value: fn(&Sample) -> u16| steps(&time.points(&stored, |s| f64::from(value(s))));
    let (low, median, high, online) =
        (line(|s| s.live_min), line(|s| s.live_p50), line(|s| s.live_p95), line(|s| s.online_min));
    let band: Vec<(f64, f64)> = low.iter().copied().chain(high.into_iter().rev()).collect();
    let top = code.n() as f64 * 1.05;
    let level = |live: usize| vec![(0.0, live as f64), (time.end, live as f64)];
    let svg = time.plot("redundancy over time", "shards of a segment", (0.0, top), |plane| {
        plane.draw_series([Polygon::new(band, BLUE.mix(0.15))])?;
        plane.draw_series(LineSeries::new(level(code.repair_at()), ORANGE.stroke_width(1)))?;
        plane.draw_series(LineSeries::new(level(code.k()), RED.stroke_width(1)))?;
        plane.draw_series(LineSeries::new(online, GREY.stroke_width(1)))?;
        plane.draw_series(LineSeries::new(median, BLUE.stroke_width(1)))?;
        plane.draw_series(LineSeries::new(low, BLUE.stroke_width(2)))?;
        Ok(())
    })?;
    Ok(Plot {
        title: "Redundancy",
        svg,
        legend: vec![
            ("blue", "live: fewest (bold), median".into()),
            ("band", "fewest to 95th percentile".into()),
            ("grey", "fewest on nodes online".into()),
            ("orange", format!("repair at {}", code.repair_at())),
            ("red", format!("lost below {}", code.k())),
        ],
        caption: format!(
            "A shard is live while a node that has not departed has it on disk, online or not. \
             All segments have {} shards when they are stored.",
            code.n()
        ),
    })
}

fn repair_traffic(
    time: &TimeAxis,
    plan: &Plan,
    result: &RunResult,
    series: &Series,
) -> Result<Plot, ChartError> {
    const MIB: f64 = (1u64 << 20) as f64;
    let bars: Vec<(f64, f64, f64)> = series
        .samples
        .windows(2)
        .map(|pair| {
            let moved = pair[1].repair_bytes.saturating_sub(pair[0].repair_bytes) as f64 / MIB;
            (pair[0].hour / time.hours_a_unit, pair[1].hour / time.hours_a_unit, moved)
        })
        .collect();
    let highest = bars.iter().map(|bar| bar.2).fold(0.0, f64::max);
    let (unit, scale) = if highest < 0.5 { ("KiB", 1024.0) } else { ("MiB", 1.0) };
    let y_name = if plan.report_interval_h == 1.0 {
        format!("{unit} an hour")
    } else {
        format!("{unit} in {} h", trim(plan.report_interval_h))
    };
    let top = round_up(highest * scale * 1.05);
    let svg = time.plot("repair traffic over time", &y_name, (0.0, top), |plane| {
        let bars = bars.iter().filter(|bar| bar.2 > 0.0);
        plane.draw_series(
            bars.map(|&(from, to, moved)| Rectangle::new([(from, 0.0), (to, moved * scale)], BLUE.filled())),
        )?;
        Ok(())
    })?;
    Ok(Plot {
        title: "Repair traffic",
        svg,
        legend: vec![("blue", "bytes fetched to rebuild shards and sent to their new holders".into())],
        caption: format!(
            "{} shards were rebuilt with {} of traffic.",
            super::page::thousands(result.shards_repaired),
            super::page::bytes(result.repair_bytes)
        ),
    })
}

fn latency(result: &RunResult, series: &Series) -> Result<Plot, ChartError> {
    let mut times: Vec<f64> =
        series.retrievals.iter().filter(|get| get.ok).map(|get| get.latency_ms.max(1.0).log10()).collect();
    times.sort_by(f64::total_cmp);
    let share = |index: usize| (index + 1) as f64 / times.len() as f64 * 100.0;
    let curve: Vec<(f64, f64)> = times.iter().enumerate().map(|(i, &t)| (t, share(i))).collect();
    // Round times on a logarithmic axis, from the last below the fastest to the first above the slowest.
    let ends = (times.first().copied().unwrap_or(0.0), times.last().copied().unwrap_or(4.0));
    let rounds: Vec<f64> =
        (0..8).flat_map(|power| [1.0f64, 2.0, 5.0].map(|step| step.log10() + f64::from(power))).collect();
    let from = rounds.iter().copied().filter(|&t| t <= ends.0).fold(0.0, f64::max);
    let to = rounds.iter().copied().find(|&t| t > ends.1).unwrap_or(8.0);
    let between: Vec<f64> = rounds.into_iter().filter(|t| (from..=to).contains(t)).collect();
    // Few labels need not skip any.
    let every = between.len().div_ceil(8);
    let axes = Axes {
        x: (from, to),
        x_ticks: between.into_iter().step_by(every).collect(),
        y: (0.0, 100.0),
        x_name: "time from request to last byte (logarithmic)",
        y_name: "% of fetches",
        x_label: &|x| milliseconds(10f64.powf(*x)),
        y_label: &|y| trim(*y),
    };
    let Latency { p50, p95, p99 } = result.retrieval_latency_ms;
    let svg = svg("retrieval latency", &axes, |plane| {
        for (quantile, colour) in [(p50, GREY), (p95, ORANGE), (p99, RED)] {
            let at = quantile.map(|ms| ms.max(1.0).log10());
            plane.draw_series(
                at.map(|at| PathElement::new(vec![(at, 0.0), (at, 100.0)], colour.stroke_width(1))),
            )?;
        }
        plane.draw_series(LineSeries::new(steps(&curve), BLUE.stroke_width(2)))?;
        Ok(())
    })?;
    let named = |name: &str, ms: Option<f64>| format!("{name} {}", ms.map_or("none".into(), milliseconds));
    Ok(Plot {
        title: "Retrieval latency",
        svg,
        legend: vec![
            ("blue", "share of fetches that took no longer".into()),
            ("grey", named("median", p50)),
            ("orange", named("95th percentile", p95)),
            ("red", named("99th percentile", p99)),
        ],
        caption: format!(
            "{} fetches that succeeded, in virtual time.",
            super::page::thousands(times.len() as u64)
        ),
    })
}

/// A number without needless digits.
fn trim(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Milliseconds, in the unit that suits them.
pub fn milliseconds(ms: f64) -> String {
    match ms {
        ms if ms < 999.5 => format!("{ms:.0} ms"),
        ms if ms < 9_995.0 => format!("{} s", trim(ms / 1e3)),
        ms if ms < 119_500.0 => format!("{:.0} s", ms / 1e3),
        ms => format!("{:.0} min", ms / 6e4),
    }
}
