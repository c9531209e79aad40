//! The log's lines: what is kept of them, and how one is written.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::text;
use super::theme::Role;
use crate::pipeline::narrate::Severity;

/// Lines that are kept; the oldest are dropped first.
pub const KEPT: usize = 10_000;

/// A line of the log. Its text is safe to display: it was cleaned where it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When.
    pub at: DateTime<Utc>,
    /// How bad it is.
    pub severity: Severity,
    /// What.
    pub text: String,
}

/// The lines that are kept, each with its number, counted from the very first.
#[derive(Debug, Default)]
pub struct LogLines {
    lines: VecDeque<LogLine>,
    /// Lines dropped before the oldest one kept.
    gone: u64,
}

impl LogLines {
    /// Adds a line.
    pub fn push(&mut self, line: LogLine) {
        if self.lines.len() == KEPT {
            self.lines.pop_front();
            self.gone += 1;
        }
        self.lines.push_back(line);
        debug_assert!(self.lines.len() <= KEPT, "the log is bounded");
    }

    /// Every line, oldest first, with its number.
    #[must_use]
    pub fn numbered(&self) -> impl DoubleEndedIterator<Item = (u64, &LogLine)> {
        self.lines
            .iter()
            .enumerate()
            .map(|(at, line)| (self.gone + at as u64, line))
    }

    /// The newest line.
    #[must_use]
    pub fn newest(&self) -> Option<&LogLine> {
        self.lines.back()
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lines.len()
    }

    /// The lines about a series, newest first, without its name.
    pub fn about(&self, series: &str) -> impl Iterator<Item = (DateTime<Utc>, Severity, &str)> {
        self.lines.iter().rev().filter_map(move |line| {
            let text = line.text.strip_prefix(series)?.strip_prefix(": ")?;
            Some((line.at, line.severity, text))
        })
    }
}

/// A line as the overview's pane keeps it: its time separate, to be shown in the zone chosen then.
#[must_use]
pub fn pane_record(line: &LogLine) -> String {
    let word = severity_word(line.severity);
    format!("{} {word:<5} {}", line.at.timestamp(), line.text)
}

/// A record of the overview's pane as it is shown now.
#[must_use]
pub fn shown_record(record: &str, now: DateTime<Utc>, zone: Tz) -> String {
    let parts = record.split_once(' ');
    let at = parts.and_then(|(at, _)| DateTime::from_timestamp(at.parse().ok()?, 0));
    match (at, parts) {
        (Some(at), Some((_, text))) => format!("{} {text}", text::second(at, now, zone)),
        _ => record.to_owned(),
    }
}

/// A line as it is shown now.
#[must_use]
pub fn shown(line: &LogLine, now: DateTime<Utc>, zone: Tz) -> String {
    let word = severity_word(line.severity);
    format!(
        "{} {word:<5} {}",
        text::second(line.at, now, zone),
        line.text
    )
}

/// A line to keep: with its date and zone, so that it can be read at any time.
#[must_use]
pub fn kept(line: &LogLine, zone: Tz) -> String {
    let word = severity_word(line.severity);
    let local = line.at.with_timezone(&zone);
    format!(
        "{} {word:<5} {}",
        local.format("%Y-%m-%d %H:%M:%S%:z"),
        line.text
    )
}

/// The style of a severity; its word says the same.
#[must_use]
pub const fn role(severity: Severity) -> Role {
    match severity {
        Severity::Info => Role::Text,
        Severity::Warn => Role::Warn,
        Severity::Error => Role::Err,
    }
}

/// A severity as a word.
#[must_use]
pub const fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "INFO",
        Severity::Warn => "WARN",
        Severity::Error => "ERROR",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::sample;

    #[test]
    fn a_line_of_another_day_has_its_date_in_the_shown_zone() {
        let line = LogLine {
            at: "2026-11-20T04:30:00Z".parse().unwrap(),
            severity: Severity::Warn,
            text: "slow".to_owned(),
        };
        let new_york = chrono_tz::America::New_York;
        assert_eq!(shown(&line, sample::now(), Tz::UTC), "04:30:00 WARN  slow");
        assert_eq!(
            shown(&line, sample::now(), new_york),
            "11-19 23:30:00 WARN  slow"
        );
        assert_eq!(
            shown_record(&pane_record(&line), sample::now(), new_york),
            "11-19 23:30:00 WARN  slow"
        );
        let next_year = sample::now() + chrono::TimeDelta::days(60);
        assert_eq!(
            shown(&line, next_year, new_york),
            "2026-11-19 23:30:00 WARN  slow"
        );
    }
}
