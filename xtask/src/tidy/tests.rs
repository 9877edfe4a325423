//! Every rule finds its breach, and the workspace has none.

use super::{Tree, check};

/// Findings of a small tree, as text.
fn findings(files: &[(&str, &str)]) -> Vec<String> {
    let entries = files.iter().map(|(path, text)| (path.to_string(), Some(text.to_string())));
    check(&Tree::of(entries)).iter().map(ToString::to_string).collect()
}

const STORAGE_MESSAGES: (&str, &str) = ("node/src/actors/storage/messages.rs", "pub struct Scrub;");

#[test]
fn the_workspace_is_tidy() {
    super::run(&crate::workspace_root()).expect("the findings above name each file and line");
}

#[test]
fn an_actor_may_import_the_messages_of_another_and_nothing_else() {
    let clean = "use crate::actors::storage::{self, Scrub}; fn f(_: storage::Scrub, _: Scrub) {}";
    assert!(findings(&[STORAGE_MESSAGES, ("node/src/actors/repair/actor.rs", clean)]).is_empty());
    let room = ("node/src/actors/storage/scrub/messages.rs", "pub struct Scrubbed;");
    let both = "use crate::actors::storage::{Scrub, Scrubbed};";
    let repair = ("node/src/actors/repair/actor.rs", both);
    assert!(findings(&[room, STORAGE_MESSAGES, repair]).is_empty(), "a room's messages are its actor's");
    for breach in [
        "use crate::actors::storage::StorageActor;",
        "use super::super::storage::state::State;",
        "use crate::actors::storage::*;",
        "use crate::actors::storage;\nfn f(_: storage::StorageActor) {}",
        "fn f() { crate::actors::storage::actor::start() }",
    ] {
        let found = findings(&[STORAGE_MESSAGES, ("node/src/actors/repair/actor.rs", breach)]);
        assert_eq!(found.len(), 1, "{breach}: {found:?}");
        assert!(found[0].contains("import only what storage/messages.rs declares"), "{found:?}");
    }
    let own = "use super::state::State;";
    assert!(findings(&[STORAGE_MESSAGES, ("node/src/actors/storage/actor.rs", own)]).is_empty());
}

#[test]
fn a_capability_has_one_owner() {
    let text = "use crate::env::{Clock, Disk};";
    assert!(findings(&[("node/src/actors/storage/actor.rs", text)]).is_empty());
    let found = findings(&[("node/src/actors/client/actor.rs", text)]);
    assert_eq!(
        found,
        ["node/src/actors/client/actor.rs:1: actor client names Disk, which only storage is given"]
    );
}

#[test]
fn data_and_types_know_no_world() {
    assert!(findings(&[("node/src/data/encode.rs", "use crate::{limits, types::Code};")]).is_empty());
    for path in ["node/src/data/encode.rs", "node/src/types/code.rs"] {
        assert_eq!(findings(&[(path, "use crate::{\n    env::Clock,\n};")]).len(), 1);
        assert_eq!(findings(&[(path, "async fn f() {}")]).len(), 1);
    }
}

#[test]
fn state_neither_waits_nor_holds_a_capability() {
    let path = "node/src/actors/repair/state.rs";
    assert!(findings(&[(path, "use crate::env::NetError; fn f(_: NetError) {}")]).is_empty());
    assert_eq!(findings(&[(path, "use crate::env::Clock;")]).len(), 1);
    assert_eq!(findings(&[(path, "fn f() { let _ = async { g().await }; }")]).len(), 2);
}

#[test]
fn only_the_command_line_knows_the_live_world() {
    let text = "fn f() { crate::env::live::open() }";
    assert_eq!(findings(&[("node/src/node.rs", text)]).len(), 1);
    assert!(findings(&[("node/src/cli/run.rs", text)]).is_empty());
}

#[test]
fn budgets_hold_for_production_lines_only() {
    let lines = |count: usize| "// A line.\n".repeat(count);
    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", lines(600));
    assert!(findings(&[("node/src/a.rs", &(lines(500) + &tests))]).is_empty());
    assert_eq!(findings(&[("node/src/a.rs", &lines(501))]).len(), 1);
    assert!(findings(&[("node/src/a/tests.rs", &lines(900))]).is_empty());
    assert_eq!(findings(&[("node/src/a/mod.rs", &lines(81))]).len(), 1);
    let function = |count: usize| format!("fn f() {{\n{}}}\n", "    g();\n".repeat(count - 2));
    assert!(findings(&[("node/src/a.rs", &function(70))]).is_empty());
    let found = findings(&[("node/src/a.rs", &function(71))]);
    assert_eq!(found, ["node/src/a.rs:1: fn f has 71 lines, the budget is 70"]);
}

#[test]
fn forbidden_words_are_found_in_code_and_in_macros() {
    let unwrap = concat!("x.un", "wrap()");
    for breach in [
        format!("fn f() {{ {unwrap}; }}"),
        format!("fn f() {{ println!(\"{{}}\", {unwrap}); }}"),
        concat!("fn f() { to", "do!() }").to_string(),
        concat!("fn f() { unimple", "mented!(\"later\") }").to_string(),
        concat!("// TO", "DO: write it").to_string(),
        concat!("const P: &str = \"/wo", "rk/x\";").to_string(),
        concat!("#[cfg(mad", "sim)] fn f() {}").to_string(),
    ] {
        let found = findings(&[("benches/src/a.rs", &breach)]);
        assert!(!found.is_empty(), "{breach}");
    }
    let test = format!("#[cfg(test)]\nmod tests {{ fn f() {{ {unwrap}; }} }}");
    assert!(findings(&[("node/src/a.rs", &test)]).is_empty());
    assert!(findings(&[("node/src/a.rs", "fn f() { x.unwrap_or(1); }")]).is_empty());
}

#[test]
fn only_the_simulator_names_its_crate() {
    let text = concat!("# about mad", "sim");
    assert_eq!(findings(&[("node/Cargo.toml", text)]).len(), 1);
    assert!(findings(&[("sim/Cargo.toml", text)]).is_empty());
}

#[test]
fn a_link_must_lead_somewhere() {
    let adr = ("docs/adr/0001.md", "[up](../../README.md#a) [web](https://example.org) [here](#b)");
    assert!(findings(&[adr, ("README.md", "[adr](docs/adr/0001.md), [folder](docs)")]).is_empty());
    assert_eq!(findings(&[("README.md", "[gone](docs/none.md)")]).len(), 1);
    assert_eq!(findings(&[("README.md", "[out](../x.md)")]).len(), 1);
    assert!(findings(&[("README.md", "```\n[code](x)\n```")]).is_empty());
}

#[test]
fn a_file_that_does_not_parse_is_a_finding() {
    assert_eq!(findings(&[("node/src/a.rs", "fn {")]).len(), 1);
}
