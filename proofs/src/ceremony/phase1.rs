//! Powers of τ out of a `.ptau` file, the format of snarkjs in which the Perpetual Powers of Tau are published.

use crate::field::{Fr, random};
use ark_bn254::{Bn254, Fq, Fq2, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{AffineRepr, CurveGroup, pairing::Pairing};
use ark_ff::{BigInt, PrimeField};
use rand_core::Rng;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

/// Largest file that is read: powers up to 2^21.
const MAX_POWER: u32 = 21;
const G1_BYTES: usize = 64;
const G2_BYTES: usize = 128;

/// Why a file is no phase 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Phase1Error {
    /// Fetch the file that was pinned.
    #[error("SHA-256 of the file is {}, not the pinned one", got.iter().map(|byte| format!("{byte:02x}")).collect::<String>())]
    Pin {
        /// Hash of the bytes given.
        got: [u8; 32],
    },
    /// It is no `.ptau` file of version 1, or its sections do not fill it.
    #[error("not a whole ptau file of version 1")]
    Format,
    /// A part is missing or has another length.
    #[error("section {0} is missing or has a wrong length")]
    Section(u32),
    /// It is for another curve.
    #[error("not for BN254")]
    Curve,
    /// There are too many powers.
    #[error("2^{0} powers, at most 2^{MAX_POWER} are read")]
    Power(u32),
    /// A point is not in its group.
    #[error("point {at} of section {section} is not in its group")]
    Point {
        /// The section.
        section: u32,
        /// The point.
        at: usize,
    },
    /// The points are not powers of one τ.
    #[error("points are not powers of one secret: {0}")]
    Inconsistent(&'static str),
}

/// The points of phase 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase1 {
    /// `[τⁱ]₁` for i below 2^(power+1) − 1.
    pub tau1: Vec<G1Affine>,
    /// `[τⁱ]₂` for i below 2^power.
    pub tau2: Vec<G2Affine>,
    /// `[α·τⁱ]₁` for i below 2^power.
    pub alpha1: Vec<G1Affine>,
    /// `[β·τⁱ]₁` for i below 2^power.
    pub beta1: Vec<G1Affine>,
    /// `[β]₂`
    pub beta2: G2Affine,
}

impl Phase1 {
    /// Reads a file whose SHA-256 is pinned. What the points are is checked by [`Self::check`].
    ///
    /// # Errors
    /// [`Phase1Error`].
    pub fn import(file: &[u8], pinned: &[u8; 32]) -> Result<Self, Phase1Error> {
        let got: [u8; 32] = Sha256::digest(file).into();
        if got != *pinned {
            return Err(Phase1Error::Pin { got });
        }
        let sections = Sections::of(file)?;
        let header = sections.get(1)?;
        let (size, rest) = header.split_first_chunk::<4>().ok_or(Phase1Error::Section(1))?;
        let (modulus, rest) = rest.split_first_chunk::<32>().ok_or(Phase1Error::Section(1))?;
        let (power, _) = rest.split_first_chunk::<4>().ok_or(Phase1Error::Section(1))?;
        if u32::from_le_bytes(*size) != 32 || limbs(modulus) != Fq::MODULUS {
            return Err(Phase1Error::Curve);
        }
        let power = u32::from_le_bytes(*power);
        if power > MAX_POWER {
            return Err(Phase1Error::Power(power));
        }
        let count = 1 << power;
        let beta2 = sections.points(6, 1, G2_BYTES, g2)?;
        Ok(Self {
            tau1: sections.points(2, 2 * count - 1, G1_BYTES, g1)?,
            tau2: sections.points(3, count, G2_BYTES, g2)?,
            alpha1: sections.points(4, count, G1_BYTES, g1)?,
            beta1: sections.points(5, count, G1_BYTES, g1)?,
            beta2: beta2[0],
        })
    }

    /// Checks that all points are powers of one τ, times one α and one β, by random combinations: an inconsistent
    /// phase 1 passes with probability below 2^-240.
    ///
    /// # Errors
    /// [`Phase1Error::Inconsistent`].
    pub fn check(&self, rng: &mut impl Rng) -> Result<(), Phase1Error> {
        let (one1, one2) = (G1Affine::generator(), G2Affine::generator());
        if self.tau1[0] != one1 || self.tau2[0] != one2 || self.tau2.len() < 2 {
            return Err(Phase1Error::Inconsistent("the first is not the generator"));
        }
        let tau2 = self.tau2[1];
        let steps = |points: &[G1Affine], rng: &mut _| {
            let (low, high) = shifted::<G1Projective>(points, rng);
            Bn254::pairing(low, tau2) == Bn254::pairing(high, one2)
        };
        if !steps(&self.tau1, rng) {
            return Err(Phase1Error::Inconsistent("τ in G1"));
        }
        if !steps(&self.alpha1, rng) {
            return Err(Phase1Error::Inconsistent("α·τ"));
        }
        if !steps(&self.beta1, rng) {
            return Err(Phase1Error::Inconsistent("β·τ"));
        }
        let (low, high) = shifted::<G2Projective>(&self.tau2, rng);
        if Bn254::pairing(self.tau1[1], low) != Bn254::pairing(one1, high) {
            return Err(Phase1Error::Inconsistent("τ in G2"));
        }
        if Bn254::pairing(self.beta1[0], one2) != Bn254::pairing(one1, self.beta2) {
            return Err(Phase1Error::Inconsistent("β in G2"));
        }
        Ok(())
    }
}

/// A random combination of all points but the last, and the same one of all but the first.
fn shifted<G: CurveGroup<ScalarField = Fr>>(
    points: &[G::Affine],
    rng: &mut impl Rng,
) -> (G::Affine, G::Affine) {
    let factors: Vec<Fr> = (1..points.len()).map(|_| random(rng)).collect();
    let sum = |points: &[G::Affine]| G::msm_unchecked(points, &factors).into_affine();
    (sum(&points[..factors.len()]), sum(&points[1..]))
}

/// The sections of a file: `ptau`, version, number of sections, then type (u32), length (u64) and content of each.
struct Sections<'a>(Vec<(u32, &'a [u8])>);

impl<'a> Sections<'a> {
    fn of(file: &'a [u8]) -> Result<Self, Phase1Error> {
        let split = || -> Option<Vec<(u32, &'a [u8])>> {
            let (mark, rest) = file.split_first_chunk::<4>()?;
            let (version, rest) = rest.split_first_chunk::<4>()?;
            let (count, mut rest) = rest.split_first_chunk::<4>()?;
            if mark != b"ptau" || u32::from_le_bytes(*version) != 1 {
                return None;
            }
            let mut sections = Vec::new();
            for _ in 0..u32::from_le_bytes(*count) {
                let (kind, after) = rest.split_first_chunk::<4>()?;
                let (length, after) = after.split_first_chunk::<8>()?;
                let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
                let (content, after) = after.split_at_checked(length)?;
                sections.push((u32::from_le_bytes(*kind), content));
                rest = after;
            }
            rest.is_empty().then_some(sections)
        };
        split().map(Self).ok_or(Phase1Error::Format)
    }

    fn get(&self, wanted: u32) -> Result<&'a [u8], Phase1Error> {
        let found = self.0.iter().find(|(kind, _)| *kind == wanted);
        found.map(|(_, content)| *content).ok_or(Phase1Error::Section(wanted))
    }

    fn points<P: Send>(
        &self,
        number: u32,
        count: usize,
        size: usize,
        read: impl Fn(&[u8]) -> Option<P> + Sync,
    ) -> Result<Vec<P>, Phase1Error> {
        let content = self.get(number)?;
        if content.len() != count * size {
            return Err(Phase1Error::Section(number));
        }
        let point = |(at, bytes)| read(bytes).ok_or(Phase1Error::Point { section: number, at });
        content.par_chunks_exact(size).enumerate().map(point).collect()
    }
}

fn limbs(bytes: &[u8; 32]) -> BigInt<4> {
    let (words, _) = bytes.as_chunks::<8>();
    BigInt::new([0, 1, 2, 3].map(|at| u64::from_le_bytes(words[at])))
}

/// Coordinates stand in the file in Montgomery form with R = 2^256, little-endian.
fn coordinate(bytes: &[u8]) -> Option<Fq> {
    let limbs = limbs(bytes.try_into().ok()?);
    (limbs < Fq::MODULUS).then(|| Fq::new_unchecked(limbs))
}

fn g1(bytes: &[u8]) -> Option<G1Affine> {
    let point = G1Affine::new_unchecked(coordinate(&bytes[..32])?, coordinate(&bytes[32..])?);
    (point.is_on_curve() && !point.is_zero()).then_some(point)
}

fn g2(bytes: &[u8]) -> Option<G2Affine> {
    let pair =
        |at: usize| Some(Fq2::new(coordinate(&bytes[at..at + 32])?, coordinate(&bytes[at + 32..at + 64])?));
    let point = G2Affine::new_unchecked(pair(0)?, pair(64)?);
    (point.is_on_curve() && !point.is_zero() && point.is_in_correct_subgroup_assuming_on_curve())
        .then_some(point)
}
