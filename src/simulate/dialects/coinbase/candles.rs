//! Candles: the parameters of a request, and its rows.

use std::ops::Range;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use hyper::StatusCode;

use crate::simulate::decimal::trimmed;
use crate::simulate::journal::Served;
use crate::simulate::pair::Pair;
use crate::simulate::piece::{DAY, Piece};
use crate::simulate::query::Query;
use crate::simulate::reply::Reply;

/// The lengths of candles in seconds.
const LENGTHS: [i64; 6] = [60, 300, 900, 3_600, 21_600, DAY];
/// The length where none is asked for.
const USUAL: i64 = 60;
/// How far apart start and end may be, and how many of the newest are given without them.
const MOST: i64 = 300;
const UNSUPPORTED: &str = "Unsupported granularity";
const TOO_MANY: &str = "granularity too small for the requested time range. \
    Count of aggregations requested exceeds 300";

/// Which candles are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ask {
    length: i64,
    /// Starts of the first and the last candle; without them the newest are meant.
    window: Option<(i64, i64)>,
}

/// One candle as numbers of JSON: time, low, high, open, close, volume.
pub(super) type Row = [String; 6];

impl Ask {
    /// Reads the parameters; the error is the text of the refusal.
    pub(super) fn read(query: &Query) -> Result<Self, String> {
        let length = match query.get("granularity") {
            "" => Some(USUAL),
            text => text.parse().ok().filter(|length| LENGTHS.contains(length)),
        };
        let length = length.ok_or(UNSUPPORTED)?;
        let ends = [query.get("start"), query.get("end")];
        if ends.contains(&"") {
            return Ok(Self {
                length,
                window: None,
            });
        }
        // The texts of these two refusals are not recorded.
        let [start, end] = ends.map(instant);
        let start = start.ok_or("Invalid start")?;
        let end = end.ok_or("Invalid end")?;
        if start > end {
            return Err("start must be before end".to_owned());
        }
        if (end - start) / length > MOST {
            return Err(TOO_MANY.to_owned());
        }
        Ok(Self {
            length,
            window: Some((start, end)),
        })
    }

    /// What names the request among those about one product.
    pub(super) fn start(&self) -> i64 {
        self.window.map_or(0, |(start, _)| start)
    }

    /// The same with candles of another length.
    pub(super) fn of_other_length(self) -> Self {
        let length = if self.length == USUAL { 300 } else { USUAL };
        Self {
            // As many candles, or there would be too many.
            window: self.window.map(|(start, _)| (start, start + MOST * length)),
            length,
        }
    }

    /// The candles known at a second, newest first, with up to so many from before the start.
    pub(super) fn rows(&self, pair: &Pair, now: i64, early: u64) -> Vec<Row> {
        let label = |at: i64| at - at.rem_euclid(self.length);
        let Range { start, end } = match self.window {
            // The first candle begins at the start or after it, the last at the end or before it.
            Some((start, end)) => {
                let early = i64::try_from(early).unwrap_or(0).saturating_sub(1).max(0);
                let first = label(start + self.length - 1) - early * self.length;
                first..label(end) + self.length
            }
            None => label(now) - (MOST - 1) * self.length..label(now) + self.length,
        };
        let mut bars = pair.bars(start..end, now, self.length, label);
        bars.reverse();
        let traded = bars.iter().filter(|(_, bar)| bar.groups > 0);
        traded.map(|(start, bar)| row(*start, bar)).collect()
    }
}

/// ISO 8601, in UTC where no offset is named, or a number of seconds.
fn instant(text: &str) -> Option<i64> {
    let zoned = text.parse::<DateTime<Utc>>().map(|at| at.timestamp());
    let plain = || {
        text.parse::<NaiveDateTime>()
            .map(|at| at.and_utc().timestamp())
    };
    let date = || {
        let date = text.parse::<NaiveDate>();
        date.map(|date| date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp())
    };
    let seconds = || text.parse::<u32>().map(i64::from);
    zoned
        .or_else(|_| plain())
        .or_else(|_| date())
        .ok()
        .or_else(|| seconds().ok())
}

fn row(start: i64, bar: &Piece) -> Row {
    [
        start.to_string(),
        trimmed(bar.low),
        trimmed(bar.high),
        trimmed(bar.open),
        trimmed(bar.close),
        trimmed(bar.volume),
    ]
}

/// Spoils the second to the fifth row, each in its own way.
pub(super) fn spoil(rows: &mut [Row]) {
    let [first, crossed, negative, worded, repeated, ..] = rows else {
        return;
    };
    "0.01".clone_into(&mut crossed[2]);
    "-5".clone_into(&mut negative[5]);
    "\"many\"".clone_into(&mut worded[5]);
    repeated[0].clone_from(&first[0]);
}

/// The answer with some rows.
pub(super) fn reply(rows: &[Row]) -> Reply {
    let lines: Vec<String> = rows
        .iter()
        .map(|row| format!("[{}]", row.join(",")))
        .collect();
    let label = |row: &Row| {
        let second = row[0].parse().ok()?;
        Some(DateTime::from_timestamp(second, 0)?.to_rfc3339())
    };
    let body = format!("[{}]", lines.join(","));
    Reply::new("data", StatusCode::OK, super::JSON, body).serving(Served {
        bars: rows.len(),
        newest: rows.first().and_then(label),
        oldest: rows.last().and_then(label),
    })
}
