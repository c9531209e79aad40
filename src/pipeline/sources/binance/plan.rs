//! Turns a wanted series into requests, and says what their answers speak for: pure, without sending.

use chrono::{DateTime, TimeDelta, Utc};

use super::describe::{ID, PUBLISHING};
use crate::config::Route;
use crate::model::{Bar, ErrorClass, Interval, Request, SeriesKey, Span, Spoken, Symbol, moment};
use crate::pipeline::source::{Asked, Refusal, Windowed, Wish};

pub(super) const KLINES: &str = "klines";
/// The most rows of an answer.
const MOST: i32 = 1_000;
/// The longest name of a pair.
const LONGEST: usize = 20;

/// The exchange's word for an interval. Its case matters: `1m` is a minute, `1M` a month.
pub(super) const fn word(interval: Interval) -> &'static str {
    match interval {
        Interval::Min1 => "1m",
        Interval::Min5 => "5m",
        Interval::Min15 => "15m",
        Interval::Min30 => "30m",
        Interval::Min60 => "1h",
        Interval::Daily => "1d",
        Interval::Weekly => "1w",
        Interval::Monthly => "1M",
    }
}

/// The longest time that has no more than the most bars.
fn most(interval: Interval) -> TimeDelta {
    match interval {
        Interval::Monthly => TimeDelta::days(28) * MOST,
        other => other.length() * MOST,
    }
}

/// How bars of an interval are asked for.
fn windowed(interval: Interval) -> Windowed {
    Windowed {
        publishing: PUBLISHING,
        interval,
        is_rolled_up: false,
        most: most(interval),
    }
}

/// The requests for a series, the newest bars first, or why there can be none.
pub(super) fn requests(wish: &Wish, now: DateTime<Utc>) -> Result<Vec<Request>, Refusal> {
    let series = &wish.series;
    let refused = |text: String| Err(Refusal::new(ErrorClass::BadRequest, text));
    if let Some(extra) = wish.extras.first() {
        return refused(format!("Binance has no --{}; leave it out", extra.name));
    }
    if series.adjusted {
        let text = "Binance has no adjusted prices, since nothing it trades has splits or dividends; \
                    leave out --adjusted";
        return refused(text.to_owned());
    }
    if !is_pair(&series.symbol) {
        return refused(format!(
            "Binance names its pairs without a mark between the two, such as BTCUSDT; {} is none",
            series.symbol
        ));
    }
    let windowed = windowed(series.interval);
    let windows = windowed.windows(&wish.range, now);
    if windows.is_empty() {
        return refused(format!(
            "{series} has no bars in this time: the first are of {}, the newest of {}",
            PUBLISHING.first_day,
            windowed.known(now).to.format("%Y-%m-%d %H:%M UTC")
        ));
    }
    Ok(windows
        .into_iter()
        .map(|window| request(series, window))
        .collect())
}

/// The request for the first bar before those of another: `[]` says that there is none.
pub(super) fn before(request: &Request) -> Option<Request> {
    let [series] = request.series.as_slice() else {
        return None;
    };
    let first = moment::midnight(PUBLISHING.first_day, PUBLISHING.zone);
    let window = Span::new(first, self::window(request)?.from);
    (!window.is_empty()).then(|| asking(series, window, 1))
}

fn request(series: &SeriesKey, window: Span) -> Request {
    asking(series, window, MOST)
}

fn asking(series: &SeriesKey, window: Span, limit: i32) -> Request {
    let pair = |name: &str, value: String| (name.to_owned(), value);
    Request {
        source: ID,
        endpoint: KLINES.to_owned(),
        parameters: vec![
            pair("symbol", series.symbol.to_string()),
            pair("interval", word(series.interval).to_owned()),
            pair("startTime", window.from.timestamp_millis().to_string()),
            // Inclusive.
            pair("endTime", (window.to.timestamp_millis() - 1).to_string()),
            pair("limit", limit.to_string()),
        ],
        series: vec![series.clone()],
        riders: vec![],
        page: 1,
    }
}

/// Where a request goes.
pub(super) fn route(endpoint: &str, parameters: Vec<(String, String)>) -> Route {
    Route::by_endpoint(&format!("api/v3/{endpoint}"), parameters)
}

/// The window of a request.
pub(super) fn window(request: &Request) -> Option<Span> {
    let time = |name: &str| {
        let millis: i64 = request.get(name)?.parse().ok()?;
        DateTime::from_timestamp_millis(millis)
    };
    Some(Span::new(
        time("startTime")?,
        time("endTime")? + TimeDelta::milliseconds(1),
    ))
}

/// What the answer speaks for: where one bar was asked for, to the end of that bar.
pub(super) fn spoken(asked: &Asked<'_>, bars: &[Bar]) -> Option<Spoken> {
    let windowed = windowed(asked.series.interval);
    let mut window = window(asked.request)?;
    if asked.request.get("limit") == Some("1")
        && let Some(first) = bars.first()
    {
        window.to = PUBLISHING.slot(windowed.interval, first.timestamp).to;
    }
    Some(windowed.spoken(window, asked, bars))
}

/// Whether a symbol can be a pair.
fn is_pair(symbol: &Symbol) -> bool {
    let text = symbol.as_str();
    text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
