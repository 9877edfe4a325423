//! How long a session or an absence lasts.

use rand::RngExt;
use rand_core::Rng;
use rand_distr::{Distribution, Exp1, Gamma, LogNormal, StandardNormal, Weibull};
use serde::{Deserialize, Serialize};

/// A distribution of a length of time. Parameters are hours, samples are seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Lifetime {
    /// Memoryless.
    Exponential {
        /// Mean.
        mean_h: f64,
    },
    /// Heavy-tailed for a shape below 1, as measured in peer-to-peer networks
    /// (Stutzbach and Rejaie, "Understanding churn in peer-to-peer networks", IMC 2006).
    Weibull {
        /// Shape; 1 is exponential.
        shape: f64,
        /// Scale: the length that a share of 1 - 1/e does not reach.
        scale_h: f64,
    },
    /// The logarithm is normal.
    LogNormal {
        /// Median.
        median_h: f64,
        /// Standard deviation of the natural logarithm.
        sigma: f64,
    },
    /// Always the same.
    Fixed {
        /// The length.
        length_h: f64,
    },
}

/// Seconds an hour.
pub const HOUR: f64 = 3600.0;

impl Lifetime {
    /// The parameters by name, for validation.
    pub fn parameters(&self) -> [(&'static str, f64); 2] {
        match *self {
            Self::Exponential { mean_h } => [("mean_h", mean_h), ("mean_h", mean_h)],
            Self::Weibull { shape, scale_h } => [("shape", shape), ("scale_h", scale_h)],
            Self::LogNormal { median_h, sigma } => [("median_h", median_h), ("sigma", sigma)],
            Self::Fixed { length_h } => [("length_h", length_h), ("length_h", length_h)],
        }
    }

    /// Mean, seconds.
    pub fn mean(&self) -> f64 {
        self.moment(1.0)
    }

    /// The `order`-th raw moment, in seconds to that power.
    pub fn moment(&self, order: f64) -> f64 {
        match *self {
            Self::Exponential { mean_h } => (mean_h * HOUR).powf(order) * libm::tgamma(1.0 + order),
            Self::Weibull { shape, scale_h } => {
                (scale_h * HOUR).powf(order) * libm::tgamma(1.0 + order / shape)
            }
            Self::LogNormal { median_h, sigma } => {
                (order * (median_h * HOUR).ln() + (order * sigma).powi(2) / 2.0).exp()
            }
            Self::Fixed { length_h } => (length_h * HOUR).powf(order),
        }
    }

    /// The share of samples that are longer than `seconds`: the survival function.
    pub fn survival(&self, seconds: f64) -> f64 {
        match *self {
            Self::Exponential { mean_h } => (-seconds / (mean_h * HOUR)).exp(),
            Self::Weibull { shape, scale_h } => (-(seconds / (scale_h * HOUR)).powf(shape)).exp(),
            Self::LogNormal { median_h, sigma } => {
                libm::erfc((seconds / (median_h * HOUR)).ln() / (sigma * std::f64::consts::SQRT_2)) / 2.0
            }
            Self::Fixed { length_h } => f64::from(u8::from(seconds < length_h * HOUR)),
        }
    }

    /// Draws a whole length, seconds.
    pub fn sample(&self, rng: &mut impl Rng) -> f64 {
        match *self {
            Self::Exponential { mean_h } => mean_h * HOUR * rng.sample::<f64, _>(Exp1),
            Self::Weibull { shape, scale_h } => Weibull::new(scale_h * HOUR, shape)
                .expect("a validated plan has positive parameters")
                .sample(rng),
            Self::LogNormal { median_h, sigma } => LogNormal::new((median_h * HOUR).ln(), sigma)
                .expect("a validated sigma is finite")
                .sample(rng),
            Self::Fixed { length_h } => length_h * HOUR,
        }
    }

    /// Draws what is left, seconds, of the length that a random moment falls into.
    ///
    /// In the stationary state a moment falls into a length X with a probability proportional to X
    /// (the inspection paradox) and uniformly within it, so the residue is U·X*, X* being the
    /// length-biased X (Ross, "Stochastic Processes", 2nd ed., § 3.4). X* is known in closed form:
    /// Gamma(2) for the exponential, λ·Gamma(1 + 1/k)^(1/k) for Weibull, LogNormal(μ + σ², σ).
    pub fn sample_residue(&self, rng: &mut impl Rng) -> f64 {
        rng.random::<f64>() * self.sample_length_biased(rng)
    }

    fn sample_length_biased(&self, rng: &mut impl Rng) -> f64 {
        let gamma = |shape: f64| Gamma::new(shape, 1.0).expect("a shape above 1 is valid");
        match *self {
            Self::Exponential { mean_h } => mean_h * HOUR * gamma(2.0).sample(rng),
            Self::Weibull { shape, scale_h } => {
                scale_h * HOUR * gamma(1.0 + 1.0 / shape).sample(rng).powf(1.0 / shape)
            }
            Self::LogNormal { median_h, sigma } => {
                let z: f64 = rng.sample(StandardNormal);
                ((median_h * HOUR).ln() + sigma * sigma + sigma * z).exp()
            }
            Self::Fixed { length_h } => length_h * HOUR,
        }
    }
}
