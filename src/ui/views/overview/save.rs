//! The table as a file.

use chrono::{DateTime, Utc};

use crate::pipeline::snapshot::WatchedSeries;
use crate::ui::action::Effect;
use crate::ui::csv;
use crate::ui::reply::Reply;

pub(super) fn table(rows: &[&WatchedSeries], now: DateTime<Utc>) -> Vec<Reply> {
    vec![Reply::Do(Effect::Save {
        name: format!("watch-list-{}.csv", now.format("%Y%m%d-%H%M%S")),
        text: csv(rows),
    })]
}

/// The rows as comma-separated values.
pub(super) fn csv(rows: &[&WatchedSeries]) -> String {
    let head = [
        "symbol",
        "interval",
        "adjusted",
        "state",
        "fetched_at",
        "last_bar",
        "close",
        "bars",
        "why",
    ];
    let lines = rows.iter().map(|status| {
        [
            status.key.symbol.to_string(),
            status.key.interval.to_string(),
            status.key.adjusted.to_string(),
            status.state.to_string(),
            status
                .fetched_at
                .map_or_else(String::new, |at| at.to_rfc3339()),
            status
                .last_bar
                .map_or_else(String::new, |bar| bar.timestamp.to_rfc3339()),
            status
                .last_bar
                .map_or_else(String::new, |bar| bar.close.to_string()),
            status.bars.to_string(),
            status
                .problem
                .as_ref()
                .map_or_else(String::new, |(class, _)| class.to_string()),
        ]
        .to_vec()
    });
    csv::table(&head, lines)
}
