//! The vectors that the contracts are tested with, through the decoders and the verifier of this crate.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use holdfast_proofs::{
    challenge::indices,
    circuit::provider_publics,
    field::{Fr, from_be_bytes},
    groth16::{
        Verifier, VerifyError,
        encoding::{self, DecodeError, proof_from_bytes, publics_from_bytes, verifying_key_from_bytes},
    },
    poseidon::{cell_hash, challenge_hash, node_hash},
    tree::{CellTreeBuilder, Schedule, SlotTreeBuilder},
};
use serde_json::Value;
use std::{fs, path::Path};

fn read(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap().strip_prefix("0x").unwrap()).unwrap()
}

fn joined(values: &Value) -> Vec<u8> {
    values.as_array().unwrap().iter().flat_map(bytes).collect()
}

fn element(value: &Value) -> Fr {
    from_be_bytes(&bytes(value).try_into().unwrap()).unwrap()
}

fn elements(values: &Value) -> Vec<Fr> {
    values.as_array().unwrap().iter().map(element).collect()
}

/// The key in the crate's own encoding, put together from the file's numbers.
fn verifier(file: &Value) -> Verifier {
    let (key, digest) = (&file["verifying_key"], bytes(&file["digest"]));
    let points = key["ic"].as_array().unwrap();
    let mut encoded = b"HFVK".to_vec();
    encoded.extend(encoding::VERSION.to_le_bytes());
    encoded.extend(&digest);
    encoded.extend((points.len() as u32 - 1).to_le_bytes());
    for name in ["alpha", "beta", "delta"] {
        encoded.extend(joined(&key[name]));
    }
    encoded.extend(points.iter().flat_map(joined));
    let key = verifying_key_from_bytes(&encoded, digest.as_slice().try_into().unwrap()).unwrap();
    assert!(key.is_insecure_development());
    key.prepare()
}

fn outcome(verifier: &Verifier, case: &Value) -> &'static str {
    let inputs: Vec<[u8; 32]> =
        case["inputs"].as_array().unwrap().iter().map(|it| bytes(it).try_into().unwrap()).collect();
    let decoded = publics_from_bytes(&inputs)
        .and_then(|inputs| Ok((inputs, proof_from_bytes(&joined(&case["proof"]))?)));
    match decoded {
        Ok((inputs, proof)) => match verifier.verify(&inputs, &proof) {
            Ok(()) => "Accepted",
            Err(VerifyError::Refused) => "Refused",
            Err(VerifyError::Inputs { .. }) => "Inputs",
        },
        Err(DecodeError::Input(_)) => "Input",
        Err(DecodeError::Coordinate) => "Coordinate",
        Err(DecodeError::NotOnCurve) => "NotOnCurve",
        Err(DecodeError::NotInGroup) => "NotInGroup",
        Err(_) => "other",
    }
}

fn check(name: &str, fewest: usize) {
    let file = read(name);
    let verifier = verifier(&file);
    let accepted = file["accepted"].as_array().unwrap();
    assert!(accepted.len() >= fewest);
    for case in accepted {
        assert_eq!(outcome(&verifier, case), "Accepted", "{name}: {}", case["name"]);
    }
    let refused = file["refused"].as_array().unwrap();
    assert!(refused.len() >= 10);
    for case in refused {
        assert_eq!(outcome(&verifier, case), case["why"].as_str().unwrap(), "{name}: {}", case["name"]);
    }
}

#[test]
fn vectors_of_the_small_circuit() {
    check("slot-2x3.json", 32);
}

#[test]
fn vectors_of_the_full_circuit() {
    check("slot-7x80.json", 2);
}

#[test]
fn vectors_of_the_provider_form() {
    check("provider-2x16x1.json", 4);
    check("provider-7x16x5.json", 2);
    for name in ["provider-2x16x1.json", "provider-7x16x5.json"] {
        let file = read(name);
        let roots = elements(&file["roots"]);
        for case in file["accepted"].as_array().unwrap() {
            let inputs = elements(&case["inputs"]);
            assert_eq!(inputs, provider_publics(inputs[0], &roots));
        }
    }
}

#[test]
fn vectors_of_access() {
    check("access-7.json", 2);
}

#[test]
fn vectors_without_proofs() {
    let file = read("native.json");
    let lanes: [Fr; 16] = std::array::from_fn(|lane| Fr::from(lane as u64));
    let hashes = &file["compress"];
    assert_eq!(element(&hashes["0..3"]), challenge_hash().compress(&lanes[..3].try_into().unwrap()));
    assert_eq!(element(&hashes["0..8"]), node_hash().compress(&lanes[..8].try_into().unwrap()));
    assert_eq!(element(&hashes["0..16"]), cell_hash().compress(&lanes));
    let data: Vec<u8> = (0..20_001_u32).map(|at| (at * 197 + at / 253) as u8).collect();
    for tree in file["slot"]["trees"].as_array().unwrap() {
        let levels = tree["levels"].as_u64().unwrap() as usize;
        let mut slot = SlotTreeBuilder::new(levels, Schedule::Inline).unwrap();
        slot.push(&data).unwrap();
        assert_eq!(element(&tree["slot_root"]), slot.finish().root());
        let mut cells = CellTreeBuilder::new(levels, Schedule::Inline).unwrap();
        cells.push(&data).unwrap();
        assert_eq!(bytes(&tree["cell_root"]), cells.finish().root());
    }
    let challenge = &file["challenge"];
    let drawn: Vec<u64> = serde_json::from_value(challenge["indices"].clone()).unwrap();
    assert_eq!(drawn, indices(element(&challenge["seed"]), drawn.len(), 7));
    let provider = &file["provider_publics"];
    let publics = provider_publics(element(&provider["seed"]), &elements(&provider["roots"]));
    assert_eq!(elements(&provider["publics"]), publics);
}
