//! How a check ended, and how that is shown.

use crate::cli::failure::Failure;
use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;
use std::io::{self, Write};

/// How a check ended, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Ok,
    Warn,
    Fail,
}

/// One check.
#[derive(Debug, Serialize)]
pub struct Finding {
    pub check: &'static str,
    pub verdict: Verdict,
    /// What was seen.
    pub seen: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl Finding {
    pub fn ok(check: &'static str, seen: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, seen: seen.into(), remedy: None }
    }

    pub fn warn(check: &'static str, seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Warn, seen: seen.into(), remedy: Some(remedy.into()) }
    }

    pub fn fail(check: &'static str, seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Fail, seen: seen.into(), remedy: Some(remedy.into()) }
    }

    pub fn of_failure(check: &'static str, failure: Failure) -> Self {
        Self { check, verdict: Verdict::Fail, seen: failure.message, remedy: failure.hint }
    }

    /// One line, and one for the remedy.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let (colour, word) = match self.verdict {
            Verdict::Ok => (AnsiColor::Green, "ok"),
            Verdict::Warn => (AnsiColor::Yellow, "warn"),
            Verdict::Fail => (AnsiColor::Red, "fail"),
        };
        let style: Style = colour.on_default();
        writeln!(out, "{style}{word:<5}{style:#}{:<10} {}", self.check, self.seen)?;
        match &self.remedy {
            Some(remedy) => writeln!(out, "               → {remedy}"),
            None => Ok(()),
        }
    }
}
