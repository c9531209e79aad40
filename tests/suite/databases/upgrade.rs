//! Stores of version 0.1.0 that are brought up to date where something is in the way.

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStderr, Stdio};

use super::*;
use crate::support::first_release::{self, WHAT_IS_THERE, filled, newest};
use crate::support::mount::Mount;
use crate::support::program::signal;

const OLD: i64 = first_release::SCHEMA;
/// Enough for several lines of progress.
const MANY: u64 = 250_000;
const READ: [&str; 4] = ["bars", "S1", "--limit", "1"];

/// Makes an old store with this many bars where a desk has its own.
async fn old_store(desk: &Desk, bars: u64) {
    if let Some(url) = desk.postgres() {
        first_release::on_server(url).await;
    } else {
        std::fs::create_dir_all(desk.folder().join("data")).unwrap();
        first_release::in_file(&desk.database()).await;
    }
    desk.sql(&first_release::filling(desk.postgres().is_some(), bars));
}

/// A start that has said that some of the bars are moved, and what else it says.
fn moving(desk: &Desk, arguments: &[&str]) -> (Child, Lines<BufReader<ChildStderr>>) {
    let mut child = desk
        .command(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let begun = said.next().unwrap().unwrap();
    assert!(begun.contains("MB of disk"), "{begun}");
    let moved = said.next().unwrap().unwrap();
    assert!(moved.contains("of 250,000 bars moved"), "{moved}");
    (child, said)
}

/// How it ended, and the rest of what it said.
fn ended((mut child, said): (Child, Lines<BufReader<ChildStderr>>)) -> (Option<i32>, String) {
    let rest: Vec<String> = said.map_while(Result::ok).collect();
    (child.wait().unwrap().code(), rest.join("\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_while_bars_are_moved_leaves_the_store_as_it_was() {
    for desk in Desk::on_each_database() {
        old_store(&desk, MANY).await;
        for (arguments, name, code) in [
            (&READ[..], "INT", 130),
            (&FETCH[..], "TERM", 130),
            (&["run"], "TERM", 0),
        ] {
            let start = moving(&desk, arguments);
            signal(name, &start.0);
            let (found, said) = ended(start);
            assert_eq!(found, Some(code), "{arguments:?}: {said}");
            assert_eq!(
                said.contains("nothing was left half done"),
                code == 130,
                "{said}"
            );
            assert_eq!(
                desk.sql(WHAT_IS_THERE),
                [filled(MANY, OLD)],
                "{arguments:?}"
            );
        }
        assert_eq!(desk.run(&READ).code, 0);
        assert_eq!(desk.sql(WHAT_IS_THERE), [filled(MANY, newest())]);
    }
}

/// Leaves no room while bars are moved, then makes some.
fn run_out_of_room(desk: &Desk, mount: &Mount, words: &str) {
    let start = moving(desk, &READ);
    let filling = mount.fill(0);
    let (code, said) = ended(start);
    assert_eq!(code, Some(3), "{said}");
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("pipeline-tui:"))
        .collect();
    assert!(
        matches!(lines[..], [line] if line.contains(words)),
        "{said}"
    );
    drop(filling);
    assert_eq!(desk.sql(WHAT_IS_THERE), [filled(MANY, OLD)]);
    assert_eq!(desk.run(&READ).code, 0);
    assert_eq!(desk.sql(WHAT_IS_THERE), [filled(MANY, newest())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_on_a_disk_that_runs_full_is_moved_once_there_is_room() {
    let desk = Desk::new();
    let data = desk.folder().join("data");
    std::fs::create_dir(&data).unwrap();
    let Some(mount) = Mount::small(&data, "160m") else {
        return;
    };
    old_store(&desk, MANY).await;
    let filling = mount.fill(8_000_000);
    let done = desk.run(&READ);
    assert_eq!(done.code, 3, "{done:?}");
    for words in ["needs 24 MB more", "8 MB are free", "left unchanged"] {
        assert!(done.stderr.contains(words), "{words}: {done:?}");
    }
    assert_eq!(desk.sql(WHAT_IS_THERE), [filled(MANY, OLD)]);
    drop(filling);
    run_out_of_room(&desk, &mount, "no space is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_on_a_disk_that_runs_full_is_moved_once_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mount) = Mount::small(folder.path(), "320m") else {
        return;
    };
    let Some(server) = cluster::Server::start("-c fsync=off") else {
        return;
    };
    if let Some(user) = cluster::plain_user() {
        let id = std::process::Command::new("chown")
            .arg(user)
            .arg(folder.path())
            .status();
        assert!(id.unwrap().success());
    }
    let url = |database: &str| format!("{}/{database}", server.base_url());
    let place = folder.path().display();
    psql(
        &url("postgres"),
        &format!("CREATE TABLESPACE small LOCATION '{place}'"),
    );
    psql(&url("postgres"), "CREATE DATABASE bars TABLESPACE small");
    let desk = Desk::new().with("DATABASE_URL", &url("bars"));
    old_store(&desk, MANY).await;
    run_out_of_room(&desk, &mount, "no space left");
    server.pg_ctl(&["-m", "immediate", "-s", "stop"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn views_of_others_on_the_table_of_bars_are_named_and_left() {
    let Some((url, desk, server)) = place().await else {
        return;
    };
    old_store(&desk, 7).await;
    psql(
        &url,
        "CREATE VIEW closes AS SELECT symbol, close_price FROM stock_data; \
         CREATE MATERIALIZED VIEW \"Last bar\" AS SELECT max(timestamp) FROM stock_data; \
         CREATE VIEW unrelated AS SELECT symbol FROM series",
    );
    for dropped in ["VIEW closes", "MATERIALIZED VIEW \"Last bar\""] {
        let name = dropped.rsplit("VIEW ").next().unwrap();
        assert_refused(
            &desk.run(&FETCH),
            &["these views read it", name, "left unchanged", "drop them"],
        );
        assert_eq!(desk.sql(WHAT_IS_THERE), [filled(7, OLD)]);
        psql(&url, &format!("DROP {dropped}"));
    }
    assert_eq!(server.journal().len(), 0);
    assert_fetches(&desk);
    assert_eq!(psql(&url, "SELECT count(*) FROM unrelated"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_of_others_on_the_table_of_bars_are_named_and_left() {
    for desk in Desk::on_each_database() {
        old_store(&desk, 7).await;
        let is_postgres = desk.postgres().is_some();
        let bars = if is_postgres { "stock_data" } else { "bars" };
        desk.sql(&format!("ALTER TABLE {bars} ADD COLUMN note text"));
        desk.sql(&format!("UPDATE {bars} SET note = 'checked'"));
        let refused = desk.run(&READ);
        assert_eq!(refused.code, 2, "{refused:?}");
        for words in ["by others: note.", "left unchanged", "drop them from"] {
            assert!(refused.stderr.contains(words), "{words}: {refused:?}");
        }
        assert_eq!(desk.sql(WHAT_IS_THERE), [filled(7, OLD)]);
        assert_eq!(
            desk.sql(&format!(
                "SELECT count(*) FROM {bars} WHERE note = 'checked'"
            )),
            ["7"]
        );
        desk.sql(&format!("ALTER TABLE {bars} DROP COLUMN note"));
        assert_eq!(desk.run(&READ).code, 0);
        assert_eq!(desk.sql(WHAT_IS_THERE), [filled(7, newest())]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn views_of_others_in_a_file_stay_and_answer() {
    let desk = Desk::new();
    old_store(&desk, 7).await;
    desk.sql("CREATE VIEW closes AS SELECT symbol, close_price FROM stock_data");
    assert_eq!(desk.run(&READ).code, 0);
    assert_eq!(desk.sql(WHAT_IS_THERE), [filled(7, newest())]);
    assert_eq!(desk.sql("SELECT count(close_price) FROM closes"), ["7"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_added_to_the_table_of_bars_is_named_before_it_goes() {
    for desk in Desk::on_each_database() {
        old_store(&desk, 7).await;
        let is_postgres = desk.postgres().is_some();
        let bars = if is_postgres { "stock_data" } else { "bars" };
        let mut added = vec!["CREATE INDEX by_close", "CREATE TRIGGER theirs"];
        desk.sql(&format!("CREATE INDEX by_close ON {bars} (close_price)"));
        if is_postgres {
            added.push("ADD CONSTRAINT cheap CHECK");
            for sql in [
                "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
                "CREATE TRIGGER theirs AFTER INSERT ON stock_data FOR EACH ROW EXECUTE FUNCTION nothing()",
                "ALTER TABLE stock_data ADD CONSTRAINT cheap CHECK (low_price < 1000000)",
            ] {
                desk.sql(sql);
            }
        } else {
            desk.sql("CREATE TRIGGER theirs AFTER INSERT ON bars\nBEGIN SELECT 1; END");
        }
        let doctor = desk.run(&["doctor"]);
        let start = desk.run(&READ);
        assert_eq!(start.code, 0, "{start:?}");
        for said in [&doctor.stdout, &start.stderr] {
            let line = said
                .lines()
                .find(|line| line.contains("replaces the table"));
            let line = line.unwrap_or_else(|| panic!("{said}"));
            for sql in &added {
                assert!(line.contains(sql), "{sql}: {line}");
            }
            for ours in ["idx_stock_data", "stock_data_key", "_touch", "_deleted"] {
                assert!(!line.contains(ours), "{ours}: {line}");
            }
        }
        assert_eq!(desk.sql(WHAT_IS_THERE), [filled(7, newest())]);
        let again = desk.run(&["doctor"]);
        assert!(!again.stdout.contains("replaces the table"), "{again:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_could_use_the_store_still_can() {
    let Some((url, desk, server)) = place().await else {
        return;
    };
    old_store(&desk, 7).await;
    let (reader, its) = role(&url, "");
    let (column_reader, theirs) = role(&url, "");
    let (fetcher, own) = role(&url, "");
    psql(
        &url,
        &format!(
            "GRANT SELECT ON stock_data TO {reader} WITH GRANT OPTION; \
             GRANT SELECT (symbol, volume), UPDATE (volume) ON stock_data TO {column_reader}; \
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {fetcher}"
        ),
    );
    assert_fetches(&desk);
    let grants = "SELECT grantee, privilege_type, is_grantable FROM information_schema.table_privileges \
                  WHERE table_name = 'stock_data' AND grantee IN";
    assert_eq!(
        psql(&url, &format!("{grants} ('{reader}', '{column_reader}')")),
        format!("{reader}|SELECT|YES")
    );
    assert_eq!(
        psql(&its, "SELECT count(close_price) FROM stock_data"),
        "207"
    );
    psql(
        &theirs,
        "UPDATE stock_data SET volume = 1 WHERE symbol = 'S1'",
    );
    assert_eq!(psql(&theirs, "SELECT min(volume) FROM stock_data"), "1");
    let before = server.journal().len();
    assert_fetches(&Desk::new().asking(&server).with("DATABASE_URL", &own));
    assert!(server.journal().len() > before);
}

/// Every query that the documentation shows.
fn documented() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.join("README.md")];
    let docs = std::fs::read_dir(root.join("docs")).unwrap();
    pages.extend(docs.map(|entry| entry.unwrap().path()));
    pages.retain(|page| page.extension().is_some_and(|ext| ext == "md"));
    let mut queries = vec![];
    for page in pages {
        let text = std::fs::read_to_string(page).unwrap();
        for rest in text.split("SELECT ").skip(1) {
            let query = rest.split([';', '"']).next().unwrap();
            queries.push(format!("SELECT {query}"));
        }
    }
    queries
}

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_query_is_answered_from_an_index() {
    let queries = documented();
    assert!(queries.len() >= 6, "{queries:?}");
    for desk in Desk::on_each_database() {
        old_store(&desk, 20_000).await;
        // Three daily bars of the symbol that the documentation names, among all the others.
        let renamed = "symbol = 'IBM', interval = 'daily'";
        let (table, explain) = if desk.postgres().is_some() {
            ("stock_data", "EXPLAIN")
        } else {
            ("bars", "EXPLAIN QUERY PLAN")
        };
        desk.sql(&format!(
            "UPDATE {table} SET {renamed} WHERE volume IN (700, 7000, 14000)"
        ));
        let read = desk.run(&READ);
        assert_eq!(read.code, 0, "{read:?}");
        assert_eq!(desk.sql(WHAT_IS_THERE), [filled(20_000, newest())]);
        for statistics in [false, true] {
            if statistics {
                desk.sql("ANALYZE");
            }
            for query in &queries {
                assert_eq!(desk.sql(query).len(), 3, "{query}");
                let plan = desk.sql(&format!("{explain} {query}")).join("\n");
                // A few rows: the ranks of the sources, and here also the series and listings.
                let plan = plan
                    .replace("Seq Scan on source_ranks", "")
                    .replace("Seq Scan on series_totals", "")
                    .replace("Seq Scan on listings", "")
                    .replace("SCAN better", "");
                let is_whole = plan.contains("Seq Scan") || plan.contains("SCAN b");
                assert!(!is_whole && plan.contains("symbol"), "{query}\n{plan}");
            }
        }
    }
}
