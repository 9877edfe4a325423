//! One benchmark a step of a proof, from the hash to the verifier. CPU-seconds beside stock gadgets:
//! `examples/ratios`.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use holdfast_proofs::{
    challenge::indices,
    circuit::{SlotCircuit, SlotWitness},
    field::Fr,
    groth16::{Trapdoor, encoding, prove, setup},
    poseidon::{cell_hash, challenge_hash, node_hash},
    r1cs::Assignment,
    spot_check::{OwnSlot, Shown},
    tree::{CellTreeBuilder, Opening, Schedule, SlotTree, SlotTreeBuilder, TreeError},
};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use std::{hint::black_box, ops::Range, sync::atomic::AtomicBool};

const SLOT: usize = 4 << 20;

/// A slot of a tree of 2^21 cells.
struct Held {
    data: Vec<u8>,
    tree: SlotTree,
}

impl Held {
    fn new() -> Self {
        let mut data = vec![0; SLOT];
        ChaCha8Rng::seed_from_u64(1).fill_bytes(&mut data);
        let mut builder = SlotTreeBuilder::new(7, Schedule::Pool).expect("seven levels");
        builder.push(&data).expect("it fits");
        Self { data, tree: builder.finish() }
    }

    fn read(&self, range: Range<u64>) -> Vec<u8> {
        let index = |at| usize::try_from(at).expect("the slot is in memory");
        self.data[index(range.start)..index(range.end)].to_vec()
    }

    fn open(&self, index: u64) -> Result<Opening, TreeError> {
        self.tree.open(index, &self.read(self.tree.group(index)?))
    }

    fn gather(&self, circuit: &SlotCircuit, seed: u64) -> SlotWitness {
        let read = |range| -> Result<Vec<u8>, TreeError> { Ok(self.read(range)) };
        circuit.gather(&self.tree, Fr::from(seed), read).expect("the slot is whole")
    }
}

fn hash(criterion: &mut Criterion) {
    let lanes: [Fr; 16] = std::array::from_fn(|lane| Fr::from(lane as u64));
    let children: [Fr; 8] = std::array::from_fn(|lane| Fr::from(lane as u64));
    let mut group = criterion.benchmark_group("hash");
    group.bench_function("cell", |b| b.iter(|| cell_hash().compress(black_box(&lanes))));
    group.bench_function("node", |b| b.iter(|| node_hash().compress(black_box(&children))));
    let challenge = [Fr::from(1), Fr::from(2), Fr::from(3)];
    group.bench_function("challenge", |b| b.iter(|| challenge_hash().compress(black_box(&challenge))));
    group.finish();
}

fn commit(criterion: &mut Criterion) {
    let data = &Held::new().data[..1 << 20];
    let mut group = criterion.benchmark_group("commit");
    group.sample_size(10).throughput(Throughput::Bytes(data.len() as u64));
    group.bench_function("slot root", |b| {
        b.iter(|| {
            let mut builder = SlotTreeBuilder::new(7, Schedule::Inline).expect("seven levels");
            builder.push(data).map(|()| builder.finish().root())
        });
    });
    group.bench_function("cell root", |b| {
        b.iter(|| {
            let mut builder = CellTreeBuilder::new(7, Schedule::Inline).expect("seven levels");
            builder.push(data).map(|()| builder.finish().root())
        });
    });
    group.finish();
}

fn check(criterion: &mut Criterion) {
    let held = Held::new();
    let mut slot = OwnSlot::draw(&mut ChaCha8Rng::seed_from_u64(2), 400, 7, SLOT as u64).expect("it fits");
    slot.push(&held.data).expect("it fits");
    let (_, check) = slot.finish().expect("all bytes passed");
    let indices: Vec<u64> = check.indices().collect();
    let read = |range| -> Result<Vec<u8>, TreeError> { Ok(held.read(range)) };
    let shown = Shown::open(&held.tree, &indices, read).expect("the slot is whole");
    let opening = held.open(indices[0]).expect("the slot is whole");
    let mut group = criterion.benchmark_group("check");
    group.sample_size(10);
    group.bench_function("400 cells of a root", |b| {
        b.iter(|| check.check(held.tree.root(), black_box(&shown)));
    });
    group.bench_function("one opening", |b| {
        b.iter(|| black_box(&opening).verify(held.tree.root(), 7));
    });
    group.finish();
}

fn proof(criterion: &mut Criterion) {
    let held = Held::new();
    let circuit = SlotCircuit::new(7, 80).expect("the circuit in use");
    let mut group = criterion.benchmark_group("proof");
    group.sample_size(10);
    group.bench_function("challenge", |b| b.iter(|| indices(black_box(Fr::from(5)), 80, 7)));
    group.bench_function("gather", |b| b.iter(|| held.gather(&circuit, 5)));
    let witness = held.gather(&circuit, 5);
    group.bench_function("witness", |b| b.iter(|| Assignment::of(&circuit, black_box(&witness))));
    let key = setup(&circuit, &Trapdoor::insecure_development()).expect("the circuit fits");
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut make = || prove(&key, &circuit, &witness, &mut rng, &AtomicBool::new(false));
    group.bench_function("prove", |b| b.iter(&mut make));
    let proof = make().expect("the witness holds");
    let verifier = key.verifying.prepare();
    let publics = [witness.root, witness.seed];
    group.bench_function("verify", |b| b.iter(|| verifier.verify(black_box(&publics), &proof)));
    let bytes = encoding::proof_to_bytes(&proof);
    group.bench_function("decode", |b| b.iter(|| encoding::proof_from_bytes(black_box(&bytes))));
    group.finish();
}

criterion_group!(benches, hash, commit, check, proof);
criterion_main!(benches);
