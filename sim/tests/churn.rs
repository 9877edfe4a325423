//! Churn: stationary start, residual lives, departures, and trace files.

use holdfast_sim::churn::{
    Change, ChurnModel, ChurnPlan, DeparturePlan, HOUR, Lifetime, Preset, Timeline,
    trace::{self, TraceError},
};
use holdfast_sim::env::rng::stream;
use std::{collections::BTreeMap, time::Duration};

const LIFETIMES: [Lifetime; 4] = [
    Lifetime::Exponential { mean_h: 5.0 },
    Lifetime::Weibull { shape: 0.608, scale_h: 3.656 },
    Lifetime::LogNormal { median_h: 2.0, sigma: 0.8 },
    Lifetime::Fixed { length_h: 7.0 },
];

fn mean_of(samples: u32, mut draw: impl FnMut() -> f64) -> f64 {
    (0..samples).map(|_| draw()).sum::<f64>() / f64::from(samples)
}

#[test]
fn lengths_have_the_stated_mean() {
    for lifetime in LIFETIMES {
        let mut rng = stream(1, "test", 0);
        let mean = mean_of(200_000, || lifetime.sample(&mut rng));
        assert!((mean / lifetime.mean() - 1.0).abs() < 0.02, "{lifetime:?}: {mean} {}", lifetime.mean());
    }
}

#[test]
fn residues_have_the_mean_of_the_equilibrium_distribution() {
    for lifetime in LIFETIMES {
        let mut rng = stream(2, "test", 0);
        let expected = lifetime.moment(2.0) / (2.0 * lifetime.mean());
        let mean = mean_of(400_000, || lifetime.sample_residue(&mut rng));
        assert!((mean / expected - 1.0).abs() < 0.03, "{lifetime:?}: {mean} {expected}");
    }
}

#[test]
fn residues_follow_the_integrated_survival_function() {
    // F_e(t) = ∫₀ᵗ S(x) dx / E[X], integrated here by the trapezoidal rule.
    for lifetime in LIFETIMES {
        let horizon = lifetime.mean() * 1.5;
        let steps = 20_000;
        let step = horizon / f64::from(steps);
        let area: f64 = (0..steps)
            .map(|i| {
                let x = f64::from(i) * step;
                (lifetime.survival(x) + lifetime.survival(x + step)) / 2.0 * step
            })
            .sum();
        let expected = area / lifetime.mean();
        let mut rng = stream(3, "test", 0);
        let share = mean_of(100_000, || f64::from(u8::from(lifetime.sample_residue(&mut rng) <= horizon)));
        assert!((share - expected).abs() < 0.01, "{lifetime:?}: {share} {expected}");
    }
}

#[test]
fn the_preset_meets_the_published_quantiles() {
    let model = ChurnPlan { preset: Some(Preset::Ipfs2022), ..ChurnPlan::default() }.model();
    let (session, _) = model.alternation.expect("the preset alternates");
    assert_eq!(model.always_on, 0.105);
    // RFM 2: half of the sessions last 2 h or less, 80 % last 8 h or less.
    assert!((session.survival(2.0 * HOUR) - 0.5).abs() < 0.01);
    assert!((session.survival(8.0 * HOUR) - 0.2).abs() < 0.01);
    assert!((model.availability() - 0.5525).abs() < 1e-9);
}

/// Replays transitions and returns the share of nodes online at each of some moments.
fn online_at(timeline: Timeline, nodes: f64, moments: &[Duration]) -> Vec<f64> {
    let mut online = 0i64;
    let mut shares = Vec::new();
    let mut up = std::collections::BTreeSet::new();
    for transition in timeline {
        while shares.len() < moments.len() && transition.at > moments[shares.len()] {
            shares.push(online as f64 / nodes);
        }
        match transition.change {
            Change::Up => assert!(up.insert(transition.node), "{transition:?} was up already"),
            Change::Down => assert!(up.remove(&transition.node), "{transition:?} was down already"),
            Change::Departs => {
                up.remove(&transition.node);
            }
        }
        online = up.len() as i64;
    }
    shares
}

#[test]
fn a_drawn_timeline_is_stationary_from_the_start() {
    let model = ChurnPlan { preset: Some(Preset::Ipfs2022), ..ChurnPlan::default() }.model();
    let moments: Vec<Duration> = (0..7).map(|day| Duration::from_secs(day * 86_400 + 60)).collect();
    let timeline = Timeline::drawn(model, 20_000, Duration::from_secs(7 * 86_400), 4);
    for share in online_at(timeline, 20_000.0, &moments) {
        assert!((share - model.availability()).abs() < 0.015, "{share}");
    }
}

#[test]
fn departures_take_the_stated_share_and_are_replaced() {
    let departures = DeparturePlan { share: 0.25, rate_per_day: 0.0, replace: true };
    let lifetime = Lifetime::Exponential { mean_h: 6.0 };
    let model = ChurnModel { always_on: 0.2, alternation: Some((lifetime, lifetime)), departures };
    let horizon = Duration::from_secs(7 * 86_400);
    let mut last: BTreeMap<usize, Change> = BTreeMap::new();
    for transition in Timeline::drawn(model, 200, horizon, 9) {
        assert!(transition.at <= horizon);
        let before = last.insert(transition.node, transition.change);
        assert_ne!(before, Some(Change::Departs), "{transition:?} comes after its departure");
    }
    let departed = last.values().filter(|&&change| change == Change::Departs).count();
    assert_eq!(departed, 50);
    assert_eq!(last.keys().max(), Some(&249), "fifty replacements continue the count");
}

#[test]
fn one_seed_gives_one_timeline_and_another_seed_another() {
    let model = ChurnPlan { preset: Some(Preset::Ipfs2022), ..ChurnPlan::default() }.model();
    let draw = |seed| Timeline::drawn(model, 50, Duration::from_secs(86_400), seed).collect::<Vec<_>>();
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn a_trace_is_read_in_any_order_with_or_without_header() {
    let text = "node,start_s,end_s,permanent\n1,50,80.5,true\n0,0,10\n0,20,30,false\n1,0,50\n";
    let sessions = trace::parse(text, 2).expect("valid");
    assert_eq!(sessions.len(), 4);
    let transitions: Vec<_> = Timeline::recorded(&sessions, Duration::from_secs(60)).collect();
    assert_eq!(
        transitions.last().map(|t| (t.node, t.change)),
        Some((1, Change::Up)),
        "80.5 s is past the end"
    );
    assert!(transitions.is_sorted());
}

#[test]
fn a_bad_trace_names_the_line_and_the_sessions() {
    let error = |text: &str| trace::parse(text, 3).expect_err("bad").to_string();
    assert_eq!(
        error("0,0,100\n2,0,5\n0,50,150\n"),
        "node 0 has overlapping sessions: line 1 (0 s to 100 s) and line 3 (50 s to 150 s)"
    );
    assert_eq!(error("0,0,1\n7,0,1\n"), "line 2: node 7 is outside 0..3");
    assert_eq!(error("0,5,5\n"), "line 1: end_s must lie after start_s: 0,5,5");
    assert_eq!(error("0,5\n"), "line 1: expected node,start_s,end_s[,permanent]: 0,5");
    assert_eq!(error("0,-1,5\n"), "line 1: start_s must be a number of seconds: 0,-1,5");
    assert_eq!(error("1,0,5,yes\n"), "line 1: permanent must be true or false: 1,0,5,yes");
    assert_eq!(error("1,0,5,true\n1,6,7\n"), "line 2: node 1 left for good at the end of line 1");
    assert!(matches!(trace::parse("node,start_s,end_s\n", 3), Err(TraceError::Empty)));
}
