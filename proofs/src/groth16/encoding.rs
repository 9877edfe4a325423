//! Keys and proofs as bytes.
//!
//! Numbers are little-endian; coordinates are 32 bytes big-endian, a point of G1 is `x y`, one of G2
//! `x.c1 x.c0 y.c1 y.c0`: what the EVM's precompiles take (EIP-197). There is no encoding of infinity.
//! Everything but the bare proof of 256 bytes begins with a mark, a version and the circuit's digest.

use super::{
    domain::{self, MAX_ROWS},
    key::{ProvingKey, Query},
    verifier::{Proof, VerifyingKey},
};
use crate::field::{Fr, from_be_bytes};
use ark_bn254::{Fq, Fq2, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInt, PrimeField};
use ark_poly::EvaluationDomain;
use sha2::{Digest, Sha256};

/// Version of all encodings here.
pub const VERSION: u16 = 1;
/// Bytes of a proof as a contract takes it.
pub const PROOF_BYTES: usize = 256;
/// Bytes of a proof with its header.
pub const SEALED_PROOF_BYTES: usize = HEADER_BYTES + PROOF_BYTES;
/// Most public inputs of a circuit.
pub const MAX_PUBLICS: usize = 16;

const PROOF_MARK: [u8; 4] = *b"HFPF";
const VERIFYING_MARK: [u8; 4] = *b"HFVK";
const PROVING_MARK: [u8; 4] = *b"HFPK";
const HEADER_BYTES: usize = 4 + 2 + 32;
const G1_BYTES: usize = 64;
const G2_BYTES: usize = 128;
const DIGEST_BYTES: usize = 32;

/// Why bytes are no key and no proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Fetch it again: part is missing, or there is more.
    #[error("{got} bytes, expected {expected}")]
    Length {
        /// Bytes there are.
        got: usize,
        /// Bytes there should be, as far as they tell.
        expected: usize,
    },
    /// It is something else.
    #[error("wrong mark {0:02x?}")]
    Mark([u8; 4]),
    /// It is of another version of this program.
    #[error("version {0}, this is version {VERSION}")]
    Version(u16),
    /// It belongs to another circuit.
    #[error("circuit {}, expected {}", hex_start(got), hex_start(expected))]
    OtherCircuit {
        /// Digest in the header.
        got: [u8; 32],
        /// Digest asked for.
        expected: [u8; 32],
    },
    /// A count is beyond what any circuit has.
    #[error("count {got}, at most {most}")]
    Count {
        /// The count.
        got: usize,
        /// The bound.
        most: usize,
    },
    /// A coordinate is not below the base field's modulus.
    #[error("coordinate is not below the modulus")]
    Coordinate,
    /// A point is not on its curve, or is infinity.
    #[error("point is not on its curve")]
    NotOnCurve,
    /// A point of G2's curve is not in G2.
    #[error("point is not in its group")]
    NotInGroup,
    /// Variables are out of range or order.
    #[error("variables are not ascending below {0}")]
    Variables(usize),
    /// A public input is not below the scalar field's modulus: it would be another name of a smaller one.
    #[error("public input {0} is not below the modulus")]
    Input(usize),
    /// A contribution is of no kind that is known.
    #[error("contribution of kind {0}")]
    Kind(u8),
    /// A number is not below the scalar field's modulus.
    #[error("number is not below the modulus")]
    Scalar,
    /// The content is not what was written.
    #[error("checksum differs")]
    Checksum,
}

fn hex_start(digest: &[u8; 32]) -> String {
    digest[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads from the front of bytes whose length was checked.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn bytes<const N: usize>(&mut self) -> Result<&'a [u8; N], DecodeError> {
        let (first, rest) =
            self.0.split_first_chunk().ok_or(DecodeError::Length { got: self.0.len(), expected: N })?;
        self.0 = rest;
        Ok(first)
    }

    pub(crate) fn header(
        &mut self,
        mark: [u8; 4],
        circuit: Option<&[u8; 32]>,
    ) -> Result<[u8; 32], DecodeError> {
        let found = *self.bytes::<4>()?;
        if found != mark {
            return Err(DecodeError::Mark(found));
        }
        let version = u16::from_le_bytes(*self.bytes()?);
        if version != VERSION {
            return Err(DecodeError::Version(version));
        }
        let got = *self.bytes::<32>()?;
        match circuit {
            Some(expected) if got != *expected => Err(DecodeError::OtherCircuit { got, expected: *expected }),
            _ => Ok(got),
        }
    }

    pub(crate) fn count(&mut self, most: usize) -> Result<usize, DecodeError> {
        let got = u32::from_le_bytes(*self.bytes()?) as usize;
        if got > most { Err(DecodeError::Count { got, most }) } else { Ok(got) }
    }

    /// All that is left must be so long.
    pub(crate) fn exactly(&self, expected: usize) -> Result<(), DecodeError> {
        let got = self.0.len();
        if got == expected { Ok(()) } else { Err(DecodeError::Length { got, expected }) }
    }

    fn coordinate(&mut self) -> Result<Fq, DecodeError> {
        let (words, _) = self.bytes::<32>()?.as_chunks::<8>();
        let limbs = [3, 2, 1, 0].map(|at| u64::from_be_bytes(words[at]));
        Fq::from_bigint(BigInt::new(limbs)).ok_or(DecodeError::Coordinate)
    }

    pub(crate) fn scalar(&mut self) -> Result<Fr, DecodeError> {
        from_be_bytes(self.bytes()?).ok_or(DecodeError::Scalar)
    }

    pub(crate) fn g1(&mut self) -> Result<G1Affine, DecodeError> {
        let point = G1Affine::new_unchecked(self.coordinate()?, self.coordinate()?);
        if point.is_on_curve() && !point.is_zero() { Ok(point) } else { Err(DecodeError::NotOnCurve) }
    }

    /// A point of G2's curve. Whether it is in G2 takes ten times as long to find out.
    fn g2_curve(&mut self) -> Result<G2Affine, DecodeError> {
        let mut pair = || -> Result<Fq2, DecodeError> {
            let c1 = self.coordinate()?;
            Ok(Fq2::new(self.coordinate()?, c1))
        };
        let point = G2Affine::new_unchecked(pair()?, pair()?);
        if point.is_on_curve() && !point.is_zero() { Ok(point) } else { Err(DecodeError::NotOnCurve) }
    }

    fn g2(&mut self) -> Result<G2Affine, DecodeError> {
        let point = self.g2_curve()?;
        if point.is_in_correct_subgroup_assuming_on_curve() {
            Ok(point)
        } else {
            Err(DecodeError::NotInGroup)
        }
    }

    pub(super) fn g1s(&mut self, count: usize) -> Result<Vec<G1Affine>, DecodeError> {
        (0..count).map(|_| self.g1()).collect()
    }

    pub(super) fn g2s(&mut self, count: usize) -> Result<Vec<G2Affine>, DecodeError> {
        (0..count).map(|_| self.g2_curve()).collect()
    }

    pub(super) fn variables(&mut self, count: usize, below: usize) -> Result<Vec<u32>, DecodeError> {
        let variables: Vec<u32> =
            (0..count).map(|_| Ok(u32::from_le_bytes(*self.bytes()?))).collect::<Result<_, _>>()?;
        let ascending = variables.is_sorted_by(|left, right| left < right);
        if ascending && variables.last().is_none_or(|last| (*last as usize) < below) {
            Ok(variables)
        } else {
            Err(DecodeError::Variables(below))
        }
    }
}

pub(crate) fn header(out: &mut Vec<u8>, mark: [u8; 4], circuit: &[u8; 32]) {
    out.extend_from_slice(&mark);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(circuit);
}

pub(crate) fn put_count(out: &mut Vec<u8>, count: usize) {
    out.extend_from_slice(&u32::try_from(count).expect("counts are bounded by the domain").to_le_bytes());
}

fn word(coordinate: Fq) -> [u8; 32] {
    let mut word = [0; 32];
    for (bytes, limb) in word.chunks_exact_mut(8).zip(coordinate.into_bigint().0.iter().rev()) {
        bytes.copy_from_slice(&limb.to_be_bytes());
    }
    word
}

/// A point of G1 as the EVM takes it: x, y.
#[must_use]
pub fn g1_words(point: &G1Affine) -> [[u8; 32]; 2] {
    let (x, y) = point.xy().unwrap_or_default();
    [x, y].map(word)
}

/// A point of G2 as the EVM takes it: x.c1, x.c0, y.c1, y.c0.
#[must_use]
pub fn g2_words(point: &G2Affine) -> [[u8; 32]; 4] {
    let (x, y) = point.xy().unwrap_or_default();
    [x.c1, x.c0, y.c1, y.c0].map(word)
}

pub(crate) fn put_g1(out: &mut Vec<u8>, point: &G1Affine) {
    out.extend_from_slice(g1_words(point).as_flattened());
}

pub(super) fn put_g2(out: &mut Vec<u8>, point: &G2Affine) {
    out.extend_from_slice(g2_words(point).as_flattened());
}

/// A proof as a contract takes it.
#[must_use]
pub fn proof_to_bytes(proof: &Proof) -> [u8; PROOF_BYTES] {
    let mut out = Vec::with_capacity(PROOF_BYTES);
    put_g1(&mut out, &proof.a);
    put_g2(&mut out, &proof.b);
    put_g1(&mut out, &proof.c);
    out.try_into().expect("three points have 256 bytes")
}

/// Reads a proof as a contract takes it; its points lie in their groups.
///
/// # Errors
/// [`DecodeError`].
pub fn proof_from_bytes(bytes: &[u8]) -> Result<Proof, DecodeError> {
    let mut reader = Reader(bytes);
    reader.exactly(PROOF_BYTES)?;
    Ok(Proof { a: reader.g1()?, b: reader.g2()?, c: reader.g1()? })
}

/// Reads public inputs as a contract takes them, 32 bytes big-endian each.
///
/// # Errors
/// [`DecodeError::Input`] if a number is not below the modulus: with it, one statement would have many names.
pub fn publics_from_bytes(inputs: &[[u8; 32]]) -> Result<Vec<Fr>, DecodeError> {
    let read = |(at, bytes)| from_be_bytes(bytes).ok_or(DecodeError::Input(at));
    inputs.iter().enumerate().map(read).collect()
}

/// A proof with its circuit's digest, for nodes among themselves.
#[must_use]
pub fn seal_proof(proof: &Proof, circuit: &[u8; 32]) -> Vec<u8> {
    let mut out = Vec::with_capacity(SEALED_PROOF_BYTES);
    header(&mut out, PROOF_MARK, circuit);
    out.extend_from_slice(&proof_to_bytes(proof));
    out
}

/// Reads a proof for the circuit with this digest.
///
/// # Errors
/// [`DecodeError`].
pub fn open_proof(bytes: &[u8], circuit: &[u8; 32]) -> Result<Proof, DecodeError> {
    Reader(bytes).exactly(SEALED_PROOF_BYTES)?;
    let mut reader = Reader(bytes);
    reader.header(PROOF_MARK, Some(circuit))?;
    proof_from_bytes(reader.0)
}

pub(super) fn put_verifying(out: &mut Vec<u8>, key: &VerifyingKey) {
    put_count(out, key.publics());
    put_g1(out, &key.ark.alpha_g1);
    put_g2(out, &key.ark.beta_g2);
    put_g2(out, &key.ark.delta_g2);
    for point in &key.ark.gamma_abc_g1 {
        put_g1(out, point);
    }
}

pub(super) fn read_verifying(
    reader: &mut Reader<'_>,
    circuit: [u8; 32],
) -> Result<VerifyingKey, DecodeError> {
    let publics = reader.count(MAX_PUBLICS)?;
    let (alpha, beta, delta) = (reader.g1()?, reader.g2()?, reader.g2()?);
    Ok(VerifyingKey::new(circuit, alpha, beta, delta, reader.g1s(publics + 1)?))
}

/// A verifying key. γ is 1 and not written.
#[must_use]
pub fn verifying_key_to_bytes(key: &VerifyingKey) -> Vec<u8> {
    let mut out = Vec::new();
    header(&mut out, VERIFYING_MARK, &key.circuit);
    put_verifying(&mut out, key);
    out
}

/// Reads the verifying key of a circuit.
///
/// # Errors
/// [`DecodeError`].
pub fn verifying_key_from_bytes(bytes: &[u8], circuit: &[u8; 32]) -> Result<VerifyingKey, DecodeError> {
    let mut reader = Reader(bytes);
    let circuit = reader.header(VERIFYING_MARK, Some(circuit))?;
    let key = read_verifying(&mut reader, circuit)?;
    reader.exactly(0)?;
    Ok(key)
}

/// A proving key, with a checksum at its end.
#[must_use]
pub fn proving_key_to_bytes(key: &ProvingKey) -> Vec<u8> {
    let mut out = Vec::new();
    header(&mut out, PROVING_MARK, &key.verifying.circuit);
    put_verifying(&mut out, &key.verifying);
    put_shape(&mut out, (key.rows, key.variables), [&key.a.variables, &key.b1.variables]);
    let points = [&key.a.points, &key.b1.points, &key.l, &key.h];
    for point in [&key.beta, &key.delta].into_iter().chain(points.into_iter().flatten()) {
        put_g1(&mut out, point);
    }
    for point in &key.b2 {
        put_g2(&mut out, point);
    }
    put_checksum(&mut out);
    out
}

/// Reads the proving key of a circuit. Counts are checked against the length before anything is set aside for them.
/// Points are checked to lie on their curves and those of the verifying key in their groups; a forged proving key
/// could make its owner's proofs invalid, or show what they hide, so its digest is pinned where it is fetched.
///
/// # Errors
/// [`DecodeError`].
pub fn proving_key_from_bytes(bytes: &[u8], circuit: &[u8; 32]) -> Result<ProvingKey, DecodeError> {
    let mut reader = Reader(bytes);
    let circuit = reader.header(PROVING_MARK, Some(circuit))?;
    let verifying = read_verifying(&mut reader, circuit)?;
    let shape = Shape::read(&mut reader, verifying.publics() + 1)?;
    let (a, b) = (shape.a, shape.b);
    shape.fits(&reader, 2 + a + b + shape.private + shape.domain)?;
    check_sum(bytes)?;
    let [a_variables, b_variables] = shape.variables_of(&mut reader)?;
    Ok(ProvingKey {
        rows: shape.rows,
        variables: shape.variables,
        verifying,
        beta: reader.g1()?,
        delta: reader.g1()?,
        a: Query { variables: a_variables, points: reader.g1s(a)? },
        b1: Query { variables: b_variables, points: reader.g1s(b)? },
        l: reader.g1s(shape.private)?,
        h: reader.g1s(shape.domain)?,
        b2: reader.g2s(b)?,
    })
}

/// What the counts of a proving key say, of whatever prover.
pub(super) struct Shape {
    pub(super) rows: usize,
    pub(super) variables: usize,
    /// Variables that are neither one nor public.
    pub(super) private: usize,
    /// Points of the domain.
    pub(super) domain: usize,
    /// Variables that occur in A, and those in B.
    pub(super) a: usize,
    pub(super) b: usize,
}

impl Shape {
    pub(super) fn read(reader: &mut Reader<'_>, publics: usize) -> Result<Self, DecodeError> {
        let rows = reader.count(MAX_ROWS)?;
        let domain =
            domain::of(rows, publics).ok_or(DecodeError::Count { got: rows, most: MAX_ROWS - publics })?;
        let variables = reader.count(2 * MAX_ROWS)?;
        let (a, b) = (reader.count(variables)?, reader.count(variables)?);
        let private =
            variables.checked_sub(publics).ok_or(DecodeError::Count { got: publics, most: variables })?;
        Ok(Self { rows, variables, private, domain: domain.size(), a, b })
    }

    /// Variables, so many points of G1, one of G2 for each variable of B, and the checksum must be all that is left.
    pub(super) fn fits(&self, reader: &Reader<'_>, points: usize) -> Result<(), DecodeError> {
        let variables = (self.a + self.b) * 4;
        reader.exactly(variables + points * G1_BYTES + self.b * G2_BYTES + DIGEST_BYTES)
    }

    /// The variables of A, and those of B.
    pub(super) fn variables_of(&self, reader: &mut Reader<'_>) -> Result<[Vec<u32>; 2], DecodeError> {
        Ok([reader.variables(self.a, self.variables)?, reader.variables(self.b, self.variables)?])
    }
}

/// Rows, all variables, and the variables of A and of B.
pub(super) fn put_shape(out: &mut Vec<u8>, (rows, all): (usize, usize), variables: [&[u32]; 2]) {
    for count in [rows, all, variables[0].len(), variables[1].len()] {
        put_count(out, count);
    }
    for variable in variables.into_iter().flatten() {
        out.extend_from_slice(&variable.to_le_bytes());
    }
}

pub(super) fn put_checksum(out: &mut Vec<u8>) {
    let checksum = Sha256::digest(&*out);
    out.extend_from_slice(&checksum);
}

/// The last bytes must be the checksum of all before.
pub(super) fn check_sum(bytes: &[u8]) -> Result<(), DecodeError> {
    let (content, checksum) = bytes.split_last_chunk::<DIGEST_BYTES>().ok_or(DecodeError::Checksum)?;
    if Sha256::digest(content).as_slice() == checksum { Ok(()) } else { Err(DecodeError::Checksum) }
}
