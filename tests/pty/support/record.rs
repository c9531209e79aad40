//! Everything known about a terminal so far: the screen, the modes, the bytes, the process.

use std::fmt::Write as _;
use std::num::NonZeroU16;

use portable_pty::MasterPty;

use super::allowed::foreign;
use super::modes::Modes;
use super::tokens::{Token, Tokenizer};

/// The newest bytes of the stream that are kept: 16 MiB.
const KEPT: usize = 1 << 24;
/// Foreign sequences that are listed one by one; more would not help.
const TOLD: usize = 20;
/// The end of the stream that a failure shows.
const SHOWN: usize = 400;

/// The state of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    Running,
    /// Stopped by a signal.
    Stopped,
    /// Its exit code; minus the signal, if one killed it.
    Ended(i32),
}

/// How the line discipline treats input and output, each part in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineModes {
    pub input: String,
    pub output: String,
    pub control: String,
    pub local: String,
    pub characters: Vec<u8>,
}

impl LineModes {
    pub fn of(master: &dyn MasterPty) -> Self {
        let termios = master.get_termios().expect("a terminal has modes");
        Self {
            input: format!("{:?}", termios.input_flags),
            output: format!("{:?}", termios.output_flags),
            control: format!("{:?}", termios.control_flags),
            local: format!("{:?}", termios.local_flags),
            characters: termios.control_chars.into(),
        }
    }
}

/// What the reader and the watcher of the process keep.
pub struct Record {
    parser: vt100::Parser,
    tokenizer: Tokenizer,
    pub modes: Modes,
    /// Sequences that are not on the list.
    pub foreign: Vec<String>,
    /// Queries of the cursor's position that were not answered yet.
    pub queries: usize,
    raw: Vec<u8>,
    forgotten: usize,
    /// Bytes of input that were sent, and how many of them the terminal has taken.
    pub sent: usize,
    pub taken: usize,
    pub life: Life,
    /// How the process left the line discipline.
    pub line_modes_at_end: Option<LineModes>,
    /// Whether the process has ended and everything it wrote is here.
    pub is_complete: bool,
}

impl Record {
    pub fn new(rows: u16, columns: u16) -> Self {
        Self {
            parser: vt100::Parser::new(at_least_one(rows), at_least_one(columns), 0),
            tokenizer: Tokenizer::default(),
            modes: Modes::default(),
            foreign: vec![],
            queries: 0,
            raw: vec![],
            forgotten: 0,
            sent: 0,
            taken: 0,
            life: Life::Running,
            line_modes_at_end: None,
            is_complete: false,
        }
    }

    pub fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    pub fn resize(&mut self, rows: u16, columns: u16) {
        self.parser
            .set_size(at_least_one(rows), at_least_one(columns));
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        let Self {
            modes,
            foreign: found,
            queries,
            ..
        } = self;
        self.tokenizer.feed(bytes, |token| {
            modes.apply(&token);
            if token == Token::Csi("6".to_owned(), 'n') {
                *queries += 1;
            }
            if let Some(what) = foreign(&token, modes.is_alternate())
                && found.len() < TOLD
            {
                found.push(what);
            }
        });
        self.parser.process(bytes);
        self.raw.extend_from_slice(bytes);
        if self.raw.len() > KEPT {
            let surplus = self.raw.len() - KEPT / 2;
            self.raw.drain(..surplus);
            self.forgotten += surplus;
        }
    }

    /// How many bytes have come so far.
    pub fn length(&self) -> usize {
        self.forgotten + self.raw.len()
    }

    /// The bytes after a mark, as far as they are kept.
    pub fn since(&self, mark: usize) -> &[u8] {
        &self.raw[mark.saturating_sub(self.forgotten)..]
    }

    /// What differs from the terminal as the process found it.
    pub fn damage(&self, before: &LineModes, now: &LineModes) -> Vec<String> {
        let mut damage = self.modes.left_on();
        if self.tokenizer.is_inside() {
            damage.push("a sequence that has no end".to_owned());
        }
        if before != now {
            damage.push(format!("line discipline: {now:?} was {before:?}"));
        }
        damage
    }

    /// The whole state as text, for a test that fails.
    pub fn describe(&self) -> String {
        let (rows, columns) = self.screen().size();
        let mut text = format!("{:?}; {columns} columns, {rows} rows:\n", self.life);
        let rule = "-".repeat(usize::from(columns.get()));
        let _ = writeln!(text, "{rule}\n{}\n{rule}", self.screen().contents());
        let _ = writeln!(text, "switched on: {:?}", self.modes.left_on());
        let _ = writeln!(text, "foreign: {:?}", self.foreign);
        let end = &self.raw[self.raw.len().saturating_sub(SHOWN)..];
        let _ = write!(text, "stream ends: {}", end.escape_ascii());
        text
    }
}

/// The emulator knows no empty screen.
fn at_least_one(size: u16) -> NonZeroU16 {
    NonZeroU16::new(size).unwrap_or(NonZeroU16::MIN)
}
