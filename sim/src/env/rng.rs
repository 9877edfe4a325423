//! Randomness that follows from the run's seed.

use crate::NodeNumber;
use holdfast::env::Rng;
use rand_chacha::{ChaCha8Rng, ChaCha12Rng};
use rand_core::{Rng as _, SeedableRng};
use std::cell::RefCell;

/// 32 bytes that follow from the seed, a purpose and two numbers, and from nothing else.
pub fn derive(seed: u64, purpose: &str, number: u64, incarnation: u64) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("holdfast-sim randomness v1");
    for word in [seed, number, incarnation] {
        hasher.update(&word.to_le_bytes());
    }
    hasher.update(purpose.as_bytes());
    *hasher.finalize().as_bytes()
}

/// A generator for the world's own draws (links, disks, faults), one stream a purpose.
pub fn stream(seed: u64, purpose: &str, number: u64) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(derive(seed, purpose, number, 0))
}

/// The Rng capability of one node in one of its lives.
pub struct SimRng(RefCell<ChaCha12Rng>);

impl SimRng {
    /// The stream of `node` in its `incarnation`-th life.
    pub fn new(seed: u64, node: NodeNumber, incarnation: u32) -> Self {
        let seed = derive(seed, "node", u64::from(node.0), u64::from(incarnation));
        Self(RefCell::new(ChaCha12Rng::from_seed(seed)))
    }
}

impl Rng for SimRng {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.borrow_mut().fill_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(seed: u64, node: u32, incarnation: u32) -> [u8; 16] {
        let mut bytes = [0; 16];
        SimRng::new(seed, NodeNumber(node), incarnation).fill(&mut bytes);
        bytes
    }

    #[test]
    fn a_stream_follows_from_seed_node_and_incarnation_alone() {
        assert_eq!(draw(1, 2, 3), draw(1, 2, 3));
        assert_ne!(draw(1, 2, 3), draw(9, 2, 3));
        assert_ne!(draw(1, 2, 3), draw(1, 9, 3));
        assert_ne!(draw(1, 2, 3), draw(1, 2, 9));
    }

    #[test]
    fn purposes_do_not_share_a_stream() {
        assert_ne!(derive(1, "links", 0, 0), derive(1, "faults", 0, 0));
    }
}
