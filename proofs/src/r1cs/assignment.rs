//! A circuit with values: all that a prover needs of it.

use super::{Circuit, System};
use crate::field::Fr;
use ark_ff::Field;
use zeroize::Zeroize;

/// All variables of a circuit, and both factors and the product of each constraint.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// One, the public inputs, the private variables.
    pub variables: Vec<Fr>,
    /// How many of the variables are one or public.
    pub publics: usize,
    /// `A·z`, `B·z` and `C·z`, row by row.
    pub products: [Vec<Fr>; 3],
    /// The first constraint that the values break.
    pub broken: Option<usize>,
}

impl Assignment {
    /// Runs a circuit on a witness.
    #[must_use]
    pub fn of<C: Circuit>(circuit: &C, witness: &C::Witness) -> Self {
        let mut assignment =
            Self { variables: vec![Fr::ONE], publics: 1, products: [const { Vec::new() }; 3], broken: None };
        circuit.synthesize(&mut assignment, witness);
        assignment
    }

    /// The public inputs, without the one.
    #[must_use]
    pub fn public_inputs(&self) -> &[Fr] {
        &self.variables[1..self.publics]
    }
}

impl Drop for Assignment {
    fn drop(&mut self) {
        self.variables.zeroize();
        self.products.zeroize();
    }
}

impl System for Assignment {
    type Lin = Fr;

    fn constant(&self, value: Fr) -> Fr {
        value
    }

    fn public(&mut self, value: Fr) -> Fr {
        assert_eq!(self.publics, self.variables.len(), "public inputs come before witnesses");
        self.publics += 1;
        self.witness(value)
    }

    fn witness(&mut self, value: Fr) -> Fr {
        self.variables.push(value);
        value
    }

    fn dot(&mut self, coefficients: &[Fr], terms: &[Fr], constant: Fr) -> Fr {
        coefficients.iter().zip(terms).fold(constant, |sum, (coefficient, term)| sum + *coefficient * term)
    }

    fn value(&self, lin: &Fr) -> Fr {
        *lin
    }

    fn enforce(&mut self, a: &Fr, b: &Fr, c: &Fr) {
        if *a * b != *c && self.broken.is_none() {
            self.broken = Some(self.products[0].len());
        }
        for (column, value) in self.products.iter_mut().zip([a, b, c]) {
            column.push(*value);
        }
    }

    fn difference(&mut self, a: &Fr, b: &Fr) -> Fr {
        *a - b
    }

    fn shifted(&mut self, a: &Fr, constant: Fr) -> Fr {
        *a + constant
    }
}
