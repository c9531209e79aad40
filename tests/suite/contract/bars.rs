//! Upserting and reading bars.

use super::*;
use pipeline_tui::model::Close;

contract! {
    a_second_upsert_of_the_same_bars_touches_nothing,
    a_changed_bar_is_changed_and_says_when,
    a_change_by_hand_moves_updated_at,
    bars_of_other_intervals_and_adjustments_do_not_collide,
    a_newer_label_of_an_unfinished_week_replaces_the_older_one,
    a_plain_fetch_leaves_adjustments_alone,
    what_is_held_of_a_symbol_is_found_in_any_case,
    a_daily_series_is_the_same_bars_adjusted_or_not,
    an_older_answer_overwrites_no_newer_one_of_the_other_function,
    applying_an_answer_again_returns_the_same_counts,
    the_originals_query_is_answered_from_its_index,
    bars_come_newest_first_within_their_bounds,
    the_newest_bars_of_a_symbol_are_merged_from_all_its_series,
    rejected_rows_are_kept_with_their_reason,
    prices_and_volumes_round_trip_at_their_limits,
    the_store_itself_refuses_impossible_bars,
}

async fn a_second_upsert_of_the_same_bars_touches_nothing(place: Place) {
    let store = place.open().await;
    let bars: Vec<Bar> = (0..2_500)
        .map(|i| {
            let mut bar = bar("2026-05-11T08:00:00Z", 20_000 + i % 97);
            bar.timestamp += TimeDelta::minutes(5 * i);
            bar
        })
        .collect();
    assert_eq!(store_bars(&store, &ibm(), &bars).await, counts(2_500, 0, 0));
    let versions = if place.is_postgres() {
        "SELECT md5(string_agg(xmin::text || ctid::text || updated_at::text, ',' ORDER BY id)) FROM stock_data"
    } else {
        "SELECT group_concat(timestamp || ':' || updated_at || ':' || close_price) FROM bars"
    };
    let before = place.sql(versions).await;
    assert_eq!(store_bars(&store, &ibm(), &bars).await, counts(0, 0, 2_500));
    assert_eq!(place.sql(versions).await, before);
}

async fn a_changed_bar_is_changed_and_says_when(place: Place) {
    let store = place.open().await;
    let before = [
        bar("2026-05-15T13:30:00Z", 28_300),
        bar("2026-05-15T13:35:00Z", 28_310),
    ];
    store_bars(&store, &ibm(), &before).await;
    age(&place).await;
    let mut after = before;
    after[1].volume = Volume::from(1_001);
    let more = [after[0], after[1], bar("2026-05-15T13:40:00Z", 28_320)];
    assert_eq!(store_bars(&store, &ibm(), &more).await, counts(1, 1, 1));
    assert_eq!(touched(&place).await, ["0", "1", "0"]);
}

async fn age(place: &Place) {
    if place.is_postgres() {
        place
            .sql(
                "ALTER TABLE stock_data DISABLE TRIGGER stock_data_touch; \
                  UPDATE stock_data SET created_at = created_at - interval '1 hour', updated_at = updated_at - interval '1 hour'; \
                  ALTER TABLE stock_data ENABLE TRIGGER stock_data_touch",
            )
            .await;
    } else {
        place
            .sql("UPDATE bars SET created_at = created_at - 3600, updated_at = updated_at - 3600")
            .await;
    }
}

async fn touched(place: &Place) -> Vec<String> {
    place.sql("SELECT CASE WHEN updated_at > created_at THEN 1 ELSE 0 END FROM stock_data ORDER BY timestamp").await
}

async fn a_change_by_hand_moves_updated_at(place: Place) {
    let store = place.open().await;
    store_bars(&store, &ibm(), &[bar("2026-05-15T13:30:00Z", 28_300)]).await;
    age(&place).await;
    let table = if place.is_postgres() {
        "stock_data"
    } else {
        "bars"
    };
    place
        .sql(&format!("UPDATE {table} SET volume = volume"))
        .await;
    assert_eq!(touched(&place).await, ["0"]);
    place.sql(&format!("UPDATE {table} SET volume = 7")).await;
    assert_eq!(touched(&place).await, ["1"]);
}

async fn bars_of_other_intervals_and_adjustments_do_not_collide(place: Place) {
    let store = place.open().await;
    let at = "2026-05-15T14:00:00Z";
    let adjusted = SeriesKey {
        adjusted: true,
        ..ibm()
    };
    for (key, close) in [
        (ibm(), 100),
        (series("IBM", Interval::Min60), 200),
        (adjusted.clone(), 300),
    ] {
        assert_eq!(
            store_bars(&store, &key, &[bar(at, close)]).await,
            counts(1, 0, 0)
        );
    }
    let query = |series| BarQuery {
        series,
        from: None,
        to: None,
        limit: 9,
        order: Order::NewestFirst,
    };
    assert_eq!(store.bars(query(ibm())).await.unwrap(), [bar(at, 100)]);
    assert_eq!(store.bars(query(adjusted)).await.unwrap(), [bar(at, 300)]);
}

async fn a_newer_label_of_an_unfinished_week_replaces_the_older_one(place: Place) {
    let store = place.open().await;
    let weekly = series("IBM", Interval::Weekly);
    let (last_week, wednesday, friday) = (
        bar("2026-05-08T04:00:00Z", 100),
        bar("2026-05-13T04:00:00Z", 110),
        bar("2026-05-15T04:00:00Z", 120),
    );
    assert_eq!(
        store_bars(&store, &weekly, &[last_week, wednesday]).await,
        counts(2, 0, 0)
    );
    assert_eq!(
        store_bars(&store, &weekly, &[last_week, friday]).await,
        counts(0, 1, 1)
    );
    let query = BarQuery {
        series: weekly.clone(),
        from: None,
        to: None,
        limit: 9,
        order: Order::NewestFirst,
    };
    assert_eq!(
        store.bars(query.clone()).await.unwrap(),
        [friday, last_week]
    );
    assert_eq!(
        store_bars(&store, &weekly, &[last_week, wednesday]).await,
        counts(0, 0, 2)
    );
    assert_eq!(store.bars(query).await.unwrap(), [friday, last_week]);
}

async fn a_plain_fetch_leaves_adjustments_alone(place: Place) {
    let store = place.open().await;
    let daily = series("IBM", Interval::Daily);
    let plain = bar("2026-05-15T04:00:00Z", 28_300);
    let full = Bar {
        adjusted_close: Some(Price::from_units(28_212_345_678)),
        dividend_amount: Some(Price::from_units(0)),
        split_coefficient: Some(Price::from_units(Price::ONE)),
        ..plain
    };
    assert_eq!(store_bars(&store, &daily, &[plain]).await, counts(1, 0, 0));
    assert_eq!(store_bars(&store, &daily, &[full]).await, counts(0, 1, 0));
    assert_eq!(store_bars(&store, &daily, &[plain]).await, counts(0, 0, 1));
    assert_eq!(store_bars(&store, &daily, &[full]).await, counts(0, 0, 1));
    let without_split = Bar {
        split_coefficient: None,
        dividend_amount: Some(Price::from_units(5)),
        ..full
    };
    assert_eq!(
        store_bars(&store, &daily, &[without_split]).await,
        counts(0, 1, 0)
    );
    let stored = store
        .bars(BarQuery {
            series: daily,
            from: None,
            to: None,
            limit: 1,
            order: Order::NewestFirst,
        })
        .await
        .unwrap();
    assert_eq!(
        stored,
        [Bar {
            dividend_amount: Some(Price::from_units(5)),
            ..full
        }]
    );
}

fn daily_adjusted() -> SeriesKey {
    SeriesKey {
        adjusted: true,
        ..series("IBM", Interval::Daily)
    }
}

async fn newest(store: &Arc<dyn Store>, series: SeriesKey) -> Vec<Bar> {
    let query = BarQuery {
        series,
        from: None,
        to: None,
        limit: 9,
        order: Order::NewestFirst,
    };
    store.bars(query).await.unwrap()
}

async fn a_daily_series_is_the_same_bars_adjusted_or_not(place: Place) {
    let store = place.open().await;
    let (raw, adjusted) = (series("IBM", Interval::Daily), daily_adjusted());
    let plain = bar("2026-05-15T04:00:00Z", 28_300);
    let full = Bar {
        adjusted_close: Some(Price::from_units(28_212_345_678)),
        ..plain
    };
    assert_eq!(
        store_bars(&store, &adjusted, &[full]).await,
        counts(1, 0, 0)
    );
    assert_eq!(store.last_fetch(raw.clone()).await.unwrap(), None);
    assert_eq!(store_bars(&store, &raw, &[plain]).await, counts(0, 0, 1));
    for key in [raw, adjusted] {
        assert_eq!(newest(&store, key.clone()).await, [full]);
        let facts = store.facts(key).await.unwrap();
        assert_eq!((facts.bars, facts.newest), (1, Some(full)));
        assert_eq!(facts.recent, [Close::from(&full)]);
        assert!(facts.fetched_at.is_some() && facts.oldest == Some(full.timestamp));
    }
    assert_eq!(
        place.sql("SELECT count(*) FROM stock_data").await,
        ["1"],
        "one row for both"
    );
}

async fn what_is_held_of_a_symbol_is_found_in_any_case(place: Place) {
    let store = place.open().await;
    let (old, new) = (
        bar("2026-05-14T04:00:00Z", 100),
        bar("2026-05-15T04:00:00Z", 100),
    );
    store_bars(&store, &ibm(), &[old, new]).await;
    store_bars(&store, &daily_adjusted(), &[new]).await;
    store_bars(&store, &series("IBMX", Interval::Daily), &[new]).await;
    store_bars(&store, &series("MSFT", Interval::Daily), &[new]).await;
    let gone = if place.is_postgres() {
        "DELETE FROM stock_data WHERE symbol = 'MSFT'"
    } else {
        "DELETE FROM bars WHERE series_id = (SELECT id FROM series_totals WHERE symbol = 'MSFT')"
    };
    place.sql(gone).await;
    for symbol in ["IBM", "ibm", "iBm"] {
        let mut held = store.held(symbol.parse().unwrap()).await.unwrap();
        held.sort_by_key(|holding| holding.series.clone());
        let expected = [(ibm(), 2, old), (series("IBM", Interval::Daily), 1, new)];
        let expected = expected.map(|(series, bars, first)| Holding {
            series,
            bars,
            oldest: first.timestamp,
            newest: new.timestamp,
        });
        assert_eq!(held, expected);
    }
    for symbol in ["MSFT", "I_M", "%", "IB"] {
        assert_eq!(store.held(symbol.parse().unwrap()).await.unwrap(), []);
    }
}

async fn an_older_answer_overwrites_no_newer_one_of_the_other_function(place: Place) {
    let store = place.open().await;
    let (raw, adjusted) = (series("IBM", Interval::Daily), daily_adjusted());
    let run = store
        .begin_run("test", vec![raw.clone(), adjusted.clone()])
        .await
        .unwrap();
    let older = granted(&store, &run, &adjusted).await;
    let newer = granted(&store, &run, &raw).await;
    let plain = bar("2026-05-15T04:00:00Z", 200);
    let full = Bar {
        dividend_amount: Some(Price::from_units(5)),
        ..bar("2026-05-15T04:00:00Z", 100)
    };
    for (request, key, bar) in [(newer, &raw, plain), (older, &adjusted, full)] {
        store.keep(request, answer(b"{}"), u64::MAX).await.unwrap();
        let answered = batch(&run, request, key, &[bar]);
        applied(&store, answered).await;
    }
    let filled = Bar {
        dividend_amount: full.dividend_amount,
        ..plain
    };
    assert_eq!(newest(&store, raw).await, [filled]);
    // The two kinds of intraday prices have nothing to do with each other.
    let intraday = SeriesKey {
        adjusted: true,
        ..ibm()
    };
    let run = store
        .begin_run("test", vec![ibm(), intraday.clone()])
        .await
        .unwrap();
    let older = granted(&store, &run, &intraday).await;
    store_bars(&store, &ibm(), &[bar("2026-05-15T14:00:00Z", 200)]).await;
    store_bars(&store, &intraday, &[]).await;
    assert_eq!(newest(&store, intraday.clone()).await, []);
    store.keep(older, answer(b"{}"), u64::MAX).await.unwrap();
    let answered = batch(&run, older, &intraday, &[bar("2026-05-15T14:00:00Z", 100)]);
    assert_eq!(applied(&store, answered).await, counts(1, 0, 0));
}

async fn applying_an_answer_again_returns_the_same_counts(place: Place) {
    let store = place.open().await;
    let run = store.begin_run("test", vec![ibm()]).await.unwrap();
    let request = granted(&store, &run, &ibm()).await;
    store.keep(request, answer(b"{}"), u64::MAX).await.unwrap();
    let once = batch(
        &run,
        request,
        &ibm(),
        &[bar("2026-05-15T13:30:00Z", 28_300)],
    );
    assert_eq!(applied(&store, once.clone()).await, counts(1, 0, 0));
    assert_eq!(applied(&store, once).await, counts(1, 0, 0));
}

async fn the_originals_query_is_answered_from_its_index(place: Place) {
    let store = place.open().await;
    let bars: Vec<Bar> = (0..20_000)
        .map(|i| {
            let mut bar = bar("2026-05-15T13:30:00Z", 28_300);
            bar.timestamp += TimeDelta::minutes(i);
            bar
        })
        .collect();
    store_bars(&store, &series("IBM", Interval::Min1), &bars[..12]).await;
    store_bars(&store, &series("MSFT", Interval::Min1), &bars).await;
    let query = "SELECT symbol, timestamp, close_price, volume FROM stock_data \
                 WHERE symbol = 'IBM' ORDER BY timestamp DESC LIMIT 10";
    let rows = place.sql(&format!("{query};")).await;
    let expected = if place.is_postgres() {
        "IBM|2026-05-15 13:41:00+00|283.00000000|1000"
    } else {
        "IBM|2026-05-15 13:41:00|283|1000"
    };
    assert_eq!((rows.len(), rows[0].as_str()), (10, expected));
    let plan = if place.is_postgres() {
        place.sql("ANALYZE stock_data").await;
        place.sql(&format!("EXPLAIN {query}")).await
    } else {
        place.sql(&format!("EXPLAIN QUERY PLAN {query}")).await
    }
    .join("\n");
    assert!(plan.contains("idx_stock_data_symbol_timestamp"), "{plan}");
    assert!(
        !plan.contains("Sort") && !plan.contains("TEMP B-TREE"),
        "{plan}"
    );
}

async fn bars_come_newest_first_within_their_bounds(place: Place) {
    let store = place.open().await;
    let bars = [
        "2026-05-15T13:30:00Z",
        "2026-05-15T13:35:00Z",
        "2026-05-15T13:40:00Z",
    ]
    .map(|at| bar(at, 28_300));
    store_bars(&store, &ibm(), &bars).await;
    let query = BarQuery {
        series: ibm(),
        from: Some(bars[1].timestamp),
        to: None,
        limit: 9,
        order: Order::NewestFirst,
    };
    assert_eq!(store.bars(query.clone()).await.unwrap(), [bars[2], bars[1]]);
    assert_eq!(
        store
            .bars(BarQuery {
                limit: 1,
                order: Order::NewestFirst,
                ..query.clone()
            })
            .await
            .unwrap(),
        [bars[2]]
    );
    let older = BarQuery {
        from: None,
        to: Some(bars[0].timestamp),
        ..query
    };
    assert_eq!(store.bars(older).await.unwrap(), [bars[0]]);
}

async fn rejected_rows_are_kept_with_their_reason(place: Place) {
    let store = place.open().await;
    let run = store.begin_run("test", vec![ibm()]).await.unwrap();
    let request = granted(&store, &run, &ibm()).await;
    store.keep(request, answer(b"{}"), u64::MAX).await.unwrap();
    let mut with_rejected = batch(
        &run,
        request,
        &ibm(),
        &[bar("2026-05-15T13:30:00Z", 28_300)],
    );
    with_rejected.received = 2;
    let rejected = RejectedRow {
        label: "2026-02-30".into(),
        content: "a,b'c".into(),
        reason: "no such date".into(),
    };
    with_rejected.rejected = vec![rejected.clone()];
    with_rejected.set_aside = 4;
    applied(&store, with_rejected).await;
    let rows = place
        .sql("SELECT symbol, label, content, reason FROM rejected_rows")
        .await;
    assert_eq!(rows, ["IBM|2026-02-30|a,b'c|no such date"]);
    let detail = store.run(run.id).await.unwrap().unwrap();
    assert_eq!(
        (
            detail.series[0].received,
            detail.series[0].rejected,
            detail.series[0].set_aside
        ),
        (2, 1, 4)
    );
    assert_eq!(detail.rejected, [(ibm(), rejected)]);
}

async fn prices_and_volumes_round_trip_at_their_limits(place: Place) {
    let store = place.open().await;
    let mut largest = bar("2026-05-15T13:30:00Z", 28_300);
    let top = Price::parse("89999999999.99999999").unwrap().0;
    (largest.open, largest.high, largest.close) = (top, top, top);
    (largest.low, largest.volume) = (
        Price::from_units(1),
        Volume::new(i64::MAX, Volume::ONE - 1).unwrap(),
    );
    store_bars(&store, &ibm(), &[largest]).await;
    let query = BarQuery {
        series: ibm(),
        from: None,
        to: None,
        limit: 1,
        order: Order::NewestFirst,
    };
    assert_eq!(store.bars(query).await.unwrap(), [largest]);
}

async fn the_store_itself_refuses_impossible_bars(place: Place) {
    let store = place.open().await;
    let good = bar("2026-05-15T13:30:00Z", 28_300);
    let free = Price::from_units(0);
    for bad in [
        Bar {
            high: good.low,
            ..good
        },
        Bar { low: free, ..good },
    ] {
        let run = store.begin_run("test", vec![ibm()]).await.unwrap();
        let request = granted(&store, &run, &ibm()).await;
        store.keep(request, answer(b"{}"), u64::MAX).await.unwrap();
        let mixed = batch(
            &run,
            request,
            &ibm(),
            &[
                Bar {
                    timestamp: good.timestamp - TimeDelta::days(1),
                    ..good
                },
                bad,
            ],
        );
        assert_eq!(
            store
                .apply(vec![mixed], credential())
                .await
                .unwrap_err()
                .kind,
            DbErrorKind::Other
        );
    }
    assert_eq!(
        place.sql("SELECT count(*) FROM stock_data").await,
        ["0"],
        "all of an answer or nothing"
    );
    if place.is_postgres() {
        let nan = "INSERT INTO stock_data (symbol, interval, timestamp, trading_date, open_price, high_price, \
                   low_price, close_price, volume) VALUES ('X', 'daily', now(), now(), 'NaN', 'NaN', 'NaN', 'NaN', 1) \
                   ON CONFLICT DO NOTHING";
        let place = place.clone();
        assert!(
            tokio::spawn(async move { place.sql(nan).await })
                .await
                .is_err()
        );
    }
}

async fn the_newest_bars_of_a_symbol_are_merged_from_all_its_series(place: Place) {
    let store = place.open().await;
    // More series than the view of SQLite is made for at first.
    let keys: Vec<SeriesKey> = ["alpha_vantage", "second"]
        .into_iter()
        .flat_map(|source| Interval::ALL.map(|interval| (source, interval)))
        .map(|(source, interval)| SeriesKey {
            source: source.parse().unwrap(),
            ..series("IBM", interval)
        })
        .collect();
    for (key, minute) in keys.iter().zip(0..) {
        let mut newest = bar("2026-05-15T13:30:00Z", 28_300);
        newest.timestamp += TimeDelta::minutes(minute);
        newest.is_final = false;
        assert_eq!(store_bars(&store, key, &[newest]).await, counts(1, 0, 0));
        newest.is_final = true;
        assert_eq!(store_bars(&store, key, &[newest]).await, counts(0, 1, 0));
    }
    let query = "SELECT source, interval FROM stock_data WHERE symbol = 'IBM' ORDER BY timestamp DESC LIMIT 12";
    let newest: Vec<String> = keys
        .iter()
        .rev()
        .take(12)
        .map(|key| format!("{}|{}", key.source, key.interval))
        .collect();
    assert_eq!(place.sql(query).await, newest);
    let counted = "SELECT count(*), count(DISTINCT id), sum(CASE WHEN final THEN 1 ELSE 0 END) FROM stock_data";
    assert_eq!(place.sql(counted).await, ["16|16|16"]);
    let held = store.held("ibm".parse().unwrap()).await.unwrap();
    assert_eq!(held.len(), 16);
}
