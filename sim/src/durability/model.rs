//! One segment's life, from n live shards to the loss.

use crate::env::rng::stream;
use holdfast::{
    actors::repair::verdict::{Verdict, judge},
    types::{Code, CodeError},
};
use rand::RngExt;
use rand_core::Rng;
use rand_distr::Exp1;

/// The model: shards die independently, one repair at a time restores all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model {
    code: Code,
    mttf_days: f64,
    mttr_days: f64,
}

/// Why a model cannot be simulated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// The code parameters do not fit together.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// A mean time is not a positive number.
    #[error("{name} must be a positive number of days, is {value}")]
    Mean {
        /// Which.
        name: &'static str,
        /// Its value.
        value: f64,
    },
}

/// How one segment's life went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Life {
    /// Days until fewer than k shards were live.
    pub days: f64,
    /// Repairs that ended with all n shards live.
    pub repairs: u64,
    /// Shard deaths and ends of repairs.
    pub events: u64,
}

/// How a life ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// The segment was lost.
    Lost(Life),
    /// The events allowed were used up first.
    Unfinished(Life),
}

impl Model {
    /// Checks and builds a model.
    ///
    /// # Errors
    /// [`ModelError`] unless 1 ≤ k ≤ repair_at < n and both means are positive.
    pub fn new(k: u16, n: u16, repair_at: u16, mttf_days: f64, mttr_days: f64) -> Result<Self, ModelError> {
        let code = Code::new(k, n, repair_at)?;
        for (name, value) in [("mttf", mttf_days), ("mttr", mttr_days)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(ModelError::Mean { name, value });
            }
        }
        Ok(Self { code, mttf_days, mttr_days })
    }

    /// The erasure code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Mean days to a shard's death.
    pub fn mttf_days(&self) -> f64 {
        self.mttf_days
    }

    /// Mean days of a repair.
    pub fn mttr_days(&self) -> f64 {
        self.mttr_days
    }

    /// Simulates run `number` of a seed, for at most `max_events` events.
    pub fn run(&self, seed: u64, number: u64, max_events: u64) -> Outcome {
        self.live(&mut stream(seed, "durability run", number), max_events)
    }

    fn live(&self, rng: &mut impl Rng, max_events: u64) -> Outcome {
        let (death_rate, repair_rate) = (1.0 / self.mttf_days, 1.0 / self.mttr_days);
        let (mut live, mut repairing) = (self.code.n(), false);
        let mut life = Life { days: 0.0, repairs: 0, events: 0 };
        while life.events < max_events {
            life.events += 1;
            let deaths = live as f64 * death_rate;
            let total = deaths + if repairing { repair_rate } else { 0.0 };
            life.days += rng.sample::<f64, _>(Exp1) / total;
            if repairing && rng.random::<f64>() * total >= deaths {
                (live, repairing) = (self.code.n(), false);
                life.repairs += 1;
                continue;
            }
            live -= 1;
            match judge(self.code, live) {
                Verdict::Lost => return Outcome::Lost(life),
                Verdict::Repair => repairing = true,
                Verdict::Healthy => {}
            }
        }
        Outcome::Unfinished(life)
    }
}
