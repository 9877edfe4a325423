//! Fast keys as bytes: mark, version, circuit, verifying key, rows, variables, counts of A and of B, their variables, the
//! points of A, C and B, checksum.

use super::FastKey;
use crate::groth16::{
    domain::{self, MAX_ROWS},
    encoding::{
        DIGEST_BYTES, DecodeError, G1_BYTES, G2_BYTES, Reader, header, put_count, put_g1, put_g2,
        put_verifying, read_verifying,
    },
    key::Query,
};
use ark_poly::EvaluationDomain;
use sha2::{Digest, Sha256};

const MARK: [u8; 4] = *b"HFFK";

/// A fast key, with a checksum at its end.
#[must_use]
pub fn fast_key_to_bytes(key: &FastKey) -> Vec<u8> {
    let mut out = Vec::new();
    header(&mut out, MARK, &key.verifying.circuit);
    put_verifying(&mut out, &key.verifying);
    for count in [key.rows, key.variables, key.a.points.len(), key.b.points.len()] {
        put_count(&mut out, count);
    }
    for variable in key.a.variables.iter().chain(&key.b.variables) {
        out.extend_from_slice(&variable.to_le_bytes());
    }
    for point in key.a.points.iter().chain(&key.c) {
        put_g1(&mut out, point);
    }
    for point in &key.b.points {
        put_g2(&mut out, point);
    }
    let checksum = Sha256::digest(&out);
    out.extend_from_slice(&checksum);
    out
}

/// Reads the fast key of a blinded circuit; what is checked is what
/// [`super::super::encoding::proving_key_from_bytes`] checks.
///
/// # Errors
/// [`DecodeError`].
pub fn fast_key_from_bytes(bytes: &[u8], circuit: &[u8; 32]) -> Result<FastKey, DecodeError> {
    let mut reader = Reader(bytes);
    let circuit = reader.header(MARK, Some(circuit))?;
    let verifying = read_verifying(&mut reader, circuit)?;
    let publics = verifying.publics() + 1;
    let rows = reader.count(MAX_ROWS)?;
    let domain =
        domain::of(rows, publics).ok_or(DecodeError::Count { got: rows, most: MAX_ROWS - publics })?;
    let variables = reader.count(2 * MAX_ROWS)?;
    let (a, b) = (reader.count(variables)?, reader.count(variables)?);
    let private =
        variables.checked_sub(publics).ok_or(DecodeError::Count { got: publics, most: variables })?;
    let c = private + domain.size();
    reader.exactly((a + b) * 4 + (a + c) * G1_BYTES + b * G2_BYTES + DIGEST_BYTES)?;
    let (content, checksum) = bytes.split_at(bytes.len() - DIGEST_BYTES);
    if Sha256::digest(content).as_slice() != checksum {
        return Err(DecodeError::Checksum);
    }
    let (a_variables, b_variables) = (reader.variables(a, variables)?, reader.variables(b, variables)?);
    Ok(FastKey {
        rows,
        variables,
        verifying,
        a: Query { variables: a_variables, points: reader.g1s(a)? },
        c: reader.g1s(c)?,
        b: Query {
            variables: b_variables,
            points: (0..b).map(|_| reader.g2_curve()).collect::<Result<_, _>>()?,
        },
    })
}
