//! A database in which the pipeline that this program replaces has stored bars.

use super::*;

/// Its own table, with rows that are bars and rows that cannot be.
const MADE: &str = "\
    CREATE TABLE stock_data (id SERIAL PRIMARY KEY, symbol VARCHAR(10) NOT NULL, timestamp TIMESTAMP NOT NULL, \
        open_price DECIMAL(10,4), high_price DECIMAL(10,4), low_price DECIMAL(10,4), close_price DECIMAL(10,4), \
        volume BIGINT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP); \
    CREATE INDEX idx_stock_data_symbol_timestamp ON stock_data (symbol, timestamp); \
    CREATE INDEX idx_stock_data_timestamp ON stock_data (timestamp); \
    INSERT INTO stock_data (symbol, timestamp, open_price, high_price, low_price, close_price, volume) \
    SELECT 'IBM', timestamp '2026-11-24 09:30' + n * interval '5 min', 10, 11, 9, 10.5, 100 + n \
    FROM generate_series(0, 77) n; \
    INSERT INTO stock_data (symbol, timestamp, open_price, high_price, low_price, close_price, volume, updated_at) VALUES \
        ('ibm', '2026-07-01 09:30', 10, 11, 9, 10.5, 1, '2026-07-02'), \
        ('IBM', '2026-07-01 09:30', 10, 11, 9, 10.5, 2, '2026-07-03'), \
        ('IBM', '2026-07-01 09:35', NULL, 11, 9, 10.5, 3, '2026-07-03'), \
        ('IBM', '2026-07-01 09:40', 10, 9, 11, 10.5, 4, '2026-07-03')";

#[tokio::test(flavor = "multi_thread")]
async fn the_originals_bars_are_taken_over_when_someone_says_so() {
    let Some(url) = cluster::new_database() else {
        return;
    };
    let server = provider(Plan::Unlimited, &[]).await;
    let desk = Desk::new().asking(&server).with("DATABASE_URL", &url);
    let nothing = desk.run(&["adopt", "--interval", "5min"]);
    assert_refused(&nothing, &["nothing to adopt"]);
    psql(&url, MADE);
    let rows = "SELECT count(*), sum(volume) FROM stock_data";
    let before = psql(&url, rows);
    assert_refused(
        &desk.run(&FETCH),
        &[
            "stock_data",
            "older pipeline",
            "pipeline-tui adopt",
            "Nothing was changed",
        ],
    );
    assert_refused(
        &desk.run(&["bars", "IBM", "--read-only"]),
        &["pipeline-tui adopt"],
    );
    assert_eq!(desk.run(&["adopt"]).code, 2, "it needs an interval");
    let trial = desk.run(&["adopt", "--interval", "5min", "--dry-run"]);
    assert_eq!(trial.code, 0, "{trial:?}");
    assert!(
        trial.stdout.contains("79 of 82 rows become 5min bars")
            && trial
                .stdout
                .contains("2026-07-01 09:30 to 2026-11-24 15:55")
            && trial.stdout.contains("3 rows cannot be bars")
            && trial.stdout.contains("stock_data_original")
            && trial.stderr.contains("nothing was changed"),
        "{trial:?}"
    );
    assert_eq!(psql(&url, rows), before);
    assert_refused(&desk.run(&FETCH), &["pipeline-tui adopt"]);
    assert_eq!(server.journal().len(), 0, "nothing was asked");

    let done = desk.run(&["adopt", "--interval", "5min"]);
    assert_eq!((done.code, &done.stdout), (0, &trial.stdout), "{done:?}");
    assert_eq!(
        psql(
            &url,
            "SELECT count(*), sum(volume) FROM stock_data_original"
        ),
        before
    );
    let first = "SELECT symbol, timestamp AT TIME ZONE 'UTC', volume, interval, stock_data.source, final, bars \
                 FROM stock_data JOIN series_totals USING (symbol, interval, adjusted) ORDER BY timestamp LIMIT 2";
    let [summer, winter] = [
        "IBM|2026-07-01 13:30:00|2|5min|alpha_vantage|t|79",
        "IBM|2026-11-24 14:30:00|100|5min|alpha_vantage|",
    ];
    let found = psql(&url, first);
    let lines: Vec<&str> = found.lines().collect();
    assert!(
        lines[0] == summer && lines[1].starts_with(winter),
        "{found}"
    );
    assert_fetches(&desk);
    let read = desk.run(&[
        "bars",
        "ibm",
        "--interval",
        "5min",
        "--limit",
        "100",
        "--format",
        "csv",
    ]);
    assert_eq!(
        (read.code, read.stdout.lines().count()),
        (0, 80),
        "{read:?}"
    );
    assert_refused(
        &desk.run(&["adopt", "--interval", "5min"]),
        &["nothing to adopt"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_only_looks_alike_is_not_taken_over() {
    let Some(url) = cluster::new_database() else {
        return;
    };
    psql(
        &url,
        "CREATE TABLE stock_data (symbol text, timestamp timestamp, interval text)",
    );
    let desk = Desk::new().with("DATABASE_URL", &url);
    assert_refused(
        &desk.run(&["adopt", "--interval", "5min"]),
        &["stock_data", "left unchanged"],
    );
}
