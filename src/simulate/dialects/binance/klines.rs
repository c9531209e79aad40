//! Klines: the parameters of a request, and its rows.

use chrono::DateTime;
use hyper::StatusCode;

use super::JSON;
use super::period::Period;
use super::refusal::Refusal;
use crate::simulate::decimal::padded;
use crate::simulate::journal::Served;
use crate::simulate::pair::Pair;
use crate::simulate::piece::{Piece, Units};
use crate::simulate::query::Query;
use crate::simulate::reply::Reply;

/// How many rows are given where no number is asked for, and at most.
const USUAL: usize = 500;
const MOST: usize = 1_000;
const PARAMETERS: [&str; 6] = [
    "symbol",
    "interval",
    "startTime",
    "endTime",
    "timeZone",
    "limit",
];
/// Times with more digits are in microseconds.
const MILLISECOND_DIGITS: usize = 15;
const DIGITS: &str = "^[0-9]{1,20}$";
/// When trading went on after the stop of 2018, in seconds; that minute begins later than others.
pub(super) const RESTART: i64 = 1_518_170_400;
const LATER: i64 = 17;
const HOUR: i64 = 3_600;
/// One as a number of units.
const ONE: i128 = 100_000_000;

/// Which klines are asked for; times in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ask<'a> {
    pub symbol: &'a str,
    period: Period,
    start: Option<i64>,
    end: Option<i64>,
    limit: usize,
}

impl<'a> Ask<'a> {
    /// Reads the parameters.
    pub(super) fn read(query: &'a Query) -> Result<Self, Refusal> {
        for (place, (name, _)) in query.0.iter().enumerate() {
            if !PARAMETERS.contains(&name.as_str()) {
                return Err(Refusal::Unknown);
            }
            if query
                .0
                .iter()
                .skip(place + 1)
                .any(|(other, _)| other == name)
            {
                return Err(Refusal::Repeated(name.clone()));
            }
        }
        let wanted = |name| {
            let sent = query.0.iter().find(|(known, _)| known == name);
            match sent.map(|(_, value)| value.as_str()) {
                None => Err(Refusal::Missing(name)),
                Some("") => Err(Refusal::Empty(name)),
                Some(value) => Ok(value),
            }
        };
        let symbol = wanted("symbol")?;
        let period = wanted("interval")?.parse();
        let period = period.map_err(|_| Refusal::Interval)?;
        let (start, end) = (time(query, "startTime")?, time(query, "endTime")?);
        if start.zip(end).is_some_and(|(start, end)| start > end) {
            return Err(Refusal::Combination);
        }
        // Days of another zone are not served here.
        if !["", "0", "00:00", "+00:00"].contains(&query.get("timeZone")) {
            return Err(Refusal::Value("timeZone"));
        }
        let limit = match query.get("limit") {
            "" => Some(USUAL),
            text => text.parse().ok().filter(|limit| (1..=MOST).contains(limit)),
        };
        Ok(Self {
            symbol,
            period,
            start,
            end,
            limit: limit.ok_or(Refusal::Value("limit"))?,
        })
    }

    /// The same with rows of another length.
    pub(super) fn of_other_length(self) -> Self {
        let period = if self.period == Period::Min1 {
            Period::Min5
        } else {
            Period::Min1
        };
        Self { period, ..self }
    }

    /// The rows known at a second, oldest first.
    pub(super) fn rows(&self, pair: &Pair, now: i64) -> Vec<Row> {
        let traded = pair.traded();
        // The last that may begin, in seconds.
        let last = self.end.map_or(now, |end| end.div_euclid(1_000)).min(now);
        let last = last.min(traded.end.saturating_sub(1));
        let first = self.period.label(traded.start);
        let bars = match self.start {
            Some(start) => {
                let at = start.div_euclid(1_000) + i64::from(start.rem_euclid(1_000) > 0);
                let label = self.period.label(at);
                let label = if label < at {
                    self.period.step(label, 1)
                } else {
                    label
                };
                self.from(pair, label.max(first), last, now)
            }
            None => self.newest(pair, first, last, now),
        };
        let rows = bars
            .iter()
            .map(|(label, bar)| Row::of(self.period, *label, bar));
        rows.collect()
    }

    /// The oldest rows from a label on.
    fn from(&self, pair: &Pair, mut label: i64, last: i64, now: i64) -> Vec<(i64, Piece)> {
        let mut bars = Vec::new();
        while bars.len() < self.limit && label <= last {
            let until = self.period.step(label, count(self.limit - bars.len()));
            let end = self.period.step(self.period.label(last), 1);
            bars.extend(self.bars(pair, label, until.min(end), now));
            label = until;
        }
        bars
    }

    /// The newest rows up to one that begins at a second.
    fn newest(&self, pair: &Pair, first: i64, last: i64, now: i64) -> Vec<(i64, Piece)> {
        let mut bars: Vec<(i64, Piece)> = Vec::new();
        let mut until = self.period.step(self.period.label(last), 1);
        while bars.len() < self.limit && until > first {
            let label = self.period.step(until, -count(self.limit - bars.len()));
            let mut older = self.bars(pair, label.max(first), until, now);
            older.append(&mut bars);
            bars = older;
            until = label;
        }
        bars
    }

    fn bars(&self, pair: &Pair, from: i64, until: i64, now: i64) -> Vec<(i64, Piece)> {
        let seconds = self.period.seconds();
        pair.bars(from..until, now, seconds, |at| self.period.label(at))
    }
}

fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(0)
}

/// A time in milliseconds.
fn time(query: &Query, name: &'static str) -> Result<Option<i64>, Refusal> {
    let text = query.get(name);
    if text.is_empty() {
        return Ok(None);
    }
    let number: i64 = text
        .parse()
        .ok()
        .filter(|time| *time >= 0)
        .ok_or(Refusal::Letters(name, DIGITS))?;
    let is_micro = text.len() > MILLISECOND_DIGITS;
    Ok(Some(if is_micro { number / 1_000 } else { number }))
}

/// One kline as values of JSON, of which eight are texts.
#[derive(Debug, Clone)]
pub(super) struct Row {
    open_time: i64,
    close_time: i64,
    prices: [String; 4],
    volume: String,
    quote_volume: String,
    trades: i64,
    taker: [String; 2],
}

impl Row {
    fn of(period: Period, label: i64, bar: &Piece) -> Self {
        let is_late = label == RESTART && period.seconds() < HOUR;
        let later = if is_late { LATER } else { 0 };
        let mean = (i128::from(bar.open)
            + i128::from(bar.high)
            + i128::from(bar.low)
            + i128::from(bar.close))
            / 4;
        let worth = |volume: Units| {
            let worth = mean * i128::from(volume) / ONE;
            padded(i64::try_from(worth).unwrap_or(i64::MAX))
        };
        // Which side took the offer of the other is seen in no bar.
        let taken = bar.volume / 2;
        Self {
            open_time: (label + later) * 1_000,
            close_time: period.step(label, 1) * 1_000 - 1,
            prices: [bar.open, bar.high, bar.low, bar.close].map(padded),
            volume: padded(bar.volume),
            quote_volume: worth(bar.volume),
            trades: bar.groups * 4,
            taker: [padded(taken), worth(taken)],
        }
    }

    fn json(&self) -> String {
        let [open, high, low, close] = &self.prices;
        let [taken, paid] = &self.taker;
        let Self {
            open_time,
            close_time,
            volume,
            quote_volume,
            trades,
            ..
        } = self;
        format!(
            "[{open_time},\"{open}\",\"{high}\",\"{low}\",\"{close}\",\"{volume}\",{close_time},\
             \"{quote_volume}\",{trades},\"{taken}\",\"{paid}\",\"0\"]"
        )
    }
}

/// Spoils the second to the fifth row, each in its own way.
pub(super) fn spoil(rows: &mut [Row]) {
    let [first, crossed, negative, worded, repeated, ..] = rows else {
        return;
    };
    "0.00000001".clone_into(&mut crossed.prices[1]);
    "-5.00000000".clone_into(&mut negative.volume);
    "many".clone_into(&mut worded.volume);
    repeated.open_time = first.open_time;
}

/// The answer with some rows.
pub(super) fn reply(rows: &[Row]) -> Reply {
    let lines: Vec<String> = rows.iter().map(Row::json).collect();
    let label = |row: &Row| Some(DateTime::from_timestamp_millis(row.open_time)?.to_rfc3339());
    let body = format!("[{}]", lines.join(","));
    Reply::new("data", StatusCode::OK, JSON, body).serving(Served {
        bars: rows.len(),
        newest: rows.last().and_then(label),
        oldest: rows.first().and_then(label),
    })
}
