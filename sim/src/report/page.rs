//! The page around the plots.

use super::{
    chart::ChartError,
    plots::{self, Plot, milliseconds},
};
use crate::{
    checks::Verdict,
    plan::Plan,
    result::{RunResult, Series},
};
use std::fmt::Write;

const STYLE: &str = include_str!("style.css");

/// What each check promises, in a reader's words.
const PROMISES: [(&str, &str); 8] = [
    ("S1", "with at most n − k shards of each segment lost, every stored file comes back byte for byte"),
    ("S2", "no proof is accepted from a provider that lacks a challenged cell"),
    ("S3", "a provider that holds its cells and is online always passes"),
    ("DETECTION", "providers that dropped cells are found out as often as sampling lets expect"),
    ("S5", "a placement never breaks its policy: one provider a slot, bounds for each operator and region"),
    ("L1", "once faults stop, every segment is above its repair threshold again within the settling time"),
    ("BOOKS", "every shard that was acknowledged by the recorded events is on its holder's disk at the end"),
    ("D1", "the same program, plan and seed give the same trace hash in separate processes"),
];

/// Renders the whole page.
///
/// # Errors
/// [`ChartError`] if a plot cannot be drawn.
pub fn render(plan: &Plan, result: &RunResult, series: &Series) -> Result<String, ChartError> {
    let plots: String = plots::all(plan, result, series)?.iter().map(plot).collect();
    let name = escape(&result.name);
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{name} · seed {} · Holdfast</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         {}\n<h2>Promises</h2>\n{}\n{}<h2>Over time</h2>\n<div class=\"plots\">\n{plots}</div>\n\
         <h2>Result</h2>\n{}\n<h2>What is modelled</h2>\n{}\n<h2>Repeat it</h2>\n<pre>{}</pre>\n\
         <h2>Plan</h2>\n<details><summary>the plan with every default filled in</summary>\n<pre>{}</pre></details>\n\
         </main>\n</body>\n</html>\n",
        result.seed,
        header(plan, result),
        checks(result),
        audit(result),
        tables(result),
        list(&result.modelled),
        escape(&result.replay),
        escape(&plan.canonical()),
    ))
}

fn header(plan: &Plan, result: &RunResult) -> String {
    let mut figures = String::new();
    let mut figure = |value: String, what: &str, bad: bool| {
        let class = if bad { "figure bad" } else { "figure" };
        write!(figures, "<div class=\"{class}\"><b>{value}</b><span>{what}</span></div>")
            .expect("a string takes all that is written");
    };
    let stored = result.files_stored;
    figure(
        format!("{} / {stored}", result.files_retrieved_ok),
        "files came back",
        result.files_retrieved_ok < stored,
    );
    figure(result.files_lost.to_string(), "files lost", result.files_lost > 0);
    figure(thousands(result.shards_repaired), "shards repaired", false);
    figure(format!("{:.0} %", result.availability * 100.0), "mean share online", false);
    figure(thousands(result.nodes_departed as u64), "nodes left for good", false);
    let median = result.retrieval_latency_ms.p50.map_or("none".to_owned(), milliseconds);
    figure(median, "median retrieval", false);
    let description = if plan.description.is_empty() { "A simulated run." } else { &plan.description };
    format!(
        "<header><h1>{}</h1><p>{}</p><p>{} nodes · {:.1} virtual days · seed {} · {:.1} s of real time</p></header>\n\
         <div class=\"figures\">{figures}</div>",
        escape(&result.name),
        escape(description),
        thousands(result.nodes as u64),
        result.virtual_seconds / 86_400.0,
        result.seed,
        result.wall_seconds,
    )
}

fn checks(result: &RunResult) -> String {
    let mut items = String::new();
    for (id, promise) in PROMISES {
        if !result.checks.contains_key(id) && !result.not_evaluated.contains_key(id) {
            continue;
        }
        let (class, word) = match result.checks.get(id) {
            Some(Verdict::Pass) => ("pass", "kept"),
            Some(Verdict::Fail) => ("fail", "broken"),
            None => ("open", "not evaluated"),
        };
        let mut notes = vec![promise.to_owned()];
        notes.extend(result.not_evaluated.get(id).cloned());
        notes.extend(result.broken.get(id).into_iter().flatten().take(5).cloned());
        let notes: String = notes.iter().map(|note| format!("<p>{}</p>", escape(note))).collect();
        write!(items, "<li><b>{id}</b><span class=\"{class}\">{word}</span>{notes}</li>")
            .expect("a string takes all that is written");
    }
    format!("<ul class=\"checks\">{items}</ul>")
}

/// What challenges found out, beside what was expected.
fn audit(result: &RunResult) -> String {
    let Some(audit) = &result.audit else { return String::new() };
    let mut rows = String::new();
    for kind in &audit.kinds {
        let (low, high) = kind.interval();
        write!(
            rows,
            "<tr><td>{:.0} %</td><td>{}</td><td>{}</td><td>{}</td><td>{:.2} %</td><td>{:.2} %</td><td>{low} to {high}</td></tr>",
            kind.dropped * 100.0,
            kind.slots,
            thousands(kind.answered()),
            thousands(kind.missed),
            kind.measured() * 100.0,
            kind.expected() * 100.0,
        )
        .expect("a string takes all that is written");
    }
    format!(
        "<h2>Challenges</h2>\n<p>Each asked for {} of {} cells.</p>\n<table><thead><tr><th>cells dropped</th>\
         <th>slots</th><th>challenges</th><th>missed</th><th>detected</th><th>1 − (1 − x)<sup>k</sup></th>\
         <th>missed, expected (99.9 %)</th></tr></thead><tbody>{rows}</tbody></table>\n",
        audit.samples,
        thousands(audit.cells),
    )
}

fn plot(plot: &Plot) -> String {
    let legend: String = plot
        .legend
        .iter()
        .map(|(class, meaning)| format!("<li><i class=\"{class}\"></i>{}</li>", escape(meaning)))
        .collect();
    format!(
        "<figure class=\"plot\"><h3>{}</h3><ul class=\"legend\">{legend}</ul>{}<figcaption>{}</figcaption></figure>\n",
        plot.title,
        plot.svg,
        escape(&plot.caption)
    )
}

fn tables(result: &RunResult) -> String {
    let latency = result.retrieval_latency_ms;
    let time = |ms: Option<f64>| ms.map_or("none".to_owned(), milliseconds);
    let network = [
        ("files stored", format!("{} ({})", result.files_stored, bytes(result.bytes_stored))),
        ("files never stored", result.files_not_stored.to_string()),
        ("files back at the end", result.files_retrieved_ok.to_string()),
        ("files unavailable at the end", result.files_unavailable.to_string()),
        ("files lost", result.files_lost.to_string()),
        (
            "fetches during the run",
            format!(
                "{} ok, {} failed, {} interrupted",
                result.gets_ok, result.gets_failed, result.gets_interrupted
            ),
        ),
        (
            "retrieval p50 / p95 / p99",
            format!("{} / {} / {}", time(latency.p50), time(latency.p95), time(latency.p99)),
        ),
        ("fewest live shards ever", result.fewest_live_shards.to_string()),
        ("shards repaired", thousands(result.shards_repaired)),
        ("repair traffic", bytes(result.repair_bytes)),
        ("network traffic", bytes(result.network_bytes)),
        ("nodes ever / departed", format!("{} / {}", result.nodes_ever, result.nodes_departed)),
    ];
    let machine = [
        ("virtual time", format!("{:.2} days", result.virtual_seconds / 86_400.0)),
        ("real time / processor time", format!("{:.1} s / {:.1} s", result.wall_seconds, result.cpu_seconds)),
        ("events", thousands(result.events)),
        ("events a second", thousands(result.events_per_second as u64)),
        ("events a processor second", thousands(result.events_per_cpu_second as u64)),
        ("round trips", thousands(result.round_trips)),
        ("peak memory", bytes(result.peak_rss_bytes)),
        ("memory a node", bytes(result.bytes_per_node)),
        ("trace hash", short(&result.trace_hash)),
        ("plan hash", short(&result.plan_hash)),
        ("program hash", short(&result.binary_hash)),
        ("holdfast-sim", result.versions.holdfast_sim.clone()),
    ];
    format!("<div class=\"tables\">{}{}</div>", table(&network), table(&machine))
}

fn table(rows: &[(&str, String)]) -> String {
    let rows: String = rows
        .iter()
        .map(|(name, value)| format!("<tr><td>{name}</td><td>{}</td></tr>", escape(value)))
        .collect();
    format!("<table>{rows}</table>")
}

fn list(items: &[String]) -> String {
    let items: String = items.iter().map(|item| format!("<li>{}</li>", escape(item))).collect();
    format!("<ul class=\"plain\">{items}</ul>")
}

fn short(hash: &str) -> String {
    hash.get(..16).unwrap_or(hash).to_owned()
}

/// Text that is safe inside an element or an attribute.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A number with thin spaces between thousands.
pub fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).expect("digits are ASCII"))
        .collect();
    groups.join("\u{202f}")
}

/// Bytes, in the binary unit that suits them.
pub fn bytes(value: u64) -> String {
    indicatif::BinaryBytes(value).to_string()
}
