//! Plans: unknown keys, overrides, validation, and the hash.

use holdfast_sim::plan::{Plan, PlanError};

const MINIMAL: &str = "name = \"test\"\nnodes = 30\n";

fn parse(text: &str, overrides: &[&str]) -> Result<Plan, PlanError> {
    let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
    Plan::parse("test.toml", text, &overrides)
}

fn refused(text: &str, overrides: &[&str]) -> (String, String) {
    let error = parse(text, overrides).expect_err("refused");
    (error.to_string(), error.hint())
}

#[test]
fn an_unknown_key_is_named_with_its_section_and_the_nearest_known_one() {
    let (error, hint) = refused(&format!("{MINIMAL}seeed = 3\n"), &[]);
    assert_eq!((error.as_str(), hint.as_str()), ("unknown key seeed", "did you mean seed?"));
    let (error, hint) = refused(&format!("{MINIMAL}[workload]\ngets_per_fil = 3\n"), &[]);
    assert_eq!(
        (error.as_str(), hint.as_str()),
        ("unknown key workload.gets_per_fil", "did you mean gets_per_file?")
    );
    let (error, hint) = refused(&format!("{MINIMAL}[node.timing]\nprobe_intervall_s = 3\n"), &[]);
    let expected = ("unknown key node.timing.probe_intervall_s", "did you mean probe_interval_s?");
    assert_eq!((error.as_str(), hint.as_str()), expected);
    let (error, hint) = refused(
        &format!("{MINIMAL}[churn]\nabsence = {{ weibull = {{ shap = 1.0, scale_h = 2.0 }} }}\n"),
        &[],
    );
    assert_eq!((error.as_str(), hint.as_str()), ("unknown key churn.absence.shap", "did you mean shape?"));
}

#[test]
fn a_key_that_resembles_none_gets_the_list_of_known_keys() {
    let (error, hint) = refused(&format!("{MINIMAL}[node]\nxyzzyplugh = 3\n"), &[]);
    assert_eq!(error, "unknown key node.xyzzyplugh");
    assert_eq!(hint, "known keys here: capacity_bytes, timing");
}

#[test]
fn overrides_reach_nested_keys_and_are_checked_like_the_plan() {
    let plan =
        parse(MINIMAL, &["seed=9", "churn.always_on=0.5", "name=other", "workload.size.fixed.bytes=7"])
            .expect("valid");
    assert_eq!((plan.seed, plan.churn.always_on, plan.name.as_str()), (9, Some(0.5), "other"));
    assert_eq!(refused(MINIMAL, &["nods=3"]).1, "did you mean nodes?");
    assert_eq!(refused(MINIMAL, &["nodes"]).0, "--set nodes: there is no =");
    assert_eq!(refused(MINIMAL, &["nodes.x=3"]).0, "--set nodes.x=3: nodes is not a section");
    assert_eq!(refused(MINIMAL, &["a..b=3"]).0, "--set a..b=3: a part of the key is empty");
}

#[test]
fn rot_needs_time_to_be_found_and_repaired() {
    let rot = ["faults.chance.weights.rot=1", "settle_h=24", "node.timing.scrub_interval_s=86400"];
    let (error, _) = refused(MINIMAL, &rot);
    assert!(error.starts_with("settle_h: is 24, and finding and repairing rot takes up to "), "{error}");
    parse(
        MINIMAL,
        &[&rot[..2], &["node.timing.scrub_interval_s=3600", "node.timing.probe_interval_s=3600"]].concat(),
    )
    .expect("long enough");
    parse(MINIMAL, &["faults.chance.weights.rot=0", rot[1], rot[2]]).expect("nothing rots");
}

#[test]
fn values_are_validated_by_name() {
    for (assignment, part) in [
        ("nodes=0", "nodes: must lie in 1..="),
        ("nodes=ten", "nodes: "),
        ("duration_h=-1", "duration_h: must lie above 0"),
        ("report_interval_h=0.00001", "report_interval_h: would give more than"),
        ("churn.always_on=1.5", "churn.always_on: must lie between 0 and 1, is 1.5"),
        ("churn.departures.share=nan", "churn.departures.share: must lie between 0 and 1, is NaN"),
        (
            "churn.session={exponential={mean_h=1.0}}",
            "churn.session: session and absence must be given together",
        ),
        ("workload.put_window_h=99", "workload.put_window_h: must lie between 0 and duration_h 24"),
        ("workload.code.k=20", "workload.code: k 20 must be less than n 12"),
        ("nodes=12", "workload.code.n: 12 slots need more than 12 nodes"),
        ("world.links.loss=2", "world: links.loss is 2"),
        ("faults.script=[{at_h=99,fault={crash={node=1}}}]", "faults.script[0]: at_h must lie between 0 and"),
        ("faults.script=[{at_h=1,fault={crash={node=30}}}]", "faults.script[0]: names a node outside 0..30"),
        ("faults.chance.mean_interval_s=0", "faults.chance: mean_interval_s is 0"),
        ("node.timing.probe_interval_s=0", "node: timing.probe_interval_s must be a positive number"),
    ] {
        let (error, _) = refused(
            &format!("{MINIMAL}[workload]\ncode = {{ k = 4, n = 12, repair_at = 8 }}\n"),
            &[assignment],
        );
        assert!(error.starts_with(part), "{assignment}: {error}");
    }
    let (error, _) = refused("nodes = 3\n", &[]);
    assert!(error.contains("missing field `name`"), "{error}");
    let (error, _) = refused("name = \"x\nnodes = 3\n", &[]);
    assert!(error.starts_with("test.toml: TOML parse error at line 1"), "{error}");
}

#[test]
fn a_canonical_plan_reads_back_and_hashes_alike_whatever_its_spelling_and_seed() {
    let plan = parse(MINIMAL, &[]).expect("valid");
    let canonical = plan.canonical();
    let again = parse(&canonical, &[]).expect("a canonical plan is a plan");
    assert_eq!(plan, again);
    let reordered = parse("nodes=30\nseed=5\n\nname='test' # a comment\n", &[]).expect("valid");
    assert_eq!(plan.hash(), reordered.hash());
    assert_ne!(plan.hash(), parse(MINIMAL, &["nodes=31"]).expect("valid").hash());
}

#[test]
fn a_trace_beside_the_plan_is_read_and_hashed() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (plan, trace) = (dir.path().join("plan.toml"), dir.path().join("sessions.csv"));
    std::fs::write(&plan, format!("{MINIMAL}[churn]\ntrace = \"sessions.csv\"\n")).expect("written");
    std::fs::write(&trace, "0,0,10\n1,0,20\n").expect("written");
    let first = Plan::load(&plan, &[]).expect("valid");
    assert_eq!(first.sessions.len(), 2);
    std::fs::write(&trace, "0,0,10\n1,0,21\n").expect("written");
    assert_ne!(first.hash(), Plan::load(&plan, &[]).expect("valid").hash());
    std::fs::write(&trace, "0,0,10\n0,5,21\n").expect("written");
    let error = Plan::load(&plan, &[]).expect_err("overlapping").to_string();
    assert!(error.contains("sessions.csv: node 0 has overlapping sessions: line 1"), "{error}");
    std::fs::remove_file(&trace).expect("removed");
    assert!(Plan::load(&plan, &[]).expect_err("gone").to_string().starts_with("cannot read "));
}
