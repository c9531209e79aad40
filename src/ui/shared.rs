//! What every view sees: the snapshot, the user's choices, and what was entered.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::America::New_York;
use chrono_tz::Tz;

use super::about::{About, AboutSource};
use super::keymap::Keymap;
use super::log_lines::LogLines;
use super::theme::Theme;
use crate::config::EnteredKey;
use crate::model::calendar::Calendars;
use crate::model::{
    Declarations, Declared, Fillings, Interval, RunId, SeriesKey, SourceId, Sources, WatchEdit,
};
use crate::pipeline::snapshot::{
    ExportProgress, KeyUse, RunProgress, Snapshot, SourceStatus, WatchedSeries,
};

/// The last requests of a day, which are not spent without asking.
pub const RESERVE: u32 = 3;

/// The state of starting the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Boot {
    /// The store is being opened.
    Opening,
    /// The store does not answer; it will be retried.
    Waiting {
        /// What went wrong.
        reason: String,
        /// When it is retried.
        again_at: DateTime<Utc>,
    },
    /// The engine is running.
    Ready,
}

/// A change of the watch list that can be undone.
#[derive(Debug, Clone)]
pub struct Undo {
    /// What undoes it.
    pub back: WatchEdit,
    /// The result of undoing it, in words.
    pub undone: String,
    /// The series that the cursor returns to.
    pub cursor: Option<SeriesKey>,
}

/// What every view sees.
#[derive(Debug)]
pub struct Shared {
    /// The newest snapshot; `None` until the engine is running.
    pub snapshot: Option<Arc<Snapshot>>,
    /// The state of starting the engine.
    pub boot: Boot,
    /// When exchanges trade.
    pub calendars: Calendars,
    /// The time zone of displayed times.
    pub zone: Tz,
    /// The zones to choose from.
    pub zones: Vec<Tz>,
    /// The machine's time zone.
    pub local: Tz,
    /// The theme.
    pub theme: Theme,
    /// The keys.
    pub keymap: Keymap,
    /// Whether the terminal reports the mouse.
    pub mouse: bool,
    /// Whether the terminal rings for what a person should know.
    pub rings: bool,
    /// Whether this is the demo: nothing here is real.
    pub is_demo: bool,
    /// How many times as fast as real time the panel's clock runs.
    pub speed: i32,
    /// The interval of a series that is added without one.
    pub interval: Interval,
    /// The known sources, and the one of symbols that name none.
    pub sources: Sources,
    /// This process, its paths and its settings.
    pub about: About,
    /// The log.
    pub log: LogLines,
    /// A warning about files saved here.
    pub exports_warning: Option<String>,
    /// Changes to the watch list that can be undone, the newest last.
    pub undos: Vec<Undo>,
    /// The keys that were entered and are not saved yet, each of another source.
    pub entered: Vec<EnteredKey>,
    /// Why the engine ended, if it did.
    pub stopped: Option<String>,
}

impl Shared {
    /// The watch list, as far as it is known.
    #[must_use]
    pub fn series(&self) -> &[WatchedSeries] {
        self.snapshot
            .as_ref()
            .map_or(&[], |snapshot| &snapshot.series)
    }

    /// The date in New York, as far as anything is known.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        let taken = self.snapshot.as_ref().map(|snapshot| snapshot.taken_at);
        taken.map_or(NaiveDate::MAX, |at| {
            at.with_timezone(&New_York).date_naive()
        })
    }

    /// What is declared of the series of the watch list.
    #[must_use]
    pub fn declared(&self) -> Declarations {
        let each = self.series().iter();
        let each = each.map(|status| (status.key.clone(), status.declared.clone()));
        each.filter(|(_, declared)| *declared != Declared::default())
            .collect()
    }

    /// The watched series, each with the source whose gaps it fills.
    #[must_use]
    pub fn fillings(&self) -> Fillings {
        let each = self.series().iter();
        each.map(|status| (status.key.clone(), status.declared.fills.clone()))
            .collect()
    }

    /// These series, each with another that is to be watched instead; without those whose other is
    /// already watched.
    #[must_use]
    pub fn replacing(
        &self,
        series: &[SeriesKey],
        with: impl Fn(&SeriesKey) -> SeriesKey,
    ) -> Vec<(SeriesKey, SeriesKey)> {
        series
            .iter()
            .map(|from| (from.clone(), with(from)))
            .filter(|(_, to)| self.status(to).is_none())
            .collect()
    }

    /// One line of the watch list.
    #[must_use]
    pub fn status(&self, key: &SeriesKey) -> Option<&WatchedSeries> {
        self.series().iter().find(|status| status.key == *key)
    }

    /// A source that this version knows.
    #[must_use]
    pub fn source(&self, id: &SourceId) -> Option<&AboutSource> {
        let mut known = self.about.sources.iter();
        known.find(|source| source.settings.id == *id)
    }

    /// The name of a source; its word, if this version does not know it.
    #[must_use]
    pub fn source_name<'a>(&self, id: &'a SourceId) -> &'a str {
        let known = self.source(id);
        known.map_or(id.as_str(), |source| source.settings.words.name)
    }

    /// What is said of what the key of a source cannot be asked for.
    #[must_use]
    pub fn beyond(&self, id: &SourceId) -> String {
        let source = self.source(id);
        let unknown = || format!("is of the unknown source {id}");
        source.map_or_else(unknown, |source| source.settings.words.beyond())
    }

    /// Whether a source is asked with a person's own key.
    #[must_use]
    pub fn has_own_key(&self, source: &AboutSource) -> bool {
        let status = self.source_status(&source.settings.id);
        status.is_some_and(|status| status.key == KeyUse::Own)
    }

    /// Where the key in use of a source comes from.
    #[must_use]
    pub fn key_origin(&self, source: &AboutSource) -> String {
        let mut entered = self.entered.iter();
        let is_of_it = |key: &EnteredKey| {
            let of = self.source(&key.source);
            of.is_some_and(|of| of.settings.section() == source.settings.section())
        };
        if entered.any(is_of_it) {
            return "entered in this session, not saved".to_owned();
        }
        match source.key_origin.as_str() {
            "" if source.settings.key.is_empty() => "needs no key".to_owned(),
            "" => "no key".to_owned(),
            origin => origin.to_owned(),
        }
    }

    /// The current run.
    #[must_use]
    pub fn run(&self) -> Option<&RunProgress> {
        self.snapshot
            .as_ref()
            .and_then(|snapshot| snapshot.run.as_ref())
    }

    /// The current export.
    #[must_use]
    pub fn export(&self) -> Option<ExportProgress> {
        self.snapshot.as_ref()?.export
    }

    /// The newest run that has ended.
    #[must_use]
    pub fn last_run(&self) -> Option<RunId> {
        let runs = &self.snapshot.as_ref()?.runs;
        runs.iter()
            .find(|run| run.finished_at.is_some())
            .map(|run| run.id)
    }

    /// Series that need the user's attention.
    #[must_use]
    pub fn need_person(&self) -> usize {
        let waits = |status: &&WatchedSeries| status.needs_a_person();
        self.series().iter().filter(waits).count()
    }

    /// How a source stands.
    #[must_use]
    pub fn source_status(&self, id: &SourceId) -> Option<&SourceStatus> {
        self.snapshot.as_ref()?.source(id)
    }

    /// Requests left today to a source; `None` without a limit.
    #[must_use]
    pub fn requests_left(&self, source: &SourceId) -> Option<u32> {
        self.source_status(source)?.quota.left()
    }

    /// Until when nothing may be sent to a source: its requests of the day are used up.
    #[must_use]
    pub fn spent_until(&self, source: &SourceId) -> Option<DateTime<Utc>> {
        self.snapshot.as_ref()?.spent_until(source)
    }

    /// Until when nothing may be sent to any source of the watch list; of an empty one, to the usual
    /// source.
    #[must_use]
    pub fn all_spent_until(&self) -> Option<DateTime<Utc>> {
        let watched = self.watched_sources();
        let spent = |source: &&SourceId| self.spent_until(source);
        match watched.as_slice() {
            [] => self.spent_until(&self.sources.usual),
            watched => watched.iter().map(spent).min().flatten(),
        }
    }

    /// The sources of the watch list, each once.
    #[must_use]
    pub fn watched_sources(&self) -> Vec<&SourceId> {
        let mut found: Vec<&SourceId> = vec![];
        for status in self.series() {
            if !found.contains(&&status.key.source) {
                found.push(&status.key.source);
            }
        }
        found
    }

    /// The sources that somebody chose: those of the watch list, and those that have a person's own key.
    #[must_use]
    pub fn chosen_sources(&self) -> Vec<&SourceId> {
        let mut found = self.watched_sources();
        for source in self
            .about
            .sources
            .iter()
            .filter(|source| self.has_own_key(source))
        {
            if !found.contains(&&source.settings.id) {
                found.push(&source.settings.id);
            }
        }
        found
    }

    /// Whether this many requests to a source would use some of its day's reserve.
    #[must_use]
    pub fn takes_reserve(&self, source: &SourceId, requests: usize) -> bool {
        self.requests_left(source).is_some_and(|left| {
            let requests = u32::try_from(requests).unwrap_or(u32::MAX);
            left.saturating_sub(requests) < RESERVE
        })
    }

    /// How many requests a fetch of all that is due can send now.
    #[must_use]
    pub fn sendable(&self) -> usize {
        let snapshot = self.snapshot.as_ref();
        snapshot.map_or(0, |snapshot| snapshot.schedule.sendable)
    }

    /// The next zone of the list.
    pub fn next_zone(&mut self) {
        let here = self.zones.iter().position(|zone| *zone == self.zone);
        let next = here.map_or(0, |at| at + 1) % self.zones.len().max(1);
        if let Some(zone) = self.zones.get(next) {
            self.zone = *zone;
        }
    }

    /// Whether no engine works on the store.
    #[must_use]
    pub fn has_no_engine(&self) -> bool {
        self.snapshot
            .as_ref()
            .is_some_and(|snapshot| snapshot.schedule.no_engine)
    }

    /// Whether the store is open read-only.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.snapshot
            .as_ref()
            .is_some_and(|snapshot| snapshot.read_only)
    }
}
