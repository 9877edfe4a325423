//! The scalar field of BN254: packing of bytes, uniform elements, integers.

use ark_ff::{BigInt, PrimeField};
use rand_core::Rng;
use zeroize::Zeroizing;

pub use ark_bn254::Fr;

/// Bytes that one element carries: the most that fit below the modulus whatever they are.
pub const ELEMENT_BYTES: usize = 31;

/// Packs up to 31 bytes, little-endian; missing bytes are zero.
///
/// # Panics
/// If there are more than 31 bytes.
#[must_use]
pub fn pack(bytes: &[u8]) -> Fr {
    assert!(bytes.len() <= ELEMENT_BYTES, "{} bytes do not fit an element", bytes.len());
    let mut word = [0; 32];
    word[..bytes.len()].copy_from_slice(bytes);
    let (words, _) = word.as_chunks::<8>();
    let limbs = [0, 1, 2, 3].map(|at| u64::from_le_bytes(words[at]));
    Fr::from_bigint(BigInt::new(limbs)).expect("31 bytes stay below the 254-bit modulus")
}

/// The 31 bytes that [`pack`] made an element of; `None` if it is none of those.
#[must_use]
pub fn unpack(value: &Fr) -> Option<[u8; ELEMENT_BYTES]> {
    let word: [[u8; 8]; 4] = value.into_bigint().0.map(u64::to_le_bytes);
    let (&top, bytes) = word.as_flattened().split_last().expect("a word has bytes");
    (top == 0).then(|| bytes.try_into().expect("a word has one byte more"))
}

/// 512 bits, little-endian, modulo r: if they are uniformly random, the element's distance from uniform is below 2^-250.
#[must_use]
pub fn reduce(bytes: &[u8; 64]) -> Fr {
    Fr::from_le_bytes_mod_order(bytes)
}

/// A random element, as [`reduce`] makes it.
#[must_use]
pub fn random(rng: &mut impl Rng) -> Fr {
    let mut bytes = Zeroizing::new([0; 64]);
    rng.fill_bytes(&mut *bytes);
    reduce(&bytes)
}

/// Reads 32 big-endian bytes, as the EVM writes a number; `None` if the number is not below r.
#[must_use]
pub fn from_be_bytes(bytes: &[u8; 32]) -> Option<Fr> {
    let (words, _) = bytes.as_chunks::<8>();
    let limbs = [3, 2, 1, 0].map(|at| u64::from_be_bytes(words[at]));
    Fr::from_bigint(BigInt::new(limbs))
}

/// Writes 32 big-endian bytes, as the EVM reads a number.
#[must_use]
pub fn to_be_bytes(value: &Fr) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (chunk, limb) in bytes.chunks_exact_mut(8).zip(value.into_bigint().0.iter().rev()) {
        chunk.copy_from_slice(&limb.to_be_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::{AdditiveGroup, Field};

    #[test]
    fn packing_is_little_endian_and_injective_on_31_bytes() {
        assert_eq!(pack(&[1]), Fr::ONE);
        assert_eq!(pack(&[0, 1]), Fr::from(256));
        assert_eq!(pack(&[0; 31]), Fr::ZERO);
        let top = pack(&[0xff; 31]);
        assert_eq!(top + Fr::ONE, Fr::from(2).pow([248]));
        assert_eq!(unpack(&top), Some([0xff; 31]));
        assert_eq!(unpack(&pack(&[0, 1])).map(|bytes| bytes[1]), Some(1));
        assert_eq!([unpack(&(top + Fr::ONE)), unpack(&-Fr::ONE)], [None, None]);
    }

    #[test]
    fn a_number_not_below_the_modulus_is_refused() {
        let mut bytes = to_be_bytes(&-Fr::ONE);
        assert_eq!(from_be_bytes(&bytes), Some(-Fr::ONE));
        bytes[31] += 1;
        assert_eq!(from_be_bytes(&bytes), None);
        assert_eq!(from_be_bytes(&[0xff; 32]), None);
    }
}
