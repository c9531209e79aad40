//! Adjusted prices: one scale over a whole series, and nothing where the scale cannot be known.

use pipeline_tui::model::adjustment::{
    EventKind, Gap, KnownEvents, Ratio, ReportedEvents, Rule, Unknown,
};

use super::*;

contract! {
    a_series_has_one_scale_whenever_its_bars_came,
    a_split_that_nobody_reported_leaves_prices_out_until_a_list_tells,
    a_split_that_the_source_learns_of_during_its_day_leaves_prices_out_until_then,
    a_late_bar_and_a_correction_change_the_factors,
    each_source_adjusts_by_its_own_rule,
    an_older_list_replaces_no_newer_one,
    the_newest_of_a_symbol_are_read_by_an_index,
    the_events_of_an_older_store_are_found,
}

/// What the view shows of IBM, in cents, and shares; -1: nothing.
const SHOWN: &str = "\
    SELECT interval || ' ' || trading_date || ' ' || coalesce(CAST(round(close_price * 100) AS integer), -1) || ' ' || \
           coalesce(CAST(round(volume) AS integer), -1) \
    FROM stock_data_adjusted WHERE symbol = 'IBM' ORDER BY interval, source, timestamp";

fn daily() -> SeriesKey {
    series("IBM", Interval::Daily)
}

/// A daily bar of a day of January 2026, and what it reports: dividend and split in hundredths.
fn day(day: u32, cents: i64, reports: Option<(i64, i64)>) -> Bar {
    let price = |hundredths: i64| Price::from_units(hundredths * Price::ONE / 100);
    Bar {
        dividend_amount: reports.map(|(dividend, _)| price(dividend)),
        split_coefficient: reports.map(|(_, split)| price(split)),
        ..bar(&format!("2026-01-{day:02}T05:00:00Z"), cents)
    }
}

fn list(kind: EventKind, through: &str, events: &[(&str, &str)]) -> ReportedEvents {
    let event = |(date, amount): &(&str, &str)| {
        (date.parse().unwrap(), Some(Price::parse(amount).unwrap().0))
    };
    ReportedEvents {
        renames: vec![],
        instrument: daily().instrument(),
        kind,
        through: through.parse().unwrap(),
        events: events.iter().map(event).collect(),
    }
}

async fn keep_list(store: &Arc<dyn Store>, reported: ReportedEvents) {
    let run = store.begin_run("events", vec![]).await.unwrap();
    let mut asked = reservation(&run, &daily(), NO_LIMITS, 1);
    asked.request.series = vec![];
    let Reserved::Granted(request) = store.reserve(asked).await.unwrap() else {
        panic!("not granted")
    };
    store.keep(request, answer(b"{}"), u64::MAX).await.unwrap();
    let kept = store.keep_events(request, reported, Rule::CloseOfExDate);
    kept.await.unwrap();
    store.settle_events(vec![request]).await.unwrap();
    store
        .finish_run(run.id, RunStatus::Succeeded)
        .await
        .unwrap();
}

async fn a_split_that_the_source_learns_of_during_its_day_leaves_prices_out_until_then(
    place: Place,
) {
    let store = place.open().await;
    let before = day(6, 40_400, Some((0, 100)));
    let opening = Bar {
        is_final: false,
        ..day(7, 10_150, Some((0, 100)))
    };
    store_bars(&store, &daily(), &[before, opening]).await;
    assert_eq!(
        place.sql(SHOWN).await,
        ["daily 2026-01-06 -1 -1", "daily 2026-01-07 10150 1000"]
    );
    store_bars(&store, &daily(), &[day(7, 10_100, Some((0, 400)))]).await;
    let after = ["daily 2026-01-06 10100 4000", "daily 2026-01-07 10100 1000"];
    assert_eq!(place.sql(SHOWN).await, after);
    // A day that is over, and a source that knows of no split: the price fell.
    store_bars(&store, &daily(), &[day(8, 2_500, Some((0, 100)))]).await;
    assert_eq!(place.sql(SHOWN).await[0], after[0]);
}

async fn a_series_has_one_scale_whenever_its_bars_came(place: Place) {
    let store = place.open().await;
    let minutes = [
        bar("2026-01-05T15:00:00Z", 39_500),
        bar("2026-01-07T15:00:00Z", 10_150),
        bar("2026-01-08T15:00:00Z", 10_300),
    ];
    store_bars(&store, &ibm(), &minutes).await;
    let without_daily = place.sql(SHOWN).await;
    assert_eq!(without_daily[0], "5min 2026-01-05 -1 -1", "no daily bars");

    let older = [day(5, 39_600, None), day(6, 40_400, Some((400, 100)))];
    store_bars(&store, &daily(), &older).await;
    let newer = [day(7, 10_100, Some((0, 400)))];
    store_bars(&store, &daily(), &newer).await;
    let week = Bar {
        adjusted_close: Some(Price::from_units(100 * Price::ONE)),
        ..bar("2026-01-02T05:00:00Z", 39_000)
    };
    store_bars(&store, &series("IBM", Interval::Weekly), &[week]).await;
    let adjusted = SeriesKey {
        adjusted: true,
        ..ibm()
    };
    store_bars(&store, &adjusted, &[bar("2026-01-05T15:00:00Z", 9_700)]).await;
    let mut shown = place.sql(SHOWN).await;
    shown.sort();
    assert_eq!(
        shown,
        [
            // 395 × 404 ÷ 408 ÷ 4.
            "5min 2026-01-05 9700 1000",
            "5min 2026-01-05 9778 4000",
            "5min 2026-01-07 10150 1000",
            "5min 2026-01-08 -1 -1",
            "daily 2026-01-05 9803 4000",
            "daily 2026-01-06 10100 4000",
            "daily 2026-01-07 10100 1000",
            "weekly 2026-01-02 10000 -1",
        ]
    );
    let (adjustments, known) = store.adjustments(daily().instrument()).await.unwrap();
    assert_eq!(known.bars, Some("2026-01-07".parse().unwrap()));
    let first = adjustments.bar(Interval::Daily, &older[0]);
    assert_eq!(first.close.unwrap().to_string(), "98.02941176");
    assert_eq!(
        adjustments.gap("2026-01-08".parse().unwrap()),
        Some(Gap::From("2026-01-08".parse().unwrap()))
    );
}

async fn a_split_that_nobody_reported_leaves_prices_out_until_a_list_tells(place: Place) {
    let store = place.open().await;
    let bars = [
        day(5, 39_600, None),
        day(6, 40_000, None),
        day(7, 10_100, None),
        day(8, 9_900, None),
    ];
    store_bars(&store, &daily(), &bars).await;
    assert_eq!(
        place.sql(SHOWN).await,
        [
            "daily 2026-01-05 -1 -1",
            "daily 2026-01-06 -1 -1",
            "daily 2026-01-07 10100 1000",
            "daily 2026-01-08 9900 1000",
        ]
    );
    let read = || store.adjustments(daily().instrument());
    let (adjustments, _) = read().await.unwrap();
    let looks = Unknown::LooksLikeSplit(Ratio { new: 4, old: 1 });
    let at: chrono::NaiveDate = "2026-01-07".parse().unwrap();
    let gap = adjustments.gap("2026-01-05".parse().unwrap());
    assert_eq!(gap, Some(Gap::Before(at, looks)));

    keep_list(
        &store,
        list(EventKind::Splits, "2026-01-08", &[("2026-01-07", "4")]),
    )
    .await;
    assert_eq!(
        place.sql(SHOWN).await[..2],
        ["daily 2026-01-05 9900 4000", "daily 2026-01-06 10000 4000"]
    );
    keep_list(
        &store,
        list(EventKind::Dividends, "2026-01-08", &[("2026-01-08", "1")]),
    )
    .await;
    assert_eq!(place.sql(SHOWN).await[1], "daily 2026-01-06 9900 4000");
    let (_, known) = read().await.unwrap();
    let through = Some("2026-01-08".parse().unwrap());
    let all = KnownEvents {
        bars: through,
        splits: through,
        dividends: through,
    };
    assert_eq!(known, all);
    let requests = "SELECT state, count(*) FROM requests GROUP BY state";
    assert_eq!(place.sql(requests).await, ["stored|3"]);

    keep_list(&store, list(EventKind::Splits, "2026-01-09", &[])).await;
    assert_eq!(
        place.sql(SHOWN).await[1],
        "daily 2026-01-06 39600 1000",
        "a list without it: the price fell"
    );
}

async fn a_late_bar_and_a_correction_change_the_factors(place: Place) {
    let store = place.open().await;
    let ends = [day(5, 40_000, None), day(9, 10_000, None)];
    store_bars(&store, &daily(), &ends).await;
    assert_eq!(place.sql(SHOWN).await[0], "daily 2026-01-05 -1 -1");
    store_bars(&store, &daily(), &[day(7, 20_000, Some((0, 100)))]).await;
    let looks = "SELECT CAST(date AS char(10)), origin FROM corporate_events ORDER BY date";
    assert_eq!(
        place.sql(looks).await,
        ["2026-01-09|jump"],
        "the bar after it jumps by less"
    );
    store_bars(&store, &daily(), &[day(9, 19_900, None)]).await;
    assert_eq!(place.sql(looks).await, [""; 0]);
    store_bars(&store, &daily(), &[day(9, 19_800, Some((200, 100)))]).await;
    assert_eq!(place.sql(SHOWN).await[1], "daily 2026-01-07 19800 1000");
    store_bars(&store, &daily(), &[day(9, 9_800, Some((200, 100)))]).await;
    assert_eq!(place.sql(SHOWN).await[1], "daily 2026-01-07 19600 1000");
    let rows = "SELECT count(*), max(price_factor) FROM adjustments";
    let before = place.sql(rows).await;
    store_bars(&store, &daily(), &[day(9, 9_800, Some((200, 100)))]).await;
    assert_eq!(place.sql(rows).await, before);
}

async fn each_source_adjusts_by_its_own_rule(place: Place) {
    let store = place.open().await;
    let bars = [day(5, 40_000, None), day(6, 20_200, Some((400, 200)))];
    store_bars(&store, &daily(), &bars).await;
    let other = SeriesKey {
        source: SourceId::known("other"),
        ..daily()
    };
    let run = store.begin_run("test", vec![other.clone()]).await.unwrap();
    let request = granted(&store, &run, &other).await;
    store.keep(request, answer(b"{}"), u64::MAX).await.unwrap();
    let by_close_before = Batch {
        rule: Rule::CloseBefore,
        ..batch(&run, request, &other, &bars)
    };
    applied(&store, by_close_before).await;
    assert_eq!(
        place.sql(SHOWN).await,
        [
            // 400 × 202 ÷ 206 ÷ 2, and 400 × (1 − 4 × 2 ÷ 400) ÷ 2.
            "daily 2026-01-05 19612 2000",
            "daily 2026-01-06 20200 1000",
            "daily 2026-01-05 19600 2000",
            "daily 2026-01-06 20200 1000",
        ]
    );
}

async fn an_older_list_replaces_no_newer_one(place: Place) {
    let store = place.open().await;
    let bars = [day(5, 40_000, None), day(7, 10_000, None)];
    store_bars(&store, &daily(), &bars).await;
    let splits = |through, events: &[(&str, &str)]| list(EventKind::Splits, through, events);
    keep_list(&store, splits("2026-01-08", &[("2026-01-07", "4")])).await;
    keep_list(&store, splits("2026-01-07", &[])).await;
    assert_eq!(place.sql(SHOWN).await[0], "daily 2026-01-05 10000 4000");
}

async fn the_newest_of_a_symbol_are_read_by_an_index(place: Place) {
    let store = place.open().await;
    store_bars(&store, &daily(), &[day(5, 40_000, None)]).await;
    let plan = "SELECT symbol, timestamp, close_price, volume FROM stock_data_adjusted \
                WHERE symbol = 'IBM' ORDER BY timestamp DESC LIMIT 10";
    if place.is_postgres() {
        let plan = place
            .sql(&format!(
                "SET enable_seqscan = off; SET enable_bitmapscan = off; EXPLAIN {plan}"
            ))
            .await
            .join("\n");
        assert!(plan.contains("idx_stock_data_symbol_timestamp"), "{plan}");
        assert!(plan.contains("adjustments_pkey"), "{plan}");
        assert!(!plan.contains("Sort"), "{plan}");
    } else {
        let Place::Sqlite(path) = &place else {
            return;
        };
        let client = rusqlite::Connection::open(path).unwrap();
        let mut plan = client
            .prepare(&format!("EXPLAIN QUERY PLAN {plan}"))
            .unwrap();
        let steps = plan.query_map([], |row| row.get::<_, String>(3)).unwrap();
        let steps: Vec<String> = steps.map(Result::unwrap).collect();
        let plan = steps.join("\n");
        assert!(plan.contains("MERGE (UNION ALL)"), "{plan}");
        assert!(
            !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"),
            "{plan}"
        );
    }
}

async fn the_events_of_an_older_store_are_found(place: Place) {
    match &place {
        Place::Sqlite(path) => crate::support::first_release::in_file(path).await,
        Place::Postgres(url) => crate::support::first_release::on_server(url).await,
    }
    for (day, close, dividend, split) in [
        (5, 396, "0", "1"),
        (6, 404, "4", "1"),
        (7, 101, "0", "4"),
        (8, 25, "NULL", "NULL"),
    ] {
        let sql = if place.is_postgres() {
            format!(
                "INSERT INTO stock_data (symbol, interval, timestamp, trading_date, open_price, high_price, low_price, \
                 close_price, volume, dividend_amount, split_coefficient) VALUES ('IBM', 'daily', \
                 '2026-01-0{day} 05:00Z', '2026-01-0{day}', {close}, {close}, {close}, {close}, 1000, {dividend}, {split})"
            )
        } else {
            format!(
                "INSERT INTO bars (symbol, interval, timestamp, trading_day, open_price, high_price, low_price, \
                 close_price, volume, dividend_amount, split_coefficient) SELECT 'IBM', 'daily', \
                 unixepoch('2026-01-0{day} 05:00'), unixepoch('2026-01-0{day}') / 86400, p, p, p, p, 1000, \
                 {dividend} * 100000000, {split} * 100000000 FROM (SELECT {close} * 100000000 AS p)"
            )
        };
        place.sql(&sql).await;
    }
    let store = place.open().await;
    let events = "SELECT CAST(date AS char(10)), origin, CAST(round(close) AS bigint) FROM corporate_events ORDER BY date";
    let unit = |close: i64| {
        if place.is_postgres() {
            close
        } else {
            close * Price::ONE
        }
    };
    assert_eq!(
        place.sql(events).await,
        [
            format!("2026-01-06|bars|{}", unit(404)),
            format!("2026-01-07|bars|{}", unit(101)),
            format!("2026-01-08|jump|{}", unit(25)),
        ]
    );
    assert_eq!(place.sql(SHOWN).await[2], "daily 2026-01-07 -1 -1");
    keep_list(&store, list(EventKind::Splits, "2026-01-08", &[])).await;
    assert_eq!(
        place.sql(SHOWN).await,
        [
            "daily 2026-01-05 9803 4000",
            "daily 2026-01-06 10100 4000",
            "daily 2026-01-07 10100 1000",
            "daily 2026-01-08 2500 1000",
        ]
    );
}
