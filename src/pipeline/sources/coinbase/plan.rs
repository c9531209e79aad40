//! Turns a wanted series into requests, and says what their answers speak for: pure, without sending.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::describe::{ID, PUBLISHING};
use super::symbols;
use crate::config::Route;
use crate::model::{Bar, ErrorClass, Interval, Request, SeriesKey, Span, Spoken, Symbol};
use crate::pipeline::source::{Asked, Refusal, Windowed, Wish};

pub(super) const CANDLES: &str = "candles";
/// The parameter that is a part of the path.
const PRODUCT: &str = "product_id";
/// The most candles of an answer.
const MOST: i32 = 300;

/// The interval that is asked for instead of one that the exchange has not.
pub(super) const fn finer(interval: Interval) -> Option<Interval> {
    match interval {
        Interval::Min30 => Some(Interval::Min15),
        Interval::Weekly | Interval::Monthly => Some(Interval::Daily),
        _ => None,
    }
}

/// How bars of an interval are asked for.
pub(super) fn windowed(interval: Interval) -> Windowed {
    let finer = finer(interval);
    Windowed {
        publishing: PUBLISHING,
        interval,
        is_rolled_up: finer.is_some(),
        most: finer.unwrap_or(interval).length() * MOST,
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
    let asked = finer(series.interval).unwrap_or(series.interval);
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
        .map(|window| request(series, asked, window))
        .collect())
}

fn request(series: &SeriesKey, asked: Interval, window: Span) -> Request {
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let step = asked.length();
    Request {
        source: ID,
        endpoint: CANDLES.to_owned(),
        parameters: vec![
            pair(PRODUCT, series.symbol.to_string()),
            pair("granularity", step.num_seconds().to_string()),
            pair("start", time(window.from)),
            // Inclusive: the last candle of the window.
            pair("end", time(window.to - step)),
        ],
        series: vec![series.clone()],
        riders: vec![],
        page: 1,
    }
}

/// Where a request goes: the product is a part of its path.
pub(super) fn route(endpoint: &str, parameters: Vec<(String, String)>) -> Route {
    let (product, query): (Vec<_>, Vec<_>) = parameters
        .into_iter()
        .partition(|(name, _)| name == PRODUCT);
    let path = match product.as_slice() {
        [(_, product)] => format!("{}/{product}/{endpoint}", symbols::PRODUCTS),
        _ => endpoint.to_owned(),
    };
    Route {
        path,
        query,
        ..Route::default()
    }
}

/// The window of a request.
pub(super) fn window(request: &Request) -> Option<Span> {
    let time = |name: &str| request.get(name)?.parse::<DateTime<Utc>>().ok();
    let step: i64 = request.get("granularity")?.parse().ok()?;
    let step = TimeDelta::try_seconds(step)?;
    Some(Span::new(time("start")?, time("end")? + step))
}

/// What the answer speaks for.
pub(super) fn spoken(asked: &Asked<'_>, bars: &[Bar]) -> Option<Spoken> {
    let window = window(asked.request)?;
    Some(windowed(asked.series.interval).spoken(window, asked, bars))
}

/// Whether a symbol can be a product: two currencies with a dash between them.
fn is_product(symbol: &Symbol) -> bool {
    let is_currency =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
    let pair = symbol.as_str().split_once('-');
    pair.is_some_and(|(base, quote)| is_currency(base) && is_currency(quote))
}
