//! Logs and panic messages: one line each, without secrets, to stderr or to the panel.

pub mod kept;
mod pane;

use std::backtrace::Backtrace;
use std::io::{self, Write};
use std::panic::PanicHookInfo;

use tokio::sync::mpsc;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;

pub use self::pane::{Record, Weight};

use crate::config::secret::redact;
use crate::model::text;

/// The most characters of one record that are written.
const MAX_CHARS: usize = 4096;

/// Starts logging to stderr. `verbosity` is -1 for quiet, 0, 1 or 2; `rust_log` overrides it.
///
/// A second call changes nothing.
pub fn init(verbosity: i8, rust_log: Option<&str>) {
    let (filter, refused) = filter(directives(verbosity), rust_log);
    // Colours would be control characters, and those are escaped.
    let _ = tracing_subscriber::fmt()
        .compact()
        .with_ansi(false)
        .with_env_filter(filter)
        .with_writer(LineWriter::new(io::stderr))
        .try_init();
    if refused {
        tracing::warn!("RUST_LOG is not valid and is ignored");
    }
}

/// Starts logging to a screen: stderr would overwrite it. `rust_log` overrides the level.
///
/// A second call changes nothing.
#[must_use]
pub fn init_for_panel(rust_log: Option<&str>) -> mpsc::Receiver<Record> {
    let (tell, records) = mpsc::channel(pane::WAITING);
    let (filter, refused) = filter(directives(1), rust_log);
    let _ = tracing_subscriber::registry()
        .with(pane::PaneLayer(tell).with_filter(filter))
        .try_init();
    if refused {
        tracing::warn!("RUST_LOG is not valid and is ignored");
    }
    records
}

/// Starts logging to stderr as [`init`] does, and returns what a screen would show, to be kept.
///
/// A second call changes nothing.
#[must_use]
pub fn init_for_run(verbosity: i8, rust_log: Option<&str>) -> mpsc::Receiver<Record> {
    let (tell, records) = mpsc::channel(pane::WAITING);
    let (said, refused) = filter(directives(verbosity), rust_log);
    let (kept, _) = filter(directives(1), rust_log);
    let stderr = tracing_subscriber::fmt::layer()
        .compact()
        .with_ansi(false)
        .with_writer(LineWriter::new(io::stderr));
    let _ = tracing_subscriber::registry()
        .with(stderr.with_filter(said))
        .with(pane::PaneLayer(tell).with_filter(kept))
        .try_init();
    if refused {
        tracing::warn!("RUST_LOG is not valid and is ignored");
    }
    records
}

/// The requested filter, or else the usual one; `true` if the requested one is not valid.
fn filter(usual: &str, asked: Option<&str>) -> (EnvFilter, bool) {
    let asked = asked.map(EnvFilter::try_new);
    let refused = matches!(asked, Some(Err(_)));
    let filter = asked.and_then(Result::ok);
    (filter.unwrap_or_else(|| EnvFilter::new(usual)), refused)
}

/// Our own level, and that of other crates: one lower, because they are noisier.
const fn directives(verbosity: i8) -> &'static str {
    match verbosity {
        ..=-1 => "error",
        0 => "error,pipeline_tui=warn",
        1 => "warn,pipeline_tui=info",
        2.. => "info,pipeline_tui=debug",
    }
}

/// Makes a panic print one plain sentence on stderr, and a backtrace if `RUST_BACKTRACE` asks for it.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        let mut message = sentence(info);
        if std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0" && !value.is_empty())
        {
            let backtrace = Backtrace::force_capture().to_string();
            for line in backtrace.lines() {
                message.push('\n');
                message.push_str(&harmless(line));
            }
        }
        message.push('\n');
        // If stderr is closed, there is nowhere to report it.
        let _ = io::stderr().lock().write_all(message.as_bytes());
    }));
}

fn sentence(info: &PanicHookInfo<'_>) -> String {
    let what = info.payload_as_str().unwrap_or("no message");
    let place = info
        .location()
        .map_or_else(String::new, |place| format!(" at {place}"));
    harmless(&format!(
        "pipeline-tui stopped after an internal error{place}: {what}"
    ))
}

/// One line without secrets and without anything that a terminal acts on.
fn harmless(record: &str) -> String {
    text::clean_to(&redact(record), MAX_CHARS)
}

/// Makes writers that turn each record into one harmless line.
struct LineWriter<M>(M);

impl<M, W> LineWriter<M>
where
    M: Fn() -> W,
    W: Write,
{
    const fn new(sink: M) -> Self {
        Self(sink)
    }
}

impl<'a, M, W> MakeWriter<'a> for LineWriter<M>
where
    M: Fn() -> W + 'a,
    W: Write,
{
    type Writer = Held<W>;

    fn make_writer(&'a self) -> Self::Writer {
        Held {
            sink: (self.0)(),
            bytes: Vec::new(),
        }
    }
}

/// One record, held back until it is complete: a secret may come in two pieces.
struct Held<W: Write> {
    sink: W,
    bytes: Vec<u8>,
}

impl<W: Write> Write for Held<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> Drop for Held<W> {
    fn drop(&mut self) {
        let record = String::from_utf8_lossy(&self.bytes);
        let record = record.strip_suffix('\n').unwrap_or(&record);
        if !record.is_empty() {
            let line = format!("{}\n", harmless(record));
            let _ = self.sink.write_all(line.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;
    use crate::config::Secret;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Memory {
        fn text(&self) -> String {
            let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            String::from_utf8(bytes.clone()).unwrap()
        }
    }

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(log: impl FnOnce()) -> String {
        let memory = Memory::default();
        let sink = memory.clone();
        let subscriber = tracing_subscriber::fmt()
            .compact()
            .with_ansi(false)
            .with_writer(LineWriter::new(move || sink.clone()))
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        memory.text()
    }

    #[test]
    fn a_record_is_one_line_without_secrets_or_control_characters() {
        let secret = Secret::new("canary/telemetry 1");
        let text = logged(|| {
            tracing::info!(
                url = "https://x/?apikey=canary%2Ftelemetry%201",
                "sent {}\n\u{1b}[2J\u{9b}31m\u{202e}\rend",
                secret.expose()
            );
            tracing::error!(error = ?format!("canary/telemetry 1\u{7}"), "second");
        });
        assert!(!text.contains("canary"), "{text}");
        assert!(text.matches("***").count() == 3, "{text}");
        assert_eq!(text.lines().count(), 2, "{text}");
        let hostile = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(hostile), "{text:?}");
        assert!(text.contains("end") && text.contains("second"), "{text}");
    }

    #[test]
    fn a_secret_in_two_pieces_and_broken_utf8_are_handled() {
        let _secret = Secret::new("canary-in-pieces");
        let memory = Memory::default();
        let sink = memory.clone();
        let maker = LineWriter::new(move || sink.clone());
        let mut record = maker.make_writer();
        for piece in [&b"a canary-"[..], b"in-pieces \xff\xfe b", b"\n"] {
            record.write_all(piece).unwrap();
        }
        drop(record);
        drop(maker.make_writer());
        assert_eq!(memory.text(), "a *** \u{fffd}\u{fffd} b\n");
    }

    #[test]
    fn every_verbosity_is_a_valid_filter() {
        for verbosity in [i8::MIN, -1, 0, 1, 2, i8::MAX] {
            assert!(
                EnvFilter::try_new(directives(verbosity)).is_ok(),
                "{verbosity}"
            );
        }
        assert_eq!(directives(-1), "error");
        assert_eq!(directives(7), "info,pipeline_tui=debug");
    }
}
