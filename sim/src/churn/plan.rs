//! What a plan says about nodes that come and go.

use super::Lifetime;
use serde::{Deserialize, Serialize};

/// Who is online when, and who leaves for good.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChurnPlan {
    /// A named set of measured parameters, instead of `always_on`, `session` and `absence`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// A file of recorded sessions, relative to the plan, instead of distributions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// Share of the nodes that never go offline; the others alternate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub always_on: Option<f64>,
    /// How long a node stays online; without it, all nodes always are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Lifetime>,
    /// How long it then stays offline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub absence: Option<Lifetime>,
    /// What going offline is for the node.
    pub leave: Leave,
    /// Nodes that leave for good and take their disks with them.
    pub departures: DeparturePlan,
}

/// What going offline is for a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leave {
    /// The host loses power: un-synced bytes are lost or torn, and peers see silence.
    #[default]
    PowerOff,
    /// The process ends: the disk keeps what was written, and peers are refused at once.
    Stop,
}

/// Permanent departures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeparturePlan {
    /// Share of the first nodes that leave, at moments spread uniformly over the run.
    pub share: f64,
    /// Departures per node and day; each node's life is exponential, replacements' too.
    pub rate_per_day: f64,
    /// True if an empty node joins whenever one has left, so that capacity stays.
    pub replace: bool,
}

impl Default for DeparturePlan {
    fn default() -> Self {
        Self { share: 0.0, rate_per_day: 0.0, replace: true }
    }
}

/// Named sets of measured churn parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Preset {
    /// The public IPFS DHT in the week of 28 April 2022.
    ///
    /// Source of always-on share and sessions: ProbeLab, "RFM 2, Uptime and Churn"
    /// (github.com/probe-lab/network-measurements, results/rfm2-uptime-and-churn.md): 10.5 % of the
    /// peers were never seen offline; half of the sessions are 2 h or shorter and 80 % 8 h or shorter,
    /// the two quantiles that a Weibull of shape 0.608 and scale 3.656 h meets.
    ///
    /// **No source that we found publishes a distribution of absences.** RFM 2 shows only times from
    /// start to start. ProbeLab's notes on RFM 17 say that peers stay away about as long as they stay
    /// ("the interarrival time is of similar levels as the churn rate"), so absences are drawn here
    /// from the sessions' distribution. Mean availability is then 0.105 + 0.895 / 2 = 0.5525, which
    /// agrees with the 55 to 60 % of stable peers that the authors of "Design and evaluation of IPFS"
    /// (Trautwein et al., SIGCOMM 2022) give for 2021.
    #[serde(rename = "ipfs-2022")]
    Ipfs2022,
}

/// Parameters with the preset filled in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChurnModel {
    /// Share of the nodes that never go offline.
    pub always_on: f64,
    /// Sessions and absences of the others; `None` if all are always on.
    pub alternation: Option<(Lifetime, Lifetime)>,
    /// Permanent departures.
    pub departures: DeparturePlan,
}

impl Preset {
    fn model(self) -> (f64, Lifetime, Lifetime) {
        match self {
            Self::Ipfs2022 => {
                let lifetime = Lifetime::Weibull { shape: 0.608, scale_h: 3.656 };
                (0.105, lifetime, lifetime)
            }
        }
    }

    /// One sentence on what was measured and what was assumed, for results and reports.
    pub fn provenance(self) -> &'static str {
        match self {
            Self::Ipfs2022 => {
                "ipfs-2022: 10.5 % of nodes always on, sessions Weibull(0.608, 3.656 h) from ProbeLab's RFM 2; \
                 absences have no published distribution and are assumed to be drawn like sessions \
                 (ProbeLab's RFM 17 notes: similar levels)"
            }
        }
    }
}

impl ChurnPlan {
    /// The parameters, preset filled in.
    pub fn model(&self) -> ChurnModel {
        let departures = self.departures;
        if let Some(preset) = self.preset {
            let (always_on, session, absence) = preset.model();
            return ChurnModel { always_on, alternation: Some((session, absence)), departures };
        }
        let alternation = self.session.zip(self.absence);
        ChurnModel { always_on: self.always_on.unwrap_or(0.0), alternation, departures }
    }

    /// Checks what the types alone cannot: (field, what is wrong).
    ///
    /// # Errors
    /// The first field that cannot be used.
    pub fn validate(&self) -> Result<(), (String, String)> {
        self.validate_sources()?;
        for (field, share) in
            [("always_on", self.always_on.unwrap_or(0.0)), ("departures.share", self.departures.share)]
        {
            if !(0.0..=1.0).contains(&share) {
                return Err((field.into(), format!("must lie between 0 and 1, is {share}")));
            }
        }
        let rate = self.departures.rate_per_day;
        if !(rate.is_finite() && rate >= 0.0) {
            return Err((
                "departures.rate_per_day".into(),
                format!("must be a number from 0 upwards, is {rate}"),
            ));
        }
        for (field, lifetime) in [("session", self.session), ("absence", self.absence)] {
            for (parameter, value) in lifetime.iter().flat_map(Lifetime::parameters) {
                if !(value.is_finite() && value > 0.0 && value < 1e6) {
                    return Err((
                        format!("{field}.{parameter}"),
                        format!("must lie above 0 and below 1000000, is {value}"),
                    ));
                }
            }
        }
        Ok(())
    }

    fn validate_sources(&self) -> Result<(), (String, String)> {
        let by_hand = self.session.is_some() || self.absence.is_some() || self.always_on.is_some();
        if self.preset.is_some() && by_hand {
            return Err((
                "preset".into(),
                "cannot be combined with always_on, session or absence, which it sets".into(),
            ));
        }
        if self.trace.is_some() && (by_hand || self.preset.is_some() || self.departures.is_active()) {
            return Err((
                "trace".into(),
                "cannot be combined with a preset, distributions or departures: it says all".into(),
            ));
        }
        if self.session.is_some() != self.absence.is_some() {
            return Err(("session".into(), "session and absence must be given together".into()));
        }
        Ok(())
    }
}

impl DeparturePlan {
    /// True if any node ever leaves for good.
    pub fn is_active(&self) -> bool {
        self.share > 0.0 || self.rate_per_day > 0.0
    }
}

impl ChurnModel {
    /// Mean share of nodes online, departures apart.
    pub fn availability(&self) -> f64 {
        match self.alternation {
            None => 1.0,
            Some((session, absence)) => {
                let up = session.mean() / (session.mean() + absence.mean());
                self.always_on + (1.0 - self.always_on) * up
            }
        }
    }
}
