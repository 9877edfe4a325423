//! The promises themselves.

use super::Observer;
use crate::result::AuditResult;
use holdfast::{
    actors::repair::verdict::{Verdict as Judgement, judge},
    types::PlacementId,
};
use serde::{Deserialize, Serialize};

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The promise was kept.
    Pass,
    /// It was broken.
    Fail,
}

/// A promise and how it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its id in the list of promises.
    pub id: &'static str,
    /// How it went.
    pub verdict: Verdict,
    /// What was broken, as sentences; empty if nothing was.
    pub why: Vec<String>,
}

/// What became of a stored file at the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFate {
    /// It came back byte for byte.
    Retrieved,
    /// Something else came back.
    Altered,
    /// It did not come back although every segment can be rebuilt from disks that exist.
    Unavailable,
    /// Some segment has fewer than k live shards.
    Lost,
}

impl Check {
    /// What challenges tell: nobody passes without the cells (S2), nobody fails with them (S3), and cheaters are
    /// found out as often as sampling lets expect.
    pub fn of_audit(audit: &AuditResult) -> [Self; 3] {
        [
            Self::new("S2", audit.wrongly_accepted.clone()),
            Self::new("S3", audit.wrongly_refused.clone()),
            Self::new("DETECTION", audit.surprises()),
        ]
    }

    fn new(id: &'static str, why: Vec<String>) -> Self {
        let verdict = if why.is_empty() { Verdict::Pass } else { Verdict::Fail };
        Self { id, verdict, why }
    }
}

/// Evaluates the promises that one run can tell; D1 needs two.
///
/// `files` are the stored files by name, `altered` counts fetches during the run that returned other
/// bytes, and `books` are differences between the observer's books and the nodes' own, which would
/// make every other answer worthless: the check `BOOKS`.
pub fn evaluate(
    observer: &Observer,
    files: &[(String, PlacementId, FileFate)],
    altered: u64,
    books: Vec<String>,
    settle_h: f64,
) -> Vec<Check> {
    let mut s1 = Vec::new();
    if altered > 0 {
        s1.push(format!("{altered} fetches during the run returned other bytes than were stored"));
    }
    for (name, _, fate) in files {
        match fate {
            FileFate::Altered => s1.push(format!("{name} came back with other bytes than were stored")),
            FileFate::Unavailable => s1.push(format!("{name} did not come back although k shards live")),
            FileFate::Retrieved | FileFate::Lost => {}
        }
    }
    let mut l1 = Vec::new();
    for (name, placement, _) in files {
        for (segment, live) in observer.live_of(*placement).into_iter().enumerate() {
            if judge(observer.code(), live) == Judgement::Repair {
                l1.push(format!(
                    "segment {segment} of {name} has {live} live shards {settle_h} h after faults stopped, \
                     not more than {}",
                    observer.code().repair_at()
                ));
            }
        }
    }
    vec![
        Check::new("S1", s1),
        Check::new("S5", observer.violations().to_vec()),
        Check::new("L1", l1),
        Check::new("BOOKS", books),
    ]
}
