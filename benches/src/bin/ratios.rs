//! Ours and the libraries' own throughput, measured in turn in one run, as a table of ratios.
//!
//! Each line takes a number of rounds; in each round every contender runs once, so that whatever else the
//! machine does falls on all alike. Time is CPU time of this thread; the figure is the median round.
//! "Library" is the library fed as well as we know how: work areas kept, the best of several stripe
//! lengths, and the results copied to buffers that are there already; whole shards, which need no copy,
//! are left in the library's work area when encoding. Ours includes the allocation of the results, from an allocator
//! set as the node sets it.

use aes_gcm::{Aes256Gcm, KeyInit, aead::AeadInOut};
use bytes::Bytes;
use holdfast::{
    data::{Codec, Recipe, SegmentCipher, hash_shards, padded_len, shard_len},
    types::Code,
};
use holdfast_benches::{SEGMENT, all_but, code, cpu_time, noise, pick, placement, scattered};
use reed_solomon_simd::{
    engine::DefaultEngine,
    rate::{LowRateDecoder, LowRateEncoder, RateDecoder, RateEncoder},
};
use std::hint::black_box;

const ROUNDS: usize = 15;
/// Stripe lengths that the library is tried with; the last is "the whole shard".
const STRIPES: [usize; 6] = [4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10, usize::MAX];
const CODES: [(u16, u16); 5] = [(4, 8), (10, 14), (32, 96), (64, 128), (334, 1000)];

/// What one round of a contender does; it returns the CPU seconds of the part that counts.
type Contender<'a> = Box<dyn FnMut() -> f64 + 'a>;

fn main() {
    holdfast::memory::keep_what_is_used_again();
    println!("{:<34} {:>10} {:>10} {:>7} {:>8}", "step", "ours GB/s", "lib GB/s", "ratio", "target");
    roofline();
    encrypt();
    for (k, n) in CODES {
        encode(code(k, n));
    }
    for (k, n) in CODES {
        let code = code(k, n);
        decode(code, "one missing", &all_but(code, 1));
        decode(code, "scattered", &scattered(code));
        decode(code, "no data shard", &all_but(code, code.k().min(code.n() - code.k()) as u16));
    }
    for (k, n) in CODES {
        rebuild(code(k, n));
    }
    commit();
}

/// CPU seconds that `work` took.
fn timed<T>(work: impl FnOnce() -> T) -> f64 {
    let start = cpu_time();
    let result = work();
    let spent = (cpu_time() - start).as_secs_f64();
    drop(black_box(result));
    spent
}

/// Median seconds of each contender over interleaved rounds, after one round that does not count.
fn race(mut contenders: Vec<Contender>) -> Vec<f64> {
    let mut rounds: Vec<Vec<f64>> = vec![Vec::new(); contenders.len()];
    for round in 0..=ROUNDS {
        for (contender, times) in contenders.iter_mut().zip(&mut rounds) {
            let spent = contender();
            if round > 0 {
                times.push(spent);
            }
        }
    }
    let median = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    rounds.into_iter().map(median).collect()
}

/// A line of the table: `times[0]` is ours, the best of the others is the library.
fn line(step: &str, bytes: usize, times: &[f64], target: &str) {
    let speed = |seconds: f64| bytes as f64 / seconds / 1e9;
    let ours = speed(times[0]);
    match times[1..].iter().copied().min_by(f64::total_cmp) {
        Some(best) => {
            let library = speed(best);
            println!("{step:<34} {ours:>10.2} {library:>10.2} {:>7.2} {target:>8}", ours / library);
        }
        None => println!("{step:<34} {ours:>10.2} {:>10} {:>7} {target:>8}", "", ""),
    }
}

/// The library's speed by stripe length, the last being the whole shard, which is not copied out.
fn stripes(bytes: usize, times: &[f64]) {
    let speeds: Vec<String> =
        times[1..].iter().map(|seconds| format!("{:.2}", bytes as f64 / seconds / 1e9)).collect();
    println!("  library by stripe: {}", speeds.join(" "));
}

/// Memory copy: what no step that reads and writes each byte once can exceed.
fn roofline() {
    let (from, mut to) = (noise(64 << 20, 0), vec![0; 64 << 20]);
    let copy: Contender = Box::new(|| timed(|| to.copy_from_slice(black_box(&from))));
    line("memory copy (64 MiB)", 64 << 20, &race(vec![copy]), "roofline");
}

fn encrypt() {
    let ours = SegmentCipher::new(&[7; 32], &placement());
    let library = Aes256Gcm::new(&[7; 32].into());
    for len in [64 << 10, SEGMENT] {
        let repeat = SEGMENT / len;
        let (mut a, mut b) = (noise(len, len + 16), noise(len, len + 16));
        let seal: Contender = Box::new(|| {
            timed(|| {
                for segment in 0..repeat as u32 {
                    a.truncate(len);
                    ours.seal(segment, false, &mut a);
                }
            })
        });
        let reference: Contender = Box::new(|| {
            timed(|| {
                for _ in 0..repeat {
                    b.truncate(len);
                    library.encrypt_in_place(&[0; 12].into(), &[0; 33], &mut b).expect("it encrypts");
                }
            })
        });
        line(&format!("encrypt {} KiB", len >> 10), SEGMENT, &race(vec![seal, reference]), "0.90");
    }
    let mut sealed = noise(SEGMENT, SEGMENT + 16);
    ours.seal(0, false, &mut sealed);
    let mut foreign = noise(SEGMENT, SEGMENT + 16);
    library.encrypt_in_place(&[0; 12].into(), &[0; 33], &mut foreign).expect("it encrypts");
    let open: Contender = Box::new(|| {
        let mut buffer = sealed.clone();
        timed(|| ours.open(0, false, &mut buffer))
    });
    let reference: Contender = Box::new(|| {
        let mut buffer = foreign.clone();
        timed(|| library.decrypt_in_place(&[0; 12].into(), &[0; 33], &mut buffer))
    });
    line(&format!("decrypt {} KiB", SEGMENT >> 10), SEGMENT, &race(vec![open, reference]), "0.90");
}

fn encode(code: Code) {
    let segment = noise(SEGMENT, 0);
    let len = shard_len(code, SEGMENT);
    let padded = noise(len * code.k(), 0);
    let codec = Codec::default();
    let mut contenders: Vec<Contender> = vec![Box::new(|| {
        let mut ciphertext = Vec::with_capacity(padded_len(code, SEGMENT));
        ciphertext.extend_from_slice(&segment);
        timed(|| codec.encode(code, ciphertext))
    })];
    for stripe in STRIPES {
        let (padded, stripe) = (&padded, stripe.min(len));
        let mut encoder = new_encoder(code, stripe);
        let mut results = vec![vec![0; len]; code.n() - code.k()];
        contenders.push(Box::new(move || {
            timed(|| library_encode(&mut encoder, code, padded, stripe, &mut results))
        }));
    }
    let times = race(contenders);
    line(&format!("encode {} of {}", code.k(), code.n()), SEGMENT, &times, "0.85");
    stripes(SEGMENT, &times);
}

fn new_encoder(code: Code, stripe: usize) -> LowRateEncoder<DefaultEngine> {
    let spare = code.n() - code.k();
    LowRateEncoder::new(code.k(), spare, stripe, DefaultEngine::new(), None).expect("a valid code")
}

fn library_encode(
    encoder: &mut LowRateEncoder<DefaultEngine>,
    code: Code,
    padded: &[u8],
    stripe: usize,
    results: &mut [Vec<u8>],
) {
    let len = results[0].len();
    for from in (0..len).step_by(stripe) {
        let to = len.min(from + stripe);
        encoder.reset(code.k(), code.n() - code.k(), to - from).expect("a valid length");
        for shard in padded.chunks_exact(len) {
            encoder.add_original_shard(&shard[from..to]).expect("a shard of this length");
        }
        let encoded = black_box(encoder.encode().expect("k shards encode"));
        if stripe < len {
            for (result, bytes) in results.iter_mut().zip(encoded.recovery_iter()) {
                result[from..to].copy_from_slice(bytes);
            }
        }
    }
}

fn decode(code: Code, name: &str, slots: &[u16]) {
    let codec = Codec::default();
    let shards = codec.encode(code, noise(SEGMENT, 0)).expect("a segment encodes");
    let known = pick(&shards, slots);
    let mut contenders: Vec<Contender> = vec![Box::new(|| timed(|| codec.decode(code, SEGMENT, &known)))];
    let len = shards[0].len();
    for stripe in STRIPES {
        let (known, stripe) = (&known, stripe.min(len));
        let spare = code.n() - code.k();
        let mut decoder: LowRateDecoder<DefaultEngine> =
            LowRateDecoder::new(code.k(), spare, stripe, DefaultEngine::new(), None).expect("a valid code");
        let mut results = vec![vec![0; len]; code.k()];
        contenders.push(Box::new(move || {
            timed(|| library_decode(&mut decoder, code, known, stripe, &mut results))
        }));
    }
    let times = race(contenders);
    line(&format!("decode {} of {}, {name}", code.k(), code.n()), SEGMENT, &times, "0.85");
    stripes(SEGMENT, &times);
}

fn library_decode(
    decoder: &mut LowRateDecoder<DefaultEngine>,
    code: Code,
    known: &[(u16, Bytes)],
    stripe: usize,
    results: &mut [Vec<u8>],
) {
    let len = results[0].len();
    for from in (0..len).step_by(stripe) {
        let to = len.min(from + stripe);
        decoder.reset(code.k(), code.n() - code.k(), to - from).expect("a valid length");
        for (slot, shard) in known {
            let (slot, bytes) = (usize::from(*slot), &shard[from..to]);
            match slot.checked_sub(code.k()) {
                None => {
                    results[slot][from..to].copy_from_slice(bytes);
                    decoder.add_original_shard(slot, bytes)
                }
                Some(parity) => decoder.add_recovery_shard(parity, bytes),
            }
            .expect("a shard of this length");
        }
        for (slot, bytes) in black_box(decoder.decode().expect("k shards decode")).restored_original_iter() {
            results[slot][from..to].copy_from_slice(bytes);
        }
    }
}

fn rebuild(code: Code) {
    let shards = Codec::default().encode(code, noise(SEGMENT, 0)).expect("a segment encodes");
    let survivors = all_but(code, 1);
    let held: Vec<Bytes> = pick(&shards, &survivors).into_iter().map(|(_, shard)| shard).collect();
    let recipe = Recipe::new(code, &survivors, 0).expect("k survivors make a recipe");
    let ours: Contender = Box::new(|| timed(|| recipe.rebuild(&held)));
    let target = if (code.k(), code.n()) == (32, 96) { "2 GB/s" } else { "" };
    let name = format!("rebuild {} of {}", code.k(), code.n());
    line(&name, held.len() * held[0].len(), &race(vec![ours]), target);
    let make: Contender = Box::new(|| timed(|| Recipe::new(code, &survivors, 0)));
    println!("{:<34} {:>7.1} us", "  its recipe", race(vec![make])[0] * 1e6);
}

fn commit() {
    let shards = Codec::default().encode(code(4, 8), noise(SEGMENT, 0)).expect("a segment encodes");
    let ours: Contender = Box::new(|| timed(|| hash_shards(&shards)));
    let library: Contender =
        Box::new(|| timed(|| shards.iter().map(|shard| blake3::hash(shard)).collect::<Vec<_>>()));
    let bytes = shards.iter().map(Bytes::len).sum();
    line("commit (BLAKE3)", bytes, &race(vec![ours, library]), "");
}
