//! Contributions, the beacon, and the transcript that proves them.

use crate::{
    field::{Fr, random, to_be_bytes},
    groth16::{
        ProvingKey,
        encoding::{DecodeError, Reader, header, proving_key_to_bytes, put_count, put_g1},
    },
};
use ark_bn254::{Bn254, G1Affine, G1Projective, G2Affine};
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM, pairing::Pairing};
use ark_ff::{Field, PrimeField};
use rand_core::Rng;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

/// Most contributions of a transcript.
pub const MAX_CONTRIBUTIONS: usize = 10_000;
/// Most times that a beacon is hashed: 2^30 takes minutes.
const MAX_BEACON_LOG: u8 = 30;
const MARK: [u8; 4] = *b"HFCT";
const BY_SECRET: u8 = 0;
const BY_BEACON: u8 = 1;

/// Why a ceremony's result is not to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CeremonyError {
    /// The transcript is of another circuit or phase 1.
    #[error("transcript starts from another key")]
    Start,
    /// A contributor did not know what it multiplied by.
    #[error("contribution {0} proves no knowledge of its secret")]
    Knowledge(usize),
    /// The beacon's point does not follow from its value.
    #[error("contribution {0} does not follow from its beacon")]
    Beacon(usize),
    /// A contribution undid all others.
    #[error("contribution {0} is degenerate")]
    Degenerate(usize),
    /// Nobody has contributed a secret, so that everybody knows δ.
    #[error("transcript has no contribution of a secret")]
    NoSecret,
    /// Something changed that no contribution may change.
    #[error("key differs from the first one in {0}")]
    Changed(&'static str),
    /// The key's δ is not the last contribution's, or its points do not carry it.
    #[error("key does not carry the transcript's δ: {0}")]
    Delta(&'static str),
    /// The beacon is hashed too often to verify.
    #[error("beacon is hashed 2^{0} times, at most 2^{MAX_BEACON_LOG}")]
    BeaconCost(u8),
}

/// One factor of δ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contribution {
    /// A secret's: `[δ]₁` after it, and a Schnorr proof (commitment, response) that its factor is known.
    Secret {
        /// δ with this factor.
        after: G1Affine,
        /// The proof's commitment.
        commitment: G1Affine,
        /// The proof's response.
        response: Fr,
    },
    /// A public value's, hashed 2^log times.
    Beacon {
        /// δ with this factor.
        after: G1Affine,
        /// What everybody saw, such as a block hash named in advance.
        value: [u8; 32],
        /// Binary logarithm of how often it is hashed.
        log: u8,
    },
}

impl Contribution {
    fn after(&self) -> G1Affine {
        match self {
            Self::Secret { after, .. } | Self::Beacon { after, .. } => *after,
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Secret { after, commitment, response } => {
                out.push(BY_SECRET);
                put_g1(out, after);
                put_g1(out, commitment);
                out.extend_from_slice(&to_be_bytes(response));
            }
            Self::Beacon { after, value, log } => {
                out.push(BY_BEACON);
                put_g1(out, after);
                out.extend_from_slice(value);
                out.push(*log);
            }
        }
    }
}

/// All contributions to one circuit's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// The circuit's digest.
    pub circuit: [u8; 32],
    /// SHA-256 of the first key's encoding.
    pub start: [u8; 32],
    /// The contributions, in order.
    pub contributions: Vec<Contribution>,
}

impl Transcript {
    /// The empty transcript of a first key.
    #[must_use]
    pub fn start(initial: &ProvingKey) -> Self {
        let start = Sha256::digest(proving_key_to_bytes(initial)).into();
        Self { circuit: initial.verifying.circuit, start, contributions: Vec::new() }
    }

    /// SHA-256 over the start and the first `count` contributions: what the next one's proof is bound to.
    ///
    /// # Panics
    /// If there are not so many.
    #[must_use]
    pub fn hash(&self, count: usize) -> [u8; 32] {
        let mut bytes = [self.circuit, self.start].concat();
        for contribution in &self.contributions[..count] {
            contribution.encode(&mut bytes);
        }
        Sha256::digest(bytes).into()
    }

    /// The hash that a contributor publishes to be found in the final transcript.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.hash(self.contributions.len())
    }

    /// True if somebody contributed a secret.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        self.contributions.iter().any(|it| matches!(it, Contribution::Secret { .. }))
    }

    /// True if the last contribution is a beacon's.
    #[must_use]
    pub fn ends_with_beacon(&self) -> bool {
        matches!(self.contributions.last(), Some(Contribution::Beacon { .. }))
    }

    /// `[δ]₁` before a contribution.
    fn before(&self, number: usize) -> G1Affine {
        number.checked_sub(1).map_or_else(G1Affine::generator, |last| self.contributions[last].after())
    }

    /// The transcript as bytes: mark, version, circuit, start, count, contributions.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        header(&mut out, MARK, &self.circuit);
        out.extend_from_slice(&self.start);
        put_count(&mut out, self.contributions.len());
        for contribution in &self.contributions {
            contribution.encode(&mut out);
        }
        out
    }

    /// Reads the transcript of a circuit.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_bytes(bytes: &[u8], circuit: &[u8; 32]) -> Result<Self, DecodeError> {
        let mut reader = Reader(bytes);
        let transcript = Self::read(&mut reader, Some(circuit))?;
        reader.exactly(0)?;
        Ok(transcript)
    }

    /// Reads a transcript of a given circuit, or of any, and leaves what follows it.
    pub(super) fn read(reader: &mut Reader<'_>, circuit: Option<&[u8; 32]>) -> Result<Self, DecodeError> {
        let circuit = reader.header(MARK, circuit)?;
        let start = *reader.bytes()?;
        let count = reader.count(MAX_CONTRIBUTIONS)?;
        let mut contributions = Vec::new();
        for _ in 0..count {
            let [kind] = *reader.bytes::<1>()?;
            let after = reader.g1()?;
            contributions.push(match kind {
                BY_SECRET => {
                    Contribution::Secret { after, commitment: reader.g1()?, response: reader.scalar()? }
                }
                BY_BEACON => {
                    Contribution::Beacon { after, value: *reader.bytes()?, log: reader.bytes::<1>()?[0] }
                }
                _ => return Err(DecodeError::Kind(kind)),
            });
        }
        Ok(Self { circuit, start, contributions })
    }
}

/// Schnorr's challenge, bound to all that came before.
fn challenge(history: [u8; 32], before: &G1Affine, after: &G1Affine, commitment: &G1Affine) -> Fr {
    let mut bytes = b"holdfast ceremony contribution v1".to_vec();
    bytes.extend_from_slice(&history);
    for point in [before, after, commitment] {
        put_g1(&mut bytes, point);
    }
    Fr::from_be_bytes_mod_order(&Sha256::digest(bytes))
}

/// Multiplies δ by a secret drawn from `rng`, which must be unpredictable and is not kept, and appends the proof.
///
/// # Panics
/// If `rng` yields zero, which by chance it never does.
pub fn contribute(key: &mut ProvingKey, transcript: &mut Transcript, rng: &mut impl Rng) {
    let (mut secret, mut nonce) = (random(rng), random(rng));
    let before = key.delta;
    let after = (before * secret).into_affine();
    let commitment = (before * nonce).into_affine();
    let response = nonce + challenge(transcript.digest(), &before, &after, &commitment) * secret;
    rescale(key, secret);
    secret.zeroize();
    nonce.zeroize();
    transcript.contributions.push(Contribution::Secret { after, commitment, response });
}

/// Multiplies δ by what a public value becomes when hashed 2^log times, which nobody could know before it was public.
///
/// # Errors
/// [`CeremonyError::BeaconCost`].
pub fn apply_beacon(
    key: &mut ProvingKey,
    transcript: &mut Transcript,
    value: [u8; 32],
    log: u8,
) -> Result<(), CeremonyError> {
    let factor = beacon_factor(value, log)?;
    let after = (key.delta * factor).into_affine();
    rescale(key, factor);
    transcript.contributions.push(Contribution::Beacon { after, value, log });
    Ok(())
}

fn beacon_factor(value: [u8; 32], log: u8) -> Result<Fr, CeremonyError> {
    if log > MAX_BEACON_LOG {
        return Err(CeremonyError::BeaconCost(log));
    }
    let hashed = (0..1_u64 << log).fold(value, |value, _| Sha256::digest(value).into());
    Ok(Fr::from_be_bytes_mod_order(&hashed))
}

fn rescale(key: &mut ProvingKey, factor: Fr) {
    let mut inverse = factor.inverse().expect("a uniform element is not zero");
    let divide = |points: &[G1Affine]| {
        let scaled: Vec<G1Projective> = points.par_iter().map(|point| *point * inverse).collect();
        G1Projective::normalize_batch(&scaled)
    };
    (key.l, key.h) = (divide(&key.l), divide(&key.h));
    key.delta = (key.delta * factor).into_affine();
    key.verifying.ark.delta_g2 = (key.verifying.ark.delta_g2 * factor).into_affine();
    inverse.zeroize();
}

/// Checks each contribution's proof, and that the key's δ is the last one's. It takes no phase 1 and so does not tell
/// whether the key began as it should: [`verify`] does.
///
/// # Errors
/// [`CeremonyError`].
pub fn check_contributions(transcript: &Transcript, key: &ProvingKey) -> Result<(), CeremonyError> {
    for number in 0..transcript.contributions.len() {
        verify_contribution(transcript, number)?;
    }
    if key.delta != transcript.before(transcript.contributions.len()) {
        return Err(CeremonyError::Delta("δ in G1"));
    }
    let delta2 = key.verifying.ark.delta_g2;
    if Bn254::pairing(key.delta, G2Affine::generator()) != Bn254::pairing(G1Affine::generator(), delta2) {
        return Err(CeremonyError::Delta("δ in G2"));
    }
    Ok(())
}

/// Verifies that a key came out of the first one by the contributions of a transcript and nothing else. `initial` is
/// computed anew from phase 1 and the circuit. A wrong key passes with probability below 2^-240 over `rng`.
///
/// # Errors
/// [`CeremonyError`]: do not use the key.
pub fn verify(
    initial: &ProvingKey,
    transcript: &Transcript,
    key: &ProvingKey,
    rng: &mut impl Rng,
) -> Result<(), CeremonyError> {
    let first = Transcript::start(initial);
    if (transcript.circuit, transcript.start) != (first.circuit, first.start) {
        return Err(CeremonyError::Start);
    }
    check_contributions(transcript, key)?;
    if !transcript.has_secret() {
        return Err(CeremonyError::NoSecret);
    }
    unchanged(initial, key)?;
    let (one2, delta2) = (G2Affine::generator(), key.verifying.ark.delta_g2);
    for (name, before, after) in [("L", &initial.l, &key.l), ("H", &initial.h, &key.h)] {
        let factors: Vec<Fr> = before.iter().map(|_| random(rng)).collect();
        let sum = |points: &[G1Affine]| G1Projective::msm_unchecked(points, &factors);
        if before.len() != after.len()
            || Bn254::pairing(sum(before), one2) != Bn254::pairing(sum(after), delta2)
        {
            return Err(CeremonyError::Delta(name));
        }
    }
    Ok(())
}

fn verify_contribution(transcript: &Transcript, number: usize) -> Result<(), CeremonyError> {
    let before = transcript.before(number);
    let after = transcript.contributions[number].after();
    if after.is_zero() {
        return Err(CeremonyError::Degenerate(number));
    }
    match &transcript.contributions[number] {
        Contribution::Secret { commitment, response, .. } => {
            let challenge = challenge(transcript.hash(number), &before, &after, commitment);
            let holds = before * response == commitment.into_group() + after * challenge;
            if holds { Ok(()) } else { Err(CeremonyError::Knowledge(number)) }
        }
        Contribution::Beacon { value, log, .. } => {
            let holds = before * beacon_factor(*value, *log)? == after.into_group();
            if holds { Ok(()) } else { Err(CeremonyError::Beacon(number)) }
        }
    }
}

/// Everything but δ, L and H is as it was.
fn unchanged(initial: &ProvingKey, key: &ProvingKey) -> Result<(), CeremonyError> {
    let (old, new) = (&initial.verifying, &key.verifying);
    let parts = [
        ("circuit", (old.circuit, initial.rows, initial.variables) == (new.circuit, key.rows, key.variables)),
        ("α", old.ark.alpha_g1 == new.ark.alpha_g1),
        ("β", (initial.beta, old.ark.beta_g2) == (key.beta, new.ark.beta_g2)),
        ("γ", old.ark.gamma_g2 == new.ark.gamma_g2),
        ("IC", old.ark.gamma_abc_g1 == new.ark.gamma_abc_g1),
        ("A", initial.a == key.a),
        ("B", (&initial.b1, &initial.b2) == (&key.b1, &key.b2)),
    ];
    parts.into_iter().find(|(_, same)| !same).map_or(Ok(()), |(name, _)| Err(CeremonyError::Changed(name)))
}
