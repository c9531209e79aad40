//! `bars_best`: of each bar that of the preferred source which has it.

use super::*;

contract! {
    each_bar_is_that_of_the_preferred_source_which_has_it,
    bars_of_two_instruments_are_not_joined,
    documented_queries_of_the_best_bars_are_answered_by_indexes,
}

fn of(source: &str, symbol: &str) -> SeriesKey {
    SeriesKey {
        source: source.parse().unwrap(),
        ..series(symbol, Interval::Min5)
    }
}

async fn prefer(store: &Arc<dyn Store>, sources: &[&str]) {
    let order = sources.iter().map(|source| source.parse().unwrap());
    store.rank_sources(order.collect()).await.unwrap();
}

async fn best(place: &Place) -> Vec<String> {
    place
        .sql(
            "SELECT source || ' ' || symbol || ' ' || substr(CAST(timestamp AS text), 12, 5) || ' ' || \
                    CAST(round(close_price) AS integer) \
             FROM bars_best ORDER BY symbol, timestamp, source",
        )
        .await
}

async fn each_bar_is_that_of_the_preferred_source_which_has_it(place: Place) {
    let store = place.open().await;
    let at = |minute: u32, dollars: i64| bar(&format!("2026-05-15T13:{minute}:00Z"), dollars * 100);
    prefer(&store, &["alpha_vantage", "alpaca"]).await;
    store_bars(
        &store,
        &of("alpha_vantage", "IBM"),
        &[at(30, 100), at(35, 101)],
    )
    .await;
    store_bars(&store, &of("alpaca", "IBM"), &[at(35, 201), at(40, 202)]).await;
    store_bars(&store, &of("coinbase", "BTC-USD"), &[at(30, 500)]).await;
    store_bars(&store, &of("binance", "BTCUSDT"), &[at(30, 501)]).await;
    let of_coins = ["coinbase BTC-USD 13:30 500", "binance BTCUSDT 13:30 501"];
    let of_ibm = |of: [&'static str; 3]| [&of_coins[..], &of].concat();
    let first = of_ibm([
        "alpha_vantage IBM 13:30 100",
        "alpha_vantage IBM 13:35 101",
        "alpaca IBM 13:40 202",
    ]);
    assert_eq!(best(&place).await, first);

    prefer(&store, &["alpaca", "alpha_vantage"]).await;
    let second = of_ibm([
        "alpha_vantage IBM 13:30 100",
        "alpaca IBM 13:35 201",
        "alpaca IBM 13:40 202",
    ]);
    assert_eq!(best(&place).await, second);

    // A source that no version ranked yet, and an order that does not name it.
    store_bars(&store, &of("tomorrow", "IBM"), &[at(40, 302), at(45, 303)]).await;
    let third = [&second[..], &["tomorrow IBM 13:45 303"]].concat();
    assert_eq!(best(&place).await, third);
    prefer(&store, &["alpaca", "alpha_vantage"]).await;
    assert_eq!(best(&place).await, third);

    let columns = |name: &str| {
        if place.is_postgres() {
            format!(
                "SELECT column_name || ' ' || data_type FROM information_schema.columns \
                 WHERE table_name = '{name}' ORDER BY ordinal_position"
            )
        } else {
            format!("SELECT name FROM pragma_table_info('{name}')")
        }
    };
    assert_eq!(
        place.sql(&columns("bars_best")).await,
        place.sql(&columns("stock_data")).await
    );
}

async fn bars_of_two_instruments_are_not_joined(place: Place) {
    let store = place.open().await;
    let at = |minute: u32, dollars: i64| bar(&format!("2026-05-15T13:{minute}:00Z"), dollars * 100);
    prefer(&store, &["alpaca", "coinbase"]).await;
    store_bars(&store, &of("alpaca", "ABC"), &[at(30, 100)]).await;
    store_bars(&store, &of("coinbase", "ABC"), &[at(30, 200), at(35, 201)]).await;
    let joined = ["alpaca ABC 13:30 100", "coinbase ABC 13:35 201"];
    assert_eq!(best(&place).await, joined, "nothing speaks against it");
    let listed = async |source: &str, currency: &str, calendar: &str| {
        let quoted = |word: &str| match word {
            "" => "NULL".to_owned(),
            word => format!("'{word}'"),
        };
        let (currency, calendar) = (quoted(currency), quoted(calendar));
        place
            .sql(&format!("DELETE FROM listings WHERE source = '{source}'"))
            .await;
        let row = format!("'{source}', 'ABC', 'ABC', '', '', {currency}, {calendar}");
        place
            .sql(&format!(
                "INSERT INTO listings (source, symbol, name, exchange, kind, currency, calendar) VALUES ({row})"
            ))
            .await;
    };
    listed("alpaca", "USD", "XNYS").await;
    listed("coinbase", "", "").await;
    assert_eq!(
        best(&place).await,
        joined,
        "what is unknown speaks against nothing"
    );
    listed("coinbase", "USD", "XNYS").await;
    assert_eq!(best(&place).await, joined, "it is the same");
    for (currency, calendar) in [("EUR", "XNYS"), ("USD", "24/7"), ("EUR", "")] {
        listed("coinbase", currency, calendar).await;
        assert_eq!(
            best(&place).await,
            ["alpaca ABC 13:30 100"],
            "{currency} {calendar}"
        );
    }
    // Alone, or preferred, it is what the symbol means.
    store_bars(
        &store,
        &SeriesKey {
            interval: Interval::Min1,
            ..of("coinbase", "ABC")
        },
        &[at(40, 300)],
    )
    .await;
    let others = ["alpaca ABC 13:30 100", "coinbase ABC 13:40 300"];
    assert_eq!(best(&place).await, others);
    prefer(&store, &["coinbase", "alpaca"]).await;
    let preferred = [
        "coinbase ABC 13:30 200",
        "coinbase ABC 13:35 201",
        "coinbase ABC 13:40 300",
    ];
    assert_eq!(best(&place).await, preferred);
}

async fn documented_queries_of_the_best_bars_are_answered_by_indexes(place: Place) {
    let store = place.open().await;
    let bars: Vec<Bar> = (0..20_000)
        .map(|i| {
            let mut bar = bar("2026-05-15T13:30:00Z", 28_300);
            bar.timestamp += TimeDelta::minutes(5 * i);
            bar
        })
        .collect();
    prefer(&store, &["alpaca", "alpha_vantage"]).await;
    store_bars(&store, &of("alpaca", "IBM"), &bars[..15_000]).await;
    store_bars(&store, &of("alpha_vantage", "IBM"), &bars).await;
    store_bars(&store, &of("alpha_vantage", "MSFT"), &bars).await;
    for query in [
        "SELECT symbol, timestamp, close_price, volume FROM bars_best \
         WHERE symbol = 'IBM' ORDER BY timestamp DESC LIMIT 10",
        "SELECT timestamp, close_price, volume, source FROM bars_best \
         WHERE symbol = 'IBM' AND interval = '5min' AND NOT adjusted ORDER BY timestamp DESC LIMIT 10",
        "SELECT timestamp, close_price FROM bars_best \
         WHERE symbol = 'IBM' AND interval = '5min' AND NOT adjusted \
           AND timestamp >= '2026-06-01' AND timestamp < '2026-06-02' ORDER BY timestamp",
    ] {
        if place.is_postgres() {
            place.sql("ANALYZE").await;
            let plan = place.sql(&format!("EXPLAIN {query}")).await.join("\n");
            assert!(
                plan.contains("idx_stock_data_symbol_timestamp") || plan.contains("stock_data_key"),
                "{plan}"
            );
            assert!(!plan.contains("Seq Scan on stock_data"), "{plan}");
            assert!(!query.contains("LIMIT") || !plan.contains("Sort"), "{plan}");
        } else {
            let Place::Sqlite(path) = &place else {
                return;
            };
            let client = rusqlite::Connection::open(path).unwrap();
            let explain = format!("EXPLAIN QUERY PLAN {query}");
            let mut explain = client.prepare(&explain).unwrap();
            let steps = explain.query_map([], |row| row.get::<_, String>(3));
            let plan: Vec<String> = steps.unwrap().map(Result::unwrap).collect();
            let plan = plan.join("\n");
            assert!(plan.contains("idx_stock_data_symbol_timestamp"), "{plan}");
            assert!(
                !plan.contains("SCAN s")
                    && !plan.contains("SCAN b")
                    && !plan.contains("TEMP B-TREE"),
                "{plan}"
            );
        }
        let rows = place.sql(query).await;
        assert_eq!(rows.len(), if query.contains("LIMIT") { 10 } else { 288 });
    }
}
