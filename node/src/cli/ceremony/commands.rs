//! The steps of a ceremony.

use super::{
    super::{failure::Failure, output::Output},
    args::{Beacon, Contribute, Import, Source, Verify},
    files::{self, Steps},
};
use crate::env::{Rng as _, live::LiveRng};
use holdfast_proofs::{
    ceremony::{
        self, Ceremony, CeremonyError, Contribution, MAX_CONTRIBUTIONS, apply_beacon, check_contributions,
    },
    groth16::ProvingKey,
};
use rand_core::TryRng;
use serde::Serialize;
use std::{convert::Infallible, path::Path};

/// The operating system's generator, and no seed in between that a memory dump could show.
struct SystemRng;

impl TryRng for SystemRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        LiveRng.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        LiveRng.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        LiveRng.fill(bytes);
        Ok(())
    }
}

/// What a command tells about a ceremony.
#[derive(Serialize)]
struct Report {
    circuit: String,
    start: String,
    contributions: Vec<Step>,
    verified: bool,
}

#[derive(Serialize)]
struct Step {
    kind: &'static str,
    hash: String,
}

fn report(ceremony: &Ceremony, verified: bool, output: Output) -> Result<(), Failure> {
    let transcript = &ceremony.transcript;
    let step = |(number, contribution): (usize, &Contribution)| Step {
        kind: match contribution {
            Contribution::Secret { .. } => "secret",
            Contribution::Beacon { .. } => "beacon",
        },
        hash: hex::encode(transcript.hash(number + 1)),
    };
    let report = Report {
        circuit: hex::encode(transcript.circuit),
        start: hex::encode(transcript.start),
        contributions: transcript.contributions.iter().enumerate().map(step).collect(),
        verified,
    };
    output.print(&report, |out| {
        writeln!(out, "circuit  {}\nstart    {}", report.circuit, report.start)?;
        for (number, step) in report.contributions.iter().enumerate() {
            writeln!(out, "{number:>7}  {}  {}", step.hash, step.kind)?;
        }
        if verified { writeln!(out, "verified: phase 1, the circuit and every contribution") } else { Ok(()) }
    })
}

fn initial(source: &Source, steps: &Steps) -> Result<ProvingKey, Failure> {
    let phase1 = files::phase1(source, &mut SystemRng, steps)?;
    steps.begin("compute the first key");
    source.circuit.initial_key(&phase1, &|done, all| steps.show(done, all)).map_err(|why| {
        Failure::failed(format!("{}: {why}", source.circuit))
            .hint("take a file with more powers, of the same phase 1")
    })
}

/// Begins a ceremony.
pub fn import(options: &Import, output: Output) -> Result<(), Failure> {
    if options.output.exists() {
        return Err(Failure::failed(format!("{} is there already", options.output.display()))
            .hint("name another file with -o"));
    }
    let steps = Steps::new();
    let ceremony = Ceremony::start(initial(&options.source, &steps)?);
    drop(steps);
    files::create(&options.output, &ceremony.to_bytes())?;
    report(&ceremony, false, output)
}

fn refused(path: &Path, why: CeremonyError) -> Failure {
    let failure = Failure::failed(format!("{}: {why}", path.display()));
    match why {
        CeremonyError::NoSecret => failure.hint("have somebody run: holdfast ceremony contribute"),
        CeremonyError::Start => failure.hint("give the circuit and phase 1 that the ceremony began with"),
        _ => failure.hint("do not use it; go back to the last file that verifies"),
    }
}

/// Reads a ceremony that can be continued.
fn open(path: &Path) -> Result<Ceremony, Failure> {
    let ceremony = files::ceremony(path, None)?;
    check_contributions(&ceremony.transcript, &ceremony.key).map_err(|why| refused(path, why))?;
    if ceremony.transcript.contributions.len() == MAX_CONTRIBUTIONS {
        return Err(Failure::failed(format!(
            "{}: {MAX_CONTRIBUTIONS} contributions are the most",
            path.display()
        )));
    }
    if ceremony.transcript.ends_with_beacon() {
        return Err(Failure::failed(format!("{}: ended by its beacon", path.display())).hint(
            "a contribution after the beacon needs a beacon of its own: go back to the file before it",
        ));
    }
    Ok(ceremony)
}

/// Contributes a secret.
pub fn contribute(options: &Contribute, output: Output) -> Result<(), Failure> {
    let path = &options.ceremony;
    let mut ceremony = open(path)?;
    let steps = Steps::new();
    steps.begin("multiply the key");
    ceremony::contribute(&mut ceremony.key, &mut ceremony.transcript, &mut SystemRng);
    drop(steps);
    files::replace(path, &ceremony)?;
    eprintln!("publish the last hash: it shows that your contribution is in the final transcript");
    report(&ceremony, false, output)
}

/// Ends a ceremony.
pub fn beacon(options: &Beacon, output: Output) -> Result<(), Failure> {
    let path = &options.ceremony;
    let mut ceremony = open(path)?;
    if !ceremony.transcript.has_secret() {
        return Err(refused(path, CeremonyError::NoSecret));
    }
    let steps = Steps::new();
    steps.begin("multiply the key");
    apply_beacon(&mut ceremony.key, &mut ceremony.transcript, options.value.0, options.log)
        .map_err(|why| refused(path, why))?;
    drop(steps);
    files::replace(path, &ceremony)?;
    report(&ceremony, false, output)
}

/// Verifies a ceremony from phase 1 on.
pub fn verify(options: &Verify, output: Output) -> Result<(), Failure> {
    let path = &options.ceremony;
    let ceremony = files::ceremony(path, Some(&options.source.circuit.digest()))?;
    // What can be told at once is told before the minutes that the first key takes.
    check_contributions(&ceremony.transcript, &ceremony.key).map_err(|why| refused(path, why))?;
    if !ceremony.transcript.has_secret() {
        return Err(refused(path, CeremonyError::NoSecret));
    }
    let steps = Steps::new();
    let initial = initial(&options.source, &steps)?;
    steps.begin("compare with the first key");
    ceremony::verify(&initial, &ceremony.transcript, &ceremony.key, &mut SystemRng)
        .map_err(|why| refused(path, why))?;
    drop(steps);
    if !ceremony.transcript.ends_with_beacon() {
        eprintln!("the ceremony is not over: no beacon yet");
    }
    report(&ceremony, true, output)
}
