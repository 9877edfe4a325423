//! The report: one HTML file with everything in it, plots included.

mod chart;
mod page;
mod plots;

pub use chart::ChartError;
pub use page::{bytes, render, thousands};
pub use plots::milliseconds;
