//! `doctor --report`: what a bug report needs, as text that may be shown to anyone.
//!
//! It contains no secrets: every line is redacted and made harmless, and paths do not reveal who the
//! user is.

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::context::Context;
use super::super::table::layout;
use super::super::{open, output, runs};
use super::exit::Failure;
use super::{Finding, files};
use crate::config::secret::redact;
use crate::config::{self, Settings};
use crate::db::Store;
use crate::model::text::{clean, clean_to, counted};
use crate::model::{RunId, RunStatus};
use crate::pipeline::narrate;
use crate::time::Clock;

/// Runs that are listed; each one that did not succeed is explained.
const RUNS: u32 = 20;
/// Series explained per run: a plan that forbids one forbids hundreds.
const SERIES: usize = 10;
/// Lines of the log to show, and the bytes at its end in which to look for them.
const LOG_LINES: usize = 200;
const LOG_BYTES: u64 = 256 << 10;
/// The most characters of a line.
const LONGEST_LINE: usize = 1_024;

/// Variables that describe a terminal and its language.
const TERMINAL: &[&str] = &[
    "TERM",
    "COLORTERM",
    "TERM_PROGRAM",
    "TERM_PROGRAM_VERSION",
    "NO_COLOR",
    "LC_ALL",
    "LC_CTYPE",
    "LANG",
    "TZ",
];
/// Variables of what runs between the program and the terminal: whether they are set, not to what.
const BETWEEN: &[&str] = &["TMUX", "STY", "SSH_CONNECTION", "container"];

/// Refuses an existing file before any request is spent.
pub fn refuse_what_is_there(file: &Path) -> Result<(), Failure> {
    if file == Path::new("-") || std::fs::symlink_metadata(file).is_err() {
        return Ok(());
    }
    Err(exists(file))
}

fn exists(file: &Path) -> Failure {
    let file = clean(&file.display().to_string());
    Failure::usage(format!(
        "{file} already exists and is left unchanged; name another file"
    ))
}

/// Writes the report to a new file, or to stdout.
pub async fn write(file: &Path, findings: &[Finding], context: &Context) -> Result<(), Failure> {
    let text = compose(findings, context).await;
    let text = redact(&text);
    if file == Path::new("-") {
        return output::print(&text);
    }
    files::save(Path::new(""), file, &text).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => exists(file),
        _ => Failure::usage(format!(
            "{} cannot be written ({error}); name another file",
            clean(&file.display().to_string())
        )),
    })?;
    context.narrator.say(&format!(
        "report written to {}; look through it before you share it",
        clean(&file.display().to_string())
    ));
    Ok(())
}

async fn compose(findings: &[Finding], context: &Context) -> String {
    let person = Person::of_this_process();
    let mut report = Report(format!(
        "pipeline-tui report of {}\n",
        Clock::system().now().format("%Y-%m-%d %H:%M:%S UTC")
    ));
    report.part("Program", &program());
    report.part("Terminal", &terminal());
    report.part("Settings", &settings_of(context, &person));
    let findings: Vec<String> = findings.iter().map(Finding::line).collect();
    report.part("Doctor", &findings.join("\n"));
    match config::load(&context.inputs) {
        Err(_) => report.part("Store", "not read: the configuration is wrong"),
        Ok(settings) => {
            match stored(&settings, &mut report).await {
                Ok(()) => {}
                Err(Failure::Told { text, .. }) => {
                    report.part("Store", &format!("not read: {text}"));
                }
                Err(Failure::Closed) => report.part("Store", "not read: the connection was closed"),
                Err(Failure::Stopped(_)) => report.part("Store", "not read: stopped by a signal"),
            }
            report.part("Log", &log(&settings.data_dir));
        }
    }
    person.hide(&report.0)
}

struct Report(String);

impl Report {
    fn part(&mut self, name: &str, text: &str) {
        let _ = write!(self.0, "\n## {name}\n\n");
        for line in text.lines() {
            self.0.push_str(&clean_to(line, LONGEST_LINE));
            self.0.push('\n');
        }
    }
}

fn program() -> String {
    let system = rustix::system::uname();
    let word = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    let named = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let named = named
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))
        .unwrap_or("unknown distribution");
    format!(
        "pipeline-tui {}{}\n{} {} {}\n{}",
        env!("CARGO_PKG_VERSION"),
        if cfg!(debug_assertions) {
            ", debug build"
        } else {
            ""
        },
        word(system.sysname()),
        word(system.release()),
        word(system.machine()),
        named.trim_matches('"')
    )
}

fn terminal() -> String {
    let size = rustix::termios::tcgetwinsize(std::io::stderr()).map_or_else(
        |_| "stderr is not a terminal".to_owned(),
        |size| format!("{} x {} cells", size.ws_col, size.ws_row),
    );
    let set = TERMINAL.iter().filter_map(|name| {
        let value = std::env::var_os(name)?;
        Some(format!("{name}={}", value.to_string_lossy()))
    });
    let between = BETWEEN
        .iter()
        .filter(|name| std::env::var_os(name).is_some());
    let between = between.map(|name| format!("{name} is set"));
    std::iter::once(size)
        .chain(set)
        .chain(between)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Names are hidden before the layout, so that columns stay aligned.
fn settings_of(context: &Context, person: &Person) -> String {
    match config::load_leniently(&context.inputs) {
        Err(error) => error.to_string(),
        Ok((settings, _)) => {
            let rows: Vec<Vec<String>> = settings
                .report
                .into_iter()
                .map(|row| {
                    [row.name.as_ref(), &row.value, &row.source]
                        .map(|cell| person.hide(cell))
                        .into()
                })
                .collect();
            layout(&["SETTING", "VALUE", "SOURCE"], &rows)
        }
    }
}

async fn stored(settings: &Settings, report: &mut Report) -> Result<(), Failure> {
    let store = open::store(settings, true).await?;
    let list = store.watch_list().await?;
    let pipeline = open::pipeline(settings, Arc::clone(&store))?;
    let mut text = format!("series on the watch list: {}", list.len());
    for source in pipeline.sources_now().await? {
        let on_it = list.iter().filter(|series| series.source == source.id);
        let (series, today) = (on_it.count(), source.quota.used);
        let limit = source.quota.limit;
        let limit = limit.map_or_else(String::new, |limit| format!(" of {limit}"));
        let _ = write!(
            text,
            "\n{}: {}, plan {}, requests today: {today}{limit}",
            source.id,
            counted(series as u64, "series"),
            source.plan,
        );
    }
    report.part("Store", &text);
    let newest = store.runs(RUNS).await?;
    report.part("Last runs", &runs::table(&newest));
    let mut ended = Vec::new();
    for run in newest
        .iter()
        .filter(|run| !matches!(run.status, RunStatus::Succeeded))
    {
        ended.extend(explained(&store, run.id).await?);
    }
    report.part("Refusals and failures of these runs", &ended.join("\n"));
    open::close(&store).await;
    Ok(())
}

/// What went wrong in a run, and the requests that failed or were refused.
async fn explained(store: &Arc<dyn Store>, run: RunId) -> Result<Vec<String>, Failure> {
    let Some(detail) = store.run(run).await? else {
        return Ok(vec![]);
    };
    let mut lines = vec![format!("run {run} {}", detail.summary.status)];
    let wrong: Vec<_> = detail
        .series
        .iter()
        .filter(|series| series.error.is_some())
        .collect();
    lines.extend(
        wrong
            .iter()
            .take(SERIES)
            .map(|series| format!("  {}", narrate::line(series))),
    );
    if let more @ 1.. = wrong.len().saturating_sub(SERIES) {
        lines.push(format!("  and {more} more series"));
    }
    let refused = detail
        .requests
        .iter()
        .filter(|request| request.class.is_some());
    lines.extend(
        refused
            .take(SERIES)
            .map(|request| format!("  {}", runs::request_row(request).join("  "))),
    );
    Ok(lines)
}

/// The end of the newest log file in the data folder.
fn log(folder: &Path) -> String {
    let files = std::fs::read_dir(folder.join("log"));
    let files = files.into_iter().flatten().flatten();
    let newest = files
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "log") && path.is_file())
        .max_by_key(|path| {
            std::fs::metadata(path)
                .and_then(|meta| meta.modified())
                .ok()
        });
    newest.map_or_else(|| "no log is kept".to_owned(), |path| tail(&path))
}

fn tail(path: &PathBuf) -> String {
    use std::io::{Read as _, Seek as _, SeekFrom};

    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(LOG_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let lines: Vec<&str> = text.lines().collect();
            lines
                .get(lines.len().saturating_sub(LOG_LINES)..)
                .unwrap_or_default()
                .join("\n")
        }
        Err(error) => format!("{} cannot be read ({error})", path.display()),
    }
}

/// The person whose name and folders are left out.
struct Person {
    home: Option<String>,
    user: Option<String>,
}

impl Person {
    fn of_this_process() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| value.len() > 1);
        Self {
            home: variable("HOME"),
            user: variable("USER").or_else(|| variable("LOGNAME")),
        }
    }

    /// The text with home folders as `~`, and a folder named after the user too.
    fn hide(&self, text: &str) -> String {
        let home = self
            .home
            .iter()
            .map(|home| home.trim_end_matches('/').to_owned());
        let user = self.user.iter().map(|user| format!("/{user}"));
        let mut text = home.fold(text.to_owned(), |text, home| replaced(&text, &home, "~"));
        for folder in ["/home/", "/Users/"] {
            text = without_names(&text, folder);
        }
        user.fold(text, |text, user| replaced(&text, &user, "/~"))
    }
}

/// Whether a character can be part of a folder's name.
fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// Replaces a path where it is complete: not `/home/ann` in `/home/anna`.
fn replaced(text: &str, path: &str, by: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(path).filter(|_| !path.is_empty()) {
        out.push_str(before);
        out.push_str(if after.starts_with(is_of_name) {
            path
        } else {
            by
        });
        rest = after;
    }
    out + rest
}

/// Replaces `/home/NAME` with `~`, for any name.
fn without_names(text: &str, folder: &str) -> String {
    let mut pieces = text.split(folder);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let name: usize = piece
            .chars()
            .take_while(|c| is_of_name(*c))
            .map(char::len_utf8)
            .sum();
        out.push_str(if name == 0 { folder } else { "~" });
        out.push_str(piece.get(name..).unwrap_or_default());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_do_not_say_who_the_user_is() {
        let person = Person {
            home: Some("/srv/people/ann".to_owned()),
            user: Some("ann".to_owned()),
        };
        for (path, hidden) in [
            ("/srv/people/ann/data/x.db", "~/data/x.db"),
            ("'/srv/people/ann'", "'~'"),
            ("/srv/people/anna/x", "/srv/people/anna/x"),
            ("/home/bob/.config and /Users/Eve/x", "~/.config and ~/x"),
            ("sqlite:///home/bob/x.db", "sqlite://~/x.db"),
            ("/mnt/ann/x, /mnt/annex", "/mnt/~/x, /mnt/annex"),
            ("/home/", "/home/"),
            ("nothing of it", "nothing of it"),
        ] {
            assert_eq!(person.hide(path), hidden);
        }
    }
}
