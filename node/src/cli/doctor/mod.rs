//! `holdfast doctor`: everything that may be wrong, checked one by one, each with its remedy.

mod checks;
mod finding;
mod market;
mod ports;

use super::{connection, failure::Failure, home::Home, output::Output};
use finding::{Finding, Verdict};
use std::{process::ExitCode, time::Duration};

/// A node that does not answer within this is stuck.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs all checks; the exit code tells the worst verdict.
pub fn run(home: &Home, output: Output) -> Result<ExitCode, Failure> {
    home.must_exist()?;
    let findings = examine(home);
    output.print(&findings, |out| findings.iter().try_for_each(|finding| finding.write(out)))?;
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
        findings.extend(market::check(home, settings, status.as_ref().ok()));
        match &status {
            Ok(status) => findings.extend([ports::reachable(status), checks::peers(settings, status)]),
            Err(_) => findings.push(ports::free(settings)),
        }
    }
    findings
}
