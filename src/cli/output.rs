//! The two streams: data on stdout, narration on stderr, both without secrets.

use std::io::{self, IsTerminal, Write};

use super::exit::Failure;
use crate::config::secret::redact;

/// Prints data.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(redact(text).as_bytes())?;
    if !text.ends_with('\n') {
        stdout.write_all(b"\n")?;
    }
    Ok(stdout.flush()?)
}

/// Says what went wrong, in one sentence.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "pipeline-tui: {}", redact(text));
}

/// Says what is going on, unless that was asked not to be.
#[derive(Debug, Clone, Copy)]
pub struct Narrator {
    quiet: bool,
}

impl Narrator {
    pub const fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// Whether a person watches stderr.
    pub fn is_watched(self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    pub fn say(self, text: &str) {
        if !self.quiet {
            let _ = writeln!(io::stderr(), "{}", redact(text));
        }
    }
}
