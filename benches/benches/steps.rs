//! One benchmark a step of the path of a byte, named as the step.

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use holdfast::data::{Codec, Recipe, SegmentCipher, hash_shards, padded_len};
use holdfast_benches::{SEGMENT, all_but, code, noise, pick, placement, scattered};
use std::hint::black_box;

const CODES: [(u16, u16); 4] = [(4, 8), (10, 14), (32, 96), (64, 128)];

fn encrypt(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encrypt");
    let cipher = SegmentCipher::new(&[7; 32], &placement());
    for len in [64 << 10, SEGMENT] {
        group.throughput(Throughput::Bytes(len as u64));
        let mut buffer = noise(len, len + 16);
        group.bench_function(format!("seal/{len}"), |b| {
            b.iter(|| {
                buffer.truncate(len);
                cipher.seal(0, false, black_box(&mut buffer));
            });
        });
        let mut sealed = noise(len, len + 16);
        cipher.seal(0, false, &mut sealed);
        group.bench_function(format!("open/{len}"), |b| {
            let fresh = || sealed.clone();
            b.iter_batched_ref(fresh, |buffer| cipher.open(0, false, buffer), BatchSize::LargeInput);
        });
    }
    group.finish();
}

fn encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    group.throughput(Throughput::Bytes(SEGMENT as u64));
    for (k, n) in CODES {
        let code = code(k, n);
        let codec = Codec::default();
        let fresh = || noise(SEGMENT, padded_len(code, SEGMENT));
        group.bench_function(format!("{k} of {n}"), |b| {
            b.iter_batched(fresh, |segment| codec.encode(code, segment), BatchSize::LargeInput);
        });
    }
    group.finish();
}

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Bytes(SEGMENT as u64));
    for (k, n) in CODES {
        let code = code(k, n);
        let codec = Codec::default();
        let shards = codec.encode(code, noise(SEGMENT, 0)).expect("a segment encodes");
        for (name, slots) in [("one missing", all_but(code, 1)), ("scattered", scattered(code))] {
            let known = pick(&shards, &slots);
            group.bench_function(format!("{k} of {n}/{name}"), |b| {
                b.iter(|| codec.decode(code, SEGMENT, black_box(&known)));
            });
        }
    }
    group.finish();
}

fn rebuild(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rebuild");
    for (k, n) in CODES {
        let code = code(k, n);
        let shards = Codec::default().encode(code, noise(SEGMENT, 0)).expect("a segment encodes");
        let survivors = all_but(code, 1);
        group.bench_function(format!("recipe/{k} of {n}"), |b| {
            b.iter(|| Recipe::new(code, black_box(&survivors), 0));
        });
        let recipe = Recipe::new(code, &survivors, 0).expect("k survivors make a recipe");
        let held: Vec<Bytes> = pick(&shards, &survivors).into_iter().map(|(_, shard)| shard).collect();
        group.throughput(Throughput::Bytes((held.len() * held[0].len()) as u64));
        group.bench_function(format!("shard/{k} of {n}"), |b| b.iter(|| recipe.rebuild(black_box(&held))));
    }
    group.finish();
}

fn commit(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("commit");
    for (k, n) in CODES {
        let shards = Codec::default().encode(code(k, n), noise(SEGMENT, 0)).expect("a segment encodes");
        group.throughput(Throughput::Bytes(shards.iter().map(|shard| shard.len() as u64).sum()));
        group.bench_function(format!("{k} of {n}"), |b| b.iter(|| hash_shards(black_box(&shards))));
    }
    group.finish();
}

criterion_group!(steps, encrypt, encode, decode, rebuild, commit);
criterion_main!(steps);
