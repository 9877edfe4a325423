//! A ceremony from a phase 1 that snarkjs made to keys that prove, command by command.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use holdfast_proofs::{
    access::{Gate, Pass, Scope},
    circuit::{AccessCircuit, AccessKey, AccessList},
    field::Fr,
    groth16::encoding::{proving_key_from_bytes, verifying_key_from_bytes},
    r1cs::measure,
};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::AtomicBool,
};
use tempfile::TempDir;

/// SHA-256 of the vector, as its README tells it.
const PIN: &str = "23c6bedc4615cd86d49367fb4878a07eb83aa3d585adad8edebb0d793f947c2d";
const BEACON: &str = "0x00000000000000000000000000000000000000000000000000000000000000aa";
/// The smallest circuit there is.
const CIRCUIT: &str = "access-1";

fn powers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../proofs/vectors/powers-10.ptau")
}

/// A directory in which one ceremony is held.
struct Room(TempDir);

impl Room {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs `holdfast ceremony ARGUMENTS…` in the directory.
    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_holdfast"))
            .current_dir(self.0.path())
            .arg("ceremony")
            .args(arguments)
            .output()
            .unwrap()
    }

    fn import(&self, circuit: &str, pin: &str, to: &str) -> Output {
        let powers = powers();
        let phase1 = ["--phase1", powers.to_str().unwrap(), "--sha256", pin];
        self.run(&[&["import-phase1", "--circuit", circuit, "-o", to], &phase1[..]].concat())
    }

    fn verify(&self, circuit: &str) -> Output {
        let powers = powers();
        let phase1 = ["--phase1", powers.to_str().unwrap(), "--sha256", PIN, "--json"];
        self.run(&[&["verify", "c", "--circuit", circuit], &phase1[..]].concat())
    }
}

fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The command failed with this code, this in its message and this in its hint.
fn refused(output: &Output, code: i32, error: &str, hint: &str) {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{text}");
    let (first, rest) = text.split_once("\n\nhint: ").unwrap_or_else(|| panic!("no hint in {text:?}"));
    assert!(first.contains(error) && rest.contains(hint), "{text}");
    assert_eq!(output.stdout, b"");
}

fn kinds(report: &str) -> Vec<String> {
    let report: Value = serde_json::from_str(report).unwrap();
    report["contributions"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap().into()).collect()
}

#[test]
fn a_ceremony_from_powers_of_tau_to_keys_that_prove() {
    let room = Room::new();
    done(&room.import(CIRCUIT, PIN, "c"));
    refused(&room.import(CIRCUIT, PIN, "c"), 1, "c is there already", "-o");
    refused(&room.verify(CIRCUIT), 1, "no contribution of a secret", "ceremony contribute");
    let export = |to: &str| room.run(&["export", "c", "--chain-id", "1", "-o", to, "--json"]);
    refused(&export("early"), 1, "no contribution of a secret", "ceremony contribute");
    let beacon = || room.run(&["beacon", "c", "--value", BEACON, "--log", "10"]);
    refused(&beacon(), 1, "no contribution of a secret", "ceremony contribute");

    let first = done(&room.run(&["contribute", "c"]));
    let after_first = fs::read(room.path("c")).unwrap();
    let second = done(&room.run(&["contribute", "c"]));
    assert!(second.starts_with(first.trim_end()), "the second continues the first:\n{first}\n{second}");
    refused(&export("early"), 1, "not over", "ceremony beacon");
    let report = room.verify(CIRCUIT);
    assert!(String::from_utf8_lossy(&report.stderr).contains("no beacon yet"));
    assert_eq!(kinds(&done(&report)), ["secret", "secret"]);
    done(&beacon());
    refused(&room.run(&["contribute", "c"]), 1, "ended by its beacon", "file before it");
    assert_eq!(kinds(&done(&room.verify(CIRCUIT))), ["secret", "secret", "beacon"]);
    refused(&room.verify("access-2"), 1, "circuit", "SHA-256");

    let written: Value = serde_json::from_str(&done(&export("keys"))).unwrap();
    assert_eq!(written["insecure_development"], false);
    refused(&export("keys"), 1, "file exists", "name another file");
    proves(&room.path("keys"));

    // One contributor goes behind the back of the next, and a bit falls over on the way.
    let mut spoiled = fs::read(room.path("c")).unwrap();
    let middle = spoiled.len() / 2;
    spoiled[middle] ^= 1;
    fs::write(room.path("c"), &spoiled).unwrap();
    refused(&room.verify(CIRCUIT), 1, "checksum differs", "fetch it again");
    fs::write(room.path("c"), &after_first[..after_first.len() - 1]).unwrap();
    refused(&room.run(&["contribute", "c"]), 1, "no ceremony", "fetch it again");
}

/// What was exported proves, verifies, and describes itself to the contracts' generator.
fn proves(keys: &Path) {
    let circuit = AccessCircuit::new(1).unwrap();
    let digest = measure(&circuit).digest;
    let read = |name: &str| fs::read(keys.join(name)).unwrap();
    let proving = proving_key_from_bytes(&read("proving.key"), &digest).unwrap();
    let verifying = verifying_key_from_bytes(&read("verifying.key"), &digest).unwrap();
    assert_eq!(proving.verifying, verifying);
    let member = AccessKey::new(Fr::from(7));
    let list = AccessList::new(1, vec![member.member()]).unwrap();
    let scope = Scope { provider: [1; 32], epoch: 0 };
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let request = b"anything";
    let key = (&proving, &circuit);
    let pass =
        Pass::prove(key, (&list, &member), (&scope, request), &mut rng, &AtomicBool::new(false)).unwrap();
    let mut gate = Gate::new(&verifying, list.root(), scope, 1);
    assert_eq!(gate.admit(request, &pass), Ok(()));
    let contract: Value = serde_json::from_slice(&read("verifying.json")).unwrap();
    assert_eq!(contract["digest"], format!("0x{}", hex::encode(digest)));
    assert_eq!(contract["insecure_development"], false);
    assert_eq!(contract["verifying_key"]["ic"].as_array().unwrap().len(), 5);
}

#[test]
fn phase_1_is_taken_only_as_pinned_and_large_enough() {
    let room = Room::new();
    refused(&room.import(CIRCUIT, &"00".repeat(32), "c"), 1, "not the pinned one", "--sha256");
    refused(&room.import("slot-2x1", PIN, "c"), 1, "needs 2^11 powers, phase 1 has 2^10", "more powers");
    for circuit in ["slot-9x80", "slot", "access-01"] {
        assert_eq!(room.import(circuit, PIN, "c").status.code(), Some(2), "{circuit}");
    }
    assert_eq!(room.import(CIRCUIT, "0102", "c").status.code(), Some(2));
    assert!(!room.path("c").exists());
    let missing = room.run(&["contribute", "nothing"]);
    assert_eq!(missing.status.code(), Some(3));
}

#[test]
fn development_keys_are_the_same_for_everybody_and_refused_on_main_networks() {
    let room = Room::new();
    let export = |chain: &str, to: &str| {
        room.run(&["export", "--development", CIRCUIT, "--chain-id", chain, "-o", to, "--json"])
    };
    for (chain, name) in [("1", "Ethereum"), ("56", "BNB Smart Chain"), ("8453", "Base")] {
        refused(&export(chain, "keys"), 1, &format!("chain {chain}, {name}"), "hold a ceremony");
    }
    assert!(!room.path("keys").exists());
    let output = export("31337", "keys");
    assert!(String::from_utf8_lossy(&output.stderr).contains("INSECURE"));
    let written: Value = serde_json::from_str(&done(&output)).unwrap();
    assert_eq!(written["insecure_development"], true);
    done(&export("11155111", "again"));
    for file in ["proving.key", "verifying.key", "verifying.json"] {
        let bytes = |dir: &str| fs::read(room.path(dir).join(file)).unwrap();
        assert!(bytes("keys") == bytes("again"), "{file}");
    }
}
