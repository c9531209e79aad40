//! Markets that never close, from two sources without a key, fetched over HTTP from their dialects into
//! both databases and compared with what the dialects say.

use std::collections::BTreeMap;

use pipeline_tui::model::{Fill, Price, Volume};
use pipeline_tui::pipeline::source::{Source as _, Wish};
use pipeline_tui::pipeline::sources::{binance::Binance, coinbase::Coinbase};
use pipeline_tui::simulate::{JournalEntry, Options, Plan, Server};
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

use super::*;
use crate::support::scripted::Scripted;

contract! {
    what_the_exchanges_say_is_stored_to_the_last_digit,
    five_and_fifteen_minutes_are_the_sum_of_their_minutes,
    half_hours_weeks_and_months_are_rolled_up_where_an_exchange_has_none,
    what_was_asked_for_is_not_asked_for_again,
    the_first_bar_is_found_with_one_request,
    a_gap_is_not_taken_for_the_beginning,
    a_ban_outlives_the_process_that_was_banned,
    an_unknown_pair_ends_its_own_series_only,
    an_exchange_that_is_down_holds_up_no_other,
    a_stop_of_the_exchange_is_no_hole,
    the_running_bar_is_never_final,
}

/// A Saturday, 20 seconds into the minute.
const NOW: &str = "2026-05-16T10:07:20Z";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn coinbase(symbol: &str, interval: Interval) -> SeriesKey {
    of("coinbase", symbol, interval)
}

fn binance(symbol: &str, interval: Interval) -> SeriesKey {
    of("binance", symbol, interval)
}

fn of(source: &str, symbol: &str, interval: Interval) -> SeriesKey {
    SeriesKey {
        source: source.parse().unwrap(),
        ..SeriesKey::raw(symbol.parse().unwrap(), interval)
    }
}

async fn server(faults: &[&str]) -> Server {
    Server::start(Options {
        plan: Plan::Unlimited,
        faults: faults.iter().map(|fault| fault.parse().unwrap()).collect(),
        clock: Clock::fixed(at(NOW)),
        ..Options::default()
    })
    .await
    .unwrap()
}

/// A pipeline of both exchanges, with short waits.
fn both(store: &Arc<dyn Store>, server: &Server) -> Arc<Pipeline> {
    let clock = Clock::fixed(at(NOW));
    let url = |dialect| server.base_url_of(dialect).unwrap().parse().unwrap();
    let quick = |policy: &mut pipeline_tui::pipeline::source::Policy| {
        let tick = Duration::from_millis(1);
        (policy.waits.burst, policy.waits.outage) = (tick, tick);
        policy.quota = Quota::unlimited(chrono_tz::UTC);
    };
    let coinbase = Coinbase::new(url("coinbase"), clock.clone()).unwrap();
    let binance = Binance::new(url("binance"), clock.clone()).unwrap();
    let lanes = vec![
        lane(coinbase, ("c0", "public"), quick),
        lane(binance, ("b0", "public"), quick),
    ];
    let pipeline = pipeline(store, lanes);
    Arc::new(Pipeline {
        clock,
        ..Arc::into_inner(pipeline).unwrap()
    })
}

async fn ended(pipeline: &Arc<Pipeline>, request: RunRequest) -> RunReport {
    let (silent, never): (Observer, _) = (Arc::new(|_| {}), CancellationToken::new());
    pipeline.run(request, silent, never).await.unwrap()
}

fn between(series: &[SeriesKey], (from, to): (&str, &str)) -> RunRequest {
    let options = FetchOptions {
        range: Range::Between(Span::new(at(from), at(to))),
        ..FetchOptions::default()
    };
    RunRequest {
        options,
        ..wanted(series)
    }
}

async fn stored(store: &Arc<dyn Store>, series: &SeriesKey) -> Vec<Bar> {
    let query = BarQuery {
        series: series.clone(),
        from: None,
        to: None,
        limit: 10_000,
        order: Order::OldestFirst,
    };
    store.bars(query).await.unwrap()
}

/// What an exchange answers to a request that the client has sent, as texts of time, open, high, low,
/// close and volume, the oldest first; read by code that is not the product's.
async fn said(server: &Server, entry: &JournalEntry) -> Vec<[String; 6]> {
    let word = entry.dialect.unwrap().as_str();
    let base = server.base_url_of(word).unwrap();
    let root = base.strip_suffix(&format!("/{word}")).unwrap();
    let query: Vec<String> = entry
        .query
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let path = entry.path.trim_start_matches(&format!("/{word}"));
    let url = format!("{root}/{word}{path}?{}", query.join("&"));
    let body = client.get(url).send().await.unwrap().text().await.unwrap();
    let rows: Vec<Vec<Value>> = serde_json::from_str(&body).unwrap();
    let places = if word == "coinbase" {
        [0, 3, 2, 1, 4, 5]
    } else {
        [0, 1, 2, 3, 4, 5]
    };
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut rows: Vec<[String; 6]> = rows
        .iter()
        .map(|row| places.map(|place| text(&row[place])))
        .collect();
    rows.sort_by_key(|row| row[0].parse::<i64>().unwrap());
    rows
}

fn price(price: Price) -> Decimal {
    price.to_decimal()
}

fn volume(volume: Volume) -> Decimal {
    Decimal::from_i128_with_scale(volume.units(), Volume::SCALE)
}

fn decimal(text: &str) -> Decimal {
    Decimal::from_scientific(text)
        .or_else(|_| Decimal::from_str_exact(text))
        .unwrap()
}

async fn what_the_exchanges_say_is_stored_to_the_last_digit(place: Place) {
    let (server, store) = (server(&[]).await, place.open().await);
    let series = [
        coinbase("BTC-USD", Interval::Min5),
        binance("BTCUSDT", Interval::Min5),
        binance("ETHUSDT", Interval::Weekly),
    ];
    let report = run(&both(&store, &server), &series).await;
    assert!(
        report.series.iter().all(|series| series.error.is_none()),
        "{report:?}"
    );
    let mut seen = 0;
    for entry in server.journal() {
        let symbol = |series: &&SeriesKey| {
            let symbol = series.symbol.as_str();
            entry.path.contains(symbol) || entry.query.iter().any(|(_, value)| value == symbol)
        };
        let series = series.iter().find(symbol).unwrap();
        let bars = stored(&store, series).await;
        let unit = if series.source.as_str() == "coinbase" {
            1_000
        } else {
            1
        };
        for [time, open, high, low, close, traded] in said(&server, &entry).await {
            let millis = time.parse::<i64>().unwrap() * unit;
            let same = |bar: &&Bar| bar.timestamp.timestamp_millis() == millis;
            // A candle from before the window is nobody's wish.
            let Some(bar) = bars.iter().find(same) else {
                assert_eq!(unit, 1_000, "{time} is not stored");
                continue;
            };
            let values = [bar.open, bar.high, bar.low, bar.close].map(price);
            assert_eq!(values, [open, high, low, close].map(|text| decimal(&text)));
            assert_eq!(volume(bar.volume), decimal(&traded));
            seen += 1;
        }
    }
    let mut held = 0;
    for series in &series {
        held += stored(&store, series).await.len();
    }
    assert_eq!(seen, held, "every stored bar was said");
    assert!(held > 1_500, "{held}");
}

/// Sums of bars by their length in minutes: open, high, low, close, volume.
fn sums(bars: &[Bar], minutes: i64) -> BTreeMap<i64, [Decimal; 5]> {
    let mut sums: BTreeMap<i64, [Decimal; 5]> = BTreeMap::new();
    for bar in bars {
        let slot = bar.timestamp.timestamp() / (minutes * 60);
        let [open, high, low, close] = [bar.open, bar.high, bar.low, bar.close].map(price);
        let traded = volume(bar.volume);
        sums.entry(slot)
            .and_modify(|sum| {
                *sum = [
                    sum[0],
                    sum[1].max(high),
                    sum[2].min(low),
                    close,
                    sum[4] + traded,
                ];
            })
            .or_insert([open, high, low, close, traded]);
    }
    sums
}

async fn five_and_fifteen_minutes_are_the_sum_of_their_minutes(place: Place) {
    let (server, store) = (server(&[]).await, place.open().await);
    let pipeline = both(&store, &server);
    let day = ("2026-05-14T06:00:00Z", "2026-05-14T18:00:00Z");
    for (source, symbol) in [
        ("coinbase", "BTC-USD"),
        ("coinbase", "FARM-USD"),
        ("binance", "ETHUSDT"),
        ("binance", "FARMUSDT"),
    ] {
        let intervals = [Interval::Min1, Interval::Min5, Interval::Min15];
        let series = intervals.map(|interval| of(source, symbol, interval));
        let report = ended(&pipeline, between(&series, day)).await;
        assert!(report.series.iter().all(|series| series.error.is_none()));
        let minutes = stored(&store, &series[0]).await;
        assert!(minutes.len() > 20, "{symbol}: {}", minutes.len());
        for (series, length) in series[1..].iter().zip([5, 15]) {
            let own = sums(&stored(&store, series).await, length);
            assert_eq!(own, sums(&minutes, length), "{series}");
        }
    }
}

async fn half_hours_weeks_and_months_are_rolled_up_where_an_exchange_has_none(place: Place) {
    let (server, store) = (server(&[]).await, place.open().await);
    let pipeline = both(&store, &server);
    let day = ("2026-05-14T06:10:00Z", "2026-05-14T18:00:00Z");
    let halves = coinbase("BTC-USD", Interval::Min30);
    let quarters = coinbase("BTC-USD", Interval::Min15);
    let report = ended(&pipeline, between(&[halves.clone(), quarters.clone()], day)).await;
    assert!(report.series.iter().all(|series| series.error.is_none()));
    // The first half hour is whole, since windows begin with whole bars.
    let halves = stored(&store, &halves).await;
    assert_eq!(halves[0].timestamp, at("2026-05-14T06:00:00Z"));
    let mut own = sums(&halves, 30);
    let mut rolled = sums(&stored(&store, &quarters).await, 30);
    // The quarters begin with 06:00 too.
    assert_eq!(own.pop_first(), rolled.pop_first());
    assert_eq!(own, rolled);
    let (weekly, daily) = (
        coinbase("ETH-USD", Interval::Weekly),
        coinbase("ETH-USD", Interval::Daily),
    );
    run(&pipeline, &[weekly.clone(), daily.clone()]).await;
    let weeks = stored(&store, &weekly).await;
    let days = stored(&store, &daily).await;
    let monday = at("2026-05-04T00:00:00Z");
    let week = weeks.last().unwrap();
    assert_eq!(week.timestamp, monday, "the week that runs has no bar yet");
    assert!(week.is_final && weeks.len() > 400);
    let of_week = days
        .iter()
        .filter(|bar| Span::new(monday, monday + TimeDelta::days(7)).contains(bar.timestamp));
    let total: Decimal = of_week.map(|bar| volume(bar.volume)).sum();
    assert_eq!(volume(week.volume), total);
}

async fn what_was_asked_for_is_not_asked_for_again(place: Place) {
    let (server, store) = (server(&[]).await, place.open().await);
    let pipeline = both(&store, &server);
    let series = [
        coinbase("BTC-USD", Interval::Min1),
        binance("BTCUSDT", Interval::Min1),
        // Of many minutes without a trade one exchange says nothing.
        coinbase("FARM-USD", Interval::Min1),
    ];
    let fill = Fill {
        from: Some(at("2026-05-10T00:00:00Z")),
        to: at("2026-05-11T00:00:00Z"),
    };
    let request = RunRequest {
        within: Some(fill),
        ..wanted(&series)
    };
    ended(&pipeline, request.clone()).await;
    let asked = server.journal().len();
    assert_eq!(asked, 5 + 2 + 5, "1,440 minutes, 300 or 1,000 at a time");
    ended(&pipeline, request).await;
    assert_eq!(server.journal().len(), asked, "nothing is missing");
}

/// All bars from the first that the exchange can have up to a time.
fn all(series: &SeriesKey, to: &str) -> RunRequest {
    let fill = Fill {
        from: Some(at("2017-08-17T00:00:00Z")),
        to: at(to),
    };
    RunRequest {
        within: Some(fill),
        ..wanted(std::slice::from_ref(series))
    }
}

async fn the_first_bar_is_found_with_one_request(place: Place) {
    let (server, store) = (server(&[]).await, place.open().await);
    let pipeline = both(&store, &server);
    // Listed on 2020-09-22, three years and 27 windows after the first pair.
    let hours = binance("AVAXUSDT", Interval::Min60);
    let report = ended(&pipeline, all(&hours, "2020-10-20T00:00:00Z")).await;
    assert_eq!(report.status, RunStatus::Succeeded, "{report:?}");
    assert_eq!(report.series[0].status, SeriesStatus::Succeeded);
    let first = stored(&store, &hours).await[0].timestamp;
    assert_eq!(first.date_naive().to_string(), "2020-09-22");
    let asked = server.journal();
    let bars = asked
        .iter()
        .map(|entry| entry.served.as_ref().map_or(0, |served| served.bars));
    assert_eq!(bars.collect::<Vec<_>>(), [672, 0, 0]);
    let limits: Vec<&str> = asked
        .iter()
        .map(|entry| {
            let mut query = entry.query.iter();
            query.find(|(name, _)| name == "limit").unwrap().1.as_str()
        })
        .collect();
    assert_eq!(limits, ["1000", "1000", "1"]);
    ended(&pipeline, all(&hours, "2020-10-20T00:00:00Z")).await;
    assert_eq!(
        server.journal().len(),
        3,
        "what is before it is known not to be there"
    );
    let row = place
        .sql("SELECT status FROM run_series WHERE run_id = 1")
        .await;
    assert_eq!(row, ["succeeded"]);
}

async fn a_gap_is_not_taken_for_the_beginning(place: Place) {
    // Hourly bars in the first ten hours there can be, and none for years.
    let old = Span::new(at("2017-08-17T00:00:00Z"), at("2017-08-17T10:00:00Z"));
    let provider = Scripted::start(at(NOW), move |arrived| {
        let [from, to, limit] = ["startTime", "endTime", "limit"]
            .map(|name| arrived.get(name).unwrap().parse::<i64>().unwrap());
        let hour = 3_600_000;
        let hours = (old.from.timestamp_millis()..old.to.timestamp_millis()).step_by(3_600_000);
        let rows: Vec<String> = hours
            .filter(|open| (from..=to).contains(open))
            .take(usize::try_from(limit).unwrap())
            .map(|open| {
                format!(
                    r#"[{open},"1.0","1.0","1.0","1.0","2.0",{},"2.0",1,"1.0","1.0","0"]"#,
                    open + hour - 1
                )
            })
            .collect();
        Some((200, format!("[{}]", rows.join(","))))
    });
    let provider = provider.await;
    let store = place.open().await;
    let clock = Clock::fixed(at(NOW));
    let binance_at = Binance::new(provider.base_url.parse().unwrap(), clock.clone()).unwrap();
    let lane = lane(binance_at, ("b0", "public"), |policy| {
        policy.quota = Quota::unlimited(chrono_tz::UTC);
    });
    let pipeline = Arc::new(Pipeline {
        clock,
        ..Arc::into_inner(pipeline(&store, vec![lane])).unwrap()
    });
    let hours = binance("BTCUSDT", Interval::Min60);
    let report = ended(&pipeline, all(&hours, "2018-01-01T00:00:00Z")).await;
    assert_eq!(report.status, RunStatus::Succeeded, "{report:?}");
    assert_eq!(stored(&store, &hours).await.len(), 10);
    // Four windows, and a search after the first and the second of them.
    assert_eq!(
        provider.asked("limit"),
        ["1000", "1", "1000", "1", "1000", "1000"]
    );
}

async fn a_ban_outlives_the_process_that_was_banned(place: Place) {
    let server = server(&["banned"]).await;
    let store = place.open().await;
    let series = [binance("BTCUSDT", Interval::Min5)];
    let report = run(&both(&store, &server), &series).await;
    let error = report.series[0].error.as_ref().unwrap();
    assert_eq!(error.class, ErrorClass::Blocked, "{error:?}");
    assert_eq!(server.journal().len(), 1, "a ban is not asked about again");
    // Another process with the same store.
    let report = run(&both(&store, &server), &series).await;
    let error = report.series[0].error.as_ref().unwrap();
    assert!(error.message.contains("banned"), "{}", error.message);
    assert_eq!(server.journal().len(), 1, "nothing is sent while it lasts");
}

async fn an_unknown_pair_ends_its_own_series_only(place: Place) {
    let (server, store) = (server(&[]).await, place.open().await);
    let series = [
        binance("NOSUCHPAIR", Interval::Min5),
        coinbase("NO-SUCH", Interval::Min5),
        binance("BTCUSDT", Interval::Min5),
        coinbase("BTC-USD", Interval::Min5),
    ];
    let report = run(&both(&store, &server), &series).await;
    let classes: Vec<Option<ErrorClass>> = report
        .series
        .iter()
        .map(|series| series.error.as_ref().map(|error| error.class))
        .collect();
    let bad = Some(ErrorClass::BadRequest);
    assert_eq!(classes, [bad, bad, None, None]);
    assert_eq!(server.journal().len(), 4);
}

async fn an_exchange_that_is_down_holds_up_no_other(place: Place) {
    let faults = ["status:503,symbol=BTC-USD", "location,symbol=ETHUSDT"];
    let (server, store) = (server(&faults).await, place.open().await);
    let series = [
        coinbase("BTC-USD", Interval::Min5),
        binance("BTCUSDT", Interval::Min5),
        binance("ETHUSDT", Interval::Min5),
    ];
    let report = run(&both(&store, &server), &series).await;
    let classes: Vec<Option<ErrorClass>> = report
        .series
        .iter()
        .map(|series| series.error.as_ref().map(|error| error.class))
        .collect();
    assert_eq!(
        classes,
        [Some(ErrorClass::Outage), None, Some(ErrorClass::Blocked)]
    );
    let report = &report.series[2];
    assert_eq!(report.requests, 1, "another location needs no retry");
}

async fn a_stop_of_the_exchange_is_no_hole(place: Place) {
    let (server, store) = (server(&[]).await, place.open().await);
    let pipeline = both(&store, &server);
    let series = [binance("BTCUSDT", Interval::Min1)];
    let around = ("2019-03-12T01:00:00Z", "2019-03-12T09:00:00Z");
    ended(&pipeline, between(&series, around)).await;
    let bars = stored(&store, &series[0]).await;
    assert_eq!(bars.len(), 120, "eight hours, six of them of a stop");
    let fill = Fill {
        from: Some(at(around.0)),
        to: at(around.1),
    };
    let [cost] = pipeline
        .costs(&series, fill)
        .await
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!((cost.requests, cost.missing.as_slice()), (0, &[][..]));
}

async fn the_running_bar_is_never_final(place: Place) {
    let (server, store) = (server(&[]).await, place.open().await);
    let series = [
        coinbase("BTC-USD", Interval::Min5),
        binance("BTCUSDT", Interval::Min5),
        coinbase("BTC-USD", Interval::Daily),
    ];
    run(&both(&store, &server), &series).await;
    for series in &series {
        let bars = stored(&store, series).await;
        let (last, before) = bars.split_last().unwrap();
        let step = series.interval.length();
        assert!(last.timestamp <= at(NOW) && at(NOW) < last.timestamp + step);
        assert!(!last.is_final, "{series}");
        assert!(before.iter().all(|bar| bar.is_final), "{series}");
    }
}

/// Where no `Retry-After` says how long.
#[tokio::test]
async fn a_ban_lasts_until_the_instant_that_its_text_names() {
    let until = at(NOW) + TimeDelta::hours(2);
    let text = format!("IP banned until {}.", until.timestamp_millis());
    let provider = Scripted::start(at(NOW), move |_| {
        let body = serde_json::json!({"code": -1003, "msg": text});
        Some((418, body.to_string()))
    })
    .await;
    let url = provider.base_url.parse().unwrap();
    let source = Binance::new(url, Clock::fixed(at(NOW))).unwrap();
    let wish = Wish::newest(binance("BTCUSDT", Interval::Min5));
    let request = source.plan(&[wish]).requests.remove(0);
    source.send(&request, Uuid::nil()).await.unwrap();
    let pause = source.pause().unwrap();
    assert_eq!(pause.why.class, ErrorClass::Blocked);
    let two_hours = Duration::from_hours(2);
    let left = two_hours.checked_sub(pause.left).unwrap();
    assert!(left < Duration::from_mins(5), "{pause:?}");
    source.send(&request, Uuid::nil()).await.unwrap_err();
    assert_eq!(provider.journal().len(), 1);
}
