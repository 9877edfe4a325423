//! Randomness.

use rand_chacha::ChaCha12Rng;
use rand_core::SeedableRng;

/// The only source of randomness.
///
/// Contract: in live the bytes come from the operating system's cryptographic generator; in sim they
/// follow from the run's seed and the node's number alone, whatever other nodes draw.
pub trait Rng {
    /// Fills `bytes` with random bytes fit for keys.
    fn fill(&self, bytes: &mut [u8]);

    /// A fast generator seeded from this source, for jitter, sampling and shuffling.
    fn generator(&self) -> ChaCha12Rng {
        let mut seed = [0; 32];
        self.fill(&mut seed);
        ChaCha12Rng::from_seed(seed)
    }
}
