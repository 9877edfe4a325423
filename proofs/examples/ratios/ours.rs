//! Both columns of ours: the textbook under Poseidon, and the features `fast` and `poseidon2`.

use crate::{Cost, Failure, MIB, timed};
use ark_bn254::Bn254;
use ark_groth16::Proof;
use holdfast_proofs::{
    circuit::{CircuitTree, SlotCircuit, SlotWitness},
    field::Fr,
    groth16::{
        Trapdoor, VerifyingKey, encoding,
        fast::{fast_key_from_bytes, fast_key_to_bytes, fast_prove, fast_setup},
        prove, setup,
    },
    poseidon2::Poseidon2Hash,
    tree::{CELL_BYTES, CircuitHash, Schedule, TreeBuilder, TreeError},
};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use std::{env, fs, process::Command, sync::atomic::AtomicBool};

static NEVER: AtomicBool = AtomicBool::new(false);

/// A hash, a set-up and a prover.
pub trait Column {
    /// How it is called.
    const NAME: &str;
    /// The hash of the slot's tree.
    type Hash: CircuitTree;
    /// The proving key.
    type Key;

    fn setup(circuit: &SlotCircuit<Self::Hash>) -> Result<Self::Key, Failure>;
    fn prove(
        key: &Self::Key,
        circuit: &SlotCircuit<Self::Hash>,
        witness: &SlotWitness<Self::Hash>,
        rng: &mut ChaCha20Rng,
    ) -> Result<Proof<Bn254>, Failure>;
    fn verifying(key: &Self::Key) -> (&VerifyingKey, usize);
    fn write(key: &Self::Key) -> Vec<u8>;
    fn read(bytes: &[u8], digest: &[u8; 32]) -> Result<Self::Key, Failure>;
}

/// The default build.
pub struct Textbook;

impl Column for Textbook {
    const NAME: &str = "textbook";
    type Hash = CircuitHash;
    type Key = holdfast_proofs::groth16::ProvingKey;

    fn setup(circuit: &SlotCircuit) -> Result<Self::Key, Failure> {
        Ok(setup(circuit, &Trapdoor::insecure_development())?)
    }

    fn prove(
        key: &Self::Key,
        circuit: &SlotCircuit,
        witness: &SlotWitness,
        rng: &mut ChaCha20Rng,
    ) -> Result<Proof<Bn254>, Failure> {
        Ok(prove(key, circuit, witness, rng, &NEVER)?)
    }

    fn verifying(key: &Self::Key) -> (&VerifyingKey, usize) {
        (&key.verifying, key.rows)
    }

    fn write(key: &Self::Key) -> Vec<u8> {
        encoding::proving_key_to_bytes(key)
    }

    fn read(bytes: &[u8], digest: &[u8; 32]) -> Result<Self::Key, Failure> {
        Ok(encoding::proving_key_from_bytes(bytes, digest)?)
    }
}

/// Both features.
pub struct Fast;

impl Column for Fast {
    const NAME: &str = "fast";
    type Hash = Poseidon2Hash;
    type Key = holdfast_proofs::groth16::fast::FastKey;

    fn setup(circuit: &SlotCircuit<Poseidon2Hash>) -> Result<Self::Key, Failure> {
        Ok(fast_setup(circuit, &Trapdoor::insecure_development())?)
    }

    fn prove(
        key: &Self::Key,
        circuit: &SlotCircuit<Poseidon2Hash>,
        witness: &SlotWitness<Poseidon2Hash>,
        rng: &mut ChaCha20Rng,
    ) -> Result<Proof<Bn254>, Failure> {
        Ok(fast_prove(key, circuit, witness, rng, &NEVER)?)
    }

    fn verifying(key: &Self::Key) -> (&VerifyingKey, usize) {
        (&key.verifying, key.rows)
    }

    fn write(key: &Self::Key) -> Vec<u8> {
        fast_key_to_bytes(key)
    }

    fn read(bytes: &[u8], digest: &[u8; 32]) -> Result<Self::Key, Failure> {
        Ok(fast_key_from_bytes(bytes, digest)?)
    }
}

/// Bytes a second on one thread under the column's hash.
fn commit<C: Column>() -> Result<f64, Failure> {
    let mut data = vec![0; 16 << 20];
    ChaCha20Rng::seed_from_u64(1).fill_bytes(&mut data);
    let mut slot = TreeBuilder::<C::Hash>::new(7, Schedule::Inline)?;
    slot.push(&data[..8 * CELL_BYTES])?;
    let (root, seconds) = timed(|| slot.push(&data[8 * CELL_BYTES..]).map(|()| slot.finish().root()));
    root?;
    Ok(data.len() as f64 / seconds)
}

fn witness<C: Column>(circuit: &SlotCircuit<C::Hash>) -> Result<SlotWitness<C::Hash>, Failure> {
    let mut data = vec![0; 4 << 20];
    ChaCha20Rng::seed_from_u64(2).fill_bytes(&mut data);
    let mut builder = TreeBuilder::<C::Hash>::new(circuit.levels(), Schedule::Pool)?;
    builder.push(&data)?;
    let read = |range: std::ops::Range<u64>| -> Result<Vec<u8>, TreeError> {
        let index = |at| usize::try_from(at).expect("the slot is in memory");
        Ok(data[index(range.start)..index(range.end)].to_vec())
    };
    Ok(circuit.gather(&builder.finish(), Fr::from(99), read)?)
}

/// Commits, makes a key, proves three times, and has a fresh process prove once.
pub fn measure<C: Column>(samples: usize) -> Result<Cost, Failure> {
    let rate = commit::<C>()?;
    let circuit = SlotCircuit::<C::Hash>::over(7, samples)?;
    let (key, setup) = timed(|| C::setup(&circuit));
    let key = key?;
    let witness = witness::<C>(&circuit)?;
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let mut prove = f64::MAX;
    for _ in 0..3 {
        let (proof, seconds) = timed(|| C::prove(&key, &circuit, &witness, &mut rng));
        C::verifying(&key).0.prepare().verify(&[witness.root, witness.seed], &proof?)?;
        prove = prove.min(seconds);
    }
    let bytes = C::write(&key);
    let cost = Cost { constraints: C::verifying(&key).1, setup, prove, key: bytes.len() };
    println!(
        "{}, {samples} samples of 496 bytes, 8^7 cells: {} constraints, commit on one thread {:.1} MB/s ({:.1} MiB/s), set-up {setup:.1} CPU-s, proof {prove:.2} CPU-s, key {:.1} MB",
        C::NAME,
        cost.constraints,
        rate / 1e6,
        rate / MIB,
        cost.key as f64 / 1e6
    );
    drop(key);
    let path = env::temp_dir().join(format!("holdfast-proofs-ratios-{}.key", std::process::id()));
    fs::write(&path, bytes)?;
    let arguments = ["memory", C::NAME, &samples.to_string()];
    let told = Command::new(env::current_exe()?).args(arguments).arg(&path).status();
    fs::remove_file(&path)?;
    if !told?.success() {
        return Err("the process that measures memory failed".into());
    }
    Ok(cost)
}

/// A fresh process that only reads a key and proves.
pub fn memory<C: Column>(samples: usize, key: &str) -> Result<(), Failure> {
    let circuit = SlotCircuit::<C::Hash>::over(7, samples)?;
    let bytes = fs::read(key)?;
    // The key's own digest: it was written a moment ago.
    let digest = bytes[6..38].try_into()?;
    let (key, decode) = timed(|| C::read(&bytes, &digest));
    let key = key?;
    drop(bytes);
    let witness = witness::<C>(&circuit)?;
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let (proof, prove) = timed(|| C::prove(&key, &circuit, &witness, &mut rng));
    let proof = proof?;
    let verifier = C::verifying(&key).0.prepare();
    let (accepted, verify) = timed(|| verifier.verify(&[witness.root, witness.seed], &proof));
    accepted?;
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    println!(
        "  read the key {decode:.2} CPU-s, prove {prove:.2} CPU-s, verify {:.2} CPU-ms, peak of a process that proves once:{peak}",
        verify * 1e3
    );
    Ok(())
}
