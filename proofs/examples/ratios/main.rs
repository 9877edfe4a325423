//! What proofs cost here and with stock gadgets, in CPU-seconds of one run.
//!
//! `cargo run --release -p holdfast-proofs --example ratios -- 20`: the number is that of samples; `owner` instead
//! prints what commitments cost who uploads.

mod stock;

use ark_bn254::{Bn254, G1Projective, G2Projective};
use ark_ec::PrimeGroup;
use ark_groth16::Groth16;
use ark_relations::gr1cs::{ConstraintSynthesizer, ConstraintSystem, OptimizationGoal, SynthesisMode};
use ark_serialize::CanonicalSerialize;
use ark_std::rand::rngs::mock::StepRng;
use holdfast_proofs::{
    circuit::{SlotCircuit, SlotWitness},
    field::Fr,
    groth16::{Trapdoor, encoding, prove, setup},
    spot_check::{DEFAULT_CELLS, OwnSlot, Shown},
    tree::{CELL_BYTES, CellTreeBuilder, Schedule, SlotTreeBuilder, TreeError},
};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use rustix::time::{ClockId, clock_gettime};
use std::{env, error::Error, fs, process::Command, sync::atomic::AtomicBool};

type Failure = Box<dyn Error>;

const MIB: f64 = 1_048_576.0;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["owner"] => owner(),
        [samples] => compare(samples.parse()?),
        ["memory", samples, key] => memory(samples.parse()?, key),
        _ => Err("usage: ratios SAMPLES | owner".into()),
    }
}

/// CPU-seconds of this process, all threads together.
fn cpu() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let before = cpu();
    let result = work();
    (result, cpu() - before)
}

fn compare(samples: usize) -> Result<(), Failure> {
    println!("{} threads", rayon::current_num_threads());
    commit()?;
    let ours = ours(samples)?;
    let stock = stock(samples)?;
    let (a, b) = (ours.constraints as f64, stock.constraints as f64);
    println!(
        "ratio: constraints {:.1}, set-up {:.1}, proof {:.1}",
        b / a,
        stock.setup / ours.setup,
        stock.prove / ours.prove
    );
    Ok(())
}

/// Bytes a second on one thread.
fn commit() -> Result<(), Failure> {
    let mut data = vec![0; 16 << 20];
    ChaCha20Rng::seed_from_u64(1).fill_bytes(&mut data);
    let mut slot = SlotTreeBuilder::new(7, Schedule::Inline)?;
    slot.push(&data[..8 * CELL_BYTES])?;
    let (root, seconds) = timed(|| slot.push(&data[8 * CELL_BYTES..]).map(|()| slot.finish().root()));
    root?;
    let rate = data.len() as f64 / MIB / seconds;
    let mut cells = CellTreeBuilder::new(7, Schedule::Inline)?;
    let (root, seconds) = timed(|| cells.push(&data).map(|()| cells.finish().root()));
    root?;
    println!(
        "commit, one thread: slot root {rate:.1} MiB/s, cell root {:.0} MiB/s",
        data.len() as f64 / MIB / seconds
    );
    Ok(())
}

/// What commitments cost an owner: the cell root of each slot, and the spot check of its slot root.
fn owner() -> Result<(), Failure> {
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let mut data = vec![0; 32 << 20];
    rng.fill_bytes(&mut data);
    let mut builder = SlotTreeBuilder::new(7, Schedule::Pool)?;
    builder.push(&data)?;
    let tree = builder.finish();
    let mut slot = OwnSlot::draw(&mut rng, DEFAULT_CELLS, 7, data.len() as u64)?;
    let (own, seconds) = timed(|| slot.push(&data).map(|()| slot.finish()));
    let (_, check) = own?.ok_or("all bytes passed")?;
    let indices: Vec<u64> = check.indices().collect();
    let index = |at| usize::try_from(at).expect("the slot is in memory");
    let read = |range: std::ops::Range<u64>| -> Result<Vec<u8>, TreeError> {
        Ok(data[index(range.start)..index(range.end)].to_vec())
    };
    let shown = Shown::open(&tree, &indices, read)?;
    let (checked, spot) = timed(|| check.check(tree.root(), &shown));
    checked?;
    println!(
        "owner: cell root {:.2} CPU-s a GiB of shards, spot check of {DEFAULT_CELLS} cells {spot:.3} CPU-s a slot",
        seconds * 1024.0 * MIB / data.len() as f64
    );
    Ok(())
}

struct Cost {
    constraints: usize,
    setup: f64,
    prove: f64,
}

fn witness(circuit: &SlotCircuit) -> Result<SlotWitness, Failure> {
    let mut data = vec![0; 4 << 20];
    ChaCha20Rng::seed_from_u64(2).fill_bytes(&mut data);
    let mut builder = SlotTreeBuilder::new(circuit.levels(), Schedule::Pool)?;
    builder.push(&data)?;
    let read = |range: std::ops::Range<u64>| -> Result<Vec<u8>, TreeError> {
        let index = |at| usize::try_from(at).expect("the slot is in memory");
        Ok(data[index(range.start)..index(range.end)].to_vec())
    };
    Ok(circuit.gather(&builder.finish(), Fr::from(99), read)?)
}

fn ours(samples: usize) -> Result<Cost, Failure> {
    let circuit = SlotCircuit::new(7, samples)?;
    let (key, setup) = timed(|| setup(&circuit, &Trapdoor::insecure_development()));
    let key = key?;
    let witness = witness(&circuit)?;
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let never = AtomicBool::new(false);
    let mut best = f64::MAX;
    for _ in 0..3 {
        let (proof, seconds) = timed(|| prove(&key, &circuit, &witness, &mut rng, &never));
        let verifier = key.verifying.prepare();
        verifier.verify(&[witness.root, witness.seed], &proof?)?;
        best = best.min(seconds);
    }
    let bytes = encoding::proving_key_to_bytes(&key);
    let constraints = key.rows;
    println!(
        "holdfast, {samples} samples of 496 bytes, 8^7 cells: {constraints} constraints, set-up {setup:.1} CPU-s, proof {best:.2} CPU-s, key {:.1} MB",
        bytes.len() as f64 / 1e6
    );
    drop(key);
    let path = env::temp_dir().join(format!("holdfast-proofs-ratios-{}.key", std::process::id()));
    fs::write(&path, bytes)?;
    let told = Command::new(env::current_exe()?).arg("memory").arg(samples.to_string()).arg(&path).status();
    fs::remove_file(&path)?;
    if !told?.success() {
        return Err("the process that measures memory failed".into());
    }
    Ok(Cost { constraints, setup, prove: best })
}

/// A fresh process that only reads a key and proves.
fn memory(samples: usize, key: &str) -> Result<(), Failure> {
    let circuit = SlotCircuit::new(7, samples)?;
    let bytes = fs::read(key)?;
    // The key's own digest: it was written a moment ago.
    let digest = bytes[6..38].try_into()?;
    let (key, decode) = timed(|| encoding::proving_key_from_bytes(&bytes, &digest));
    let key = key?;
    drop(bytes);
    let witness = witness(&circuit)?;
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let proof = prove(&key, &circuit, &witness, &mut rng, &AtomicBool::new(false))?;
    let verifier = key.verifying.prepare();
    let (accepted, verify) = timed(|| verifier.verify(&[witness.root, witness.seed], &proof));
    accepted?;
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    println!(
        "  read the key {decode:.2} CPU-s, verify {:.2} CPU-ms, peak of a process that proves once:{peak}",
        verify * 1e3
    );
    Ok(())
}

fn stock(samples: usize) -> Result<Cost, Failure> {
    let circuit = stock::Stock::new(samples).map_err(|why| why.to_string())?;
    let publics = circuit.publics();
    let system = ConstraintSystem::new_ref();
    system.set_optimization_goal(OptimizationGoal::Constraints);
    system.set_mode(SynthesisMode::Setup);
    circuit.clone().generate_constraints(system.clone())?;
    system.finalize();
    let constraints = system.num_constraints();
    drop(system);
    let secret = Trapdoor::insecure_development();
    let (key, setup) = timed(|| {
        Groth16::<Bn254>::generate_parameters_with_qap(
            circuit.clone(),
            secret.alpha,
            secret.beta,
            Fr::from(1),
            secret.delta,
            G1Projective::generator(),
            G2Projective::generator(),
            &mut StepRng::new(1, 0x9e37_79b9_7f4a_7c15),
        )
    });
    let key = key?;
    let (proof, prove) =
        timed(|| Groth16::<Bn254>::create_proof_with_reduction(circuit, &key, Fr::from(5), Fr::from(6)));
    let verifier = ark_groth16::prepare_verifying_key(&key.vk);
    if !Groth16::<Bn254>::verify_proof(&verifier, &proof?, &publics)? {
        return Err("the stock proof was refused".into());
    }
    println!(
        "stock gadgets and prover, {samples} samples of 1054 bytes, 2^20 cells: {constraints} constraints, set-up {setup:.1} CPU-s, proof {prove:.2} CPU-s, key {:.1} MB",
        key.uncompressed_size() as f64 / 1e6
    );
    Ok(Cost { constraints, setup, prove })
}
