//! `holdfast doctor`: everything that may be wrong, checked one by one, each with its remedy.

mod checks;
mod ports;

use super::{connection, failure::Failure, home::Home, output::Output};
use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;
use std::{io, io::Write, process::ExitCode, time::Duration};

/// A node that does not answer within this is stuck.
const PATIENCE: Duration = Duration::from_secs(10);

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
    check: &'static str,
    verdict: Verdict,
    /// What was seen.
    seen: String,
    /// What to do about it.
    remedy: Option<String>,
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
}

/// Runs all checks; the exit code tells the worst verdict.
pub fn run(home: &Home, output: Output) -> Result<ExitCode, Failure> {
    home.must_exist()?;
    let findings = examine(home);
    output.print(&findings, |out| findings.iter().try_for_each(|finding| write(out, finding)))?;
    let worst = findings.iter().map(|finding| finding.verdict).max();
    Ok(ExitCode::from(match worst.unwrap_or(Verdict::Ok) {
        Verdict::Ok => 0,
        Verdict::Warn => 1,
        Verdict::Fail => 2,
    }))
}

fn examine(home: &Home) -> Vec<Finding> {
    let settings = home.settings();
    let status = connection::status(home, PATIENCE);
    let mut findings = vec![
        checks::settings(&settings),
        checks::keys(home),
        checks::directory(home),
        checks::space(home, settings.as_ref().ok(), status.as_ref().ok()),
        checks::clock(home),
        checks::codec(),
        checks::running(&status),
        checks::index(home, &status),
    ];
    if let Ok(settings) = &settings {
        match &status {
            Ok(status) => findings.extend([ports::reachable(status), checks::peers(settings, status)]),
            Err(_) => findings.push(ports::free(settings)),
        }
    }
    findings
}

fn write(out: &mut dyn Write, finding: &Finding) -> io::Result<()> {
    let (colour, word) = match finding.verdict {
        Verdict::Ok => (AnsiColor::Green, "ok"),
        Verdict::Warn => (AnsiColor::Yellow, "warn"),
        Verdict::Fail => (AnsiColor::Red, "fail"),
    };
    let style: Style = colour.on_default();
    writeln!(out, "{style}{word:<5}{style:#}{:<10} {}", finding.check, finding.seen)?;
    match &finding.remedy {
        Some(remedy) => writeln!(out, "               → {remedy}"),
        None => Ok(()),
    }
}
