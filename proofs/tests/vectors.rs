//! The vectors that the contracts are tested with, through the decoders and the verifier of this crate.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use holdfast_proofs::{
    challenge::indices,
    circuit::{opening_publics, provider_publics},
    field::{Fr, from_be_bytes},
    groth16::{
        Verifier, VerifyError,
        encoding::{self, DecodeError, proof_from_bytes, publics_from_bytes, verifying_key_from_bytes},
    },
    poseidon::{cell_hash, challenge_hash, node_hash},
    poseidon2,
    tree::{CellTreeBuilder, Opening, Schedule, Sha256Hash, SlotTreeBuilder, TreeHash},
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

/// A cell's siblings, with its own hashes put in between: the children of each node on the way.
fn path(shown: &Value, bytes: [u8; 496]) -> Opening<Sha256Hash> {
    let index = shown["index"].as_u64().unwrap();
    let siblings: Vec<[u8; 32]> =
        shown["path"].as_array().unwrap().iter().map(|it| self::bytes(it).try_into().unwrap()).collect();
    let mut own = Sha256Hash::cell(&bytes);
    let mut path = Vec::new();
    for (level, siblings) in siblings.chunks(7).enumerate() {
        let mut children = siblings.to_vec();
        children.insert((index >> (3 * level) & 7) as usize, own);
        let children: [[u8; 32]; 8] = children.try_into().unwrap();
        own = Sha256Hash::node(&children);
        path.push(children);
    }
    Opening { index, cell: bytes, path }
}

#[test]
fn vectors_of_openings() {
    check("opening-7.json", 4);
    let file = read("opening-7.json");
    let root = element(&file["slot_root"]);
    let cell_root: [u8; 32] = bytes(&file["cell_root"]).try_into().unwrap();
    for (case, shown) in file["accepted"].as_array().unwrap().iter().zip(file["shown"].as_array().unwrap()) {
        let cell: [u8; 496] = bytes(&shown["bytes"]).try_into().unwrap();
        let index = shown["index"].as_u64().unwrap();
        assert_eq!(elements(&case["inputs"]), opening_publics(root, index, &cell));
        assert!(path(shown, cell).verify(cell_root, 7));
    }
    // The refiller's root: its own cell is shown under it, and so is any that is right, but not the true one.
    let verifier = verifier(&file);
    let (wrong, shown) = (&file["wrong"], &file["shown"]);
    let shows = |at: usize, cell: &Value, proof: &Value| {
        let cell: [u8; 496] = bytes(cell).try_into().unwrap();
        let publics =
            opening_publics(element(&wrong["slot_root"]), shown[at]["index"].as_u64().unwrap(), &cell);
        verifier.verify(&publics, &proof_from_bytes(&joined(proof)).unwrap()).is_ok()
    };
    assert!(shows(1, &shown[1]["bytes"], &wrong["elsewhere"]));
    assert!(shows(0, &wrong["bytes"], &wrong["proof"]));
    assert!(!shows(0, &shown[0]["bytes"], &wrong["proof"]));
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

#[test]
fn vectors_of_poseidon2() {
    for it in read("poseidon2.json").as_array().unwrap() {
        let width = it["width"].as_u64().unwrap() as usize;
        let (partial, diagonal) = poseidon2::params::choice(width).unwrap();
        assert_eq!(it["diagonal_less_one"], serde_json::json!(diagonal));
        let made = poseidon2::Parameters::generate(width, partial, diagonal);
        let rounds = |name: &str| it[name].as_array().unwrap().iter().map(elements).collect::<Vec<_>>();
        assert_eq!((rounds("first"), rounds("last")), (made.first.clone(), made.last.clone()));
        assert_eq!(elements(&it["partial"]), made.partial);
        let lanes: [Fr; 16] = std::array::from_fn(|lane| Fr::from(lane as u64));
        let permuted = elements(&it["permuted"]);
        assert_eq!(permuted, made.permute(&lanes[..width]));
        match width {
            8 => assert_eq!(permuted, poseidon2::node_hash().permute(lanes[..8].try_into().unwrap())),
            16 => assert_eq!(permuted, poseidon2::cell_hash().permute(lanes)),
            _ => assert_eq!(width, 3),
        }
    }
}
