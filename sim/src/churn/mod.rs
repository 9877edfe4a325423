//! Churn: when nodes come, go, and leave for good.
//!
//! Owns the order of these transitions over a run, drawn from distributions or read from a trace.
//! It never touches a node: the runner does what a [`Transition`] says.

mod distribution;
mod plan;
mod timeline;
pub mod trace;

pub use distribution::{HOUR, Lifetime};
pub use plan::{ChurnModel, ChurnPlan, DeparturePlan, Preset};
pub use timeline::{Change, Timeline, Transition};

use rand_chacha::ChaCha12Rng;
use rand_core::SeedableRng;

/// A generator that follows from the run's seed, a purpose and a number alone, whatever others draw.
pub fn stream(seed: u64, purpose: &str, number: u64) -> ChaCha12Rng {
    let mut hasher = blake3::Hasher::new_derive_key("holdfast-sim random stream v1");
    hasher.update(&seed.to_le_bytes());
    hasher.update(&number.to_le_bytes());
    hasher.update(purpose.as_bytes());
    ChaCha12Rng::from_seed(*hasher.finalize().as_bytes())
}
