//! What happened, line by line: level, text filter, follow and pause.

mod draw;
mod keys;

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub use self::keys::KEYS;
use crate::model::SeriesKey;
use crate::pipeline::command::Command;
use crate::pipeline::narrate::Severity;
use crate::ui::action::{Action, Effect};
use crate::ui::log_lines::{LogLine, LogLines, kept, severity_word};
use crate::ui::regions::Regions;
use crate::ui::reply::Reply;
use crate::ui::shared::Shared;
use crate::ui::view::View;
use crate::ui::view_id::ViewId;

/// The state of the view.
#[derive(Debug, Default)]
pub struct LogView {
    /// The lowest severity shown.
    pub level: LogLevel,
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
pub enum LogLevel {
    /// Everything.
    #[default]
    All,
    /// Warnings and errors.
    Warnings,
    /// Errors.
    Errors,
}

impl LogLevel {
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

impl LogView {
    /// A line is added: it is unseen if it would be shown and the newest line is not followed.
    pub fn arrived(&mut self, line: &LogLine) {
        if self.paused_at.is_some() && self.shows(line) {
            self.unseen += 1;
        }
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
    pub fn shown<'a>(
        &'a self,
        lines: &'a LogLines,
    ) -> impl DoubleEndedIterator<Item = (u64, &'a LogLine)> {
        lines.numbered().filter(|(_, line)| self.shows(line))
    }

    /// The lines of a page, ending with the selected one or the newest; a page is full where it can be.
    #[must_use]
    pub fn page_of<'a>(&'a self, lines: &'a LogLines, height: usize) -> Vec<(u64, &'a LogLine)> {
        let fills = self
            .shown(lines)
            .nth(height.saturating_sub(1))
            .map(|(number, _)| number);
        let end = self
            .paused_at
            .map_or(u64::MAX, |at| at.max(fills.unwrap_or(u64::MAX)));
        let mut page: Vec<_> = self
            .shown(lines)
            .rev()
            .skip_while(|(number, _)| *number > end)
            .take(height)
            .collect();
        page.reverse();
        page
    }

    /// How many lines are kept, and how many of them are hidden.
    #[must_use]
    pub fn counts(&self, lines: &LogLines) -> (usize, usize) {
        let (kept, shown) = (lines.count(), self.shown(lines).count());
        debug_assert!(shown <= kept, "what is shown is kept");
        (kept, kept - shown)
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

    /// Moves by this many shown lines; past the newest it follows again.
    fn move_by(&mut self, by: isize, lines: &LogLines) {
        let numbers: Vec<u64> = self.shown(lines).map(|(number, _)| number).collect();
        let here = match self.paused_at {
            None => numbers.len().saturating_sub(1),
            Some(at) => numbers.partition_point(|number| *number < at),
        };
        match here.checked_add_signed(by) {
            Some(there) if there >= numbers.len() || (by > 0 && there + 1 == numbers.len()) => {
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
}

impl View for LogView {
    fn update(&mut self, action: Action, shared: &Shared, _now: DateTime<Utc>) -> Vec<Reply> {
        let lines = &shared.log;
        let page = isize::try_from(self.page.max(1)).unwrap_or(1);
        match action {
            Action::Up => self.move_by(-1, lines),
            Action::Down => self.move_by(1, lines),
            Action::PageUp => self.move_by(-page, lines),
            Action::PageDown => self.move_by(page, lines),
            Action::HalfPageUp => self.move_by(-(page + 1) / 2, lines),
            Action::HalfPageDown => self.move_by((page + 1) / 2, lines),
            Action::First => self.move_by(isize::MIN / 2, lines),
            Action::Last | Action::Follow => self.follow(),
            // Lines that do not match are hidden, so that the next match is the next line.
            Action::NextMatch if !self.filter.is_empty() => self.move_by(1, lines),
            Action::PreviousMatch if !self.filter.is_empty() => self.move_by(-1, lines),
            Action::NextMatch | Action::PreviousMatch => {
                return vec![Reply::Say("enter a filter with / first".to_owned())];
            }
            Action::Attention => {
                self.level = match self.level {
                    LogLevel::Errors => LogLevel::All,
                    _ => LogLevel::Errors,
                };
            }
            Action::Level => {
                self.level = match self.level {
                    LogLevel::All => LogLevel::Warnings,
                    LogLevel::Warnings => LogLevel::Errors,
                    LogLevel::Errors => LogLevel::All,
                };
            }
            Action::Wrap => self.wrap = !self.wrap,
            Action::Back if !self.filter.is_empty() => self.filter.clear(),
            Action::Back if !self.is_following() => self.follow(),
            Action::Back => return vec![Reply::Go(ViewId::Overview)],
            Action::Copy => {
                let selected = self.selected().map_or_else(
                    || self.shown(lines).next_back(),
                    |at| self.shown(lines).find(|(number, _)| *number >= at),
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
                    .shown(lines)
                    .map(|(_, line)| kept(line, shared.zone) + "\n")
                    .collect();
                let now = lines.newest().map(|line| line.at).unwrap_or_default();
                return vec![Reply::Do(Effect::Save {
                    name: format!("log-{}.txt", now.format("%Y%m%d-%H%M%S")),
                    text,
                })];
            }
            _ => {}
        }
        vec![]
    }

    fn draw(
        &self,
        shared: &Shared,
        now: DateTime<Utc>,
        area: Rect,
        buf: &mut Buffer,
        regions: &mut Regions,
    ) {
        draw::draw(self, shared, now, area, buf, regions);
    }

    fn laid_out(&mut self, regions: &Regions, _shared: &Shared) -> Option<Command> {
        self.page = regions.page;
        None
    }

    fn enter(&mut self, _series: Option<SeriesKey>, _shared: &Shared) -> Option<Command> {
        self.unseen = 0;
        None
    }

    fn filter(&self) -> Option<&str> {
        Some(&self.filter)
    }

    fn set_filter(&mut self, text: &str) {
        self.filter = text.to_lowercase();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::app::App;
    use crate::ui::log_lines::KEPT;
    use crate::ui::sample;

    fn push(app: &mut App, severity: Severity, text: String) {
        let at = sample::now();
        app.log(LogLine { at, severity, text });
    }

    /// A panel that shows a log of this many lines, every tenth of them an error.
    fn log(count: usize) -> App {
        let mut app = App::new(sample::shared(sample::normal()));
        app.view = ViewId::Log;
        for number in 0..count {
            let severity = match number % 10 {
                0 => Severity::Error,
                _ => Severity::Info,
            };
            push(&mut app, severity, format!("line {number}"));
        }
        app
    }

    fn texts(app: &App, height: usize) -> Vec<&str> {
        let page = app.views.log.page_of(&app.shared.log, height);
        let lines = page.into_iter();
        lines.map(|(_, line)| line.text.as_str()).collect()
    }

    #[test]
    fn scrolling_up_pauses_and_counts_what_comes() {
        let mut app = log(20);
        app.views.log.page = 5;
        assert_eq!(texts(&app, 2), ["line 18", "line 19"]);
        app.act(Action::Up, sample::now());
        assert!(!app.views.log.is_following());
        push(&mut app, Severity::Info, "new".to_owned());
        let unseen = |app: &App| app.views.log.unseen;
        assert_eq!((texts(&app, 1), unseen(&app)), (vec!["line 18"], 1));
        app.act(Action::Follow, sample::now());
        assert_eq!((texts(&app, 1), unseen(&app)), (vec!["new"], 0));
        app.act(Action::First, sample::now());
        assert_eq!(texts(&app, 3), ["line 0", "line 1", "line 2"]);
    }

    #[test]
    fn levels_and_filters_hide_lines_and_say_how_many() {
        let mut app = log(30);
        let counts = |app: &App| app.views.log.counts(&app.shared.log);
        app.act(Action::Attention, sample::now());
        assert_eq!(texts(&app, 9), ["line 0", "line 10", "line 20"]);
        assert_eq!(counts(&app), (30, 27));
        app.views.log.set_filter("LINE 2");
        assert_eq!(texts(&app, 9), ["line 20"]);
        app.views.log.set_filter("!line 2");
        assert_eq!(texts(&app, 9), ["line 0", "line 10"]);
        app.views.log.set_filter("error");
        assert_eq!(counts(&app), (30, 27));
        app.act(Action::Back, sample::now());
        assert_eq!(app.views.log.filter, "");
    }

    #[test]
    fn what_is_copied_has_its_date_and_zone() {
        let effects = log(1).act(Action::Copy, sample::now());
        let [Effect::Copy { text, .. }] = effects.as_slice() else {
            panic!("{effects:?}");
        };
        assert_eq!(text, "2026-11-20 13:38:53-05:00 ERROR line 0");
    }

    #[test]
    fn the_oldest_lines_go_first_and_the_selected_line_stays() {
        let mut app = log(KEPT);
        app.act(Action::Up, sample::now());
        let before = texts(&app, 1).join("");
        for _ in 0..10 {
            push(&mut app, Severity::Info, "new".to_owned());
        }
        assert_eq!(app.shared.log.count(), KEPT);
        assert_eq!(texts(&app, 1).join(""), before);
    }
}
