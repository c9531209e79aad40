//! An input line: what it is for, what it becomes, and its hint while you type.

mod accept;
mod add;
mod keys;
mod typed;

pub use self::add::question;
pub use self::keys::question as key_question;

use std::fmt;

use chrono::{DateTime, Utc};

use crate::model::bar_file::BarFormat;
use crate::model::{Interval, SeriesKey};
use crate::pipeline::command::Command;
use crate::pipeline::schedule::Schedule;
use crate::ui::action::Action;
use crate::ui::input::TextInput;
use crate::ui::keymap::chord::Chord;
use crate::ui::reply::{PromptKind, Reply};
use crate::ui::shared::Shared;
use crate::ui::text;

/// Choices that are shown under the line.
pub const SUGGESTIONS: usize = 8;

/// A choice under the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// What it puts into the line.
    pub value: String,
    /// What it means.
    pub note: String,
}

/// The line.
#[derive(Clone)]
pub struct Prompt {
    /// What it is for.
    pub kind: PromptKind,
    /// What was typed.
    pub input: TextInput,
    /// The chosen suggestion; `None`: the typed text is used.
    pub choice: Option<usize>,
    /// Why it was not accepted.
    pub error: Option<String>,
    /// The text when it was opened.
    before: String,
    /// The user was warned that the list has no such symbol, and wants it anyway.
    is_sure: bool,
    /// A typed name has already chosen its symbol.
    is_found: bool,
    /// A key has changed the line or moved in it.
    is_touched: bool,
}

/// A key that is being typed must not be printed.
impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prompt")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Prompt {
    /// A line with a text in it.
    #[must_use]
    pub fn new(kind: PromptKind, text: &str) -> Self {
        Self {
            kind,
            input: TextInput::with(text),
            choice: None,
            error: None,
            before: text.to_owned(),
            is_sure: false,
            is_found: false,
            is_touched: false,
        }
    }

    /// Cancels: a filter is restored.
    pub(super) fn given_up(&self) -> Vec<Reply> {
        match self.kind {
            PromptKind::Filter => vec![Reply::Filter(self.before.clone())],
            _ => vec![],
        }
    }

    /// The label before the line.
    #[must_use]
    pub fn title(&self, shared: &Shared) -> String {
        match &self.kind {
            PromptKind::Filter => "Filter".to_owned(),
            PromptKind::Add { .. } => "Add series".to_owned(),
            PromptKind::Edit { series } => format!("Edit {}", named(series)),
            PromptKind::Import => "Import from".to_owned(),
            PromptKind::Schedule => "Schedule".to_owned(),
            PromptKind::KeyOf => "Key of which source".to_owned(),
            PromptKind::Key { source, values } => keys::title(source, values.len(), shared),
            PromptKind::GoTo => "Go to".to_owned(),
            PromptKind::Export { series } => format!("Export {} as", named(series)),
        }
    }

    /// The text as shown: a key is dots.
    #[must_use]
    pub fn shown(&self) -> String {
        match self.kind {
            PromptKind::Key { .. } => "•".repeat(self.input.text().chars().count()),
            _ => self.input.text().to_owned(),
        }
    }

    /// The choices for what was typed.
    #[must_use]
    pub fn suggestions(&self, shared: &Shared) -> Vec<Suggestion> {
        match &self.kind {
            PromptKind::Add { .. } => add::listed(self.wish(), shared),
            PromptKind::Edit { series } => Interval::ALL
                .into_iter()
                .map(|interval| Suggestion {
                    value: interval.to_string(),
                    note: interval_note(interval, series, shared),
                })
                .collect(),
            PromptKind::Schedule => [
                "close +20",
                "every 15",
                "open every 5",
                "20 16 * * 1-5 America/New_York",
            ]
            .into_iter()
            .zip([
                "20 min after New York closes",
                "every 15 minutes",
                "every 5 min while New York is open",
                "Monday to Friday at 16:20 New York",
            ])
            .map(|(value, note)| Suggestion {
                value: value.to_owned(),
                note: note.to_owned(),
            })
            .collect(),
            PromptKind::Export { .. } => {
                let typed = self.input.text();
                let stem = typed.rsplit_once('.').map_or(typed, |(stem, _)| stem);
                BarFormat::ALL
                    .iter()
                    .map(|format| Suggestion {
                        value: format!("{stem}.{format}"),
                        note: format.holds().to_owned(),
                    })
                    .collect()
            }
            PromptKind::KeyOf => keys::choices(shared),
            PromptKind::Filter | PromptKind::Import | PromptKind::Key { .. } | PromptKind::GoTo => {
                vec![]
            }
        }
    }

    /// The symbol or the name typed so far.
    fn wish(&self) -> &str {
        add::wish(self.input.text())
    }

    /// The hint under the line.
    #[must_use]
    pub fn hint(&self, shared: &Shared, now: DateTime<Utc>) -> String {
        match &self.kind {
            PromptKind::Filter => String::new(),
            PromptKind::Add { interval } => add::hint(&self.wanted(shared), *interval, shared),
            PromptKind::Edit { .. } => {
                "interval, since=2020-01-31 priority=low fresh_within=2h group=a fill_from=SOURCE"
                    .to_owned()
            }
            PromptKind::Import => {
                "a file with one series per line: symbol, interval, adjusted or raw".to_owned()
            }
            PromptKind::Schedule => schedule_hint(&self.wanted(shared), shared, now),
            PromptKind::KeyOf => "Enter takes it; the arrow keys choose another".to_owned(),
            PromptKind::Key { source, .. } => keys::hint(source, shared),
            PromptKind::GoTo => format!(
                "2026-05-15, 2026-05-15 09:30, 2026-05 or 2026; {} time",
                text::zone_name(shared.zone)
            ),
            PromptKind::Export { .. } => {
                "new files in the exports folder: .csv, .jsonl or .parquet, in the background"
                    .to_owned()
            }
        }
    }

    /// What would be accepted now: the typed text, or the chosen suggestion instead of it.
    fn wanted(&self, shared: &Shared) -> String {
        let suggestions = self.suggestions(shared);
        let chosen = self.choice.and_then(|at| suggestions.get(at));
        match (chosen, &self.kind) {
            (Some(chosen), PromptKind::Add { .. }) => add::with(self.input.text(), &chosen.value),
            (Some(chosen), _) => chosen.value.clone(),
            (None, _) => self.input.text().to_owned(),
        }
        .trim()
        .to_owned()
    }

    pub(super) fn key(&mut self, chord: Chord) -> Vec<Reply> {
        if chord.typed().is_some() {
            self.drop_proposal();
        }
        self.is_touched = true;
        if self.input.key(chord) {
            self.edited()
        } else {
            vec![]
        }
    }

    pub(super) fn paste(&mut self, text: &str, shared: &Shared) -> Vec<Reply> {
        if let PromptKind::Add { interval } = &self.kind
            && add::is_list(text)
        {
            return add::pasted(text, *interval, shared).unwrap_or_else(|why| {
                self.error = Some(format!("nothing was added: {why}"));
                vec![]
            });
        }
        self.drop_proposal();
        self.is_touched = true;
        self.input.paste(text);
        self.edited()
    }

    /// What stands there at first may be a proposal: typing replaces it, moving keeps it.
    fn drop_proposal(&mut self) {
        let is_proposal = matches!(
            self.kind,
            PromptKind::Schedule | PromptKind::Edit { .. } | PromptKind::KeyOf
        );
        if is_proposal && !self.is_touched {
            self.input = TextInput::default();
        }
    }

    fn edited(&mut self) -> Vec<Reply> {
        (self.error, self.choice, self.is_sure, self.is_found) = (None, None, false, false);
        match &self.kind {
            PromptKind::Filter => vec![Reply::Filter(self.input.text().to_owned())],
            PromptKind::Add { .. } => vec![self.search(false)],
            _ => vec![],
        }
    }

    fn search(&self, from_provider: bool) -> Reply {
        Command::Search {
            text: self.wish().to_owned(),
            from_provider,
        }
        .into()
    }

    pub(super) fn observe(&mut self, shared: &Shared) {
        let count = self.suggestions(shared).len().min(SUGGESTIONS);
        self.choice = self.choice.filter(|choice| *choice < count);
        // A company's name stands for its symbol; Up keeps what was typed.
        if matches!(self.kind, PromptKind::Add { .. })
            && !self.is_found
            && add::is_a_name(self.wish(), shared)
        {
            (self.is_found, self.choice) = (true, Some(0));
        }
    }

    pub(super) fn update(&mut self, action: Action, shared: &Shared) -> (bool, Vec<Reply>) {
        let suggestions = self.suggestions(shared);
        let count = suggestions.len().min(SUGGESTIONS);
        match action {
            Action::Up => {
                self.choice = match self.choice {
                    None | Some(0) => None,
                    Some(at) => Some(at - 1),
                };
                (true, vec![])
            }
            Action::Down if count > 0 => {
                self.choice = Some(self.choice.map_or(0, |at| (at + 1).min(count - 1)));
                (true, vec![])
            }
            Action::Complete => (true, self.complete(&suggestions, shared)),
            Action::Accept => self.accepted(shared),
            _ => (true, vec![]),
        }
    }

    fn accepted(&mut self, shared: &Shared) -> (bool, Vec<Reply>) {
        if let (PromptKind::Add { .. }, None, false) = (&self.kind, self.choice, self.is_sure)
            && let Some(doubt) = add::doubt(self.wish(), shared)
        {
            self.is_sure = true;
            self.choice = (!self.suggestions(shared).is_empty()).then_some(0);
            self.error = Some(doubt);
            return (true, vec![]);
        }
        match accept::accept(&self.kind, &self.wanted(shared), &self.before, shared) {
            Ok(replies) => (false, replies),
            Err(reason) => {
                self.error = Some(reason);
                (true, vec![])
            }
        }
    }

    /// Fills in the chosen suggestion; if there is none to fill in, asks the provider.
    fn complete(&mut self, suggestions: &[Suggestion], shared: &Shared) -> Vec<Reply> {
        self.error = None;
        let is_add = matches!(self.kind, PromptKind::Add { .. });
        if self.choice.is_some() {
            self.input = TextInput::with(&self.wanted(shared));
            self.choice = None;
            return vec![];
        }
        if !is_add {
            if let Some(first) = suggestions
                .iter()
                .find(|one| one.value.starts_with(self.input.text()))
            {
                self.input = TextInput::with(&first.value);
            }
            return vec![];
        }
        let listed = shared
            .snapshot
            .as_ref()
            .and_then(|snapshot| snapshot.search.as_ref())
            .is_some_and(|search| search.listed > 0);
        if listed && self.wish().is_empty() {
            return vec![];
        }
        let source = &shared.sources.usual;
        if shared.takes_reserve(source, 1) {
            let left = shared.requests_left(source).unwrap_or(0);
            self.error = Some(format!(
                "only {} left today, kept for bars; type the exact symbol",
                text::count(left as usize, "request")
            ));
            return vec![];
        }
        if listed {
            vec![self.search(true)]
        } else {
            vec![Command::LoadListings.into()]
        }
    }
}

/// One series by its name, many by their count.
fn named(series: &[SeriesKey]) -> String {
    match series {
        [one] => one.to_string(),
        many => text::count(many.len(), "series"),
    }
}

/// What the plans of these series' sources say about an interval.
fn interval_note(interval: Interval, series: &[SeriesKey], shared: &Shared) -> String {
    let mut sources = series
        .iter()
        .filter_map(|key| shared.source_status(&key.source));
    match sources.find(|source| !source.has_intraday) {
        Some(source) if interval.is_intraday() => shared.beyond(&source.id),
        Some(_) => "free".to_owned(),
        None => String::new(),
    }
}

fn schedule_hint(typed: &str, shared: &Shared, now: DateTime<Utc>) -> String {
    let schedule = match typed.parse::<Schedule>() {
        Ok(schedule) => schedule,
        Err(error) => return error.to_string(),
    };
    let mut at = now;
    let mut next = vec![];
    while next.len() < 3 {
        match schedule.next_after(&shared.calendars, at) {
            Some(instant) => {
                next.push(text::near(instant, now, shared.zone));
                at = instant;
            }
            None => break,
        }
    }
    format!("next: {} {}", next.join(", "), text::zone_name(shared.zone))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::WatchEdit;
    use crate::ui::sample;

    fn accepted(kind: &PromptKind, text: &str) -> Result<Vec<Reply>, String> {
        accept::accept(kind, text, "", &sample::shared(sample::normal()))
    }

    fn key() -> PromptKind {
        PromptKind::Key {
            source: crate::model::SourceId::DEFAULT,
            values: vec![],
        }
    }

    #[test]
    fn what_a_plan_includes_is_not_read_from_its_name() {
        let notes = |plan: &str, has_intraday| {
            let mut snapshot = sample::normal();
            snapshot.sources[0].plan = plan.to_owned();
            snapshot.sources[0].has_intraday = has_intraday;
            let series = vec![sample::series("IBM", Interval::Daily)];
            let prompt = Prompt::new(PromptKind::Edit { series }, "");
            let suggestions = prompt.suggestions(&sample::shared(snapshot));
            let note = |interval: &str| {
                let mut found = suggestions.iter();
                found
                    .find(|one| one.value == interval)
                    .unwrap()
                    .note
                    .clone()
            };
            (note("5min"), note("daily"))
        };
        let limited = (
            "needs a paid Alpha Vantage plan".to_owned(),
            "free".to_owned(),
        );
        assert_eq!(notes("any words", false), limited);
        assert_eq!(notes("golden key", true), (String::new(), String::new()));
    }

    #[test]
    fn wrong_texts_are_answered_with_right_ones_and_nothing_is_lost() {
        let shared = sample::shared(sample::normal());
        let add = PromptKind::Add {
            interval: Interval::Daily,
        };
        let mut prompt = Prompt::new(add.clone(), "IBM");
        let (stays, replies) = prompt.update(Action::Accept, &shared);
        assert!(stays && replies.is_empty());
        assert_eq!(
            prompt.error.as_deref(),
            Some("IBM daily is already on the watch list")
        );
        assert_eq!(prompt.input.text(), "IBM");
        assert!(
            accepted(&PromptKind::Schedule, "never")
                .unwrap_err()
                .contains("write")
        );
        assert!(
            accepted(&PromptKind::GoTo, "soon")
                .unwrap_err()
                .contains("2026-05-15")
        );
        assert!(accepted(&key(), "a b").unwrap_err().contains("8 to 256"));
        assert!(matches!(
            accepted(&add, "tsla weekly").unwrap().as_slice(),
            [Reply::Change(WatchEdit::Add(series))] if series[0].to_string() == "TSLA weekly"
        ));
    }

    #[test]
    fn a_key_is_never_shown() {
        let mut prompt = Prompt::new(key(), "");
        prompt.input.paste("CANARYKEY1234567");
        assert_eq!(prompt.shown(), "••••••••••••••••");
        let replies = accepted(&key(), "CANARYKEY1234567").unwrap();
        assert!(!format!("{replies:?}").contains("CANARY"));
    }

    #[test]
    fn a_schedule_says_when_it_would_start_runs() {
        let shared = sample::shared(sample::normal());
        let prompt = Prompt::new(PromptKind::Schedule, "every 15");
        assert_eq!(
            prompt.hint(&shared, sample::now()),
            "next: 13:45, 14:00, 14:15 ET"
        );
    }
}
