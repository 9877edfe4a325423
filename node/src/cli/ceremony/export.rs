//! Keys out of a ceremony, or out of the public development trapdoor.

use super::{
    super::{failure::Failure, output::Output},
    args::Export,
    files,
};
use holdfast_proofs::{
    ceremony::{CeremonyError, check_contributions},
    groth16::{
        ProvingKey, VerifyingKey,
        encoding::{g1_words, g2_words, proving_key_to_bytes, verifying_key_to_bytes},
    },
};
use serde::Serialize;
use std::{fs, path::PathBuf};

/// The file that the contracts' generator reads: the fields of the vectors that describe a key.
#[derive(Serialize)]
struct Contract {
    digest: String,
    insecure_development: bool,
    verifying_key: Words,
}

#[derive(Serialize)]
struct Words {
    alpha: [String; 2],
    beta: [String; 4],
    gamma: [String; 4],
    delta: [String; 4],
    ic: Vec<[String; 2]>,
}

#[derive(Serialize)]
struct Written {
    circuit: String,
    insecure_development: bool,
    proving_key: PathBuf,
    verifying_key: PathBuf,
    contract: PathBuf,
}

fn words<const N: usize>(words: [[u8; 32]; N]) -> [String; N] {
    words.map(|word| format!("0x{}", hex::encode(word)))
}

fn contract(key: &VerifyingKey) -> Contract {
    let points = &key.ark;
    Contract {
        digest: format!("0x{}", hex::encode(key.circuit)),
        insecure_development: key.is_insecure_development(),
        verifying_key: Words {
            alpha: words(g1_words(&points.alpha_g1)),
            beta: words(g2_words(&points.beta_g2)),
            gamma: words(g2_words(&points.gamma_g2)),
            delta: words(g2_words(&points.delta_g2)),
            ic: points.gamma_abc_g1.iter().map(|point| words(g1_words(point))).collect(),
        },
    }
}

/// Writes the keys.
pub fn run(options: &Export, output: Output) -> Result<(), Failure> {
    let key = key(options)?;
    key.verifying.admit(options.chain_id).map_err(|why| {
        Failure::failed(why).hint("hold a ceremony: holdfast ceremony import-phase1; or name a test network")
    })?;
    let dir = &options.output;
    fs::create_dir_all(dir).map_err(|why| Failure::file(dir, &why))?;
    let written = Written {
        circuit: hex::encode(key.verifying.circuit),
        insecure_development: key.verifying.is_insecure_development(),
        proving_key: dir.join("proving.key"),
        verifying_key: dir.join("verifying.key"),
        contract: dir.join("verifying.json"),
    };
    let json = serde_json::to_string_pretty(&contract(&key.verifying))
        .map_err(|why| Failure::failed(format!("{}: {why}", written.contract.display())))?;
    files::create(&written.proving_key, &proving_key_to_bytes(&key))?;
    files::create(&written.verifying_key, &verifying_key_to_bytes(&key.verifying))?;
    files::create(&written.contract, format!("{json}\n").as_bytes())?;
    if written.insecure_development {
        eprintln!("INSECURE: a development key, anybody can forge proofs for it");
    }
    output.print(&written, |out| {
        let files = [&written.proving_key, &written.verifying_key, &written.contract];
        files.iter().try_for_each(|path| writeln!(out, "{}", path.display()))
    })
}

fn key(options: &Export) -> Result<ProvingKey, Failure> {
    match (&options.ceremony, &options.development) {
        (Some(path), None) => {
            let ceremony = files::ceremony(path, None)?;
            let refuse = |why: CeremonyError| Failure::failed(format!("{}: {why}", path.display()));
            check_contributions(&ceremony.transcript, &ceremony.key).map_err(refuse)?;
            if !ceremony.transcript.has_secret() {
                return Err(refuse(CeremonyError::NoSecret).hint("run: holdfast ceremony contribute"));
            }
            if !ceremony.transcript.ends_with_beacon() {
                let failure = Failure::failed(format!("{}: the ceremony is not over", path.display()));
                return Err(failure.hint("end it with a public value: holdfast ceremony beacon"));
            }
            Ok(ceremony.key)
        }
        (None, Some(circuit)) => {
            circuit.development_key().map_err(|why| Failure::failed(format!("{circuit}: {why}")))
        }
        _ => Err(Failure::usage("either a ceremony or --development CIRCUIT")),
    }
}
