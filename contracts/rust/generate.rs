//! `generate-verifier KEY.json NAME IMPORTS`: prints the Solidity verifier of a verifying key.

use holdfast_contracts::verifier::{KeyFile, Place, render};
use std::{error::Error, io::Write as _, process::ExitCode};

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let [source, name, imports] = arguments else {
        return Err("usage: generate-verifier KEY.json NAME IMPORTS, from the repository's root".into());
    };
    let text = std::fs::read_to_string(source).map_err(|why| format!("{source}: {why}"))?;
    let rendered = render(&KeyFile::from_json(&text)?, Place { name, source, imports });
    std::io::stdout().write_all(rendered.as_bytes())?;
    Ok(())
}
