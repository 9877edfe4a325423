//! What a live prover takes to prove a window of the circuit in use.
//!
//! The test makes the keys and starts itself again as a child that has nothing else in its memory:
//!
//! ```text
//! cargo test -p holdfast --test window -- --ignored --nocapture
//! ```
// It stands outside every world.
#![allow(clippy::disallowed_methods)]

use holdfast::{
    env::{
        Challenged, Circuits, Prover, ReadSlot,
        live::{LiveProver, LiveRng, proof_keys},
    },
    settings::Proving,
};
use holdfast_proofs::{
    circuit::{MAX_SLOTS, ProviderCircuit, provider_publics},
    field::{Fr, pack},
};
use std::{env, fs, path::Path, process::Command, rc::Rc, sync::Arc, time::Instant};

const DIR: &str = "HOLDFAST_WINDOW_DIR";
/// Bytes of each slot drawn.
const LENGTH: u64 = 1 << 20;
/// Most that a process may take that proves.
const LIMIT_KIB: u64 = 600 << 10;

fn circuits() -> Circuits {
    Circuits::new(ProviderCircuit::new(7, MAX_SLOTS, 5).expect("the circuit in use"))
}

fn settings() -> Proving {
    Proving { key_file: "proving.key".into(), insecure_development_key: true, ..Proving::default() }
}

/// A slot whose bytes follow from its number.
fn reading(number: u64) -> ReadSlot {
    Box::new(move |range| Ok(range.map(|at| ((at * (at + number)) >> 7) as u8).collect()))
}

fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells what a process takes");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("and this among it");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
#[ignore = "the child of the test below, which starts it"]
fn child() {
    let Ok(dir) = env::var(DIR) else { return };
    let keys = proof_keys(Path::new(&dir), &settings(), &circuits());
    let verifier = (keys.provider)().expect("the parent made it").verifying.prepare();
    let prover = LiveProver::new(circuits(), keys, Rc::new(LiveRng));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let seed = pack(&[3; 31]);
        let mut opened = Vec::new();
        for place in 0..MAX_SLOTS {
            let number = place as u64;
            let tree = Arc::new(prover.commit(LENGTH, reading(number)).await.expect("a tree"));
            let challenged = Challenged { seed, place };
            opened.push(prover.open(tree, challenged, reading(number)).await.expect("a whole slot"));
        }
        let roots: Vec<Fr> = opened.iter().map(|slot| slot.root()).collect();
        let started = Instant::now();
        let proof = prover.prove(opened).await.expect("a proof");
        let seconds = started.elapsed().as_secs_f64();
        assert_eq!(verifier.verify(&provider_publics(seed, &roots), &proof), Ok(()));
        println!("a window in {seconds:.1} s, {} MiB at most", peak_kib() >> 10);
        assert!(peak_kib() < LIMIT_KIB, "{} KiB to prove a window", peak_kib());
    });
}

#[test]
#[ignore = "makes the key of the circuit in use"]
fn a_window_is_proven_within_600_mib() {
    let dir = tempfile::tempdir().expect("a directory");
    let key = (proof_keys(dir.path(), &settings(), &circuits()).provider)().expect("it is made");
    drop(key);
    let length = fs::metadata(dir.path().join("proving.key")).expect("it is kept").len();
    println!("a key of {:.1} MB", length as f64 / 1e6);
    let child = Command::new(env::current_exe().expect("this test's own file"))
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(DIR, dir.path())
        .status();
    assert!(child.expect("this test's own file starts").success());
}
