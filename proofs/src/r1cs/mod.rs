//! One way to write a circuit, and what to make of it.
//!
//! A circuit speaks to a [`System`]. [`Shape`] takes down the constraints, for set-up; [`Assignment`] only computes:
//! a linear expression is its value there, and a constraint leaves behind the three numbers that the prover needs.
//! So proving neither builds matrices nor multiplies by them, and the two cannot drift apart.

mod assignment;
mod digest;
pub mod gadgets;
mod shape;
mod system;
#[cfg(test)]
mod tests;

pub use assignment::Assignment;
pub use digest::{Measure, measure};
pub use shape::{Lin, RowSink, Rows, Shape};
pub use system::{Circuit, System};
