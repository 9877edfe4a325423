//! How a command fails: a message, perhaps a hint, and an exit code.

use crate::api::FailureKind;
use anstream::eprintln;
use clap::builder::styling::{AnsiColor, Style};
use std::{fmt, path::Path, process::ExitCode};

const RED: Style = AnsiColor::Red.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default();

/// Why a command could not do what was asked, and what may be done about it.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    pub kind: FailureKind,
    pub message: String,
    pub hint: Option<String>,
}

impl Failure {
    pub fn new(kind: FailureKind, message: impl fmt::Display) -> Self {
        Self { kind, message: message.to_string(), hint: None }
    }

    /// Something failed that the person did not cause.
    pub fn failed(message: impl fmt::Display) -> Self {
        Self::new(FailureKind::Failed, message)
    }

    /// What was asked, or a setting, is wrong.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(FailureKind::Usage, message)
    }

    /// A file of this machine that could not be used.
    pub fn file(path: &Path, why: &std::io::Error) -> Self {
        let kind = match why.kind() {
            std::io::ErrorKind::NotFound => FailureKind::NotFound,
            _ => FailureKind::Failed,
        };
        Self::new(kind, format!("{}: {}", path.display(), reason(why)))
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Prints the failure to stderr and returns its exit code.
    pub fn report(&self) -> ExitCode {
        eprintln!("{RED}error:{RED:#} {}", self.message);
        if let Some(hint) = &self.hint {
            eprintln!("\n{CYAN}hint:{CYAN:#} {hint}");
        }
        ExitCode::from(exit_code(self.kind))
    }
}

/// The exit code that `--help` documents.
pub fn exit_code(kind: FailureKind) -> u8 {
    match kind {
        FailureKind::Failed => 1,
        FailureKind::Usage => 2,
        FailureKind::NotFound => 3,
        FailureKind::Unavailable => 4,
        FailureKind::Sealed => 5,
    }
}

/// What the system says, in the house's style: lower case, without the number.
fn reason(why: &std::io::Error) -> String {
    let text = why.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}
