//! What a plan says about files.

use holdfast::{
    limits,
    types::{Code, Policy},
};
use rand::RngExt;
use rand_core::Rng;
use rand_distr::{Distribution, LogNormal};
use serde::{Deserialize, Serialize};

/// Files that are stored and fetched while the network churns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkloadPlan {
    /// Files to generate; ignored when a directory of real files is given.
    pub files: usize,
    /// Sizes of generated files.
    pub size: SizePlan,
    /// Hours from the start over which puts are spread.
    pub put_window_h: f64,
    /// Seconds before a put that failed is tried again, from another node.
    pub retry_s: f64,
    /// Times that each file is fetched at random moments of the run, from random nodes.
    pub gets_per_file: f64,
    /// Plaintext bytes a segment.
    pub segment_bytes: usize,
    /// The erasure code of every file.
    pub code: Code,
    /// How the slots of a file may be spread.
    pub policy: Policy,
}

/// A distribution of file sizes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SizePlan {
    /// All the same.
    Fixed {
        /// The size.
        bytes: u64,
    },
    /// Anything between two sizes, both included.
    Uniform {
        /// Smallest.
        min_bytes: u64,
        /// Largest.
        max_bytes: u64,
    },
    /// The logarithm is normal, as file sizes on real systems nearly are (Downey, "The structural
    /// cause of file size distributions", MASCOTS 2001); cut at a largest size.
    LogNormal {
        /// Median.
        median_bytes: u64,
        /// Standard deviation of the natural logarithm.
        sigma: f64,
        /// Largest.
        max_bytes: u64,
    },
}

impl Default for WorkloadPlan {
    fn default() -> Self {
        Self {
            files: 20,
            size: SizePlan::LogNormal { median_bytes: 32 << 10, sigma: 1.0, max_bytes: 1 << 20 },
            put_window_h: 2.0,
            retry_s: 300.0,
            gets_per_file: 4.0,
            segment_bytes: 256 << 10,
            code: Code::new(4, 12, 8).expect("1 <= 4 <= 8 < 12"),
            policy: Policy::default(),
        }
    }
}

impl SizePlan {
    /// Draws a size, bytes.
    pub fn sample(&self, rng: &mut impl Rng) -> u64 {
        match *self {
            Self::Fixed { bytes } => bytes,
            Self::Uniform { min_bytes, max_bytes } => rng.random_range(min_bytes..=max_bytes),
            Self::LogNormal { median_bytes, sigma, max_bytes } => {
                let size = LogNormal::new((median_bytes as f64).ln(), sigma)
                    .expect("a validated sigma is finite")
                    .sample(rng);
                (size as u64).min(max_bytes)
            }
        }
    }

    fn validate(&self) -> Result<(), (String, String)> {
        let wrong = |field: &str, why: String| Err((format!("size.{field}"), why));
        match *self {
            Self::Fixed { .. } => Ok(()),
            Self::Uniform { min_bytes, max_bytes } if min_bytes > max_bytes => {
                wrong("min_bytes", format!("{min_bytes} exceeds max_bytes {max_bytes}"))
            }
            Self::LogNormal { median_bytes: 0, .. } => wrong("median_bytes", "must be at least 1".into()),
            Self::LogNormal { sigma, .. } if !(sigma.is_finite() && sigma >= 0.0) => {
                wrong("sigma", format!("must be a number from 0 upwards, is {sigma}"))
            }
            _ => Ok(()),
        }
    }
}

impl WorkloadPlan {
    /// Checks what the types alone cannot: (field, what is wrong).
    ///
    /// # Errors
    /// The first field that cannot be used.
    pub fn validate(&self, nodes: usize, duration_h: f64) -> Result<(), (String, String)> {
        self.size.validate()?;
        let wrong = |field: &str, why: String| Err((field.to_owned(), why));
        if !(0.0..=duration_h).contains(&self.put_window_h) {
            return wrong("put_window_h", format!("must lie between 0 and duration_h {duration_h}"));
        }
        if !(self.retry_s.is_finite() && self.retry_s > 0.0) {
            return wrong("retry_s", format!("must be above 0, is {}", self.retry_s));
        }
        if !(self.gets_per_file.is_finite() && self.gets_per_file >= 0.0) {
            return wrong(
                "gets_per_file",
                format!("must be a number from 0 upwards, is {}", self.gets_per_file),
            );
        }
        if self.segment_bytes == 0 || self.segment_bytes > limits::MAX_SEGMENT {
            return wrong("segment_bytes", format!("must lie in 1..={}", limits::MAX_SEGMENT));
        }
        if self.code.n() >= nodes {
            return wrong("code.n", format!("{} slots need more than {nodes} nodes", self.code.n()));
        }
        if self.policy.max_per_operator == 0 || self.policy.max_per_region == 0 {
            return wrong("policy", "a bound of 0 leaves no provider".into());
        }
        Ok(())
    }
}
