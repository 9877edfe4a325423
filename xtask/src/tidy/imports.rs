//! Which room may name which (ARCHITECTURE.md).

use super::{
    Finding,
    facts::{Facts, Use},
    tree::{File, Tree},
};
use std::collections::{BTreeMap, BTreeSet};

const ACTORS: &str = "node/src/actors/";
/// Capabilities that one actor owns, and that actor.
const OWNED: [(&str, &str); 7] = [
    ("Net", "network"),
    ("Dht", "network"),
    ("Inbound", "network"),
    ("Disk", "storage"),
    ("DiskFile", "storage"),
    ("Prover", "proof"),
    ("Chain", "incentive"),
];

/// The names that each actor's `messages.rs` makes public, and those of its rooms.
type Messages<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Adds what breaks the import rules.
pub fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    findings.extend(tree.unparsed().iter().map(|it| Finding::new(&it.path, it.line, it.message.as_str())));
    let messages = messages(tree);
    for file in tree.files() {
        let Some(facts) = file.production() else { continue };
        if file.below("node/src/").is_none() {
            continue;
        }
        let mut report = |line, message: String| findings.push(Finding::new(&file.path, line, message));
        live_stays_behind_the_seam(file, facts, &mut report);
        pure_rooms_name_no_world(file, facts, &mut report);
        if let Some(inner) = file.below(ACTORS) {
            let actor = inner.split('/').next().unwrap_or_default();
            actors_meet_by_messages(actor, facts, &messages, &mut report);
            one_capability_one_owner(actor, facts, &mut report);
            if is_state(inner) {
                state_is_pure(facts, &mut report);
            }
        }
    }
}

fn messages(tree: &Tree) -> Messages<'_> {
    let mut messages = Messages::new();
    for file in tree.files() {
        let place = file.below(ACTORS).and_then(|inner| inner.strip_suffix("/messages.rs"));
        if let (Some(place), Some(facts)) = (place, &file.facts) {
            let actor = place.split('/').next().unwrap_or_default();
            messages.entry(actor).or_default().extend(facts.public.iter().map(String::as_str));
        }
    }
    messages
}

fn is_state(inner: &str) -> bool {
    inner.ends_with("/state.rs") || inner.contains("/state/")
}

fn starts_with(used: &Use, prefix: &[&str]) -> bool {
    used.path.len() >= prefix.len() && used.path.iter().zip(prefix).all(|(have, want)| have == want)
}

fn live_stays_behind_the_seam(file: &File, facts: &Facts, report: &mut impl FnMut(usize, String)) {
    let allowed = ["node/src/env/", "node/src/cli/", "node/src/main.rs"];
    if allowed.iter().any(|prefix| file.path.starts_with(prefix)) {
        return;
    }
    for used in facts.uses.iter().filter(|used| starts_with(used, &["env", "live"])) {
        report(used.line, "names env::live; only cli and main may know which world they run in".into());
    }
}

fn pure_rooms_name_no_world(file: &File, facts: &Facts, report: &mut impl FnMut(usize, String)) {
    let Some(room) = ["data", "types"]
        .into_iter()
        .find(|room| file.below("node/src/").is_some_and(|inner| inner.split('/').next() == Some(room)))
    else {
        return;
    };
    for used in &facts.uses {
        let Some(first) = used.path.first() else { continue };
        if matches!(first.as_str(), "env" | "actors" | "node" | "api" | "cli") {
            report(
                used.line,
                format!("{room}/ names {}; it is pure and knows no world", used.path.join("::")),
            );
        }
    }
    for &line in &facts.asyncs {
        report(line, format!("{room}/ is async; it is pure and waits for nothing"));
    }
}

fn actors_meet_by_messages(
    actor: &str,
    facts: &Facts,
    messages: &Messages<'_>,
    report: &mut impl FnMut(usize, String),
) {
    for used in facts.uses.iter().filter(|used| starts_with(used, &["actors"])) {
        let [_, other, name, ..] = used.path.as_slice() else { continue };
        let foreign = other != actor && messages.contains_key(other.as_str());
        let said =
            name == "messages" || messages.get(other.as_str()).is_some_and(|it| it.contains(name.as_str()));
        if foreign && !said {
            report(
                used.line,
                format!("actor {actor} names {other}::{name}; import only what {other}/messages.rs declares"),
            );
        }
    }
}

fn one_capability_one_owner(actor: &str, facts: &Facts, report: &mut impl FnMut(usize, String)) {
    for used in facts.uses.iter().filter(|used| starts_with(used, &["env"])) {
        let owned = OWNED.iter().find(|(capability, _)| used.path.get(1).is_some_and(|it| it == capability));
        if let Some((capability, owner)) = owned
            && actor != *owner
        {
            report(used.line, format!("actor {actor} names {capability}, which only {owner} is given"));
        }
    }
}

/// A decision may carry an error of the seam along, but it holds no capability and never waits.
fn state_is_pure(facts: &Facts, report: &mut impl FnMut(usize, String)) {
    for &line in &facts.asyncs {
        report(line, "state is async; decide here, wait in actor.rs".into());
    }
    for used in facts.uses.iter().filter(|used| starts_with(used, &["env"])) {
        let Some(name) = used.path.get(1) else { continue };
        if !name.ends_with("Error") {
            report(used.line, format!("state names env::{name}; take what it tells as an argument"));
        }
    }
}
