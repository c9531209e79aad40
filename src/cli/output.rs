//! The two streams: data on stdout, narration on stderr, both without secrets.
//!
//! What people read is ASCII where the locale has no UTF-8. What programs read is the same everywhere.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::exit::Failure;
use crate::config::Locale;
use crate::config::secret::redact;
use crate::model::text::{ascii, clean_to};

/// The most characters of a line about the command line.
const LONGEST_LINE: usize = 4096;

/// Whether what people read must be ASCII.
static PLAIN: OnceLock<bool> = OnceLock::new();

/// Adapts what people read to their terminal, from now on.
pub fn fit(locale: &Locale) {
    let _ = PLAIN.set(!locale.is_utf8());
}

/// Whether what people read must be ASCII.
pub fn is_plain() -> bool {
    PLAIN.get().is_some_and(|plain| *plain)
}

fn fitted(text: &str) -> Cow<'_, str> {
    if is_plain() {
        ascii(text)
    } else {
        Cow::Borrowed(text)
    }
}

/// Prints what people read.
pub fn print(text: &str) -> Result<(), Failure> {
    data(&fitted(&redact(text)))
}

/// Prints what programs read, or a page as it is.
pub fn data(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(redact(text).as_bytes())?;
    if !text.ends_with('\n') {
        stdout.write_all(b"\n")?;
    }
    Ok(stdout.flush()?)
}

/// Whether whoever read stdout has gone.
pub fn is_unread() -> bool {
    let stdout = io::stdout();
    let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
    let is_told = poll(&mut watched, Some(&Timespec::default())).is_ok_and(|number| number > 0);
    let gone = PollFlags::ERR | PollFlags::HUP;
    is_told && watched.iter().any(|fd| fd.revents().intersects(gone))
}

/// Stdout for what programs read, in pieces: each flush prints the text so far, which ends a line.
#[derive(Debug, Default)]
pub struct Data(Vec<u8>);

impl Write for Data {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let text = String::from_utf8_lossy(&self.0);
        let mut stdout = io::stdout().lock();
        stdout.write_all(redact(&text).as_bytes())?;
        stdout.flush()?;
        drop(text);
        self.0.clear();
        Ok(())
    }
}

/// Reports what went wrong, in one sentence.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "pipeline-tui: {}", fitted(&redact(text)));
}

/// Prints what is wrong with the command line, or the requested help.
///
/// The parser quotes arguments as given. If a terminal would act on one, the whole text is printed
/// without styles, and the argument with escapes.
pub fn usage(error: &clap::Error) {
    let is_harmless = |argument: OsString| {
        let text = argument.to_string_lossy();
        argument.to_str() == Some(clean_to(&text, text.len()).as_str())
    };
    if !is_plain() && std::env::args_os().all(is_harmless) {
        let _ = error.print();
        return;
    }
    let text: String = error
        .render()
        .to_string()
        .lines()
        .map(|line| clean_to(line, LONGEST_LINE) + "\n")
        .collect();
    let text = fitted(&text);
    let _ = if error.use_stderr() {
        io::stderr().write_all(text.as_bytes())
    } else {
        io::stdout().write_all(text.as_bytes())
    };
}

/// Reports progress, unless `--quiet` is given.
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
            let _ = writeln!(io::stderr(), "{}", fitted(&redact(text)));
        }
    }
}
