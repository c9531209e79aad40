//! Kept requests and answers, windows of bars, and changes of the watch list in place.

use super::*;
use pipeline_tui::db::StoredAnswer;

contract! {
    an_answer_can_be_read_again_until_it_makes_room,
    a_store_knows_what_it_takes,
    a_request_knows_how_long_its_parts_took,
    a_request_knows_whether_it_asked_for_adjusted_prices,
    bars_are_read_from_either_end,
    a_window_is_a_range_of_the_keys_index,
}

async fn an_answer_can_be_read_again_until_it_makes_room(place: Place) {
    let store = place.open().await;
    let run = store.begin_run("test", vec![ibm()]).await.unwrap();
    let first = granted(&store, &run, &ibm()).await;
    store.keep(first, answer(b"{\"a\": 1}"), 1).await.unwrap();
    let shown = store.answer(first).await.unwrap().unwrap();
    let expected = StoredAnswer {
        status: Some(200),
        content_type: Some("application/json".into()),
        received_at: "2026-05-15T20:00:00Z".parse().unwrap(),
        elapsed_ms: 12,
        body: Some("{\"a\": 1}".into()),
    };
    assert_eq!(shown, expected);
    let end = RequestEnd::Refused(ErrorClass::Unknown, "no".into());
    store.settle(first, end).await.unwrap();
    let second = granted(&store, &run, &ibm()).await;
    let silent = store.answer(second).await.unwrap().unwrap();
    assert_eq!((silent.status, silent.body), (None, None));
    store.keep(second, answer(b"{}"), 1).await.unwrap();
    let gone = store.answer(first).await.unwrap().unwrap();
    assert_eq!((gone.status, gone.body), (Some(200), None));
    assert_eq!(store.answer(RequestId(999)).await.unwrap(), None);
}

async fn a_store_knows_what_it_takes(place: Place) {
    let store = place.open().await;
    let empty = store.size().await.unwrap();
    assert_eq!((empty.answers, empty.answer_bytes), (0, 0));
    let run = store.begin_run("test", vec![ibm()]).await.unwrap();
    for body in [b"{\"a\": 1}".as_slice(), b"{}"] {
        let request = granted(&store, &run, &ibm()).await;
        store.keep(request, answer(body), u64::MAX).await.unwrap();
    }
    let bars: Vec<Bar> = (0..2_000)
        .map(|i| {
            let mut bar = bar("2026-05-15T13:30:00Z", 28_300);
            bar.timestamp += TimeDelta::minutes(i);
            bar
        })
        .collect();
    store_bars(&store, &ibm(), &bars).await;
    let size = store.size().await.unwrap();
    let kept = place
        .sql("SELECT count(*), sum(octet_length(body)) FROM answers")
        .await;
    assert_eq!(kept, [format!("{}|{}", size.answers, size.answer_bytes)]);
    let (before, bytes) = (empty.bytes.unwrap(), size.bytes.unwrap());
    assert!(bytes > before + 100_000, "{before} {bytes}");
    match &place {
        Place::Postgres(_) => {
            let all = place
                .sql("SELECT pg_database_size(current_database())")
                .await;
            let all: u64 = all[0].parse().unwrap();
            assert!(all.abs_diff(bytes) < 1 << 20, "{all} {bytes}");
        }
        Place::Sqlite(path) => {
            let beside = |end: &str| {
                let file = path.with_file_name(format!("bars.db{end}"));
                std::fs::metadata(file).map_or(0, |data| data.len())
            };
            assert_eq!(bytes, beside("") + beside("-wal"));
        }
    }
}

async fn a_request_knows_how_long_its_parts_took(place: Place) {
    let store = place.open().await;
    let run = store.begin_run("test", vec![ibm()]).await.unwrap();
    let request = granted(&store, &run, &ibm()).await;
    let row = || async {
        let mut detail = store.run(run.id).await.unwrap().unwrap();
        detail.requests.remove(0)
    };
    let reserved = row().await;
    assert_eq!(
        (reserved.id, reserved.ended_at, reserved.parse_ms),
        (request, None, None)
    );
    store.keep(request, answer(b"{}"), u64::MAX).await.unwrap();
    let bars = [bar("2026-05-15T13:30:00Z", 28_300)];
    let batch = batch(&run, request, &ibm(), &bars);
    applied(&store, batch).await;
    let stored = row().await;
    assert_eq!((stored.elapsed_ms, stored.parse_ms), (Some(12), Some(3)));
    assert!(stored.ended_at >= Some(stored.reserved_at), "{stored:?}");
}

async fn a_request_knows_whether_it_asked_for_adjusted_prices(place: Place) {
    let store = place.open().await;
    let adjusted = SeriesKey {
        adjusted: true,
        ..ibm()
    };
    let both = [ibm(), adjusted];
    let run = store.begin_run("test", both.to_vec()).await.unwrap();
    for series in &both {
        granted(&store, &run, series).await;
    }
    let requests = store.run(run.id).await.unwrap().unwrap().requests;
    for (at, series) in both.iter().enumerate() {
        let is_of: Vec<bool> = requests.iter().map(|sent| sent.is_of(series)).collect();
        assert_eq!(is_of, [at == 0, at == 1], "{series}");
        assert_eq!(requests[at].series(), Some(series.to_string()));
    }
}

async fn bars_are_read_from_either_end(place: Place) {
    let store = place.open().await;
    let bars = ["13:30", "13:35", "13:40"].map(|at| bar(&format!("2026-05-15T{at}:00Z"), 28_300));
    store_bars(&store, &ibm(), &bars).await;
    let query = |order, from: Option<usize>, limit| BarQuery {
        series: ibm(),
        from: from.map(|index| bars[index].timestamp),
        to: None,
        limit,
        order,
    };
    let read = |query| store.bars(query);
    let oldest = read(query(Order::OldestFirst, None, 2)).await.unwrap();
    assert_eq!(oldest, [bars[0], bars[1]]);
    let newest = read(query(Order::NewestFirst, None, 2)).await.unwrap();
    assert_eq!(newest, [bars[2], bars[1]]);
    let after = read(query(Order::OldestFirst, Some(1), 1)).await.unwrap();
    assert_eq!(after, [bars[1]]);
}

async fn a_window_is_a_range_of_the_keys_index(place: Place) {
    let store = place.open().await;
    let bars: Vec<Bar> = (0..20_000)
        .map(|i| {
            let mut bar = bar("2026-05-15T13:30:00Z", 28_300);
            bar.timestamp += TimeDelta::minutes(i);
            bar
        })
        .collect();
    for interval in [Interval::Min1, Interval::Min5] {
        store_bars(&store, &series("IBM", interval), &bars).await;
    }
    let (table, from, explain, of) = if place.is_postgres() {
        place.sql("ANALYZE stock_data").await;
        (
            "stock_data",
            "'2026-05-20'::timestamptz",
            "EXPLAIN",
            "source = source_of('alpha_vantage') AND symbol = 'IBM' AND interval = '1min' AND NOT adjusted",
        )
    } else {
        (
            "bars",
            "'2026-05-20 00:00:00'",
            "EXPLAIN QUERY PLAN",
            "series_id = (SELECT id FROM series_totals WHERE source = 'alpha_vantage' AND symbol = 'IBM' \
             AND interval = '1min' AND adjusted = 0)",
        )
    };
    for query in [
        format!(
            "SELECT close_price FROM {table} WHERE {of} AND timestamp >= {from} ORDER BY timestamp ASC LIMIT 50"
        ),
        format!(
            "SELECT close_price FROM {table} WHERE {of} AND timestamp <= {from} ORDER BY timestamp DESC LIMIT 50"
        ),
        format!("SELECT min(timestamp) FROM {table} WHERE {of}"),
    ] {
        let plan = place.sql(&format!("{explain} {query}")).await.join("\n");
        let is_by_key =
            plan.contains("stock_data_key") || plan.contains("USING PRIMARY KEY (series_id=?");
        assert!(is_by_key, "{query}\n{plan}");
        assert!(
            !plan.contains("Sort") && !plan.contains("TEMP B-TREE"),
            "{plan}"
        );
    }
}
