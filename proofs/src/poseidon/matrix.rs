//! Square matrices over the field: what deriving and checking the parameters needs.

use crate::field::Fr;
use ark_ff::{AdditiveGroup, Field, PrimeField};

/// A square matrix by rows.
pub type Matrix = Vec<Vec<Fr>>;

/// The identity.
#[must_use]
pub fn identity(size: usize) -> Matrix {
    (0..size).map(|row| (0..size).map(|column| Fr::from(u64::from(row == column))).collect()).collect()
}

/// `left · right`.
#[must_use]
pub fn product(left: &Matrix, right: &Matrix) -> Matrix {
    let size = left.len();
    let entry = |row: &Vec<Fr>, column: usize| (0..size).map(|at| row[at] * right[at][column]).sum();
    left.iter().map(|row| (0..size).map(|column| entry(row, column)).collect()).collect()
}

/// `matrix · vector`.
#[must_use]
pub fn apply(matrix: &Matrix, vector: &[Fr]) -> Vec<Fr> {
    matrix.iter().map(|row| row.iter().zip(vector).map(|(left, right)| *left * right).sum()).collect()
}

/// The inverse by Gauss and Jordan, or `None` if the matrix is singular.
#[must_use]
pub fn inverse(matrix: &Matrix) -> Option<Matrix> {
    let size = matrix.len();
    let mut left = matrix.clone();
    let mut right = identity(size);
    for column in 0..size {
        let pivot = (column..size).find(|&row| left[row][column] != Fr::ZERO)?;
        left.swap(column, pivot);
        right.swap(column, pivot);
        let scale = left[column][column].inverse()?;
        for entry in left[column].iter_mut().chain(&mut right[column]) {
            *entry *= scale;
        }
        let (left_row, right_row) = (left[column].clone(), right[column].clone());
        for row in (0..size).filter(|&row| row != column) {
            let factor = left[row][column];
            for at in 0..size {
                left[row][at] -= factor * left_row[at];
                right[row][at] -= factor * right_row[at];
            }
        }
    }
    Some(right)
}

/// True if no subspace is kept by any power of the matrix up to twice its size: the minimal polynomial of each
/// power is irreducible of full degree.
///
/// This is the sufficient condition of Grassi, Rechberger and Schofnegger ("Proving Resistance Against Infinitely
/// Long Subspace Trails", ToSC 2021): a matrix that meets it passes the paper's algorithms 1 to 3.
#[must_use]
pub fn keeps_no_subspace(matrix: &Matrix) -> bool {
    let mut power = matrix.clone();
    for _ in 0..2 * matrix.len() {
        if !krylov_polynomial(&power).is_some_and(|polynomial| is_irreducible(&polynomial)) {
            return false;
        }
        power = product(&power, matrix);
    }
    true
}

/// The monic polynomial p of full degree with p(matrix)·e₀ = 0, lowest coefficient first, without the leading 1.
/// `None` if e₀, M·e₀, M²·e₀, … do not span the space: then e₀ lies in a smaller invariant subspace.
fn krylov_polynomial(matrix: &Matrix) -> Option<Vec<Fr>> {
    let size = matrix.len();
    let mut vector: Vec<Fr> = identity(size).swap_remove(0);
    let mut columns = Vec::with_capacity(size);
    for _ in 0..size {
        let next = apply(matrix, &vector);
        columns.push(vector);
        vector = next;
    }
    let basis: Matrix = (0..size).map(|row| columns.iter().map(|column| column[row]).collect()).collect();
    let coordinates = apply(&inverse(&basis)?, &vector);
    Some(coordinates.into_iter().map(|coordinate| -coordinate).collect())
}

/// Rabin's test: f of degree n is irreducible over F_r if f divides X^(r^n) − X and shares no factor with
/// X^(r^(n/q)) − X for each prime q that divides n.
fn is_irreducible(monic: &[Fr]) -> bool {
    let degree = monic.len();
    let x: Vec<Fr> = (0..degree).map(|at| Fr::from(u64::from(at == 1))).collect();
    let mut conjugates = vec![x.clone()];
    for at in 0..degree {
        let next = power_of_modulus(&conjugates[at], monic);
        conjugates.push(next);
    }
    let primes = (2..=degree).filter(|q| degree.is_multiple_of(*q) && (2..*q).all(|d| !q.is_multiple_of(d)));
    conjugates[degree] == x
        && primes.into_iter().all(|q| {
            let difference: Vec<Fr> =
                conjugates[degree / q].iter().zip(&x).map(|(left, right)| *left - right).collect();
            let mut full = monic.to_vec();
            full.push(Fr::ONE);
            gcd_is_constant(full, difference)
        })
}

/// `base`^r modulo a monic polynomial.
fn power_of_modulus(base: &[Fr], monic: &[Fr]) -> Vec<Fr> {
    let exponent = Fr::MODULUS;
    let mut result: Option<Vec<Fr>> = None;
    for bit in (0..Fr::MODULUS_BIT_SIZE as usize).rev() {
        if let Some(value) = &mut result {
            *value = multiply(value, value, monic);
        }
        if exponent.0[bit / 64] >> (bit % 64) & 1 == 1 {
            result = Some(result.map_or_else(|| base.to_vec(), |value| multiply(&value, base, monic)));
        }
    }
    result.expect("the modulus is not zero")
}

/// Product modulo a monic polynomial.
fn multiply(left: &[Fr], right: &[Fr], monic: &[Fr]) -> Vec<Fr> {
    let degree = monic.len();
    let mut wide = vec![Fr::ZERO; 2 * degree];
    for (at, factor) in left.iter().enumerate() {
        for (offset, other) in right.iter().enumerate() {
            wide[at + offset] += *factor * other;
        }
    }
    for at in (degree..2 * degree).rev() {
        let lead = wide[at];
        for (offset, coefficient) in monic.iter().enumerate() {
            wide[at - degree + offset] -= lead * coefficient;
        }
    }
    wide.truncate(degree);
    wide
}

/// Euclid's algorithm on polynomials, lowest coefficient first.
fn gcd_is_constant(mut left: Vec<Fr>, mut right: Vec<Fr>) -> bool {
    let trim = |polynomial: &mut Vec<Fr>| {
        while polynomial.last() == Some(&Fr::ZERO) {
            polynomial.pop();
        }
    };
    trim(&mut left);
    trim(&mut right);
    while let Some(lead) = right.last().copied() {
        let scale = lead.inverse().expect("trimmed polynomials have a leading coefficient");
        while left.len() >= right.len() {
            let factor = *left.last().expect("it is as long as the other") * scale;
            let shift = left.len() - right.len();
            for (at, coefficient) in right.iter().enumerate() {
                left[shift + at] -= factor * coefficient;
            }
            trim(&mut left);
        }
        std::mem::swap(&mut left, &mut right);
    }
    left.len() == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::FftField;

    fn small(rows: &[&[i64]]) -> Matrix {
        rows.iter().map(|row| row.iter().map(|&entry| Fr::from(entry)).collect()).collect()
    }

    #[test]
    fn irreducible_and_reducible_polynomials_are_told_apart() {
        // X² − 5: five is a quadratic non-residue, as r = 5 is the field's generator's square class.
        assert!(is_irreducible(&[-Fr::GENERATOR, Fr::ZERO]));
        // X² − 4 = (X − 2)(X + 2), and (X² − g)² has no linear factor.
        assert!(!is_irreducible(&[-Fr::from(4), Fr::ZERO]));
        let g = Fr::GENERATOR;
        assert!(!is_irreducible(&[g * g, Fr::ZERO, -(g + g), Fr::ZERO]));
    }

    #[test]
    fn matrices_that_keep_a_subspace_are_found() {
        assert!(!keeps_no_subspace(&identity(3)));
        // Swapping two lanes keeps their sum; its square keeps everything.
        assert!(!keeps_no_subspace(&small(&[&[0, 1], &[1, 0]])));
        // A triangular matrix keeps the last lane.
        assert!(!keeps_no_subspace(&small(&[&[1, 0, 0], &[2, 3, 0], &[4, 5, 6]])));
        // The companion matrix of X² − 5 is irreducible, but its square is 5 times the identity.
        assert!(!keeps_no_subspace(&small(&[&[0, 5], &[1, 0]])));
    }

    #[test]
    fn an_inverse_is_one() {
        let matrix = small(&[&[0, 2, 3], &[4, 5, 6], &[7, 8, 10]]);
        assert_eq!(product(&matrix, &inverse(&matrix).unwrap()), identity(3));
        assert_eq!(inverse(&small(&[&[1, 2], &[2, 4]])), None);
    }
}
