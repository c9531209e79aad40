//! What happened, line by line: level, text filter, follow and pause.

mod draw;

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

pub use self::draw::draw;
use super::{Reply, ViewId};
use crate::pipeline::narrate::Severity;
use crate::ui::action::{Action, Effect};
use crate::ui::app::Shared;
use crate::ui::overlays::{Overlay, Prompt, PromptKind};
use crate::ui::text;
use crate::ui::theme::Role;

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

/// The state of the view.
#[derive(Debug, Default)]
pub struct Log {
    lines: VecDeque<LogLine>,
    /// Lines dropped before the oldest one kept.
    gone: u64,
    /// The lowest severity shown.
    pub level: Level,
    /// What a line must contain, in lower case.
    filter: String,
    /// The number of the selected line, counted from the very first; `None`: follows the newest.
    paused_at: Option<u64>,
    /// Lines that came while paused.
    pub unseen: u64,
    /// Whether long lines are wrapped.
    pub wrap: bool,
    /// Lines on the screen.
    pub page: usize,
}

/// The lowest severity shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Level {
    /// Everything.
    #[default]
    All,
    /// Warnings and errors.
    Warnings,
    /// Errors.
    Errors,
}

impl Level {
    const fn shows(self, severity: Severity) -> bool {
        match self {
            Self::All => true,
            Self::Warnings => !matches!(severity, Severity::Info),
            Self::Errors => matches!(severity, Severity::Error),
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "INFO",
            Self::Warnings => "WARN",
            Self::Errors => "ERROR",
        }
    }
}

impl Log {
    /// Adds a line.
    pub fn push(&mut self, line: LogLine) {
        if self.lines.len() == KEPT {
            self.lines.pop_front();
            self.gone += 1;
        }
        if self.paused_at.is_some() && self.shows(&line) {
            self.unseen += 1;
        }
        self.lines.push_back(line);
    }

    fn shows(&self, line: &LogLine) -> bool {
        self.level.shows(line.severity) && self.matches(line)
    }

    fn matches(&self, line: &LogLine) -> bool {
        if self.filter.is_empty() {
            return true;
        }
        let holds = |wanted: &str| {
            severity_word(line.severity).to_lowercase().contains(wanted)
                || line.text.to_lowercase().contains(wanted)
        };
        match self.filter.strip_prefix('!') {
            Some(rest) if !rest.is_empty() => !holds(rest),
            _ => holds(&self.filter),
        }
    }

    /// The lines that are shown, oldest first, with their numbers.
    #[must_use]
    pub fn shown(&self) -> impl DoubleEndedIterator<Item = (u64, &LogLine)> {
        self.lines
            .iter()
            .enumerate()
            .map(|(at, line)| (self.gone + at as u64, line))
            .filter(|(_, line)| self.shows(line))
    }

    /// The lines of a page, ending with the selected one or the newest; a page is full where it can be.
    #[must_use]
    pub fn page_of(&self, height: usize) -> Vec<(u64, &LogLine)> {
        let fills = self
            .shown()
            .nth(height.saturating_sub(1))
            .map(|(number, _)| number);
        let end = self
            .paused_at
            .map_or(u64::MAX, |at| at.max(fills.unwrap_or(u64::MAX)));
        let mut lines: Vec<_> = self
            .shown()
            .rev()
            .skip_while(|(number, _)| *number > end)
            .take(height)
            .collect();
        lines.reverse();
        lines
    }

    /// The lines about a series, newest first, without its name.
    pub fn about(&self, series: &str) -> impl Iterator<Item = (DateTime<Utc>, Severity, &str)> {
        self.lines.iter().rev().filter_map(move |line| {
            let text = line.text.strip_prefix(series)?.strip_prefix(": ")?;
            Some((line.at, line.severity, text))
        })
    }

    /// How many lines are kept, and how many of them are hidden.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let shown = self.shown().count();
        (self.lines.len(), self.lines.len() - shown)
    }

    /// Whether the newest line is followed.
    #[must_use]
    pub const fn is_following(&self) -> bool {
        self.paused_at.is_none()
    }

    /// The number of the selected line, while paused.
    #[must_use]
    pub const fn selected(&self) -> Option<u64> {
        self.paused_at
    }

    /// What a line must contain.
    #[must_use]
    pub fn filter(&self) -> &str {
        &self.filter
    }

    /// Shows only lines that contain this.
    pub fn set_filter(&mut self, text: &str) {
        self.filter = text.to_lowercase();
    }

    /// Moves by this many shown lines; past the newest it follows again.
    fn move_by(&mut self, lines: isize) {
        let numbers: Vec<u64> = self.shown().map(|(number, _)| number).collect();
        let here = match self.paused_at {
            None => numbers.len().saturating_sub(1),
            Some(at) => numbers.partition_point(|number| *number < at),
        };
        match here.checked_add_signed(lines) {
            Some(there) if there >= numbers.len() || (lines > 0 && there + 1 == numbers.len()) => {
                self.follow();
            }
            there => {
                self.paused_at = numbers.get(there.unwrap_or(0)).copied();
            }
        }
    }

    fn follow(&mut self) {
        (self.paused_at, self.unseen) = (None, 0);
    }

    /// What an action does here.
    pub fn update(&mut self, action: Action, shared: &Shared) -> Vec<Reply> {
        let page = isize::try_from(self.page.max(1)).unwrap_or(1);
        match action {
            Action::Up => self.move_by(-1),
            Action::Down => self.move_by(1),
            Action::PageUp => self.move_by(-page),
            Action::PageDown => self.move_by(page),
            Action::HalfPageUp => self.move_by(-(page + 1) / 2),
            Action::HalfPageDown => self.move_by((page + 1) / 2),
            Action::First => self.move_by(isize::MIN / 2),
            Action::Last | Action::Follow => self.follow(),
            // Lines that do not match are hidden, so that the next match is the next line.
            Action::NextMatch if !self.filter.is_empty() => self.move_by(1),
            Action::PreviousMatch if !self.filter.is_empty() => self.move_by(-1),
            Action::NextMatch | Action::PreviousMatch => {
                return vec![Reply::Say("enter a filter with / first".to_owned())];
            }
            Action::Attention => {
                self.level = match self.level {
                    Level::Errors => Level::All,
                    _ => Level::Errors,
                };
            }
            Action::Level => {
                self.level = match self.level {
                    Level::All => Level::Warnings,
                    Level::Warnings => Level::Errors,
                    Level::Errors => Level::All,
                };
            }
            Action::Wrap => self.wrap = !self.wrap,
            Action::Filter => {
                return vec![Overlay::Prompt(Prompt::new(PromptKind::Filter, &self.filter)).into()];
            }
            Action::Back if !self.filter.is_empty() => self.filter.clear(),
            Action::Back if !self.is_following() => self.follow(),
            Action::Back => return vec![Reply::Go(ViewId::Overview)],
            Action::Copy => {
                let selected = self.selected().map_or_else(
                    || self.shown().next_back(),
                    |at| self.shown().find(|(number, _)| *number >= at),
                );
                return selected.map_or_else(Vec::new, |(_, line)| {
                    vec![Reply::Do(Effect::Copy {
                        text: kept(line, shared.zone),
                        what: "1 line".to_owned(),
                    })]
                });
            }
            Action::Save => {
                let text = self
                    .shown()
                    .map(|(_, line)| kept(line, shared.zone) + "\n")
                    .collect();
                let now = self.lines.back().map(|line| line.at).unwrap_or_default();
                return vec![Reply::Do(Effect::Save {
                    name: format!("log-{}.txt", now.format("%Y%m%d-%H%M%S")),
                    text,
                })];
            }
            _ => {}
        }
        vec![]
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
fn kept(line: &LogLine, zone: Tz) -> String {
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

    fn log(count: usize) -> Log {
        let mut log = Log::default();
        for number in 0..count {
            log.push(LogLine {
                at: sample::now(),
                severity: if number % 10 == 0 {
                    Severity::Error
                } else {
                    Severity::Info
                },
                text: format!("line {number}"),
            });
        }
        log
    }

    fn texts(log: &Log, height: usize) -> Vec<&str> {
        log.page_of(height)
            .into_iter()
            .map(|(_, line)| line.text.as_str())
            .collect()
    }

    #[test]
    fn scrolling_up_pauses_and_counts_what_comes() {
        let shared = sample::shared(sample::normal());
        let mut log = log(20);
        log.page = 5;
        assert_eq!(texts(&log, 2), ["line 18", "line 19"]);
        log.update(Action::Up, &shared);
        assert!(!log.is_following());
        log.push(LogLine {
            at: sample::now(),
            severity: Severity::Info,
            text: "new".to_owned(),
        });
        assert_eq!((texts(&log, 1), log.unseen), (vec!["line 18"], 1));
        log.update(Action::Follow, &shared);
        assert_eq!((texts(&log, 1), log.unseen), (vec!["new"], 0));
        log.update(Action::First, &shared);
        assert_eq!(texts(&log, 3), ["line 0", "line 1", "line 2"]);
    }

    #[test]
    fn levels_and_filters_hide_lines_and_say_how_many() {
        let shared = sample::shared(sample::normal());
        let mut log = log(30);
        log.update(Action::Attention, &shared);
        assert_eq!(texts(&log, 9), ["line 0", "line 10", "line 20"]);
        assert_eq!(log.counts(), (30, 27));
        log.set_filter("LINE 2");
        assert_eq!(texts(&log, 9), ["line 20"]);
        log.set_filter("!line 2");
        assert_eq!(texts(&log, 9), ["line 0", "line 10"]);
        log.set_filter("error");
        assert_eq!(log.counts(), (30, 27));
        log.update(Action::Back, &shared);
        assert_eq!(log.filter(), "");
    }

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

    #[test]
    fn what_is_copied_has_its_date_and_zone() {
        let shared = sample::shared(sample::normal());
        let replies = log(1).update(Action::Copy, &shared);
        let [Reply::Do(Effect::Copy { text, .. })] = replies.as_slice() else {
            panic!("{replies:?}");
        };
        assert_eq!(text, "2026-11-20 13:38:53-05:00 ERROR line 0");
    }

    #[test]
    fn the_oldest_lines_go_first_and_the_selected_line_stays() {
        let shared = sample::shared(sample::normal());
        let mut log = log(KEPT);
        log.update(Action::Up, &shared);
        let before = texts(&log, 1).join("");
        for _ in 0..10 {
            log.push(LogLine {
                at: sample::now(),
                severity: Severity::Info,
                text: "new".to_owned(),
            });
        }
        assert_eq!(log.lines.len(), KEPT);
        assert_eq!(texts(&log, 1).join(""), before);
    }
}
