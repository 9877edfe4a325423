//! What the generator writes is what is in git, and a key that makes no sense has no verifier.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use holdfast_contracts::verifier::{KeyError, KeyFile, Place, render};
use std::{fs, path::Path};

/// Key, contract, path of the interface from it, folder: as `contracts/tools/generate` lists them.
const GENERATED: [[&str; 4]; 8] = [
    ["contracts/test/vectors/toy-2.json", "ToyVerifier2", "../../src/proof/", "contracts/test/generated"],
    ["contracts/test/vectors/toy-4.json", "ToyVerifier4", "../../src/proof/", "contracts/test/generated"],
    ["proofs/vectors/slot-2x3.json", "SmallSlotVerifier", "../../src/proof/", "contracts/test/generated"],
    [
        "proofs/vectors/provider-2x16x1.json",
        "SmallProviderVerifier",
        "../../src/proof/",
        "contracts/test/generated",
    ],
    ["proofs/vectors/access-7.json", "AccessVerifier", "../../src/proof/", "contracts/test/generated"],
    ["proofs/vectors/slot-7x80.json", "SlotVerifier", "../proof/", "contracts/src/generated"],
    ["proofs/vectors/provider-7x16x5.json", "ProviderVerifier", "../proof/", "contracts/src/generated"],
    ["proofs/vectors/opening-7.json", "OpeningVerifier", "../proof/", "contracts/src/generated"],
];

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::read_to_string(root.join(path)).unwrap()
}

fn toy() -> serde_json::Value {
    serde_json::from_str(&read(GENERATED[0][0])).unwrap()
}

#[test]
fn every_verifier_is_as_generated() {
    for [source, name, imports, folder] in GENERATED {
        let key = KeyFile::from_json(&read(source)).unwrap();
        let rendered = render(&key, Place { name, source, imports });
        assert!(!rendered.contains("{{"), "{name}: a placeholder is left");
        assert!(
            rendered == read(&format!("{folder}/{name}.sol")),
            "{name} differs: run contracts/tools/generate"
        );
    }
}

#[test]
fn the_script_lists_what_this_test_checks() {
    let script = read("contracts/tools/generate");
    for line in GENERATED.map(|line| line.join(" ")) {
        assert!(script.contains(&line), "{line}");
    }
    assert_eq!(script.lines().filter(|line| line.starts_with("render ")).count(), GENERATED.len());
}

#[test]
fn a_key_without_inputs_or_with_too_many_is_refused() {
    for points in [0, 1, 10] {
        let mut key = toy();
        key["verifying_key"]["ic"] = vec![key["verifying_key"]["ic"][0].clone(); points].into();
        let refused = KeyFile::from_json(&key.to_string());
        assert!(matches!(refused, Err(KeyError::Inputs(_))), "{points} points: {refused:?}");
    }
}

#[test]
fn a_coordinate_outside_the_field_is_refused() {
    let mut key = toy();
    key["verifying_key"]["beta"][2] = format!("0x{}", "f".repeat(64)).into();
    assert!(matches!(KeyFile::from_json(&key.to_string()), Err(KeyError::Coordinate(_))));
    assert!(matches!(KeyFile::from_json("{}"), Err(KeyError::Unreadable(_))));
}

#[test]
fn the_hash_depends_on_every_word() {
    let honest = KeyFile::from_json(&toy().to_string()).unwrap().verifying_key;
    for field in ["alpha", "beta", "gamma", "delta"] {
        let mut key = toy();
        key["verifying_key"][field][1] = "0x1".into();
        assert_ne!(
            KeyFile::from_json(&key.to_string()).unwrap().verifying_key.hash(),
            honest.hash(),
            "{field}"
        );
    }
}
