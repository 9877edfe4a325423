//! What identifies a circuit.

use super::{Circuit, Lin, RowSink, Shape};
use crate::field::to_be_bytes;
use sha2::{Digest as _, Sha256};

/// The size of a circuit, and its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// Constraints.
    pub rows: usize,
    /// Variables that are one or public.
    pub publics: usize,
    /// All variables.
    pub variables: usize,
    /// SHA-256 over all rows: circuits with the same digest prove the same.
    pub digest: [u8; 32],
}

/// Measures a circuit.
#[must_use]
pub fn measure<C: Circuit>(circuit: &C) -> Measure {
    let mut sink = Digester { rows: 0, hash: Sha256::new() };
    let (publics, variables) = Shape::of(circuit, &mut sink);
    for count in [publics, variables] {
        sink.hash.update((count as u64).to_le_bytes());
    }
    Measure { rows: sink.rows, publics, variables, digest: sink.hash.finalize().into() }
}

/// A row is three expressions; each is its number of terms (u32, little-endian), then for each term the variable
/// (u32, little-endian) and the coefficient (32 bytes, big-endian).
struct Digester {
    rows: usize,
    hash: Sha256,
}

impl RowSink for Digester {
    fn row(&mut self, a: &Lin, b: &Lin, c: &Lin) {
        self.rows += 1;
        for lin in [a, b, c] {
            self.hash.update(u32::try_from(lin.len()).expect("fewer than 2^32 variables").to_le_bytes());
            for (index, coefficient) in lin {
                self.hash.update(index.to_le_bytes());
                self.hash.update(to_be_bytes(coefficient));
            }
        }
    }
}
