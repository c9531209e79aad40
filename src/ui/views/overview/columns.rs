//! The columns of the table: which fit, and what a line says in each.

use chrono::{DateTime, Utc};
use chrono_tz::America::New_York;
use unicode_width::UnicodeWidthStr;

use super::order::{self, Sort};
use crate::model::text::thousands;
use crate::model::{ErrorClass, Price, moment};
use crate::pipeline::snapshot::{SeriesState, Snapshot, WatchedSeries};
use crate::ui::shared::Shared;
use crate::ui::text::{self, NONE};
use crate::ui::theme::{Role, Theme};
use crate::ui::widgets::trend::trend;

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SeriesColumn {
    Symbol,
    Source,
    Interval,
    State,
    Fetched,
    LastBar,
    Close,
    Change,
    Trend,
    Volume,
    Bars,
    Oldest,
    SafeUntil,
    NextOrWhy,
}

use SeriesColumn::{
    Bars, Change, Close, Fetched, Interval, LastBar, NextOrWhy, Oldest, SafeUntil, Source, State,
    Symbol, Trend, Volume,
};

const COLUMNS: [SeriesColumn; 14] = [
    Symbol, Source, Interval, State, Fetched, LastBar, Close, Change, Trend, Volume, Bars, Oldest,
    SafeUntil, NextOrWhy,
];

/// Narrow screens drop columns, the least useful first.
const DROPPED: [SeriesColumn; 9] = [
    Oldest, Volume, Bars, Trend, SafeUntil, Fetched, Change, LastBar, Close,
];

/// Cells that the reason has at least before a column goes.
const LEAST_WHY: usize = 14;
/// From this width on, the reason is shown in full.
const FULL_WHY: usize = 40;
/// Cells that a trend grows by where there is room.
const MORE_TREND: usize = 25;
/// Below this width low screens leave out what changes most seldom.
const ROOMY: u16 = 98;

impl SeriesColumn {
    pub const fn head(self) -> &'static str {
        match self {
            Symbol => "SYMBOL",
            Source => "SOURCE",
            Interval => "INTERVAL",
            State => "STATE",
            Fetched => "FETCHED",
            LastBar => "LAST BAR",
            Close => "CLOSE",
            Change => "CHG%",
            Trend => "TREND",
            Volume => "VOLUME",
            Bars => "BARS",
            Oldest => "OLDEST",
            SafeUntil => "SAFE UNTIL",
            NextOrWhy => "NEXT / WHY",
        }
    }

    pub const fn is_number(self) -> bool {
        matches!(self, Close | Change | Volume | Bars)
    }

    /// The sort that this column stands for.
    pub const fn sort(self) -> Option<Sort> {
        match self {
            Symbol => Some(Sort::Symbol),
            State => Some(Sort::State),
            Fetched => Some(Sort::Fetched),
            Change => Some(Sort::Change),
            _ => None,
        }
    }

    /// Cells it has at least: enough for what is usual, so that columns seldom move.
    const fn least(self) -> usize {
        match self {
            Close | Change | Volume | Bars | Source => 6,
            Symbol | Trend => 7,
            Interval | State => 8,
            Fetched | LastBar | Oldest => 10,
            SafeUntil => 11,
            NextOrWhy => LEAST_WHY,
        }
    }
}

/// What the widest cells hold: no number may be cut.
#[derive(Default)]
struct Widest {
    symbol: usize,
    source: usize,
    interval: usize,
    close: Option<Price>,
    change: i128,
    volume: usize,
    bars: u64,
}

impl Widest {
    fn of(rows: &[&WatchedSeries]) -> Self {
        let mut widest = Self::default();
        for row in rows {
            let key = &row.key;
            widest.symbol = widest.symbol.max(key.symbol.as_str().width());
            widest.source = widest.source.max(key.source.as_str().len());
            let interval = key.interval.as_str().len() + if key.adjusted { 4 } else { 0 };
            widest.interval = widest.interval.max(interval);
            widest.bars = widest.bars.max(row.bars);
            if let Some(bar) = &row.last_bar {
                widest.close = widest.close.max(Some(bar.close));
                widest.volume = widest.volume.max(bar.volume.grouped().len());
            }
            widest.change = widest.change.max(order::change(row).unwrap_or(0).abs());
        }
        widest
    }

    fn cells(&self, column: SeriesColumn, most_symbol: usize) -> usize {
        match column {
            Symbol => self.symbol.min(most_symbol),
            Source => self.source,
            Interval => self.interval,
            Close => self.close.map_or(0, |close| price(close).len()),
            // A sign and two decimals, of a number in parts of a million.
            Change => (self.change / 10_000).to_string().len() + 4,
            Volume => self.volume,
            Bars => thousands(self.bars).len(),
            _ => 0,
        }
        .max(column.least())
    }
}

/// The columns for a width and a height of the screen, with their widths; the last takes the rest.
pub(super) fn fitting(
    width: u16,
    is_low: bool,
    has_source: bool,
    rows: &[&WatchedSeries],
) -> Vec<(SeriesColumn, usize)> {
    let is_tight = is_low && width < ROOMY;
    // Long symbols get what they need, as long as the reason keeps a place.
    let most_symbol = 14.max(usize::from(width / 6));
    let room = usize::from(width).saturating_sub(2);
    let widest = Widest::of(rows);
    let is_limited = rows.iter().any(|row| row.safe_until.is_some());
    let mut columns: Vec<(SeriesColumn, usize)> = COLUMNS
        .into_iter()
        .filter(|column| has_source || *column != Source)
        .filter(|column| is_limited || *column != SafeUntil)
        .filter(|column| !(is_tight && matches!(column, Fetched | Change)))
        .map(|column| (column, widest.cells(column, most_symbol)))
        .collect();
    let needed = |columns: &[(SeriesColumn, usize)]| {
        let cells: usize = columns.iter().map(|(_, width)| width + 1).sum();
        cells.saturating_sub(1)
    };
    for dropped in DROPPED {
        if needed(&columns) <= room {
            break;
        }
        columns.retain(|(column, _)| *column != dropped);
    }
    let spare = room.saturating_sub(needed(&columns));
    let more_trend = spare.saturating_sub(FULL_WHY).min(MORE_TREND);
    let mut left = room;
    for (column, width) in &mut columns {
        *width = match column {
            NextOrWhy => left,
            Trend => *width + more_trend,
            _ => *width,
        }
        .min(left);
        left = left.saturating_sub(*width + 1);
    }
    columns.retain(|(_, width)| *width > 0);
    columns
}

/// A close, which below one has more decimals.
pub(super) fn price(close: Price) -> String {
    text::price(
        close,
        if close < Price::from_units(Price::ONE) {
            4
        } else {
            2
        },
    )
}

/// What a line says in a column, and what that means.
pub(super) fn cell(
    (column, width): (SeriesColumn, usize),
    status: &WatchedSeries,
    shared: &Shared,
    now: DateTime<Utc>,
) -> (String, Role) {
    let bar = status.last_bar.as_ref();
    let none = || (NONE.to_owned(), Role::Muted);
    match column {
        Symbol => (status.key.symbol.to_string(), Role::Text),
        Source => (status.key.source.to_string(), Role::Text),
        Interval => (text::interval(&status.key), Role::Text),
        State => (status.state.to_string(), state_role(status.state)),
        Fetched => status.fetched_at.map_or_else(
            || ("never".to_owned(), Role::Muted),
            |at| (text::ago(at, now), Role::Text),
        ),
        LastBar => bar.map_or_else(none, |bar| {
            let label = text::last_bar(bar, status.key.interval, now, shared.zone);
            (label, Role::Text)
        }),
        Close => bar.map_or_else(none, |bar| (price(bar.close), Role::Text)),
        Change => bar
            .zip(status.previous_close)
            .and_then(|(bar, from)| text::change(from, bar.close))
            .map_or_else(none, |change| {
                let role = text::change_role(&change);
                (change, role)
            }),
        Trend if status.trend.is_empty() => none(),
        Trend => (trend(&status.trend, width, shared.theme.ascii), Role::Muted),
        Bars if status.bars == 0 => none(),
        Bars => (thousands(status.bars), Role::Text),
        Volume => bar.map_or_else(none, |bar| (bar.volume.grouped(), Role::Text)),
        Oldest => status.oldest.map_or_else(none, |oldest| {
            let date = moment::label_date(oldest, status.key.interval, New_York);
            (date.to_string(), Role::Text)
        }),
        SafeUntil => match status.safe_until {
            _ if status.state == SeriesState::Blocked => none(),
            Some(safe) => {
                let is_late = status.next_at.is_none_or(|at| at > safe);
                let role = if is_late { Role::Err } else { Role::Text };
                (text::near(safe, now, shared.zone), role)
            }
            None => ("always".to_owned(), Role::Muted),
        },
        NextOrWhy => {
            let snapshot = shared.snapshot.as_ref();
            let short = snapshot.map(|snapshot| next_or_why(status, snapshot, shared, now));
            let short = short.unwrap_or_default();
            let is_stuck = matches!(status.state, SeriesState::Blocked | SeriesState::Failed);
            let full = match &status.problem {
                Some((_, said)) if is_stuck && width >= FULL_WHY => format!("{short}: {said}"),
                _ => short,
            };
            (text::fit_words(&full, width), why_role(status))
        }
    }
}

/// The style of a state; its word says the same.
pub(super) const fn state_role(state: SeriesState) -> Role {
    match state {
        SeriesState::Fresh => Role::Ok,
        SeriesState::Due => Role::Text,
        SeriesState::Waiting | SeriesState::Closed => Role::Muted,
        SeriesState::Fetching => Role::Accent,
        SeriesState::Blocked | SeriesState::Behind | SeriesState::Holes => Role::Warn,
        SeriesState::Failed => Role::Err,
    }
}

const fn why_role(status: &WatchedSeries) -> Role {
    match status.state {
        SeriesState::Failed => Role::Err,
        SeriesState::Fetching if status.retry_at.is_some() => Role::Warn,
        _ => Role::Text,
    }
}

/// When a series is fetched next, or why it is not, in a few words.
#[must_use]
pub fn next_or_why(
    status: &WatchedSeries,
    snapshot: &Snapshot,
    shared: &Shared,
    now: DateTime<Utc>,
) -> String {
    let schedule = &snapshot.schedule;
    let source = snapshot.source(&status.key.source);
    let spent = source.and_then(|source| source.quota.spent_until);
    let paused = source.and_then(|source| source.pause.as_ref());
    let spent = spent.or(paused.map(|(until, _)| *until).filter(|until| *until > now));
    match status.state {
        SeriesState::Fetching => status.retry_at.map_or_else(
            || "request sent".to_owned(),
            |at| {
                let attempt = status.requests + 1;
                format!("{attempt} of 4 in {}", text::short_countdown(at - now))
            },
        ),
        SeriesState::Blocked | SeriesState::Failed if status.problem.is_some() => {
            let class = status.problem.as_ref().map(|(class, _)| *class);
            class.map_or_else(String::new, |class| short_reason(class).to_owned())
        }
        SeriesState::Waiting if spent.is_none() => snapshot
            .run
            .as_ref()
            .and_then(|run| run.id)
            .map_or_else(|| "next run".to_owned(), |id| format!("run {id}")),
        SeriesState::Holes => text::count(status.truth.holes.len(), "hole"),
        state if spent.is_some() && state != SeriesState::Fresh => {
            let until = spent.unwrap_or(now);
            format!("after {}", text::near(until, now, shared.zone))
        }
        _ if schedule.paused => "paused".to_owned(),
        _ => status
            .next_at
            .map_or_else(|| "never".to_owned(), |at| text::near(at, now, shared.zone)),
    }
}

/// Why something did not succeed, in two or three words.
#[must_use]
pub const fn short_reason(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Burst | ErrorClass::Minute => "too fast",
        ErrorClass::Day => "quota used up",
        ErrorClass::NotEntitled => "not in plan",
        ErrorClass::BadKey => "no valid key",
        ErrorClass::DemoKey => "needs a key",
        ErrorClass::BadRequest => "unknown symbol",
        ErrorClass::NoData => "no data",
        ErrorClass::Outage => "provider down",
        ErrorClass::Malformed => "unreadable answer",
        ErrorClass::Endless => "endless answer",
        ErrorClass::ClientBug => "bug, please report",
        ErrorClass::Blocked => "address blocked",
        ErrorClass::Unknown => "refused, see Runs",
        ErrorClass::Network => "no network",
        ErrorClass::Database => "database away",
        ErrorClass::Cancelled => "stopped",
        ErrorClass::Superseded => "another engine",
    }
}

/// The arrow beside the sorted column.
pub(super) fn arrow(column: SeriesColumn, sort: Sort, reverse: bool, theme: Theme) -> &'static str {
    if column.sort() != Some(sort) {
        ""
    } else if reverse {
        theme.glyph("▴", "^")
    } else {
        theme.glyph("▾", "v")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ui::sample;

    fn heads(width: u16, rows: &[&WatchedSeries]) -> Vec<&'static str> {
        let columns = fitting(width, false, false, rows);
        columns.iter().map(|(column, _)| column.head()).collect()
    }

    #[test]
    fn wide_screens_show_more_and_narrow_ones_the_state_and_its_reason() {
        let snapshot = sample::normal();
        let rows: Vec<&WatchedSeries> = snapshot.series.iter().collect();
        let shown = |width| heads(width, &rows);
        assert_eq!(
            shown(80),
            [
                "SYMBOL",
                "INTERVAL",
                "STATE",
                "FETCHED",
                "LAST BAR",
                "CLOSE",
                "CHG%",
                "NEXT / WHY"
            ]
        );
        let with_source: Vec<_> = fitting(179, false, true, &rows)
            .into_iter()
            .map(|(column, _)| column)
            .collect();
        let always = COLUMNS.into_iter().filter(|column| *column != SafeUntil);
        assert_eq!(with_source, always.clone().collect::<Vec<_>>());
        let alone = always.filter(|column| *column != Source);
        assert_eq!(
            shown(179),
            alone.map(SeriesColumn::head).collect::<Vec<_>>()
        );
        assert_eq!(shown(40), ["SYMBOL", "INTERVAL", "STATE", "NEXT / WHY"]);
        let trend = |width| {
            let columns = fitting(width, false, false, &rows);
            columns
                .iter()
                .find(|(column, _)| *column == Trend)
                .unwrap()
                .1
        };
        assert_eq!((trend(99), trend(179)), (7, 32));
    }

    #[test]
    fn until_when_bars_can_be_had_is_a_column_where_that_is_limited_and_red_if_that_is_too_late() {
        let mut snapshot = sample::normal();
        let next = snapshot.series[0].next_at.unwrap();
        let series = Arc::make_mut(&mut snapshot.series);
        series[0].safe_until = Some(next + chrono::TimeDelta::hours(1));
        series[1].safe_until = Some(next - chrono::TimeDelta::hours(1));
        let shared = sample::shared(snapshot);
        let rows: Vec<&WatchedSeries> = shared.series().iter().collect();
        assert!(heads(120, &rows).contains(&"SAFE UNTIL"));
        assert!(!heads(120, &rows[2..]).contains(&"SAFE UNTIL"));
        let cells = rows
            .iter()
            .map(|row| cell((SafeUntil, 11), row, &shared, sample::now()));
        let cells: Vec<(String, Role)> = cells.collect();
        let [on_time, late, refused, always] = cells.as_slice() else {
            panic!("{cells:?}");
        };
        assert_eq!(on_time, &("17:20".to_owned(), Role::Text));
        assert_eq!(late, &("15:20".to_owned(), Role::Err));
        assert_eq!(refused, &(NONE.to_owned(), Role::Muted));
        assert_eq!(always, &("always".to_owned(), Role::Muted));
    }

    #[test]
    fn numbers_and_adjusted_intervals_are_never_cut() {
        let mut snapshot = sample::normal();
        let series = Arc::make_mut(&mut snapshot.series);
        series[0].key.adjusted = true;
        series[0].bars = 1_234_567_890;
        series[0].previous_close = Some(sample::price("0.01"));
        series[1].last_bar.as_mut().unwrap().close = sample::price("612345.5");
        series[1].last_bar.as_mut().unwrap().volume =
            crate::model::Volume::new(i64::MAX, 0).unwrap();
        let shared = sample::shared(snapshot);
        let rows: Vec<&WatchedSeries> = shared.series().iter().collect();
        for width in 44..260 {
            for (column, cells) in fitting(width, false, false, &rows) {
                if column == NextOrWhy {
                    continue;
                }
                for row in &rows {
                    let (text, _) = cell((column, cells), row, &shared, sample::now());
                    assert!(text.width() <= cells, "{width}: {column:?} {text}");
                }
            }
        }
    }

    #[test]
    fn a_reason_is_told_in_full_where_there_is_room_and_cut_behind_a_word_elsewhere() {
        let shared = sample::shared(sample::normal());
        let why = |cells| {
            cell(
                (NextOrWhy, cells),
                &shared.series()[2],
                &shared,
                sample::now(),
            )
            .0
        };
        assert_eq!(why(13), "not in plan");
        assert_eq!(why(8), "not in…");
        let full = why(200);
        assert!(
            full.starts_with("not in plan: this key's plan does not include"),
            "{full}"
        );
    }
}
