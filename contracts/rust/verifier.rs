//! Renders the Solidity verifier of a Groth16 verifying key from the templates in `contracts/templates`.
//!
//! The templates hold the algorithm, a key its numbers: nothing of a generated file is written by hand.

use alloy_primitives::{B256, U256, hex, keccak256, uint};
use serde::Deserialize;
use std::fmt::Write as _;

const CONTRACT: &str = include_str!("../templates/Groth16Verifier.sol.template");
const PRELUDE: &str = include_str!("../templates/prelude.template");
const BATCH_PRELUDE: &str = include_str!("../templates/prelude-batch.template");

/// Order of BN254's base field (EIP-197).
const P: U256 = uint!(21888242871839275222246405745257275088696311157297823662689037894645226208583_U256);
/// Order of BN254's groups (EIP-197).
const R: U256 = uint!(21888242871839275222246405745257275088548364400416034343698204186575808495617_U256);
/// 3/(9+u), the constant of the twist's equation: its real and its imaginary part (EIP-197).
const TWIST: [U256; 2] = [
    uint!(19485874751759354771024239261021720505790618469301721065564631296452457478373_U256),
    uint!(266929791119991161246907387137283842545076965332900288569378510910307636690_U256),
];
/// Errors of `IGroth16Verifier` that the assembly throws, as the templates name them.
const ERRORS: [(&str, &str); 5] = [
    ("InputOutOfField", "InputOutOfField(uint256)"),
    ("PointNotOnCurve", "PointNotOnCurve(uint256)"),
    ("PointNotInSubgroup", "PointNotInSubgroup()"),
    ("PrecompileFailed", "PrecompileFailed()"),
    ("ProofRejected", "ProofRejected()"),
];
/// Most public inputs that a key may have.
const INPUTS: usize = 8;

/// A point of G1: x, y.
type G1 = [U256; 2];
/// A point of G2 as EIP-197 orders it: x imaginary, x real, y imaginary, y real.
type G2 = [U256; 4];

/// A file of `proofs/vectors`, of which the generator needs no more than this.
#[derive(Clone, Debug, Deserialize)]
pub struct KeyFile {
    /// True if everybody may know the trapdoor.
    pub insecure_development: bool,
    /// The key.
    pub verifying_key: VerifyingKey,
}

/// A Groth16 verifying key, coordinates as 32-byte words in hexadecimal.
#[derive(Clone, Debug, Deserialize)]
pub struct VerifyingKey {
    /// α in G1.
    pub alpha: G1,
    /// β in G2.
    pub beta: G2,
    /// γ in G2.
    pub gamma: G2,
    /// δ in G2.
    pub delta: G2,
    /// The constant's point and one point for each public input.
    pub ic: Vec<G1>,
}

/// Why a key has no verifier.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file is not a verifying key.
    #[error("not a verifying key: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// The key has no public input, or too many.
    #[error("a key with {0} public inputs, between 1 and {INPUTS} are supported")]
    Inputs(usize),
    /// A coordinate is no element of the base field.
    #[error("a coordinate is not below the field's order: {0}")]
    Coordinate(U256),
}

impl KeyFile {
    /// Reads a key from JSON and checks its shape; that its points are on the curve the pairing precompile checks.
    ///
    /// # Errors
    /// If the text is no key, has too few or too many inputs, or a coordinate outside the field.
    pub fn from_json(text: &str) -> Result<Self, KeyError> {
        let file: Self = serde_json::from_str(text)?;
        let key = &file.verifying_key;
        let inputs = key.ic.len().saturating_sub(1);
        if inputs == 0 || inputs > INPUTS {
            return Err(KeyError::Inputs(inputs));
        }
        if let Some(word) = key.words().find(|word| *word >= P) {
            return Err(KeyError::Coordinate(word));
        }
        Ok(file)
    }
}

impl VerifyingKey {
    /// Number of public inputs.
    pub fn inputs(&self) -> usize {
        self.ic.len() - 1
    }

    /// Keccak-256 of the coordinates, 32 bytes each, big endian: α, β, γ, δ, IC.
    pub fn hash(&self) -> B256 {
        keccak256(self.words().flat_map(|word| word.to_be_bytes::<32>()).collect::<Vec<_>>())
    }

    fn words(&self) -> impl Iterator<Item = U256> {
        let second = [self.beta, self.gamma, self.delta].into_iter().flatten();
        self.alpha.into_iter().chain(second).chain(self.ic.iter().flatten().copied())
    }
}

/// Where a generated file stands and what it is called.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Name of the contract.
    pub name: &'a str,
    /// Path of the key from the repository's root, for the file's first line.
    pub source: &'a str,
    /// Path of the folder of `IGroth16Verifier.sol` from the generated file's folder.
    pub imports: &'a str,
}

/// Renders the verifier of a key.
pub fn render(file: &KeyFile, place: Place<'_>) -> String {
    let key = &file.verifying_key;
    let mut text =
        repeat_inputs(CONTRACT, key).replace("{{development}}", &file.insecure_development.to_string());
    let single = PRELUDE.trim_end();
    let batch = format!("{PRELUDE}{}", BATCH_PRELUDE.trim_end());
    text = text.replacen("{{prelude}}", single, 1).replacen("{{prelude}}", &batch, 1);
    for (name, value) in values(key, place) {
        text = text.replace(&format!("{{{{{name}}}}}"), &value);
    }
    text
}

/// Writes the lines between `//@ input` and `//@ end` once for each public input.
fn repeat_inputs(template: &str, key: &VerifyingKey) -> String {
    let mut text = String::new();
    let mut block: Option<String> = None;
    for line in template.lines() {
        match (line.trim(), &mut block) {
            ("//@ input", _) => block = Some(String::new()),
            ("//@ end", Some(lines)) => {
                for (i, point) in key.ic.iter().skip(1).enumerate() {
                    let filled = lines
                        .replace("{{icx}}", &word(point[0]))
                        .replace("{{icy}}", &word(point[1]))
                        .replace("{{slot}}", &format!("{:#x}", 32 * (i + 1)))
                        .replace("{{i}}", &i.to_string());
                    text.push_str(&filled);
                }
                block = None;
            }
            (_, Some(lines)) => writeln!(lines, "{line}").expect("a string takes every line"),
            (_, None) => writeln!(text, "{line}").expect("a string takes every line"),
        }
    }
    text
}

/// Every placeholder outside the repeated blocks, with its value.
fn values(key: &VerifyingKey, place: Place<'_>) -> Vec<(String, String)> {
    let count = key.inputs();
    let mut values: Vec<(String, String)> = [
        ("name", place.name.to_string()),
        ("source", place.source.to_string()),
        ("imports", place.imports.to_string()),
        ("count", count.to_string()),
        ("hash", key.hash().to_string()),
        ("sumsize", format!("{:#x}", 32 * (count + 1))),
        ("rowsize", format!("{:#x}", 32 * count)),
        ("p", word(P)),
        ("r", word(R)),
        ("br", word(TWIST[0])),
        ("bi", word(TWIST[1])),
        ("alphax", word(key.alpha[0])),
        ("alphay", word(key.alpha[1])),
        ("ic0x", word(key.ic[0][0])),
        ("ic0y", word(key.ic[0][1])),
    ]
    .map(|(name, value)| (name.to_string(), value))
    .to_vec();
    for (name, point) in [("beta", key.beta), ("gamma", key.gamma), ("delta", key.delta)] {
        let negated = [point[0], point[1], negate(point[2]), negate(point[3])];
        for (part, value) in ["xi", "xr", "yi", "yr"].into_iter().zip(negated) {
            values.push((format!("{name}{part}"), word(value)));
        }
    }
    values.extend(ERRORS.map(|(name, signature)| (name.to_string(), selector(signature))));
    values
}

fn negate(coordinate: U256) -> U256 {
    if coordinate.is_zero() { coordinate } else { P - coordinate }
}

fn word(value: U256) -> String {
    format!("0x{}", hex::encode(value.to_be_bytes::<32>()))
}

/// A selector in the leading bytes of a word.
fn selector(signature: &str) -> String {
    let hash = keccak256(signature.as_bytes());
    format!("0x{}{}", hex::encode(&hash[..4]), "0".repeat(56))
}
