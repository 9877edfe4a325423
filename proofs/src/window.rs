//! A window's challenge as the contract binds it, and the contract's checks off the chain: a relayer that sends many
//! proofs in one batch pays for all if one is wrong, so it looks at each of them first.

use crate::{
    circuit::{MAX_SLOTS, provider_publics},
    field::Fr,
    groth16::{Proof, Verifier, VerifyError},
};
use ark_ff::PrimeField;
use sha3::{Digest, Keccak256};
use std::collections::BTreeSet;

/// An account (EVM).
pub type Address = [u8; 20];

/// Hashed, the first word of what a seed is derived from.
const DOMAIN: &[u8] = b"holdfast/window/1";

/// All that a seed is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Challenge {
    /// The chain (EIP-155).
    pub chain_id: u64,
    /// The contract that asks.
    pub contract: Address,
    /// The random bits of the window, 192 of them, big-endian.
    pub random: [u8; 24],
    /// The window's number.
    pub window: u64,
    /// Who is asked.
    pub provider: Address,
    /// Version of the provider's set of slots.
    pub version: u32,
}

/// The end of an EVM word, zeros before it.
fn word(end: &[u8]) -> [u8; 32] {
    let mut word = [0; 32];
    word[32 - end.len()..].copy_from_slice(end);
    word
}

impl Challenge {
    /// The seed: `keccak256(abi.encode(domain, chain, contract, random, window, provider, version)) >> 8`.
    #[must_use]
    pub fn seed(&self) -> Fr {
        let words = [
            Keccak256::digest(DOMAIN).into(),
            word(&self.chain_id.to_be_bytes()),
            word(&self.contract),
            word(&self.random),
            word(&self.window.to_be_bytes()),
            word(&self.provider),
            word(&self.version.to_be_bytes()),
        ];
        let hash = Keccak256::digest(words.as_flattened());
        Fr::from_be_bytes_mod_order(&hash[..31])
    }

    /// The places, in a set of `slots` slots, of those that are drawn: four 64-bit numbers, lowest first, of each of
    /// `keccak256(abi.encode(seed, 0..3))`, modulo the number of slots. Nothing is drawn from an empty set.
    #[must_use]
    pub fn draw(&self, slots: u64) -> Vec<u64> {
        let seed = crate::field::to_be_bytes(&self.seed());
        let numbers = (0..MAX_SLOTS as u64 / 4).flat_map(|number| {
            let hash = Keccak256::digest([seed, word(&number.to_be_bytes())].as_flattened());
            let (words, _) = hash.as_chunks::<8>();
            let mut words: Vec<u64> = words.iter().map(|word| u64::from_be_bytes(*word)).collect();
            words.reverse();
            words
        });
        numbers.filter_map(|number| number.checked_rem(slots)).collect()
    }
}

/// What a provider says that it proved, and the proof.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The challenge answered.
    pub challenge: Challenge,
    /// Roots of the slots drawn, in order.
    pub roots: Vec<Fr>,
    /// The proof.
    pub proof: Proof,
}

/// Why a claim is not sent to the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// It was made for another chain.
    #[error("proof for chain {0}")]
    Chain(u64),
    /// It was made for another contract.
    #[error("proof for another contract")]
    Contract,
    /// It was made for another provider.
    #[error("proof of another provider")]
    Provider,
    /// It was made for another window, or with other randomness than the window has.
    #[error("proof for window {0}")]
    Window(u64),
    /// The provider's set of slots has changed since.
    #[error("proof for version {0} of the set of slots")]
    Set(u32),
    /// It covers other slots than those drawn: the first that differs.
    #[error("proof of another slot in place {0}")]
    Slot(usize),
    /// The provider has proven this window.
    #[error("window {0} is proven already")]
    Replay(u64),
    /// The proof does not show what it says.
    #[error(transparent)]
    Proof(#[from] VerifyError),
}

/// Looks at claims in the contract's stead. Remembers the claims it accepted, one a provider and window.
#[derive(Debug, Clone)]
pub struct Checker {
    verifier: Verifier,
    proven: BTreeSet<(u64, Address)>,
}

impl Checker {
    /// Accepts proofs of the provider form under one verifying key.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        Self { verifier, proven: BTreeSet::new() }
    }

    /// Accepts a claim if it answers what the contract asks, `challenge` for the slots with these roots.
    ///
    /// # Errors
    /// [`ClaimError`]; then nothing is remembered, and a right claim is still accepted.
    pub fn accept(&mut self, challenge: &Challenge, roots: &[Fr], claim: &Claim) -> Result<(), ClaimError> {
        let (asked, told) = (challenge, &claim.challenge);
        if told.chain_id != asked.chain_id {
            return Err(ClaimError::Chain(told.chain_id));
        }
        if told.contract != asked.contract {
            return Err(ClaimError::Contract);
        }
        if told.provider != asked.provider {
            return Err(ClaimError::Provider);
        }
        if (told.window, told.random) != (asked.window, asked.random) {
            return Err(ClaimError::Window(told.window));
        }
        if told.version != asked.version {
            return Err(ClaimError::Set(told.version));
        }
        let different = claim.roots.iter().zip(roots).position(|(told, asked)| told != asked);
        let lengths = (claim.roots.len() != roots.len()).then(|| claim.roots.len().min(roots.len()));
        if let Some(place) = different.or(lengths) {
            return Err(ClaimError::Slot(place));
        }
        let name = (asked.window, asked.provider);
        if self.proven.contains(&name) {
            return Err(ClaimError::Replay(asked.window));
        }
        self.verifier.verify(&provider_publics(asked.seed(), roots), &claim.proof)?;
        self.proven.insert(name);
        Ok(())
    }

    /// Forgets all windows before this one.
    pub fn forget_before(&mut self, window: u64) {
        self.proven = self.proven.split_off(&(window, Address::default()));
    }
}

#[cfg(test)]
mod tests;
