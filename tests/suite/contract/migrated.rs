//! Stores that version 0.1.0 made: brought up to date, every row is there, and a process that dies on
//! the way leaves them as they were.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use pipeline_tui::model::text::thousands;

use super::*;
use crate::support::first_release::{self, WHAT_IS_THERE, filled};

contract! {
    a_store_of_the_first_release_keeps_every_row,
    two_spellings_of_a_symbol_become_one,
    a_move_that_is_killed_is_undone_and_done_again,
}

async fn make_old(place: &Place) {
    match place {
        Place::Sqlite(path) => first_release::in_file(path).await,
        Place::Postgres(url) => first_release::on_server(url).await,
    }
}

/// Daily bars of a symbol, as (day of May 2026, close, when it was updated), and their total.
async fn insert(place: &Place, symbol: &str, bars: &[(u32, u32, &str)]) {
    for (day, close, updated) in bars {
        let sql = if place.is_postgres() {
            format!(
                "INSERT INTO stock_data (symbol, interval, timestamp, trading_date, open_price, high_price, low_price, \
                 close_price, volume, created_at, updated_at) VALUES ('{symbol}', 'daily', '2026-05-{day} 04:00Z', \
                 '2026-05-{day}', {close}, {close}, {close}, {close}, 9007199254740993, '2026-05-01Z', '{updated}Z')"
            )
        } else {
            format!(
                "INSERT INTO bars (symbol, interval, timestamp, trading_day, open_price, high_price, low_price, \
                 close_price, volume, created_at, updated_at) SELECT '{symbol}', 'daily', \
                 unixepoch('2026-05-{day} 04:00'), unixepoch('2026-05-{day}') / 86400, p, p, p, p, 9007199254740993, \
                 unixepoch('2026-05-01'), unixepoch('{updated}') FROM (SELECT {close} * 100000000 AS p)"
            )
        };
        place.sql(&sql).await;
    }
    let bars = bars.len();
    place
        .sql(&format!(
            "INSERT INTO series_totals VALUES ('{symbol}', 'daily', false, {bars})"
        ))
        .await;
}

async fn a_store_of_the_first_release_keeps_every_row(place: Place) {
    make_old(&place).await;
    let days = [(14, 100, "2026-05-14 20:20"), (15, 101, "2026-05-15 15:00")];
    insert(&place, "IBM", &days).await;
    let (attempt, no) = if place.is_postgres() {
        ("gen_random_uuid()", "false")
    } else {
        ("'6f1c'", "0")
    };
    for sql in [
        "INSERT INTO series (symbol, interval, settings) VALUES ('IBM', 'daily', '{\"a\": 1}')".to_owned(),
        "INSERT INTO settings (name, value) VALUES ('paused', 'true'), ('listings_at', '2026-05-15T20:00:00Z')"
            .to_owned(),
        "INSERT INTO runs (status, trigger, lock_key) VALUES ('interrupted', 'fetch', 7)".to_owned(),
        format!(
            "INSERT INTO run_series (run_id, symbol, interval, adjusted, status, received, attempts, requests) \
             VALUES (1, 'IBM', 'daily', {no}, 'succeeded', 2, 3, 3)"
        ),
        format!(
            "INSERT INTO requests (attempt_id, run_id, symbol, interval, adjusted, function, query, key_fingerprint, \
             plan, attempt, state, body_bytes) VALUES ({attempt}, 1, 'IBM', 'daily', {no}, 'TIME_SERIES_DAILY', \
             'function=TIME_SERIES_DAILY&symbol=IBM', 'f00d', 'free', 2, 'answered', 2)"
        ),
        "INSERT INTO answers (request_id, received_at, http_status, stored_bytes, body) VALUES (1, \
         '2026-05-15 20:00:00.000', 200, 22, '')"
            .to_owned(),
        format!(
            "INSERT INTO rejected_rows (request_id, symbol, interval, adjusted, label, content, reason) \
             VALUES (1, 'IBM', 'daily', {no}, 'x', 'y', 'z')"
        ),
        format!(
            "INSERT INTO entitlements (key_fingerprint, function, plan, granted) \
             VALUES ('f00d', 'TIME_SERIES_DAILY', 'free', {no})"
        ),
        "INSERT INTO listings VALUES ('IBM', 'International', 'NYSE', 'Stock')".to_owned(),
    ] {
        place.sql(&sql.replace(
            "200, 22, '')",
            if place.is_postgres() { "200, 22, '')" } else { "200, 22, x'')" },
        ))
        .await;
    }
    let store = place.open().await;
    let bars = place
        .sql(
            "SELECT symbol, interval, source, final, volume, CAST(close_price AS integer) \
              FROM stock_data ORDER BY timestamp",
        )
        .await;
    let [yes, no] = if place.is_postgres() {
        ["t", "f"]
    } else {
        ["1", "0"]
    };
    assert_eq!(
        bars,
        [
            format!("IBM|daily|alpha_vantage|{yes}|9007199254740993|100"),
            format!("IBM|daily|alpha_vantage|{no}|9007199254740993|101"),
        ]
    );
    let found = store.bars(BarQuery {
        series: series("IBM", Interval::Daily),
        from: None,
        to: None,
        limit: 9,
        order: Order::NewestFirst,
    });
    assert_eq!(found.await.unwrap().len(), 2);
    assert_eq!(store.health().await.unwrap().bars, 2);
    assert_eq!(
        store.watch_list().await.unwrap(),
        [series("IBM", Interval::Daily)]
    );
    assert_eq!(
        store.setting("paused").await.unwrap().as_deref(),
        Some("true")
    );
    let detail = store
        .run(pipeline_tui::model::RunId(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((detail.series.len(), detail.series[0].received), (1, 2));
    assert!(detail.requests[0].is_of(&series("IBM", Interval::Daily)));
    assert_eq!(detail.rejected.len(), 1);
    assert_eq!(store.entitlements(credential()).await.unwrap().len(), 1);
    let (sent_at, listings) = store.listings(SourceId::DEFAULT).await.unwrap();
    let is_of_us = listings[0].currency == "USD".parse().ok();
    let may = "2026-05-15T20:00:00Z".parse().unwrap();
    assert_eq!((sent_at, is_of_us), (Some(may), true));
    let kept = "SELECT (SELECT retries FROM run_series), (SELECT count(*) FROM answers), \
                (SELECT source FROM requests), (SELECT endpoint FROM requests)";
    assert_eq!(
        place.sql(kept).await,
        ["2|1|alpha_vantage|TIME_SERIES_DAILY"]
    );
}

async fn two_spellings_of_a_symbol_become_one(place: Place) {
    make_old(&place).await;
    let upper = [(13, 100, "2026-05-13 21:00"), (14, 101, "2026-05-14 21:00")];
    let lower = [(14, 102, "2026-05-15 09:00"), (15, 103, "2026-05-15 21:00")];
    insert(&place, "IBM", &upper).await;
    insert(&place, "ibm", &lower).await;
    insert(&place, "Ibm", &[(14, 99, "2026-05-14 09:00")]).await;
    for sql in [
        "INSERT INTO series (symbol, interval) VALUES ('ibm', 'daily'), ('MSFT', 'daily'), ('IBM', 'daily')",
        "INSERT INTO runs (status, trigger, lock_key) VALUES ('partial', 'fetch', 7)",
        "INSERT INTO run_series (run_id, symbol, interval, adjusted, status, received, attempts) VALUES \
         (1, 'ibm', 'daily', false, 'failed', 3, 2), (1, 'IBM', 'daily', false, 'succeeded', 4, 1)",
        "INSERT INTO listings VALUES ('ibm', 'a', 'b', 'c'), ('Ibm', 'a', 'b', 'c')",
    ] {
        place.sql(sql).await;
    }
    let store = place.open().await;
    let bars = "SELECT symbol, CAST(close_price AS integer) FROM stock_data ORDER BY timestamp";
    assert_eq!(place.sql(bars).await, ["IBM|100", "IBM|102", "IBM|103"]);
    assert_eq!(store.health().await.unwrap().bars, 3);
    let list: Vec<String> = store
        .watch_list()
        .await
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(list, ["IBM daily", "MSFT daily"]);
    let ended = "SELECT symbol, status, received, attempts, retries FROM run_series";
    assert_eq!(place.sql(ended).await, ["IBM|failed|7|3|1"]);
    assert_eq!(place.sql("SELECT symbol FROM listings").await, ["IBM"]);
}

/// So many bars that the move reports several times.
const BARS: u64 = 250_000;
const KILLS: usize = 5;
/// Of so many bars at most, or a tenth of all, each line reports.
const LINE: u64 = 100_000;

/// How many bars are moved: the variable `MIGRATE_BARS`, for a large store.
fn to_move() -> u64 {
    std::env::var("MIGRATE_BARS").map_or(BARS, |bars| bars.parse().unwrap())
}

async fn a_move_that_is_killed_is_undone_and_done_again(place: Place) {
    make_old(&place).await;
    let url = match &place {
        Place::Postgres(url) => url.clone(),
        Place::Sqlite(path) => format!("sqlite://{}", path.display()),
    };
    let bars = to_move();
    let fill = first_release::filling(place.is_postgres(), bars);
    place.sql(&fill).await;
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        Command::new(env!("CARGO_BIN_EXE_pipeline-tui"))
            .args(["bars", "S1", "--limit", "1"])
            .env_clear()
            .env("DATABASE_URL", &url)
            .env("PIPELINE_DATA_DIR", folder.path())
            .env("HOME", folder.path())
            .current_dir(&folder)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let is_whole = async |schema| {
        place.sql(&first_release::intact(place.is_postgres())).await == [bars.to_string()]
            && place.sql(WHAT_IS_THERE).await == [filled(bars, schema)]
    };
    assert!(is_whole(first_release::SCHEMA).await);
    for _ in 0..KILLS {
        let mut child = start();
        let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
        let (line, lines) = mpsc::channel();
        let reader = thread::spawn(move || {
            while told
                .next()
                .is_some_and(|told| line.send(told.unwrap()).is_ok())
            {}
        });
        // A moment after one of its lines, or with the next, which is not the last.
        for _ in 0..fastrand::u64(1..=(bars - 1) / LINE) {
            let line = lines.recv().unwrap();
            assert!(
                line.contains(&format!("{} bars", thousands(bars))),
                "{line}"
            );
        }
        let moment = Duration::from_millis(fastrand::u64(..500));
        let said = lines.recv_timeout(moment);
        child.kill().unwrap();
        child.wait().unwrap();
        drop(lines);
        reader.join().unwrap();
        assert!(
            is_whole(first_release::SCHEMA).await,
            "killed after {said:?}"
        );
    }
    assert!(start().wait_with_output().unwrap().status.success());
    assert!(is_whole(first_release::newest()).await);
    let store = place.try_open(Access::ReadOnly).await.unwrap();
    assert_eq!(store.health().await.unwrap().bars, bars);
}
