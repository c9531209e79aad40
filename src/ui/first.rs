//! The first start: no key is set and nothing is watched. Three ways to begin, one key each.

use chrono::{DateTime, Utc};

use super::about::AboutSource;
use super::action::Action;
use super::fetch::fetch_of;
use super::reply::{Explanation, Reply};
use super::shared::Shared;
use crate::model::{Interval, SeriesKey, SourceId, WatchEdit};
use crate::pipeline::command::Command;
use crate::pipeline::schedule::{Missed, Schedule, When};

/// Minutes between the fetches of bars of five minutes.
const EVERY: u32 = 5;

/// Whether this is a first start: nothing is set, and the watch list is known to be empty.
#[must_use]
pub fn is_first(shared: &Shared) -> bool {
    let snapshot = shared.snapshot.as_ref();
    let is_empty =
        snapshot.is_some_and(|snapshot| snapshot.is_listed && snapshot.series.is_empty());
    is_empty && shared.about.is_blank && shared.entered.is_empty() && !shared.is_read_only()
}

/// The first source that needs no key and suggests something.
fn keyless(shared: &Shared) -> Option<&AboutSource> {
    let mut all = shared.about.sources.iter();
    all.find(|source| source.settings.key.is_empty() && !source.settings.suggested.is_empty())
}

/// The three ways.
#[must_use]
pub fn ways(shared: &Shared) -> Explanation {
    let with_key: Vec<&str> = shared
        .about
        .sources
        .iter()
        .filter(|source| source.settings.words.key_page.is_some())
        .filter(|source| source.settings.section() == source.settings.id.as_str())
        .map(|source| source.settings.words.name)
        .collect();
    let real = keyless(shared).map(|source| {
        let words = source.settings.words;
        let symbols = source.settings.suggested.join(", ");
        let label = format!("real bars now, without a key: {symbols} of {}", words.name);
        ("1".to_owned(), label, Action::Begin)
    });
    let names = with_key.join(" or ");
    let key = (
        "2".to_owned(),
        format!("a free key: where to get one, paste it here ({names})"),
        Action::EnterKey,
    );
    let demo = (
        "3".to_owned(),
        "the demo: a simulated market, nothing is real, nothing is kept".to_owned(),
        Action::Demo,
    );
    let terms = keyless(shared).map_or_else(String::new, |source| {
        let words = source.settings.words;
        format!(" {}: {}.", words.name, words.terms)
    });
    let place = shared.exports_warning.as_ref();
    let place = place.map_or_else(String::new, |warning| format!(" Exports: {warning}."));
    Explanation {
        title: "Three ways to begin".to_owned(),
        text: format!(
            "No key is set and nothing is on the watch list. Press 1, 2 or 3; Esc leaves it empty, and \
             \"Three ways to begin\" in the palette (:) brings this back.{terms}{place}"
        ),
        steps: real.into_iter().chain([key, demo]).collect(),
    }
}

/// Watches what a source suggests, and fetches it at once.
fn watch(
    source: &AboutSource,
    interval: Interval,
    shared: &Shared,
    now: DateTime<Utc>,
) -> Vec<Reply> {
    let symbols = source.settings.suggested.iter();
    let symbols = symbols.filter_map(|symbol| symbol.parse().ok());
    let series: Vec<SeriesKey> = symbols
        .map(|symbol| SeriesKey {
            source: source.settings.id.clone(),
            ..SeriesKey::raw(symbol, interval)
        })
        .collect();
    let mut replies = vec![Reply::Change(WatchEdit::Add(series.clone()))];
    replies.extend(fetch_of(series, shared, now));
    replies
}

/// Real bars without a key.
#[must_use]
pub fn begin(shared: &Shared, now: DateTime<Utc>) -> Vec<Reply> {
    match keyless(shared) {
        // Nobody has set a schedule yet: these markets never close.
        Some(source) => every(EVERY, watch(source, Interval::Min5, shared, now)),
        None => vec![Reply::Warn(
            "every source needs a key: K enters one".to_owned(),
        )],
    }
}

/// What follows the first key: what its source suggests, where nothing is watched yet.
#[must_use]
pub fn after_key(id: &SourceId, shared: &Shared, now: DateTime<Utc>) -> Vec<Reply> {
    let Some(source) = shared.source(id).filter(|_| is_first(shared)) else {
        return vec![];
    };
    let status = shared.source_status(id);
    let interval = match status {
        Some(status) if status.has_intraday => Interval::Min5,
        _ => Interval::Daily,
    };
    let replies = watch(source, interval, shared, now);
    match interval {
        Interval::Min5 => every(EVERY, replies),
        _ => replies,
    }
}

/// The same, fetched again every so many minutes.
fn every(minutes: u32, mut replies: Vec<Reply>) -> Vec<Reply> {
    let schedule = Schedule {
        when: When::Every { minutes },
        missed: Missed::Once,
    };
    replies.push(Command::SetSchedule(schedule).into());
    replies
}
