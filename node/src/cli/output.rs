//! What goes to stdout, and progress on stderr.

use super::failure::Failure;
use crate::actors::client::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::io::{self, Write};

/// Text for people, or one JSON document for programs.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
}

impl Output {
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints `value` as JSON, or what `text` writes of it.
    pub fn print<T: Serialize>(
        self,
        value: &T,
        text: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let mut out = anstream::AutoStream::auto(io::stdout());
        let written = if self.json {
            serde_json::to_writer(&mut out, value).map_err(io::Error::from).and_then(|()| writeln!(out))
        } else {
            text(&mut out)
        };
        match written.and_then(|()| out.flush()) {
            // The reader of a pipe that has seen enough is no failure.
            Err(why) if why.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::failed(format!("stdout: {why}")))
            }
            _ => Ok(()),
        }
    }
}

/// A progress bar on stderr, drawn only if that is a terminal.
pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// A bar of bytes.
    pub fn new(verb: &'static str) -> Self {
        Self::styled(verb, "{prefix} {bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left")
    }

    /// A bar of things that are counted.
    pub fn counting(verb: &'static str) -> Self {
        Self::styled(verb, "{prefix} {bar:30} {pos}/{len}  {elapsed}")
    }

    fn styled(verb: &'static str, template: &str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style =
            ProgressStyle::with_template(template).expect("the template is a constant and well formed");
        bar.set_style(style);
        bar.set_prefix(verb);
        Self { bar }
    }

    pub fn show(&self, progress: Progress) {
        self.bar.set_length(progress.total);
        self.bar.set_position(progress.done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
