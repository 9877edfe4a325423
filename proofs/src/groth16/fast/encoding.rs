//! Fast keys as bytes: mark, version, circuit, verifying key, rows, variables, counts of A and of B, their variables, the
//! points of A, C and B, checksum.

use super::FastKey;
use crate::groth16::{
    encoding::{
        DecodeError, Reader, Shape, check_sum, header, put_checksum, put_g1, put_g2, put_shape,
        put_verifying, read_verifying,
    },
    key::Query,
};

const MARK: [u8; 4] = *b"HFFK";

/// A fast key, with a checksum at its end.
#[must_use]
pub fn fast_key_to_bytes(key: &FastKey) -> Vec<u8> {
    let mut out = Vec::new();
    header(&mut out, MARK, &key.verifying.circuit);
    put_verifying(&mut out, &key.verifying);
    put_shape(&mut out, (key.rows, key.variables), [&key.a.variables, &key.b.variables]);
    for point in key.a.points.iter().chain(&key.c) {
        put_g1(&mut out, point);
    }
    for point in &key.b.points {
        put_g2(&mut out, point);
    }
    put_checksum(&mut out);
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
    let shape = Shape::read(&mut reader, verifying.publics() + 1)?;
    let c = shape.private + shape.domain;
    shape.fits(&reader, shape.a + c)?;
    check_sum(bytes)?;
    let [a_variables, b_variables] = shape.variables_of(&mut reader)?;
    Ok(FastKey {
        rows: shape.rows,
        variables: shape.variables,
        verifying,
        a: Query { variables: a_variables, points: reader.g1s(shape.a)? },
        c: reader.g1s(c)?,
        b: Query { variables: b_variables, points: reader.g2s(shape.b)? },
    })
}
