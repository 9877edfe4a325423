//! What proofs cost here and with stock gadgets, in CPU-seconds of one run: the default build, and the features `fast`
//! and `poseidon2`.
//!
//! `cargo run --release -p holdfast-proofs --example ratios -- 20`: the number is that of samples; `owner` instead
//! prints what commitments cost who uploads.

mod ours;
mod stock;

use ark_bn254::{Bn254, G1Projective, G2Projective};
use ark_ec::PrimeGroup;
use ark_groth16::Groth16;
use ark_relations::gr1cs::{ConstraintSynthesizer, ConstraintSystem, OptimizationGoal, SynthesisMode};
use ark_serialize::CanonicalSerialize;
use ark_std::rand::rngs::mock::StepRng;
use holdfast_proofs::{
    field::Fr,
    groth16::Trapdoor,
    spot_check::{DEFAULT_CELLS, OwnSlot, Shown},
    tree::{Schedule, SlotTreeBuilder, TreeError},
};
use ours::{Column, Fast, Textbook};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use rustix::time::{ClockId, clock_gettime};
use std::{env, error::Error};

type Failure = Box<dyn Error>;

const MIB: f64 = 1_048_576.0;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["owner"] => owner(),
        [samples] => compare(samples.parse()?),
        ["memory", Textbook::NAME, samples, key] => ours::memory::<Textbook>(samples.parse()?, key),
        ["memory", Fast::NAME, samples, key] => ours::memory::<Fast>(samples.parse()?, key),
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
    let ours = [ours::measure::<Textbook>(samples)?, ours::measure::<Fast>(samples)?];
    let stock = stock(samples)?;
    for (name, ours) in [Textbook::NAME, Fast::NAME].into_iter().zip(&ours) {
        println!(
            "{name} against stock: constraints {:.1}, set-up {:.1}, proof {:.1}, key {:.1} times less",
            stock.constraints as f64 / ours.constraints as f64,
            stock.setup / ours.setup,
            stock.prove / ours.prove,
            stock.key as f64 / ours.key as f64,
        );
    }
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
    /// Bytes of the proving key.
    key: usize,
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
    let bytes = key.uncompressed_size();
    println!(
        "stock gadgets and prover, {samples} samples of 1054 bytes, 2^20 cells: {constraints} constraints, set-up {setup:.1} CPU-s, proof {prove:.2} CPU-s, key {:.1} MB",
        bytes as f64 / 1e6
    );
    Ok(Cost { constraints, setup, prove, key: bytes })
}
