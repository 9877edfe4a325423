//! The report and the tables, from made-up figures.

use holdfast_sim::{
    checks::Verdict,
    plan::Plan,
    report::{bytes, milliseconds, render, thousands},
    result::{Latency, Retrieval, RunResult, Sample, Series, Versions, write_retrievals, write_samples},
};
use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::RowAccessor,
};
use std::collections::BTreeMap;

fn plan() -> Plan {
    Plan::parse("test", "name = \"a <b>\"\nnodes = 30\nduration_h = 100\n", &[]).expect("valid")
}

fn series(points: u32) -> Series {
    let sample = |i: u32| Sample {
        hour: f64::from(i),
        nodes_online: 20 + i % 7,
        nodes: 30,
        live_min: 9,
        ..Sample::default()
    };
    let get = |i: u32| Retrieval {
        hour: f64::from(i),
        bytes: 5,
        latency_ms: 40.0 * f64::from(i + 1),
        ok: !i.is_multiple_of(5),
        last: false,
    };
    Series { samples: (0..points).map(sample).collect(), retrievals: (0..points).map(get).collect() }
}

fn result(series: &Series) -> RunResult {
    RunResult {
        name: "a <b>".into(),
        trace_hash: "00".repeat(32),
        seed: 1,
        plan_hash: "11".repeat(32),
        binary_hash: "22".repeat(32),
        virtual_seconds: 360_000.0,
        wall_seconds: 2.0,
        cpu_seconds: 1.0,
        events: 1_234_567,
        events_per_second: 617_283.5,
        events_per_cpu_second: 1_234_567.0,
        round_trips: 600_000,
        peak_rss_bytes: 1 << 26,
        bytes_per_node: 1 << 16,
        nodes: 30,
        nodes_ever: 36,
        nodes_departed: 6,
        availability: 0.8,
        files_stored: 10,
        files_not_stored: 0,
        bytes_stored: 1 << 20,
        files_lost: 1,
        files_retrieved_ok: 9,
        files_unavailable: 0,
        gets_ok: 40,
        gets_failed: 2,
        gets_interrupted: 1,
        fewest_live_shards: 3,
        shards_repaired: 77,
        repair_bytes: 123_456,
        network_bytes: 9_876_543,
        retrieval_latency_ms: Latency::of(&series.retrievals),
        audit: None,
        checks: BTreeMap::from([("S1".into(), Verdict::Fail), ("L1".into(), Verdict::Pass)]),
        broken: BTreeMap::from([("S1".into(), vec!["x & y".into()])]),
        not_evaluated: BTreeMap::new(),
        modelled: vec!["disk time".into()],
        input: None,
        versions: Versions::current(),
        replay: "holdfast-sim replay out".into(),
    }
}

#[test]
fn the_page_holds_everything_and_needs_nothing_from_elsewhere() {
    let series = series(100);
    let page = render(&plan(), &result(&series), &series).expect("drawn");
    assert_eq!(page.matches("<svg").count(), 4);
    assert_eq!(page.matches("role=\"img\"").count(), 4, "each plot has a name for those who cannot see it");
    for text in [
        "time (days)",
        "shards of a segment",
        "% of fetches",
        "x &amp; y",
        "a &lt;b&gt;",
        "disk time",
        "replay out",
    ] {
        assert!(page.contains(text), "{text}");
    }
    for foreign in ["<script", "src=", "href=", "url(", "@import"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

#[test]
fn a_run_in_which_nothing_happened_can_be_drawn_too() {
    for series in [Series::default(), series(1), series(2)] {
        let page = render(&plan(), &result(&series), &series).expect("drawn");
        assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
    }
}

#[test]
fn tables_read_back_and_their_bytes_repeat() {
    let series = series(50);
    let write = || {
        let (mut samples, mut retrievals) = (Vec::new(), Vec::new());
        write_samples(&mut samples, &series.samples).expect("written");
        write_retrievals(&mut retrievals, &series.retrievals).expect("written");
        (samples, retrievals)
    };
    let (samples, retrievals) = write();
    assert_eq!((samples.clone(), retrievals.clone()), write());
    let rows = |bytes: Vec<u8>| {
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).expect("it is Parquet");
        reader.get_row_iter(None).expect("rows").map(|row| row.expect("a row")).collect::<Vec<_>>()
    };
    let (samples, retrievals) = (rows(samples), rows(retrievals));
    assert_eq!((samples.len(), retrievals.len()), (50, 50));
    assert_eq!(samples[8].get_int(1).expect("nodes_online"), 21);
    assert_eq!(retrievals[3].get_double(2).expect("latency_ms"), 160.0);
    assert!(!retrievals[5].get_bool(3).expect("ok"));
}

#[test]
fn latency_quantiles_are_nearest_ranks_of_fetches_that_succeeded() {
    let get = |i: u32, ok| Retrieval { hour: 0.0, bytes: 0, latency_ms: f64::from(i), ok, last: false };
    let mut gets: Vec<Retrieval> = (1..=100).rev().map(|i| get(i, true)).collect();
    gets.push(get(9_999, false));
    let latency = Latency::of(&gets);
    assert_eq!((latency.p50, latency.p95, latency.p99), (Some(50.0), Some(95.0), Some(99.0)));
    assert_eq!(Latency::of(&[]), Latency::default());
}

#[test]
fn numbers_are_written_for_people() {
    assert_eq!(thousands(1_234_567), "1\u{202f}234\u{202f}567");
    assert_eq!((bytes(1536).as_str(), milliseconds(12.3).as_str()), ("1.50 KiB", "12 ms"));
    assert_eq!((milliseconds(1500.0).as_str(), milliseconds(600_000.0).as_str()), ("1.5 s", "10 min"));
}
