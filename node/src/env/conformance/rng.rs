//! What a source of randomness must do.

use crate::env::Rng;
use rand_core::Rng as _;
use std::collections::BTreeSet;

/// Checks the sources of two nodes.
///
/// # Panics
/// With a sentence that says what is broken.
pub fn check(rng: &dyn Rng, other: &dyn Rng) {
    let mut seen = BTreeSet::new();
    for _ in 0..100 {
        assert!(seen.insert(draw(rng)), "a source repeated itself");
        assert!(seen.insert(draw(other)), "two nodes' sources met");
        assert!(seen.insert(first(rng)), "a source's generators repeat each other");
        assert!(seen.insert(first(other)), "two nodes' generators met");
    }
    rng.fill(&mut []);
    fills_all(rng);
    looks_uniform(rng);
}

fn draw(rng: &dyn Rng) -> [u8; 32] {
    let mut bytes = [0; 32];
    rng.fill(&mut bytes);
    bytes
}

fn first(rng: &dyn Rng) -> [u8; 32] {
    let mut bytes = [0; 32];
    rng.generator().fill_bytes(&mut bytes);
    bytes
}

/// Every byte is written, whatever the length: 16 draws leave a given byte at zero once in 2^128.
fn fills_all(rng: &dyn Rng) {
    for len in [1, 7, 31, 33, 257] {
        let mut ever = vec![0; len];
        for _ in 0..16 {
            let mut bytes = vec![0; len];
            rng.fill(&mut bytes);
            ever.iter_mut().zip(bytes).for_each(|(ever, byte)| *ever |= byte);
        }
        assert!(!ever.contains(&0), "a fill of {len} bytes left one of them out");
    }
}

/// Each of 256 byte values is expected 256 times in 64 KiB, with a standard deviation of 16.
fn looks_uniform(rng: &dyn Rng) {
    let mut bytes = vec![0; 64 << 10];
    rng.fill(&mut bytes);
    let mut counts = [0u32; 256];
    bytes.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    for (value, count) in counts.into_iter().enumerate() {
        assert!((128..=384).contains(&count), "byte {value} came {count} times in 64 KiB, 256 were expected");
    }
}
