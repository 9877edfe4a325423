//! Randomness, from the operating system.

use crate::env::Rng;

/// The operating system's cryptographic generator.
#[derive(Debug, Default)]
pub struct LiveRng;

impl Rng for LiveRng {
    fn fill(&self, bytes: &mut [u8]) {
        // Without entropy no key is safe: there is nothing better to do than to stop.
        getrandom::fill(bytes).expect("the operating system has entropy");
    }
}
