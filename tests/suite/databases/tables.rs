//! PostgreSQL databases with tables of other programs, or with only a part of ours.

use super::*;

/// Everything in a database, as the catalog lists it.
const CATALOG: &str = "SELECT oid::text, relname, relfilenode::text FROM pg_class WHERE relnamespace = 'public'::regnamespace \
                       UNION ALL SELECT oid::text, proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace \
                       ORDER BY 1";

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_others_are_left_as_they_are() {
    for (made, words) in [
        (
            "CREATE TABLE stock_data (id serial PRIMARY KEY, symbol varchar(10), timestamp timestamptz, \
             open_price numeric(10,2), close_price numeric(10,2), volume bigint)",
            ["stock_data", "replaces", "owned by"],
        ),
        (
            "CREATE TABLE runs (distance integer)",
            ["runs", "belongs to another program", "owned by"],
        ),
        (
            "CREATE VIEW series AS SELECT 1 AS one",
            ["series", "belongs to another program", "rename"],
        ),
        (
            "CREATE TABLE _sqlx_migrations (version bigint PRIMARY KEY, description text, success boolean, checksum bytea); \
             INSERT INTO _sqlx_migrations VALUES (1, 'init', true, '\\x00'), (2, 'users', true, '\\x01')",
            ["_sqlx_migrations", "belongs to another program", "database"],
        ),
        (
            "CREATE TABLE _sqlx_migrations (version text, success boolean, checksum bytea); \
             INSERT INTO _sqlx_migrations VALUES ('one', true, '\\x00')",
            ["_sqlx_migrations", "belongs to another program", "database"],
        ),
        (
            "CREATE TABLE _sqlx_migrations (name text)",
            ["_sqlx_migrations", "belongs to another program", "database"],
        ),
        // Found only by the migration, which is then rolled back whole.
        (
            "CREATE FUNCTION stock_data_deleted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
            ["stock_data_deleted", "left unchanged", "rename"],
        ),
    ] {
        let Some((url, desk, server)) = place().await else {
            return;
        };
        psql(&url, made);
        let before = psql(&url, CATALOG);
        assert_refused(&desk.run(&FETCH), &words);
        if !made.contains("FUNCTION") {
            assert_refused(&desk.run(&["bars", "IBM", "--read-only"]), &words);
            let doctor = desk.run(&["doctor", "--store"]);
            assert!(
                doctor.code == 1 && words.iter().all(|words| doctor.stdout.contains(words)),
                "{doctor:?}"
            );
        }
        assert_eq!(psql(&url, CATALOG), before, "{made}");
        assert_eq!(server.journal().len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_others_in_another_schema_are_no_hindrance() {
    let Some((url, desk, _server)) = place().await else {
        return;
    };
    psql(
        &url,
        "CREATE TABLE stock_data (symbol text); CREATE TABLE _sqlx_migrations (name text); CREATE TABLE notes (note text)",
    );
    psql(&url, "CREATE SCHEMA \"My own\"");
    let desk = desk.with(
        "DATABASE_URL",
        &format!("{url}?options=-csearch_path%3D%22My%5C%20own%22,public"),
    );
    assert_fetches(&desk);
    assert_fetches(&desk);
    assert_eq!(
        psql(&url, "SELECT count(*) FROM \"My own\".stock_data"),
        "200"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_never_used_says_what_the_first_start_makes() {
    let Some((url, desk, _server)) = place().await else {
        return;
    };
    let said = |desk: &Desk| {
        let done = desk.run(&["doctor", "--store"]);
        assert!(
            done.code == 0 && !done.stdout.contains("--read-only"),
            "{done:?}"
        );
        done.stdout
    };
    let fresh = said(&desk);
    assert!(
        fresh.contains("the first start will create 26 tables") && fresh.contains("schema public"),
        "{fresh}"
    );
    assert_eq!(psql(&url, CATALOG), "", "doctor makes nothing");
    let reading = desk.run(&["doctor", "--store", "--read-only"]);
    assert!(
        reading.code == 1 && reading.stdout.contains("bring it up to date first"),
        "{reading:?}"
    );
    assert_fetches(&desk);
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_sqlx_migrations'";
    assert_eq!(psql(&url, tables), "26");
    assert!(said(&desk).contains("200 bars"));
    psql(&url, "DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    let all = sqlx::migrate!("migrations/postgres");
    let older = all.iter().filter(|migration| migration.version < 5);
    let older = sqlx::migrate::Migrator::with_migrations(older.cloned().collect());
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let made = older.run_direct(None, &mut connection, false).await;
    made.unwrap();
    assert!(said(&desk).contains("bring the tables up to date"));
    assert_fetches(&desk);
    assert!(said(&desk).contains(&format!(
        "schema {}",
        crate::support::first_release::newest()
    )));
}
