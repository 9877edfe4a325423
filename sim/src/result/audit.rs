//! How many challenges were met, and how many should have been.

use crate::{
    env::{ProverKind, ProverPlan},
    plan::AuditPlan,
};
use serde::{Deserialize, Serialize};

/// A run's challenges.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditResult {
    /// What made the proofs.
    pub prover: ProverKind,
    /// Cells asked for by a challenge.
    pub samples: usize,
    /// Cells of a slot.
    pub cells: u64,
    /// The honest, then each kind of cheater.
    pub kinds: Vec<Tally>,
    /// Accepted proofs of providers that lacked a challenged cell, as sentences.
    #[serde(skip)]
    pub wrongly_accepted: Vec<String>,
    /// Challenges that were missed though every cell was held, as sentences.
    #[serde(skip)]
    pub wrongly_refused: Vec<String>,
}

/// The challenges of one kind of provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Share of cells that such a provider was to drop.
    pub dropped: f64,
    /// Slots of such providers.
    pub slots: u64,
    /// Challenges that were answered with an accepted proof.
    pub proven: u64,
    /// Challenges that were not: the cheater was found out.
    pub missed: u64,
    /// Challenges to a provider that was offline; they are in neither of the others.
    pub absent: u64,
    /// Sum over the slots of 1-(1-x)^k, x being the share of cells really dropped.
    expected_sum: f64,
}

/// A tail of the interval: outside of both lies one run in a thousand.
const TAIL: f64 = 0.000_5;

impl AuditResult {
    /// An empty result.
    pub fn new(prover: &ProverPlan, plan: &AuditPlan) -> Self {
        let dropped = std::iter::once(0.0).chain(plan.cheaters.iter().map(|kind| kind.dropped));
        Self {
            prover: prover.kind,
            samples: prover.cells(),
            cells: holdfast_proofs::tree::cells(prover.levels),
            kinds: dropped.map(|dropped| Tally { dropped, ..Tally::default() }).collect(),
            wrongly_accepted: Vec::new(),
            wrongly_refused: Vec::new(),
        }
    }

    /// Kinds whose measured detection is not what 1-(1-x)^k lets expect, or that were never challenged, as sentences.
    pub fn surprises(&self) -> Vec<String> {
        let outside = |tally: &&Tally| {
            let (low, high) = tally.interval();
            tally.answered() == 0 || !(low..=high).contains(&tally.missed)
        };
        let sentence = |tally: &Tally| {
            let (low, high) = tally.interval();
            format!(
                "of {} challenges to providers that dropped {} of their cells {} were missed, expected {low} to {high}",
                tally.answered(),
                tally.dropped,
                tally.missed
            )
        };
        self.kinds.iter().filter(outside).map(sentence).collect()
    }
}

impl Tally {
    /// Counts a slot of which `dropped` of `cells` cells are gone.
    pub fn add_slot(&mut self, dropped: u64, cells: u64, samples: usize) {
        let kept = 1.0 - dropped as f64 / cells as f64;
        self.slots += 1;
        self.expected_sum += 1.0 - libm::pow(kept, samples as f64);
    }

    /// Challenges that reached their provider.
    pub fn answered(&self) -> u64 {
        self.proven + self.missed
    }

    /// Probability that a challenge finds such a provider out, as the mean over its kind's slots.
    pub fn expected(&self) -> f64 {
        if self.slots == 0 { 0.0 } else { self.expected_sum / self.slots as f64 }
    }

    /// Share of answered challenges that found it out.
    pub fn measured(&self) -> f64 {
        if self.answered() == 0 { 0.0 } else { self.missed as f64 / self.answered() as f64 }
    }

    /// The central 99.9 % interval of missed challenges, by the binomial distribution.
    pub fn interval(&self) -> (u64, u64) {
        binomial_interval(self.answered(), self.expected())
    }
}

/// The central interval of a binomial variable.
fn binomial_interval(trials: u64, probability: f64) -> (u64, u64) {
    if probability <= 0.0 || probability >= 1.0 {
        let certain = if probability <= 0.0 { 0 } else { trials };
        return (certain, certain);
    }
    let n = trials as f64;
    let (p, q) = (libm::log(probability), libm::log1p(-probability));
    let density = |k: u64| {
        let k = k as f64;
        let ways = libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0);
        libm::exp(ways + k * p + (n - k) * q)
    };
    let (mut sum, mut low, mut high) = (0.0, None, trials);
    for k in 0..=trials {
        sum += density(k);
        if low.is_none() && sum > TAIL {
            low = Some(k);
        }
        if sum >= 1.0 - TAIL {
            high = k;
            break;
        }
    }
    (low.unwrap_or(high), high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_the_binomial_distribution_s() {
        // 1000 throws of a fair coin: mean 500, standard deviation 15.8, 3.29 of them to either side.
        assert_eq!(binomial_interval(1000, 0.5), (448, 552));
        // 10 throws: 1 of 1024 ends is less than two tails.
        assert_eq!(binomial_interval(10, 0.5), (0, 10));
        assert_eq!(binomial_interval(10, 0.0), (0, 0));
        assert_eq!(binomial_interval(10, 1.0), (10, 10));
        assert_eq!(binomial_interval(0, 0.3), (0, 0));
    }

    #[test]
    fn a_rate_outside_the_interval_is_a_surprise() {
        let mut tally = Tally { dropped: 0.5, proven: 500, missed: 500, ..Tally::default() };
        tally.add_slot(4, 8, 1);
        let result = |kinds| AuditResult {
            prover: ProverKind::Inline,
            samples: 1,
            cells: 8,
            kinds,
            wrongly_accepted: Vec::new(),
            wrongly_refused: Vec::new(),
        };
        assert!(result(vec![tally.clone()]).surprises().is_empty());
        (tally.proven, tally.missed) = (553, 447);
        assert_eq!(result(vec![tally]).surprises().len(), 1);
        assert_eq!(result(vec![Tally::default()]).surprises().len(), 1);
    }
}
