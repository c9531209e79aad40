//! Which lines the table shows, and in which order.

use std::cmp::Reverse;

use crate::model::words::words;
use crate::pipeline::snapshot::{SeriesState, WatchedSeries};
use crate::ui::filter;

words! {
    /// What the table is sorted by.
    pub enum Sort {
        /// The order of adding.
        Added = "list order",
        /// What needs attention first.
        State = "state",
        /// The symbol.
        Symbol = "symbol",
        /// Fetched longest ago first.
        Fetched = "fetched",
        /// The largest change first.
        Change = "change",
    }
}

#[expect(clippy::derivable_impls, reason = "the words are declared by a macro")]
impl Default for Sort {
    fn default() -> Self {
        Self::Added
    }
}

impl Sort {
    /// The next one, in a circle.
    #[must_use]
    pub fn next(self) -> Self {
        let after = Self::ALL
            .iter()
            .cycle()
            .skip_while(|sort| **sort != self)
            .nth(1);
        after.copied().unwrap_or(Self::Added)
    }
}

/// The lines that match, sorted.
pub(super) fn rows<'a>(
    series: &'a [WatchedSeries],
    filter: &str,
    sort: Sort,
    reverse: bool,
) -> Vec<&'a WatchedSeries> {
    let mut rows: Vec<&WatchedSeries> = series
        .iter()
        .filter(|status| matches(status, filter))
        .collect();
    match sort {
        Sort::Added => {}
        Sort::Symbol => rows.sort_by(|a, b| a.key.cmp(&b.key)),
        Sort::State => rows.sort_by_key(|status| urgency(status.state)),
        Sort::Fetched => rows.sort_by_key(|status| status.fetched_at),
        Sort::Change => rows.sort_by_key(|status| Reverse(change(status).unwrap_or(i128::MIN))),
    }
    if reverse {
        rows.reverse();
    }
    rows
}

/// Lower is more urgent.
const fn urgency(state: SeriesState) -> u8 {
    match state {
        SeriesState::Failed => 0,
        SeriesState::Blocked => 1,
        SeriesState::Fetching => 2,
        SeriesState::Holes => 3,
        SeriesState::Behind => 4,
        SeriesState::Due => 5,
        SeriesState::Waiting => 6,
        SeriesState::Closed => 7,
        SeriesState::Fresh => 8,
    }
}

/// The relative change in parts of a million.
pub(super) fn change(status: &WatchedSeries) -> Option<i128> {
    let (bar, from) = status.last_bar.zip(status.previous_close)?;
    let (to, from) = (i128::from(bar.close.units()), i128::from(from.units()));
    ((to - from) * 1_000_000).checked_div(from)
}

/// The filter word for what needs attention.
pub(super) const NEEDS: &str = "needs:you";

fn matches(status: &WatchedSeries, filter: &str) -> bool {
    let symbol = || status.key.instrument().to_string().to_lowercase();
    let (interval, state) = (status.key.interval.as_str(), status.state.as_str());
    let prices = if status.key.adjusted {
        "adjusted"
    } else {
        "raw"
    };
    filter::matches(filter, |field, text| match field {
        Some("state") => state.starts_with(text),
        Some("interval") => interval.starts_with(text),
        Some("symbol") => symbol().contains(text),
        Some("group") => {
            let group = status.declared.group.as_ref();
            group.is_some_and(|group| group.as_str() == text)
        }
        Some("priority") => status.declared.priority.as_str() == text,
        Some("needs") => status.needs_a_person(),
        Some(_) => false,
        None => {
            symbol().contains(text)
                || interval.contains(text)
                || state.contains(text)
                || (text.len() > 2 && prices.starts_with(text))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::sample;

    fn shown(filter: &str, sort: Sort, reverse: bool) -> Vec<String> {
        let snapshot = sample::normal();
        rows(&snapshot.series, filter, sort, reverse)
            .into_iter()
            .map(|status| status.key.symbol.to_string())
            .collect()
    }

    #[test]
    fn filters_take_words_fields_and_their_opposite() {
        assert_eq!(
            shown("", Sort::Added, false),
            ["IBM", "AAPL", "MSFT", "GOOGL"]
        );
        assert_eq!(shown("aap", Sort::Added, false), ["AAPL"]);
        assert_eq!(shown("state:blocked", Sort::Added, false), ["MSFT"]);
        assert_eq!(shown("daily !due", Sort::Added, false), ["IBM", "AAPL"]);
        assert_eq!(shown("nothing", Sort::Added, false), Vec::<String>::new());
    }

    #[test]
    fn a_filter_finds_a_group_and_a_priority() {
        let mut status = sample::normal().series[0].clone();
        assert!(!matches(&status, "group:tech") && matches(&status, "priority:normal"));
        status.declared.group = "tech".parse().ok();
        assert!(matches(&status, "group:tech") && !matches(&status, "group:tec"));
    }

    #[test]
    fn a_filter_tells_adjusted_series_from_raw_ones() {
        let mut status = sample::normal().series[0].clone();
        let found = |status: &WatchedSeries| ["adj", "raw", "ra"].map(|text| matches(status, text));
        assert_eq!(found(&status), [false, true, false]);
        status.key.adjusted = true;
        assert_eq!(found(&status), [true, false, false]);
    }

    #[test]
    fn what_needs_a_person_comes_first() {
        assert_eq!(
            shown("", Sort::State, false),
            ["MSFT", "AAPL", "GOOGL", "IBM"]
        );
        assert_eq!(
            shown("", Sort::Symbol, true),
            ["MSFT", "IBM", "GOOGL", "AAPL"]
        );
        assert_eq!(
            shown("", Sort::Change, false),
            ["IBM", "AAPL", "MSFT", "GOOGL"]
        );
    }
}
