//! What links between nodes are like, as plain data.

use serde::{Deserialize, Serialize};

/// One-way latency between two nodes, the same for both directions and for the whole run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Latency {
    /// The same for every pair.
    Constant {
        /// Milliseconds.
        ms: f64,
    },
    /// Anything between two bounds.
    Uniform {
        /// Milliseconds.
        min_ms: f64,
        /// Milliseconds.
        max_ms: f64,
    },
    /// Log-normal over pairs.
    LogNormal {
        /// Half of the pairs are below this, in milliseconds.
        median_ms: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
    /// Log-normal around one median within a region and around another between regions.
    Regions {
        /// Median within a region, in milliseconds.
        within_ms: f64,
        /// Median between regions, in milliseconds.
        between_ms: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
}

/// All links of a world.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinkPlan {
    /// One-way latency between two nodes.
    pub latency: Latency,
    /// Mean of the exponential extra delay of each message, in milliseconds.
    pub jitter_ms: f64,
    /// Probability that a packet is lost; it arrives after a retransmission.
    pub loss: f64,
    /// Megabits a second that a node sends, unless its own description says otherwise.
    pub up_mbit_per_s: f64,
    /// Megabits a second that a node receives, unless its own description says otherwise.
    pub down_mbit_per_s: f64,
    /// Round trips before a new connection carries its first request: 1 is QUIC's (RFC 9000).
    pub connect_round_trips: u32,
    /// Messages of at least this many bytes share bandwidth; smaller ones only pay for their own.
    pub bulk_bytes: u64,
    /// Regions that nodes are dealt to in turn.
    pub regions: u16,
}

impl Default for LinkPlan {
    fn default() -> Self {
        Self {
            latency: Latency::Regions { within_ms: 10.0, between_ms: 60.0, sigma: 0.4 },
            jitter_ms: 1.0,
            loss: 0.0,
            up_mbit_per_s: 100.0,
            down_mbit_per_s: 200.0,
            connect_round_trips: 1,
            bulk_bytes: 16 << 10,
            regions: 5,
        }
    }
}

impl LinkPlan {
    /// Checks what the types alone cannot.
    ///
    /// # Errors
    /// A sentence naming the first value that is out of its range.
    pub fn validate(&self) -> Result<(), String> {
        let mut times = vec![("jitter_ms", self.jitter_ms)];
        match self.latency {
            Latency::Constant { ms } => times.push(("latency.constant.ms", ms)),
            Latency::Uniform { min_ms, max_ms } => {
                times.extend([("latency.uniform.min_ms", min_ms), ("latency.uniform.max_ms", max_ms)]);
                if min_ms > max_ms {
                    return Err(format!("latency.uniform: min_ms {min_ms} is above max_ms {max_ms}"));
                }
            }
            Latency::LogNormal { median_ms, sigma } => {
                times.extend([
                    ("latency.log_normal.median_ms", median_ms),
                    ("latency.log_normal.sigma", sigma),
                ]);
            }
            Latency::Regions { within_ms, between_ms, sigma } => times.extend([
                ("latency.regions.within_ms", within_ms),
                ("latency.regions.between_ms", between_ms),
                ("latency.regions.sigma", sigma),
            ]),
        }
        for (name, value) in times {
            if !(0.0..=1e6).contains(&value) {
                return Err(format!("{name} is {value}, outside 0..=1000000"));
            }
        }
        if !(0.0..0.9).contains(&self.loss) {
            return Err(format!("loss is {}, outside 0..0.9", self.loss));
        }
        for (name, rate) in [("up_mbit_per_s", self.up_mbit_per_s), ("down_mbit_per_s", self.down_mbit_per_s)]
        {
            if !(1e-3..=1e7).contains(&rate) {
                return Err(format!("{name} is {rate}, outside 0.001..=10000000"));
            }
        }
        if self.regions == 0 {
            return Err("regions is 0, it must be at least 1".into());
        }
        Ok(())
    }
}
