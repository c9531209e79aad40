//! The columns of the table: which fit, and what a line says in each.

use chrono::{DateTime, Utc};
use unicode_width::UnicodeWidthStr;

use super::order::Sort;
use crate::model::ErrorClass;
use crate::pipeline::snapshot::{SeriesState, SeriesStatus, Snapshot};
use crate::ui::app::Shared;
use crate::ui::text::{self, NONE};
use crate::ui::theme::{Role, Theme};
use crate::ui::widgets::trend::trend;

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Symbol,
    Interval,
    State,
    Fetched,
    LastBar,
    Close,
    Change,
    Trend,
    Bars,
    NextOrWhy,
}

use Column::{Bars, Change, Close, Fetched, Interval, LastBar, NextOrWhy, State, Symbol, Trend};

impl Column {
    pub const fn head(self) -> &'static str {
        match self {
            Symbol => "SYMBOL",
            Interval => "INTERVAL",
            State => "STATE",
            Fetched => "FETCHED",
            LastBar => "LAST BAR",
            Close => "CLOSE",
            Change => "CHG%",
            Trend => "TREND",
            Bars => "BARS",
            NextOrWhy => "NEXT / WHY",
        }
    }

    pub const fn is_number(self) -> bool {
        matches!(self, Close | Change | Bars)
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

    const fn width(self) -> usize {
        match self {
            Change => 6,
            Symbol | Trend => 7,
            Interval | State => 8,
            Close | Bars => 9,
            Fetched | LastBar => 10,
            NextOrWhy => 0,
        }
    }
}

/// The columns for a width and a height of the screen, with their widths; the last takes the rest.
pub(super) fn fitting(width: u16, is_low: bool, rows: &[&SeriesStatus]) -> Vec<(Column, usize)> {
    let width = usize::from(width);
    let columns: &[Column] = match width {
        98.. => &[
            Symbol, Interval, State, Fetched, LastBar, Close, Change, Trend, Bars, NextOrWhy,
        ],
        78.. if !is_low => &[
            Symbol, Interval, State, Fetched, LastBar, Close, Change, NextOrWhy,
        ],
        58.. => &[Symbol, Interval, State, LastBar, Close, NextOrWhy],
        48.. => &[Symbol, Interval, State, Close, NextOrWhy],
        _ => &[Symbol, Interval, State, NextOrWhy],
    };
    // Long symbols get what they need, as long as the reason keeps a place.
    let symbol = rows
        .iter()
        .map(|row| row.key.symbol.as_str().width())
        .max()
        .unwrap_or(0)
        .clamp(Symbol.width(), 14.max(width / 6));
    let mut left = width.saturating_sub(2);
    columns
        .iter()
        .map(|column| {
            let wanted = match column {
                Symbol => symbol,
                NextOrWhy => left,
                other => other.width(),
            };
            let taken = wanted.min(left);
            left = left.saturating_sub(taken + 1);
            (*column, taken)
        })
        .filter(|(_, width)| *width > 0)
        .collect()
}

/// What a line says in a column, and what that means.
pub(super) fn cell(
    column: Column,
    status: &SeriesStatus,
    shared: &Shared,
    now: DateTime<Utc>,
) -> (String, Role) {
    let bar = status.last_bar.as_ref();
    let none = || (NONE.to_owned(), Role::Muted);
    match column {
        Symbol => (status.key.symbol.to_string(), Role::Text),
        Interval => {
            let adjusted = if status.key.adjusted { " adj" } else { "" };
            (format!("{}{adjusted}", status.key.interval), Role::Text)
        }
        State => (status.state.to_string(), state_role(status.state)),
        Fetched => status.fetched_at.map_or_else(
            || ("never".to_owned(), Role::Muted),
            |at| (text::ago(at, now), Role::Text),
        ),
        LastBar => bar.map_or_else(none, |bar| {
            let label = text::last_bar(bar, status.key.interval, now, shared.zone);
            (label, Role::Text)
        }),
        Close => bar.map_or_else(none, |bar| {
            let decimals = if bar.close.units() < crate::model::Price::ONE {
                4
            } else {
                2
            };
            (text::price(bar.close, decimals), Role::Text)
        }),
        Change => bar
            .zip(status.previous_close)
            .and_then(|(bar, from)| text::change(from, bar.close))
            .map_or_else(none, |change| {
                let role = match change.chars().next() {
                    Some('+') => Role::Up,
                    Some('-') => Role::Down,
                    _ => Role::Text,
                };
                (change, role)
            }),
        Trend if status.trend.is_empty() => none(),
        Trend => (
            trend(&status.trend, Trend.width(), shared.theme.ascii),
            Role::Muted,
        ),
        Bars if status.bars == 0 => none(),
        Bars => (crate::model::text::thousands(status.bars), Role::Text),
        NextOrWhy => {
            let text = shared
                .snapshot
                .as_ref()
                .map(|snapshot| next_or_why(status, snapshot, shared, now));
            (text.unwrap_or_default(), why_role(status))
        }
    }
}

/// How a state looks; its word says the same.
pub(super) const fn state_role(state: SeriesState) -> Role {
    match state {
        SeriesState::Fresh => Role::Ok,
        SeriesState::Due => Role::Text,
        SeriesState::Waiting => Role::Muted,
        SeriesState::Fetching => Role::Accent,
        SeriesState::Blocked => Role::Warn,
        SeriesState::Failed => Role::Err,
    }
}

const fn why_role(status: &SeriesStatus) -> Role {
    match status.state {
        SeriesState::Failed => Role::Err,
        SeriesState::Fetching if status.retry_at.is_some() => Role::Warn,
        _ => Role::Text,
    }
}

/// When a series is fetched next, or why it is not, in a few words.
#[must_use]
pub fn next_or_why(
    status: &SeriesStatus,
    snapshot: &Snapshot,
    shared: &Shared,
    now: DateTime<Utc>,
) -> String {
    let schedule = &snapshot.schedule;
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
        SeriesState::Waiting if snapshot.quota.spent_until.is_none() => snapshot
            .run
            .as_ref()
            .and_then(|run| run.id)
            .map_or_else(|| "next run".to_owned(), |id| format!("run {id}")),
        state if snapshot.quota.spent_until.is_some() && state != SeriesState::Fresh => {
            let until = snapshot.quota.spent_until.unwrap_or(now);
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
        ErrorClass::BadKey => "wrong key",
        ErrorClass::DemoKey => "needs a key",
        ErrorClass::BadRequest => "unknown symbol",
        ErrorClass::NoData => "no data",
        ErrorClass::Outage => "provider down",
        ErrorClass::Malformed => "unreadable answer",
        ErrorClass::ClientBug => "bug, please report",
        ErrorClass::Blocked => "address blocked",
        ErrorClass::Unknown => "refused, see Runs",
        ErrorClass::Network => "no network",
        ErrorClass::Database => "database away",
        ErrorClass::Cancelled => "stopped",
    }
}

/// The arrow beside the column that the table is sorted by.
pub(super) fn arrow(column: Column, sort: Sort, reverse: bool, theme: Theme) -> &'static str {
    if column.sort() != Some(sort) {
        ""
    } else if reverse {
        theme.glyph("▴", "^")
    } else {
        theme.glyph("▾", "v")
    }
}
