//! A circuit without values: its constraints, row by row.

use super::{Circuit, System};
use crate::field::Fr;
use ark_ff::{AdditiveGroup, Field};

/// A linear expression: coefficients by variable, in the variables' order, none of them zero.
pub type Lin = Vec<(u32, Fr)>;

/// Takes the constraints one by one.
pub trait RowSink {
    /// The next constraint `a · b = c`.
    fn row(&mut self, a: &Lin, b: &Lin, c: &Lin);
}

/// Keeps all rows: three matrices.
#[derive(Debug, Default)]
pub struct Rows(pub [Vec<Lin>; 3]);

impl RowSink for Rows {
    fn row(&mut self, a: &Lin, b: &Lin, c: &Lin) {
        for (matrix, row) in self.0.iter_mut().zip([a, b, c]) {
            matrix.push(row.clone());
        }
    }
}

/// Takes down a circuit's constraints.
#[derive(Debug)]
pub struct Shape<'a, S> {
    sink: &'a mut S,
    publics: usize,
    variables: usize,
    sums: Vec<Fr>,
}

impl<'a, S: RowSink> Shape<'a, S> {
    /// Speaks a circuit into a sink; returns how many variables are one or public, and how many there are in all.
    pub fn of<C: Circuit>(circuit: &C, sink: &'a mut S) -> (usize, usize) {
        let mut shape = Self { sink, publics: 1, variables: 1, sums: Vec::new() };
        circuit.synthesize(&mut shape, &circuit.blank());
        (shape.publics, shape.variables)
    }
}

impl<S: RowSink> System for Shape<'_, S> {
    type Lin = Lin;

    fn constant(&self, value: Fr) -> Lin {
        if value == Fr::ZERO { Vec::new() } else { vec![(0, value)] }
    }

    fn public(&mut self, value: Fr) -> Lin {
        assert_eq!(self.publics, self.variables, "public inputs come before witnesses");
        self.publics += 1;
        self.witness(value)
    }

    fn witness(&mut self, _: Fr) -> Lin {
        let index = u32::try_from(self.variables).expect("a circuit has fewer than 2^32 variables");
        self.variables += 1;
        vec![(index, Fr::ONE)]
    }

    /// Adds up in a table by variable; the variables of one expression lie close together but for a few.
    fn dot(&mut self, coefficients: &[Fr], terms: &[Lin], constant: Fr) -> Lin {
        self.sums.resize(self.variables, Fr::ZERO);
        self.sums[0] = constant;
        let mut touched: Vec<u32> = vec![0];
        for (coefficient, term) in coefficients.iter().zip(terms) {
            for (index, factor) in term {
                self.sums[*index as usize] += *coefficient * factor;
                touched.push(*index);
            }
        }
        touched.sort_unstable();
        touched.dedup();
        let take = |index: u32| (index, std::mem::take(&mut self.sums[index as usize]));
        touched.into_iter().map(take).filter(|(_, sum)| *sum != Fr::ZERO).collect()
    }

    fn value(&self, _: &Lin) -> Fr {
        Fr::ZERO
    }

    fn enforce(&mut self, a: &Lin, b: &Lin, c: &Lin) {
        debug_assert!(
            c.iter().all(|(index, _)| *index == 0 || *index as usize >= self.publics),
            "no public input may occur in c"
        );
        self.sink.row(a, b, c);
    }
}
