//! Challenges, and providers that do not deserve their pay.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::{
    iter::{repeat, repeat_n},
    time::Duration,
};

/// Which slots are challenged when, and who dropped what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditPlan {
    /// Hours from the start until providers commit to their slots and cheaters drop cells.
    pub start_h: f64,
    /// Hours between two windows.
    pub window_h: f64,
    /// Windows; every slot is challenged once in each.
    pub windows: u32,
    /// Who cheats; all others are honest.
    #[serde(default)]
    pub cheaters: Vec<CheaterPlan>,
}

/// A kind of cheater.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheaterPlan {
    /// Share of all nodes, in 0..=1.
    pub nodes: f64,
    /// Share of the cells of every slot that such a node drops, in 0..=1.
    pub dropped: f64,
}

impl AuditPlan {
    /// When a window opens, from the start of the run; window 0 is when providers commit.
    pub fn opens(&self, window: u32) -> Duration {
        super::model::hours(self.start_h + self.window_h * f64::from(window))
    }

    /// What each of the first `nodes` nodes is: 0 for honest, else one more than the place of its kind. Each kind has
    /// its share, rounded; which nodes they are is drawn.
    pub fn kinds(&self, nodes: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
        let count = |kind: &CheaterPlan| (kind.nodes * nodes as f64).round() as usize;
        let cheaters = self.cheaters.iter().enumerate().flat_map(|(at, kind)| repeat_n(at + 1, count(kind)));
        let mut kinds: Vec<usize> = cheaters.chain(repeat(0)).take(nodes).collect();
        kinds.shuffle(rng);
        kinds
    }

    /// Checks what the types alone cannot.
    ///
    /// # Errors
    /// The key and a sentence.
    pub fn validate(&self, duration_h: f64) -> Result<(), (String, String)> {
        let wrong = |key: &str, why: String| Err((key.to_owned(), why));
        if !(self.start_h >= 0.0 && self.window_h > 0.0) || self.windows == 0 {
            return wrong("window_h", "windows must be, after the start, and take some time".into());
        }
        let end = self.start_h + self.window_h * f64::from(self.windows);
        if end > duration_h {
            return wrong(
                "windows",
                format!("the last one opens at hour {end}, the run ends at {duration_h}"),
            );
        }
        let within = |share: f64| (0.0..=1.0).contains(&share);
        for (number, kind) in self.cheaters.iter().enumerate() {
            if !within(kind.nodes) || !within(kind.dropped) {
                return wrong(&format!("cheaters[{number}]"), "shares must lie in 0..=1".into());
            }
        }
        let all: f64 = self.cheaters.iter().map(|kind| kind.nodes).sum();
        if within(all) {
            Ok(())
        } else {
            wrong("cheaters", format!("are {all} of all nodes, at most 1 can be"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn every_kind_has_its_share_of_nodes() {
        let cheaters =
            [(0.1, 0.01), (0.25, 0.5)].map(|(nodes, dropped)| CheaterPlan { nodes, dropped }).into();
        let plan = AuditPlan { start_h: 0.0, window_h: 1.0, windows: 1, cheaters };
        for seed in 0..20 {
            let kinds = plan.kinds(20, &mut ChaCha8Rng::seed_from_u64(seed));
            assert_eq!([0, 1, 2].map(|kind| kinds.iter().filter(|it| **it == kind).count()), [13, 2, 5]);
        }
    }
}
