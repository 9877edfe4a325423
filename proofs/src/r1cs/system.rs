//! What a circuit may say.

use crate::field::Fr;
use ark_ff::Field;

/// Takes down variables and constraints.
pub trait System {
    /// A linear expression over the variables so far.
    type Lin: Clone;

    /// A constant.
    fn constant(&self, value: Fr) -> Self::Lin;

    /// The next public input. All of them come before the first witness.
    fn public(&mut self, value: Fr) -> Self::Lin;

    /// The next private variable.
    fn witness(&mut self, value: Fr) -> Self::Lin;

    /// `Σ coefficients·terms + constant`.
    fn dot(&mut self, coefficients: &[Fr], terms: &[Self::Lin], constant: Fr) -> Self::Lin;

    /// What an expression amounts to; zero where there are no values. No constraint may depend on it.
    fn value(&self, lin: &Self::Lin) -> Fr;

    /// Demands `a · b = c`. No public input may occur in `c`.
    fn enforce(&mut self, a: &Self::Lin, b: &Self::Lin, c: &Self::Lin);

    /// A new variable equal to `a · b`.
    fn product(&mut self, a: &Self::Lin, b: &Self::Lin) -> Self::Lin {
        let product = self.witness(self.value(a) * self.value(b));
        self.enforce(a, b, &product);
        product
    }

    /// `a − b`.
    fn difference(&mut self, a: &Self::Lin, b: &Self::Lin) -> Self::Lin {
        self.dot(&[Fr::ONE, -Fr::ONE], &[a.clone(), b.clone()], Fr::from(0))
    }

    /// `a + constant`.
    fn shifted(&mut self, a: &Self::Lin, constant: Fr) -> Self::Lin {
        self.dot(&[Fr::ONE], std::slice::from_ref(a), constant)
    }

    /// Demands `a = b`.
    fn equal(&mut self, a: &Self::Lin, b: &Self::Lin) {
        let difference = self.difference(a, b);
        self.enforce(&difference, &self.constant(Fr::ONE), &self.constant(Fr::from(0)));
    }
}

/// A statement.
pub trait Circuit {
    /// What the prover knows, public inputs included.
    type Witness;

    /// Number of public inputs.
    fn publics(&self) -> usize;

    /// A witness of the right shape and no meaning, for set-up.
    fn blank(&self) -> Self::Witness;

    /// Speaks the statement. The constraints depend on the circuit alone, never on the witness.
    fn synthesize<S: System>(&self, system: &mut S, witness: &Self::Witness);
}
