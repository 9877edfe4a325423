//! Revert data is read, whichever contract it is of.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use alloy::{
    primitives::{Address, U256},
    sol_types::{Panic, Revert, SolError},
};
use holdfast_contracts::{abi, reason};

#[test]
fn an_error_is_named_with_its_arguments() {
    let error = abi::Market::WrongState { agreement: U256::from(7), index: U256::from(2) };
    assert_eq!(reason(&error.abi_encode()).unwrap(), "WrongState { agreement: 7, index: 2 }");
    let error = abi::Providers::NotOperator { provider: Address::ZERO, caller: Address::repeat_byte(0x11) };
    let expected = "NotOperator { provider: 0x0000000000000000000000000000000000000000, \
                    caller: 0x1111111111111111111111111111111111111111 }";
    assert_eq!(reason(&error.abi_encode()).unwrap(), expected);
}

#[test]
fn text_and_panics_are_read() {
    assert_eq!(reason(&Revert::from("GS026").abi_encode()).unwrap(), "GS026");
    assert!(reason(&Panic::from(0x11).abi_encode()).unwrap().contains("overflow"));
}

#[test]
fn what_is_no_error_of_ours_has_no_name() {
    for data in [&[][..], &[1, 2, 3], &[0xde, 0xad, 0xbe, 0xef, 0]] {
        assert_eq!(reason(data), None);
    }
}

#[test]
fn every_error_of_every_artifact_is_known() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts");
    let mut known = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let artifact: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let errors = artifact["abi"].as_array().unwrap().iter().filter(|it| it["type"] == "error");
        for error in errors {
            let (data, name) = sample(error);
            let found = reason(&data).unwrap_or_else(|| panic!("{}: {name}", path.display()));
            assert!(found.starts_with(&name), "{}: {name} is read as {found}", path.display());
            known += 1;
        }
    }
    assert!(known > 100, "{known} errors");
}

/// Revert data of an error whose arguments are all small numbers, and its name.
fn sample(error: &serde_json::Value) -> (Vec<u8>, String) {
    let name = error["name"].as_str().unwrap().to_string();
    let types: Vec<&str> =
        error["inputs"].as_array().unwrap().iter().map(|it| it["type"].as_str().unwrap()).collect();
    let hash = alloy::primitives::keccak256(format!("{name}({})", types.join(",")));
    let mut data = hash[..4].to_vec();
    for kind in &types {
        // An offset for what has a dynamic size; nothing else here is larger than a word.
        let word = if matches!(*kind, "string" | "bytes") { types.len() * 32 } else { 1 };
        data.extend(U256::from(word).to_be_bytes::<32>());
    }
    data.extend([0; 32]);
    (data, name)
}
