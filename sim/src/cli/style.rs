//! Colour and progress, only where someone sees them.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal};

/// True if what is written to stderr may be coloured: a terminal, and `NO_COLOR` unset (no-color.org).
pub fn stderr_is_styled() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// `text` in an ANSI style, for stderr.
pub fn stderr(code: &str, text: &str) -> String {
    if stderr_is_styled() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// A bar on stderr of `length` steps; hidden when stderr is no terminal.
pub fn bar(length: u64, what: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr_with_hz(10));
    let bar_style = if stderr_is_styled() { "{bar:16.cyan/dim}" } else { "{bar:16}" };
    // The message gives way in a narrow terminal.
    let template = format!("{what} {bar_style} {{percent:>3}} % eta {{eta:<4}} {{wide_msg}}");
    bar.set_style(ProgressStyle::with_template(&template).expect("the template above is well-formed"));
    bar
}
