//! Each table of the schema has a rule that keeps it bounded, and says what it takes.

use super::*;
use pipeline_tui::model::{BoundedBy, Retention, StoreTable, TableSize};

contract! {
    each_table_of_the_schema_says_what_keeps_it_bounded,
    a_store_knows_what_each_table_takes,
    history_and_what_hangs_on_it_is_deleted,
}

/// The table as this database calls it.
pub fn name(place: &Place, table: StoreTable) -> &'static str {
    match table {
        StoreTable::Bars if place.is_postgres() => "stock_data",
        other => other.as_str(),
    }
}

async fn each_table_of_the_schema_says_what_keeps_it_bounded(place: Place) {
    drop(place.open().await);
    let there = match place {
        Place::Sqlite(_) => {
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        }
        Place::Postgres(_) => "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()",
    };
    let mut there = place.sql(there).await;
    there.retain(|table| table != "_sqlx_migrations");
    there.sort_unstable();
    let mut ruled: Vec<&str> = StoreTable::ALL
        .iter()
        .map(|table| name(&place, *table))
        .collect();
    ruled.sort_unstable();
    assert_eq!(there, ruled);
}

fn of(tables: &[TableSize], table: StoreTable) -> TableSize {
    *tables.iter().find(|one| one.table == table).unwrap()
}

async fn a_store_knows_what_each_table_takes(place: Place) {
    let store = place.open().await;
    let empty = store.tables().await.unwrap();
    assert_eq!(empty.len(), StoreTable::ALL.len());
    let is_empty = |one: &TableSize| !one.table.grows() || one.rows == 0;
    assert!(empty.iter().all(is_empty), "{empty:?}");
    let bars = coverage::some("2026-05-15T13:30:00Z", 70);
    store_bars(&store, &ibm(), &bars).await;
    place.sql("DELETE FROM runs").await;
    upkeep::history(&place, 3_000).await;
    if place.is_postgres() {
        place.sql("ANALYZE").await;
    }
    let full = store.tables().await.unwrap();
    for (table, rows) in [
        (StoreTable::Bars, 70),
        (StoreTable::Requests, 3_000),
        (StoreTable::RunSeries, 3_000),
        (StoreTable::Coverage, of(&empty, StoreTable::Coverage).rows),
    ] {
        assert!(of(&full, table).rows.abs_diff(rows) < 10, "{full:?}");
    }
    let grown = |table| of(&full, table).bytes - of(&empty, table).bytes;
    assert!(grown(StoreTable::Requests) > 3_000 * 50, "{full:?}");
    assert!(
        full.is_sorted_by(|one, next| one.bytes >= next.bytes),
        "{full:?}"
    );
    let all: u64 = full.iter().map(|one| one.bytes).sum();
    let whole = store.size().await.unwrap().bytes.unwrap();
    // The rest is the log, the schema, or the catalogue of the server.
    assert!(all < whole && all > 500_000, "{all} of {whole} bytes");
}

/// Old rows in each table of the history and in those that hang on it.
async fn old_rows(place: &Place) {
    let (at, no, id, body) = match place {
        Place::Sqlite(_) => ("'2020-01-02 03:04:05.000'", "0", "'a'", "x'00'"),
        Place::Postgres(_) => (
            "timestamptz '2020-01-02'",
            "false",
            "gen_random_uuid()",
            "'\\x00'",
        ),
    };
    let series = format!("'alpha_vantage', 'IBM', 'daily', {no}");
    for rows in [
        format!(
            "INSERT INTO runs (id, status, trigger, lock_key, started_at, finished_at) VALUES (1, 'failed', 'schedule', 1, {at}, {at})"
        ),
        // The newest runs stay: this one stands for them.
        format!(
            "INSERT INTO runs (id, status, trigger, lock_key, started_at, finished_at) VALUES (1000, 'failed', 'schedule', 1, {at}, {at})"
        ),
        format!(
            "INSERT INTO run_series (run_id, source, symbol, interval, adjusted, status, finished_at) VALUES (1, {series}, 'failed', {at})"
        ),
        format!(
            "INSERT INTO requests (id, attempt_id, run_id, source, endpoint, parameters, key_fingerprint, plan, attempt, state, reserved_at) VALUES (1, {id}, 1, 'alpha_vantage', 'daily', '', 'f', 'free', 1, 'stored', {at})"
        ),
        format!(
            "INSERT INTO request_series (request_id, source, symbol, interval, adjusted) VALUES (1, {series})"
        ),
        format!(
            "INSERT INTO answers (request_id, received_at, http_status, stored_bytes, body) VALUES (1, {at}, 200, 1, {body})"
        ),
        format!(
            "INSERT INTO rejected_rows (request_id, source, symbol, interval, adjusted, label, content, reason) VALUES (1, {series}, '', '', '')"
        ),
        format!("INSERT INTO events (at, name, detail) VALUES ({at}, 'run_ended', '{{}}')"),
        format!(
            "INSERT INTO ticks (at, source, outcome, run_id, decided_at) VALUES ({at}, 'alpha_vantage', 'done', 1, {at})"
        ),
    ] {
        place.sql(&rows).await;
    }
}

async fn history_and_what_hangs_on_it_is_deleted(place: Place) {
    let store = place.open().await;
    old_rows(&place).await;
    place.sql("DELETE FROM events WHERE detail <> '{}'").await;
    let count = async |table: StoreTable| {
        let rows = format!("SELECT CAST(count(*) AS text) FROM {table}");
        place.sql(&rows).await.remove(0)
    };
    let goes = |table: &&StoreTable| {
        matches!(
            table.bounded_by(),
            BoundedBy::History | BoundedBy::Requests | BoundedBy::AnswersLimit
        )
    };
    let all = StoreTable::ALL.iter().filter(goes);
    for table in all.clone() {
        assert_ne!(
            count(*table).await,
            "0",
            "{table}: there is nothing to delete"
        );
    }
    let upto = store.forgettable(Retention::USUAL).await.unwrap();
    store.forget(upto, 1_000).await.unwrap();
    for table in all {
        let left = if *table == StoreTable::Runs { "1" } else { "0" };
        assert_eq!(count(*table).await, left, "{table}");
    }
}

/// The words of the page are those of the program.
#[test]
fn the_page_says_of_each_table_what_keeps_it_bounded() {
    let page = include_str!("../../../docs/operations.md");
    for table in StoreTable::ALL {
        let name = format!("`{table}`");
        let rule = table.kept(Retention::USUAL);
        let is_row = |line: &&str| {
            let mut cells = line.split('|').skip(1);
            let names = cells.next().is_some_and(|cell| cell.contains(&name));
            names && cells.next().is_some_and(|cell| cell.contains(&rule))
        };
        assert!(page.lines().any(|line| is_row(&line)), "{table}: {rule}");
    }
}
