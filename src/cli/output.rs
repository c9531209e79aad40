//! The two streams: data on stdout, narration on stderr, both without secrets.

use std::io::{self, IsTerminal, Write};

use super::exit::Failure;
use crate::config::secret::redact;
use crate::model::text::clean_to;

/// Characters of a line about the command line.
const LONGEST_LINE: usize = 4096;

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

/// Says what is wrong with the command line, or the help that was asked for. An argument is quoted as it
/// was given, so one that a terminal would act on is shown in plain, as escapes.
pub fn usage(error: &clap::Error) {
    let plain = error.render().to_string();
    let harmless: String = plain
        .lines()
        .map(|line| clean_to(line, LONGEST_LINE) + "\n")
        .collect();
    let _ = if harmless.trim_end() == plain.trim_end() {
        error.print()
    } else if error.use_stderr() {
        io::stderr().write_all(harmless.as_bytes())
    } else {
        io::stdout().write_all(harmless.as_bytes())
    };
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
