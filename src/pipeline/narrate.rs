//! Notices as sentences, the same for the command line and the panel.

use std::fmt::{self, Write as _};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::America::New_York;

use super::command::Command;
use super::event::{Event, RunReport};
use super::events;
use super::notice::{CutShort, Exported, Notice, What};
use super::retry::PER_PAGE;
use super::snapshot::ExportProgress;
use crate::model::alert::{self, AlertEvent};
use crate::model::text::{clean, thousands};
use crate::model::{
    ErrorClass, Interval, LaneName, RunStatus, SeriesKey, SeriesReport, SeriesStatus, SourceId,
    WatchEdit, WatchEdited, moment,
};

/// The most series that one sentence names.
const NAMED: usize = 3;

/// How serious a sentence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// All is well.
    Info,
    /// Work continues, but something is wrong.
    Warn,
    /// Something was not done.
    Error,
}

/// A notice as a sentence; `None` for steps that only a screen shows.
#[must_use]
pub fn sentence(notice: &Notice) -> Option<(Severity, String)> {
    use Severity::{Error, Info, Warn};
    Some(match &notice.what {
        What::Run(Event::Done(report)) => (of_series(report), told(report)),
        What::Run(Event::NotAsked { series, why }) => (not_asked(series), {
            let count = thousands(series.len() as i128);
            format!("{count} series not fetched: {why}")
        }),
        What::Run(Event::Started { run, series }) => {
            (Info, format!("run {run} started: {series} series"))
        }
        What::Run(event) => (Warn, narration(event)?),
        What::RunEnded(report) => {
            let severity = match (report.status, &report.unrecorded) {
                (_, Some(_)) | (RunStatus::Failed, _) => Error,
                (RunStatus::Succeeded, _) => Info,
                _ => Warn,
            };
            (severity, summary(report))
        }
        What::RunFailed(text) => (Error, format!("the run could not start: {text}")),
        What::LanesWon(lanes) => (Info, lanes_won(lanes)),
        What::LanesLost(lanes) => (Warn, lanes_lost(lanes)),
        What::Waits => (
            Info,
            "another process fetches on schedule; this one waits to take over".to_owned(),
        ),
        What::Missed(count) => (Warn, missed(*count)),
        What::Rest {
            series,
            left,
            next_at,
        } => (Info, rest(*series, *left, *next_at)),
        What::Paused(true) => (Info, "the schedule is paused".to_owned()),
        What::Paused(false) => (Info, "the schedule continues".to_owned()),
        What::Scheduled(schedule) => (Info, format!("the schedule is now {schedule}")),
        What::Watched { added, removed } => {
            let part = |series: &[SeriesKey], what| {
                let is_any = !series.is_empty();
                is_any.then(|| format!("{} {what}", named(series.len(), series)))
            };
            let parts = [part(added, "added"), part(removed, "removed")];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            (Info, format!("watch list: {}", parts.join(", ")))
        }
        What::Replaced(pairs) => {
            let each = pairs.iter().map(|(from, to)| format!("{from} with {to}"));
            let said = named(pairs.len(), each);
            (Info, format!("watch list: replaced {said}"))
        }
        What::Refused(command, reason) => (Warn, format!("{}: {reason}", refused(command))),
        What::Crashed(text) => (
            Error,
            format!(
                "internal error in one task; the rest keeps running and stored data is safe, \
                please report this: {text}"
            ),
        ),
        What::Exported(exported) => {
            let severity = match exported.cut_short {
                None => Info,
                Some(_) => Warn,
            };
            (
                severity,
                export(exported, &exported.place.display().to_string()),
            )
        }
        What::Events(lists) => {
            let is_whole = lists.iter().all(|list| list.outcome.is_ok());
            (if is_whole { Info } else { Warn }, events::told(lists))
        }
        What::StoreLost(text) => (Error, format!("no answer from the store: {text}")),
        What::StoreBack => (Info, "the store answers again".to_owned()),
        What::Alert(message) => {
            let severity = match (message.event, message.severity) {
                (AlertEvent::Opened, Some(alert::AlertSeverity::Error)) => Error,
                (AlertEvent::Opened, _) => Warn,
                _ => Info,
            };
            (severity, format!("alert: {}", message.text))
        }
        What::AlertNotSent(why) => (Warn, format!("an alert was not sent: {why}")),
        What::AlertTested(tried) => {
            let each = tried.iter().map(|(_, said)| said.as_str());
            let is_sent = tried.iter().all(|(is_sent, _)| *is_sent);
            let said: Vec<&str> = each.collect();
            (if is_sent { Info } else { Warn }, said.join("; "))
        }
    })
}

/// Names a single series, or the first few of many.
pub fn named<T: fmt::Display>(count: usize, series: impl IntoIterator<Item = T>) -> String {
    let first: Vec<String> = series
        .into_iter()
        .take(NAMED)
        .map(|one| one.to_string())
        .collect();
    let first = first.join(", ");
    match count {
        1 => first,
        count if count <= NAMED => format!("{count} series ({first})"),
        count => format!("{} series ({first}, …)", thousands(count as i128)),
    }
}

/// How an export ended; `place` is where, as it is shown.
#[must_use]
pub fn export(exported: &Exported, place: &str) -> String {
    let ExportProgress { done, total, bars } = exported.progress;
    let place = clean(place);
    let complete = match (done, total) {
        (_, 1) => "no file was written".to_owned(),
        _ => format!(
            "{} of {} files are complete in {place}",
            thousands(done as u64),
            thousands(total as u64)
        ),
    };
    match &exported.cut_short {
        None => {
            let bars = counted(bars, "bar");
            match total {
                1 => format!("{bars} written to {place}"),
                _ => format!(
                    "{bars} written to {} in {place}",
                    counted(total as u64, "file")
                ),
            }
        }
        Some(CutShort::Cancelled) => format!("export cancelled: {complete}"),
        Some(CutShort::Failed(why)) => format!("not exported: {why}; {complete}"),
    }
}

/// A number of things.
fn counted(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", thousands(number))
}

/// What a start leaves to the schedule, and what fetching it now would cost.
fn rest(series: u32, left: u32, next_at: Option<DateTime<Utc>>) -> String {
    let are_due = if series == 1 {
        "1 more series is due: 1 request".to_owned()
    } else {
        let series = thousands(series);
        format!("{series} more series are due: {series} requests")
    };
    let next = next_at.map_or_else(String::new, |at| {
        let at = at.with_timezone(&New_York).format("%a %H:%M");
        format!("; the schedule continues {at} ET")
    });
    let now = match left.min(series) {
        0 => String::new(),
        sendable if sendable == series => ", F in the panel fetches them now".to_owned(),
        sendable => format!(", F in the panel fetches {sendable} now"),
    };
    format!("{are_due}, {left} left today{next}{now}")
}

fn not_asked(series: &[SeriesReport]) -> Severity {
    let worst = series.iter().map(of_series).max();
    worst.unwrap_or(Severity::Info)
}

const fn of_series(report: &SeriesReport) -> Severity {
    match report.status {
        SeriesStatus::Succeeded | SeriesStatus::Skipped | SeriesStatus::Running => Severity::Info,
        SeriesStatus::Cancelled | SeriesStatus::Interrupted | SeriesStatus::Refused => {
            Severity::Warn
        }
        SeriesStatus::Failed => Severity::Error,
    }
}

/// What needs a sentence besides the result.
#[must_use]
pub fn narration(event: &Event) -> Option<String> {
    match event {
        Event::Retrying {
            series,
            class,
            said,
            attempt,
            wait,
        } => Some(format!(
            "{}: {}; attempt {attempt} of {} in {:.1} s",
            named(series.len(), series),
            upset_by(*class, said),
            PER_PAGE + 1,
            wait.as_secs_f64()
        )),
        Event::Interrupted(runs) => {
            let runs: Vec<String> = runs.iter().map(ToString::to_string).collect();
            Some(format!(
                "an earlier process ended abruptly; marked as interrupted: run {}",
                runs.join(", ")
            ))
        }
        Event::Recovered(series) => Some(format!("recovered from a kept answer: {}", told(series))),
        Event::StoreAway(error) => Some(format!(
            "{error}; waiting for the store: answers already paid for are kept, and no requests are sent"
        )),
        Event::Spooled(what) => Some(format!(
            "{what}: the answer is safe on disk until the store answers again"
        )),
        Event::StoreBack => Some("the store answers again".to_owned()),
        Event::Started { .. } | Event::Sending { .. } | Event::Done(_) | Event::NotAsked { .. } => {
            None
        }
    }
}

/// What went wrong before a retry.
#[must_use]
pub const fn upset(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Burst | ErrorClass::Minute => "the provider asks us to slow down",
        ErrorClass::Network => "the provider cannot be reached",
        ErrorClass::Outage => "the provider is down",
        _ => "the provider refused with an unknown message",
    }
}

/// The same with what was said, if our words may not be enough.
fn upset_by(class: ErrorClass, said: &str) -> String {
    match class {
        ErrorClass::Burst | ErrorClass::Minute => upset(class).to_owned(),
        _ => format!("{} ({said})", upset(class)),
    }
}

/// What was not done, in a few words.
#[must_use]
pub const fn refused(command: &Command) -> &'static str {
    match command {
        Command::Fetch(_) | Command::Backfill(..) | Command::FetchEvents(_) | Command::FetchDue => {
            "not fetched"
        }
        Command::CancelRun | Command::CancelExport => "not cancelled",
        Command::Pause | Command::Resume | Command::SetSchedule(_) => "the schedule is unchanged",
        Command::TestAlert => "no test was sent",
        Command::EditList(_) => "the watch list is unchanged",
        Command::Export(_) => "not exported",
        _ => "not done",
    }
}

/// Why a change of the watch list changed nothing.
#[must_use]
pub fn why_unchanged(edit: &WatchEdit, edited: &WatchEdited) -> String {
    let all_of = |series: &[SeriesKey], is: &str, are: &str| match series {
        [] => "nothing is selected".to_owned(),
        [one] => format!("{one} {is}"),
        many => format!("all {} series {are}", thousands(many.len() as u64)),
    };
    match edit {
        WatchEdit::Add(series) => all_of(
            series,
            "is already on the watch list",
            "are already on the watch list",
        ),
        WatchEdit::Remove(series) => all_of(
            series,
            "is not on the watch list",
            "are not on the watch list",
        ),
        WatchEdit::Replace(pairs) => match pairs.as_slice() {
            [] => "nothing is selected".to_owned(),
            [(from, to)] if edited.list.contains(from) => {
                format!("{to} is already on the watch list")
            }
            [(from, _)] => format!("{from} is not on the watch list"),
            many => format!(
                "in each of the {} pairs the old series is not on the watch list, or the new one already is",
                thousands(many.len() as u64)
            ),
        },
        WatchEdit::Set(_) => "it is already this list".to_owned(),
        WatchEdit::Declare(pairs) => match pairs.as_slice() {
            [] => "nothing is selected".to_owned(),
            [(series, _)] if edited.list.contains(series) => {
                format!("{series} has these settings already")
            }
            [(series, _)] => format!("{series} is not on the watch list"),
            many => format!(
                "all {} series have these settings already, or are not on the watch list",
                thousands(many.len() as u64)
            ),
        },
        WatchEdit::Several(edits) => {
            let why = edits.first().map(|first| why_unchanged(first, edited));
            why.unwrap_or_else(|| "nothing is selected".to_owned())
        }
        WatchEdit::PutBack { .. } => "there is nothing to undo".to_owned(),
    }
}

/// One series of the result as a sentence.
fn told(report: &SeriesReport) -> String {
    match report.status {
        SeriesStatus::Succeeded => format!("{}: {}", report.series, outcome(report)),
        status => match &report.error {
            Some(error) => format!("{} {status}: {}", report.series, error.message),
            None => format!("{} {status}: {}", report.series, outcome(report)),
        },
    }
}

/// One series of the result on one line of a list.
#[must_use]
pub fn line(report: &SeriesReport) -> String {
    let name = report.series.to_string();
    format!("{name:<20} {:<9}  {}", report.status, outcome(report))
}

/// How a series ended.
fn outcome(report: &SeriesReport) -> String {
    let mut text = String::new();
    match (&report.status, &report.error) {
        (_, Some(error)) => {
            let _ = write!(text, "{}: {}", error.class, error.message);
        }
        (SeriesStatus::Skipped, None) => text.push_str("fresh enough, no request sent"),
        (_, None) => {
            let counts = report.counts;
            let _ = write!(
                text,
                "{} received, {} new, {} changed, {} unchanged",
                thousands(report.received),
                thousands(counts.inserted),
                thousands(counts.changed),
                thousands(counts.unchanged)
            );
            if report.rejected > 0 {
                let _ = write!(text, ", {} rejected", thousands(report.rejected));
            }
            text.push_str(&set_aside(report));
            if let Some(last) = report.last {
                let date = moment::label_date(last, report.series.interval, New_York);
                let _ = write!(
                    text,
                    ", newest {}",
                    label(last, date, report.series.interval)
                );
                if report.series.interval.is_intraday() {
                    text.push_str(" ET");
                }
            }
        }
    }
    if report.requests > 0 {
        let plural = if report.requests == 1 { "" } else { "s" };
        let _ = write!(text, " ({} request{plural})", report.requests);
    }
    text
}

/// How many extras were set aside, as the end of a list of counts; empty if none.
#[must_use]
pub fn set_aside(report: &SeriesReport) -> String {
    match report.set_aside {
        0 => String::new(),
        1 => ", 1 adjustment set aside".to_owned(),
        many => format!(", {} adjustments set aside", thousands(many)),
    }
}

fn missed(count: u32) -> String {
    match count {
        1 => "a scheduled run was missed while no engine was running; one run will catch up"
            .to_owned(),
        _ => format!(
            "{count} scheduled runs were missed while no engine was running; one run will catch up"
        ),
    }
}

/// The sources of lanes, in words.
fn sources(lanes: &[LaneName]) -> String {
    let sources = lanes.iter().filter_map(LaneName::source);
    let sources: Vec<&str> = sources.map(SourceId::as_str).collect();
    sources.join(", ")
}

fn lanes_won(lanes: &[LaneName]) -> String {
    format!("this process fetches on schedule from {}", sources(lanes))
}

fn lanes_lost(lanes: &[LaneName]) -> String {
    let what = match sources(lanes) {
        none if none.is_empty() => "looks after the store".to_owned(),
        of => format!("fetches on schedule from {of}"),
    };
    format!(
        "this process no longer {what}: another engine took over, or the store was out of reach for too long"
    )
}

/// A run on one line.
#[must_use]
pub fn summary(report: &RunReport) -> String {
    let good = report
        .series
        .iter()
        .filter(|series| {
            matches!(
                series.status,
                SeriesStatus::Succeeded | SeriesStatus::Skipped
            )
        })
        .count();
    let requests = report.requests;
    format!(
        "run {} {}: {good} of {} series, {requests} request{}",
        report.run,
        report.status,
        report.series.len(),
        if requests == 1 { "" } else { "s" }
    )
}

/// The label of a bar in the exchange's time.
#[must_use]
pub fn label(timestamp: DateTime<Utc>, trading_date: NaiveDate, interval: Interval) -> String {
    if interval.is_intraday() {
        timestamp
            .with_timezone(&New_York)
            .format("%Y-%m-%d %H:%M")
            .to_string()
    } else {
        trading_date.to_string()
    }
}

#[cfg(test)]
mod tests;
