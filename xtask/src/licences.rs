//! Licences, banned names and sources of every dependency, against `deny.toml`.
//!
//! The file is cargo-deny's own; this chore keeps the part of it that needs no advisory database, so
//! that the check runs wherever cargo does. `cargo deny check advisories` adds the rest.

use crate::Failure;
use serde::Deserialize;
use spdx::{Expression, ParseMode};
use std::{collections::BTreeSet, fs, path::Path, process::Command};

/// The part of `deny.toml` that is checked here.
#[derive(Deserialize)]
struct Policy {
    graph: Graph,
    licenses: Licences,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
struct Graph {
    targets: Vec<String>,
}

#[derive(Deserialize)]
struct Licences {
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Banned>,
}

#[derive(Deserialize)]
struct Banned {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: BTreeSet<String>,
}

/// What `cargo metadata` tells of the tree.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

/// Checks the dependency tree of every target named in `deny.toml`.
pub fn run(root: &Path) -> Result<(), Failure> {
    let text =
        fs::read_to_string(root.join("deny.toml")).map_err(|why| format!("deny.toml: cannot read: {why}"))?;
    let policy: Policy = toml::from_str(&text).map_err(|why| format!("deny.toml: {why}"))?;
    let mut used = BTreeSet::new();
    for target in &policy.graph.targets {
        used.extend(compiled(root, target)?);
    }
    let metadata: Metadata = serde_json::from_str(&cargo(root, &["metadata", "--format-version", "1"])?)
        .map_err(|why| format!("cargo metadata: {why}"))?;
    let packages: Vec<&Package> =
        metadata.packages.iter().filter(|package| used.contains(&package.title())).collect();
    let findings: Vec<String> = packages.iter().flat_map(|package| policy.objections(package)).collect();
    for finding in &findings {
        eprintln!("{finding}");
    }
    if findings.is_empty() {
        eprintln!("{} packages: licences, names and sources are allowed", packages.len());
        Ok(())
    } else {
        Err(format!("licences: {} findings against deny.toml", findings.len()))
    }
}

/// Name and version of every package that a build of the workspace for `target` compiles. `cargo
/// metadata` alone would also list what no enabled feature reaches.
fn compiled(root: &Path, target: &str) -> Result<BTreeSet<String>, Failure> {
    let tree = cargo(
        root,
        &[
            "tree",
            "--workspace",
            "--target",
            target,
            "--edges",
            "normal,build,dev",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ],
    )?;
    let title = |line: &str| {
        let mut words = line.split_whitespace();
        Some(format!("{} {}", words.next()?, words.next()?.strip_prefix('v')?))
    };
    Ok(tree.lines().filter_map(title).collect())
}

/// What a cargo command prints.
fn cargo(root: &Path, arguments: &[&str]) -> Result<String, Failure> {
    let output = Command::new(env!("CARGO"))
        .current_dir(root)
        .args(arguments)
        .arg("--locked")
        .output()
        .map_err(|why| format!("cargo {}: cannot start: {why}", arguments[0]))?;
    if !output.status.success() {
        return Err(format!("cargo {}: {}", arguments[0], String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

impl Package {
    fn title(&self) -> String {
        format!("{} {}", self.name, self.version)
    }
}

impl Policy {
    /// All that speaks against a package.
    fn objections(&self, package: &Package) -> Vec<String> {
        let name = package.title();
        let licence = self.licence_objection(package.license.as_deref());
        let banned = self.bans.deny.iter().find(|banned| banned.name == package.name);
        let source = package.source.as_deref().filter(|source| !self.known_source(source));
        [
            licence.map(|why| format!("{name}: {why}")),
            banned.map(|banned| format!("{name}: banned: {}", banned.reason)),
            source.map(|source| format!("{name}: source {source} is not allowed")),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// A path dependency has no source; a registry's is prefixed with `registry+`.
    fn known_source(&self, source: &str) -> bool {
        source.strip_prefix("registry+").is_some_and(|url| self.sources.allow_registry.contains(url))
    }

    fn licence_objection(&self, licence: Option<&str>) -> Option<String> {
        let Some(text) = licence else { return Some("names no licence".into()) };
        let expression = match Expression::parse_mode(text, ParseMode::LAX) {
            Ok(expression) => expression,
            Err(why) => return Some(format!("licence {text:?} is no SPDX expression: {}", why.reason)),
        };
        let allowed = expression.evaluate(|term| self.licenses.allow.contains(&term.to_string()));
        (!allowed).then(|| format!("licence {text:?} is not allowed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        let deny = |name: &str| Banned { name: name.into(), reason: "archived".into() };
        Policy {
            graph: Graph { targets: Vec::new() },
            licenses: Licences {
                allow: ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].map(String::from).into(),
            },
            bans: Bans { deny: vec![deny("ethers")] },
            sources: Sources { allow_registry: ["https://example.org/index".to_string()].into() },
        }
    }

    fn package(name: &str, license: Option<&str>, source: Option<&str>) -> Package {
        Package {
            name: name.into(),
            version: "1.0.0".into(),
            license: license.map(String::from),
            source: source.map(String::from),
        }
    }

    #[test]
    fn a_choice_needs_one_allowed_licence_and_a_sum_needs_all() {
        let policy = policy();
        assert_eq!(policy.licence_objection(Some("MIT OR GPL-3.0-only")), None);
        assert_eq!(policy.licence_objection(Some("MIT/Apache-2.0")), None);
        assert_eq!(policy.licence_objection(Some("Apache-2.0 WITH LLVM-exception OR GPL-2.0-only")), None);
        assert!(policy.licence_objection(Some("MIT AND GPL-3.0-only")).is_some());
        assert!(policy.licence_objection(Some("nonsense")).is_some());
        assert!(policy.licence_objection(None).is_some());
    }

    #[test]
    fn a_banned_name_and_a_strange_source_are_found() {
        let policy = policy();
        let index = Some("registry+https://example.org/index");
        assert!(policy.objections(&package("serde", Some("MIT"), index)).is_empty());
        assert_eq!(policy.objections(&package("ethers", Some("MIT"), index)).len(), 1);
        let git = Some("git+https://example.org/serde.git");
        assert_eq!(policy.objections(&package("serde", Some("GPL-3.0-only"), git)).len(), 2);
    }

    #[test]
    fn the_workspace_obeys_its_policy() {
        run(&crate::workspace_root()).expect("the findings above name each package");
    }
}
