//! How a command fails: `error: …`, a blank line, `hint: …`.

use super::{folder::FolderError, style};
use crate::{durability::ModelError, plan::PlanError, workload::InputError};
use std::fmt;

/// The command could not be carried out.
pub const FAILED: u8 = 1;
/// The arguments or the plan cannot be used.
pub const BAD_INPUT: u8 = 2;
/// A promise was broken.
pub const BROKEN_PROMISE: u8 = 3;

/// Why a command failed, and what to do about it.
#[derive(Debug)]
pub struct Failure {
    /// What went wrong: lower case, fact, then values.
    pub error: String,
    /// What to do about it.
    pub hint: String,
    /// What the process returns.
    pub exit_code: u8,
}

impl Failure {
    /// The arguments or the plan cannot be used.
    pub fn bad_input(error: impl fmt::Display, hint: impl Into<String>) -> Self {
        Self { error: error.to_string(), hint: hint.into(), exit_code: BAD_INPUT }
    }

    /// The command could not be carried out.
    pub fn failed(error: impl fmt::Display, hint: impl Into<String>) -> Self {
        Self { error: error.to_string(), hint: hint.into(), exit_code: FAILED }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (error, hint) = (style::stderr("31;1", "error:"), style::stderr("36", "hint:"));
        writeln!(f, "{error} {}\n\n{hint} {}", self.error, self.hint)
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        Self::bad_input(&error, error.hint())
    }
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        Self::bad_input(error, "--input takes a directory of files; symbolic links are not followed")
    }
}

impl From<FolderError> for Failure {
    fn from(error: FolderError) -> Self {
        Self::failed(error, "choose another folder with --out, or make room")
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        Self::bad_input(error, "choose 1 <= k <= repair-at < n and positive mean times")
    }
}
