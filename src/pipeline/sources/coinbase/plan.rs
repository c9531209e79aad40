//! Turns a wanted series into requests, and says what their answers speak for: pure, without sending.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::describe::{ID, PUBLISHING};
use crate::model::calendar::{CalendarId, Calendars};
use crate::model::{
    Bar, ErrorClass, Grid, Interval, Request, SeriesKey, Span, Spoken, Symbol, moment,
};
use crate::pipeline::source::{Asked, Range, Refusal, Wish, windows};

pub(super) const CANDLES: &str = "candles";
/// The most candles of an answer.
const MOST: i32 = 300;
/// After so long without a newer candle there was no trade: before, it may only be late.
const LATE: TimeDelta = TimeDelta::minutes(5);

/// The interval that is asked for instead of one that the exchange has not.
pub(super) const fn finer(interval: Interval) -> Option<Interval> {
    match interval {
        Interval::Min30 => Some(Interval::Min15),
        Interval::Weekly | Interval::Monthly => Some(Interval::Daily),
        _ => None,
    }
}

/// Which bars of a series there can be.
pub(super) fn grid(interval: Interval) -> Grid {
    Grid {
        interval,
        calendar: Calendars::default().get(CalendarId::Always),
        publishing: PUBLISHING,
    }
}

/// The requests for a series, the newest bars first, or why there can be none.
pub(super) fn requests(wish: &Wish, now: DateTime<Utc>) -> Result<Vec<Request>, Refusal> {
    let series = &wish.series;
    let refused = |text: String| Err(Refusal::new(ErrorClass::BadRequest, text));
    if let Some(extra) = wish.extras.first() {
        return refused(format!("Coinbase has no --{}; leave it out", extra.name));
    }
    if series.adjusted {
        let text = "Coinbase has no adjusted prices, since nothing it trades has splits or dividends; \
                    leave out --adjusted";
        return refused(text.to_owned());
    }
    if !is_product(&series.symbol) {
        return refused(format!(
            "Coinbase names its products as BASE-QUOTE, such as BTC-USD; {} is none",
            series.symbol
        ));
    }
    let grid = grid(series.interval);
    let asked = finer(series.interval).unwrap_or(series.interval);
    let most = asked.length() * MOST;
    let known = known(&grid, asked, now);
    let wanted: Vec<Span> = match &wish.range {
        Range::Between(span) => vec![*span],
        Range::Missing(missing) if !missing.is_empty() => missing.clone(),
        Range::Missing(_) | Range::Newest => {
            let newest = windows(&grid, &[Span::new(known.to - most, known.to)], most);
            newest.into_iter().take(1).collect()
        }
    };
    let wanted: Vec<Span> = wanted.iter().map(|span| span.common(known)).collect();
    let windows = windows(&grid, &wanted, most);
    if windows.is_empty() {
        return refused(format!(
            "{series} has no bars in this time: the first are of {}, the newest of {}",
            PUBLISHING.first_day,
            known.to.format("%Y-%m-%d %H:%M UTC")
        ));
    }
    Ok(windows
        .into_iter()
        .map(|window| request(series, asked, window))
        .collect())
}

/// The time of which there can be candles: to the end of the current one, or of the last whole bar
/// where bars are rolled up.
fn known(grid: &Grid, asked: Interval, now: DateTime<Utc>) -> Span {
    let first = moment::midnight(PUBLISHING.first_day, PUBLISHING.zone);
    let to = grid.slot_at(now).map_or(now, |slot| {
        if grid.interval == asked {
            slot.to
        } else {
            slot.from
        }
    });
    Span::new(first, to)
}

fn request(series: &SeriesKey, asked: Interval, window: Span) -> Request {
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let step = asked.length();
    Request {
        source: ID,
        endpoint: CANDLES.to_owned(),
        parameters: vec![
            pair("product_id", series.symbol.to_string()),
            pair("granularity", step.num_seconds().to_string()),
            pair("start", time(window.from)),
            // Inclusive: the last candle of the window.
            pair("end", time(window.to - step)),
        ],
        series: vec![series.clone()],
        page: 1,
    }
}

/// Where a request goes: its path, and its parameters without those in the path.
pub(super) fn address(request: &Request) -> (String, Vec<(String, String)>) {
    match request.get("product_id") {
        Some(product) if request.endpoint == CANDLES => {
            let query = request.parameters.iter();
            let query = query.filter(|(name, _)| name != "product_id").cloned();
            (format!("products/{product}/{CANDLES}"), query.collect())
        }
        _ => (request.endpoint.clone(), request.parameters.clone()),
    }
}

/// The window of a request.
pub(super) fn window(request: &Request) -> Option<Span> {
    let time = |name: &str| request.get(name)?.parse::<DateTime<Utc>>().ok();
    let step: i64 = request.get("granularity")?.parse().ok()?;
    let step = TimeDelta::try_seconds(step)?;
    Some(Span::new(time("start")?, time("end")? + step))
}

/// What the answer speaks for: all of its window, since candles without a trade are left out.
pub(super) fn spoken(asked: &Asked<'_>, bars: &[Bar]) -> Option<Spoken> {
    let window = window(asked.request)?;
    let interval = asked.series.interval;
    let newest = bars.iter().rev().find(|bar| bar.is_final);
    let newest = newest.map(|bar| PUBLISHING.slot(interval, bar.timestamp).to);
    let complete = asked.at - LATE;
    Some(Spoken {
        asked: Span::new(window.from, window.to.min(asked.at)),
        settled_to: PUBLISHING.settled(interval, asked.at),
        complete_to: newest.map_or(complete, |newest| newest.max(complete)),
        newest_at: (window.to + interval.length() > asked.at).then_some(asked.at),
    })
}

/// Whether a symbol can be a product: two currencies with a dash between them.
fn is_product(symbol: &Symbol) -> bool {
    let is_currency =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
    let pair = symbol.as_str().split_once('-');
    pair.is_some_and(|(base, quote)| is_currency(base) && is_currency(quote))
}
