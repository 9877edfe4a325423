//! Why a plan cannot be run.

use crate::churn::trace::TraceError;

/// Why a plan cannot be run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// A file could not be read.
    #[error("cannot read {path}: {why}")]
    Read {
        /// Which file.
        path: String,
        /// What the system said.
        why: String,
    },
    /// It is no TOML.
    #[error("{path}: {why}")]
    Syntax {
        /// Which file.
        path: String,
        /// What the parser said.
        why: String,
    },
    /// It has a key that no plan has.
    #[error("unknown key {key}")]
    UnknownKey {
        /// Which key, with its section.
        key: String,
        /// The known key whose spelling is nearest.
        nearest: Option<String>,
        /// All keys known there.
        known: Vec<String>,
    },
    /// A value is of the wrong type or missing.
    #[error("{key}: {why}")]
    Value {
        /// Which key.
        key: String,
        /// What is wrong.
        why: String,
    },
    /// A `--set` is not of the form key=value.
    #[error("--set {text}: {why}")]
    Assignment {
        /// What was given.
        text: String,
        /// What is wrong.
        why: String,
    },
    /// The churn trace cannot be used.
    #[error("{path}: {error}")]
    Trace {
        /// Which file.
        path: String,
        /// What is wrong with it.
        error: TraceError,
    },
}

impl PlanError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Read { .. } => "name a plan file, for example sim/plans/smoke.toml".into(),
            Self::Syntax { .. } => "plans are TOML: https://toml.io".into(),
            Self::UnknownKey { nearest: Some(nearest), .. } => format!("did you mean {nearest}?"),
            Self::UnknownKey { known, .. } => format!("known keys here: {}", known.join(", ")),
            Self::Value { .. } => "sim/plans/README.md lists every key, its unit and its range".into(),
            Self::Assignment { .. } => {
                "write it as section.key=value, for example churn.always_on=0.2".into()
            }
            Self::Trace { .. } => "a trace has lines node,start_s,end_s[,permanent]".into(),
        }
    }
}
