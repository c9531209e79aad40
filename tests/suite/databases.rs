//! Databases as they are found: if someone must change something, the first contact says so in one
//! sentence, and nothing is written, spent or waited for.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

use pipeline_tui::simulate::{Plan, Server};
use sqlx::{Connection as _, PgConnection};

use crate::support::cluster::{self, psql};
use crate::support::pooler::Pooler;
use crate::support::program::{CANARY, Desk, Done, provider};

mod adopt;
mod files;
mod tables;
mod upgrade;

const FETCH: [&str; 7] = [
    "fetch",
    "--symbols",
    "IBM,AAPL",
    "--interval",
    "daily",
    "--outputsize",
    "compact",
];

fn assert_refused(done: &Done, words: &[&str]) {
    assert_eq!(done.code, 2, "{done:?}");
    for words in words {
        assert!(done.stderr.contains(words), "{words}: {done:?}");
    }
    assert_eq!(done.stderr.lines().count(), 1, "{done:?}");
    assert!(
        !done.stderr.contains(cluster::PASSWORD) && !done.stderr.contains(CANARY),
        "{done:?}"
    );
}

/// Fetches if possible.
fn assert_fetches(desk: &Desk) {
    let done = desk.run(&FETCH);
    assert_eq!(done.code, 0, "{done:?}");
}

/// The name of a new role with these rights, and the URL of a database for it.
pub(crate) fn role(url: &str, options: &str) -> (String, String) {
    let (_, database) = url.rsplit_once('/').unwrap();
    let role = format!("role_{database}_{:x}", fastrand::u32(..));
    psql(
        url,
        &format!("CREATE ROLE {role} LOGIN PASSWORD 'of-the-role' {options}"),
    );
    let mut its = url::Url::parse(url).unwrap();
    its.set_username(&role).unwrap();
    its.set_password(Some("of-the-role")).unwrap();
    (role, its.into())
}

/// A new database, and a desk with a provider that counts requests.
async fn place() -> Option<(String, Desk, Server)> {
    let url = cluster::new_database()?;
    let server = provider(Plan::Unlimited, &[]).await;
    let desk = Desk::new().asking(&server).with("DATABASE_URL", &url);
    Some((url, desk, server))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_shares_sessions_is_refused_and_one_that_keeps_them_works() {
    let Some((url, mut desk, server)) = place().await else {
        return;
    };
    for configuration in [
        "pool_mode = transaction",
        "pool_mode = transaction\nignore_startup_parameters = extra_float_digits,options",
        "pool_mode = transaction\nserver_round_robin = 1\nmin_pool_size = 3",
        "pool_mode = transaction\ndefault_pool_size = 1",
        "pool_mode = statement",
    ] {
        let Some(pooler) = Pooler::start(&url, configuration) else {
            return;
        };
        desk = desk.with("DATABASE_URL", &pooler.way_to(&url));
        for _ in 0..2 {
            assert_refused(&desk.run(&FETCH), &["pooler", "directly", "session mode"]);
        }
        let done = desk.run(&["doctor", "--store"]);
        assert!(
            done.code == 1 && done.stdout.contains("session mode"),
            "{done:?}"
        );
    }
    assert_eq!(psql(&url, "SELECT to_regclass('runs') IS NULL"), "t");
    assert_eq!(server.journal().len(), 0);
    let Some(pooler) = Pooler::start(&url, "pool_mode = session") else {
        return;
    };
    desk = desk.with("DATABASE_URL", &pooler.way_to(&url));
    assert_fetches(&desk);
    assert_fetches(&desk);
    let left = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' \
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    while psql(&url, left) != "0" {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_not_make_or_use_tables_is_told_which_right_it_lacks() {
    let Some((url, desk, server)) = place().await else {
        return;
    };
    psql(&url, "REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    let (name, its) = role(&url, "");
    let desk = desk.with("DATABASE_URL", &its);
    let grant = format!("GRANT CREATE ON SCHEMA public TO {name}");
    assert_refused(&desk.run(&FETCH), &["may not create tables", &grant]);
    let doctor = desk.run(&["doctor"]);
    assert!(doctor.stdout.contains(&grant), "{doctor:?}");

    let owner = Desk::new().asking(&server).with("DATABASE_URL", &url);
    assert_fetches(&owner);
    let sent = server.journal().len();
    let read = format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}");
    let write = read.replace("SELECT", "SELECT, INSERT, UPDATE, DELETE");
    let bars = ["bars", "IBM", "--interval", "daily", "--read-only"];
    // Not even the list of migrations may be read.
    assert_refused(&desk.run(&bars), &["does not allow", "grant"]);
    psql(&url, &format!("GRANT SELECT ON _sqlx_migrations TO {name}"));
    assert_refused(&desk.run(&bars), &["may not use", &read]);
    psql(&url, &read);
    assert_eq!(desk.run(&bars).code, 0);
    assert_refused(&desk.run(&FETCH), &["may not use", &write]);
    assert_eq!(server.journal().len(), sent);
    psql(&url, &write);
    assert_fetches(&desk);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_path_that_leads_nowhere_is_named() {
    let Some((url, desk, _server)) = place().await else {
        return;
    };
    let (name, its) = role(&url, "");
    let desk = desk.with("DATABASE_URL", &its);
    for path in ["''", "nowhere, nor_here"] {
        psql(&url, &format!("ALTER ROLE {name} SET search_path = {path}"));
        let fix = format!("ALTER ROLE {name} SET search_path = public");
        assert_refused(&desk.run(&FETCH), &["search_path", &fix]);
    }
    psql(&url, &format!("CREATE SCHEMA nowhere AUTHORIZATION {name}"));
    assert_fetches(&desk);
    let made = psql(&url, "SELECT count(*) FROM nowhere.stock_data");
    assert_eq!(made, "200");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_a_standby_can_be_read_only() {
    let Some(postgres) = cluster::Server::start("-c fsync=off") else {
        return;
    };
    let url = format!("{}/postgres", postgres.base_url());
    let server = provider(Plan::Unlimited, &[]).await;
    let desk = Desk::new().asking(&server).with("DATABASE_URL", &url);
    assert_fetches(&desk);
    let sent = server.journal().len();
    postgres.pg_ctl(&["-s", "-m", "fast", "stop"]);
    std::fs::write(postgres.folder.join("data/standby.signal"), "").unwrap();
    postgres.begin();
    assert_refused(&desk.run(&FETCH), &["standby", "primary"]);
    let doctor = desk.run(&["doctor", "--store"]);
    assert!(doctor.stdout.contains("standby"), "{doctor:?}");
    let bars = desk.run(&["bars", "IBM", "--interval", "daily", "--read-only"]);
    assert!(bars.code == 0 && !bars.stdout.is_empty(), "{bars:?}");
    postgres.pg_ctl(&["-s", "-m", "fast", "stop"]);
    let settings = postgres.folder.join("data/postgresql.auto.conf");
    std::fs::write(settings, "hot_standby = off\n").unwrap();
    postgres.begin();
    assert_refused(&desk.run(&FETCH), &["standby", "primary"]);
    assert_eq!(server.journal().len(), sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_of_events_waits_for_a_server_that_restarts() {
    let Some(postgres) = cluster::Server::start("-c fsync=off") else {
        return;
    };
    let url = format!("{}/postgres", postgres.base_url());
    let server = provider(Plan::Unlimited, &[]).await;
    let desk = Desk::new().asking(&server).with("DATABASE_URL", &url);
    assert_fetches(&desk);
    let mut follower = desk
        .command(&["events", "--follow", "--since", "0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut said = BufReader::new(follower.stderr.take().unwrap()).lines();
    let mut until_the_end_of_a_run = || {
        let mut lines = told.by_ref().map_while(Result::ok);
        lines.any(|line| line.contains("\"event\":\"run_ended\""))
    };
    assert!(until_the_end_of_a_run());
    postgres.pg_ctl(&["-s", "-m", "fast", "stop"]);
    let waits = said.next().unwrap().unwrap();
    assert!(waits.contains("; waiting for it"), "{waits}");
    postgres.begin();
    let back = said.next().unwrap().unwrap();
    assert!(back.contains("the store answers again"), "{back}");
    let again = desk.run(&["fetch", "--symbols", "MSFT", "--interval", "daily"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(until_the_end_of_a_run(), "the cursor goes on");
    follower.kill().unwrap();
    follower.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_writing_is_switched_off_nothing_is_written() {
    let Some((url, desk, server)) = place().await else {
        return;
    };
    let (_, database) = url.rsplit_once('/').unwrap();
    let (name, its) = role(&url, "");
    psql(&url, &format!("GRANT CREATE ON SCHEMA public TO {name}"));
    let desk = desk.with("DATABASE_URL", &its);
    for whose in [
        format!("DATABASE {database}"),
        format!("ROLE {name}"),
        format!("ROLE {name} IN DATABASE {database}"),
    ] {
        psql(
            &url,
            &format!("ALTER {whose} SET default_transaction_read_only = on"),
        );
        let reset = format!("ALTER {whose} RESET default_transaction_read_only");
        assert_refused(&desk.run(&FETCH), &["switched off", &reset]);
        let doctor = desk.run(&["doctor", "--store"]);
        assert!(doctor.stdout.contains("switched off"), "{doctor:?}");
        psql(&url, &format!("SET transaction_read_only = off; {reset}"));
    }
    let inside = format!("{its}?options=-cdefault_transaction_read_only%3Don");
    let inside = Desk::new().with("DATABASE_URL", &inside);
    assert_refused(&inside.run(&FETCH), &["switched off", "DATABASE_URL"]);
    assert_eq!(psql(&url, "SELECT to_regclass('runs') IS NULL"), "t");
    assert_eq!(server.journal().len(), 0);
    assert_fetches(&desk);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_connections_is_said_at_once_or_lived_with() {
    let Some((url, desk, server)) = place().await else {
        return;
    };
    let (_, database) = url.rsplit_once('/').unwrap();
    let (name, its) = role(&url, "CONNECTION LIMIT 2");
    psql(&url, &format!("GRANT CREATE ON SCHEMA public TO {name}"));
    let desk = desk.with("DATABASE_URL", &its);
    let raise = format!("ALTER ROLE {name} CONNECTION LIMIT 10");
    assert_refused(&desk.run(&FETCH), &["limit of 2", "needs 3", &raise]);
    psql(&url, &format!("ALTER ROLE {name} CONNECTION LIMIT 3"));
    psql(
        &url,
        &format!("ALTER DATABASE {database} CONNECTION LIMIT 1"),
    );
    let raise = format!("ALTER DATABASE {database} CONNECTION LIMIT 10");
    assert_refused(&desk.run(&FETCH), &["limit of 1", &raise]);
    assert_eq!(server.journal().len(), 0);
    psql(
        &url,
        &format!("ALTER DATABASE {database} CONNECTION LIMIT -1"),
    );
    let many = ["fetch", "--symbols", "IBM,AAPL,MSFT,GOOGL,AMZN,NVDA"];
    let done = desk.run(&many);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(!done.stderr.contains("waiting"), "{done:?}");

    // The connections that the last run closed are gone once the server says so.
    let open = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{name}'");
    while psql(&url, &open) != "0" {}
    let mut held = vec![];
    for _ in 0..3 {
        held.push(PgConnection::connect(&its).await.unwrap());
    }
    let done = desk.run(&FETCH);
    assert_eq!(done.code, 3, "{done:?}");
    assert!(done.stderr.contains("no connections left"), "{done:?}");
}

#[test]
fn urls_that_are_half_right_are_refused_before_anything_is_asked() {
    let long = format!("postgres://me:{CANARY}@{}/bars", "h".repeat(300));
    let longer = format!("postgres://me:{CANARY}@h/{}", "d".repeat(100_000));
    for (url, words) in [
        ("postgres://me@h1,h2/bars", "several hosts"),
        ("postgres://me@h1:5432,h2:5432/bars", "several hosts"),
        ("postgres:///bars?host=h1,h2", "several hosts"),
        ("postgres://me:CANARY@my host/bars", "percent-encode"),
        ("postgres://me:%ff@h/bars", "percent-encode"),
        ("postgres://me:CANARY@h:70000/bars", "1 to 65535"),
        ("postgres://me:CANARY@h/bars?sslmode=yes", "verify-full"),
        ("postgres://me:CANARY@h/bars?sslmod=require", "sslmode"),
        (
            "postgres://me@h/bars?statement-cache-capacity=x",
            "PostgreSQL URL",
        ),
        ("postgres://me@h/ba%00rs", "%00"),
        ("postgres://me@/bars", "no host"),
        ("mysql://me@h/bars", "postgres://"),
        (&long, "percent-encode"),
        (&longer, "too long"),
    ] {
        let desk = Desk::new().with("DATABASE_URL", &url.replace("CANARY", CANARY));
        for command in [&FETCH[..], &["config", "check"]] {
            let is_left_to_the_driver = url.contains("capacity") && command[0] == "config";
            let done = desk.run(command);
            if !is_left_to_the_driver {
                assert_refused(&done, &["DATABASE_URL", words]);
            }
        }
        assert!(!desk.folder().join("data").exists(), "{url}");
    }
    let several = Desk::new().with("POSTGRES_HOST", "h1,h2").run(&FETCH);
    assert_refused(&several, &["POSTGRES_HOST", "several hosts"]);
}

#[test]
fn parameters_that_the_server_or_the_machine_refuses_are_no_outage() {
    let Some(url) = cluster::new_database() else {
        return;
    };
    for parameter in [
        "options=gibberish",
        "options=-cno_such_setting%3D1",
        "options=-cstatement_timeout%3Dsoon",
        "sslmode=verify-full&sslrootcert=/no/such/file",
    ] {
        let desk = Desk::new().with("DATABASE_URL", &format!("{url}?{parameter}"));
        assert_refused(&desk.run(&FETCH), &["PostgreSQL at"]);
    }
}

#[test]
fn the_log_names_what_is_behind_a_failure_and_a_person_reads_one_sentence() {
    // Nobody listens at port 1.
    let url = "postgres://u:canary-of-the-chain@127.0.0.1:1/d";
    let away = Desk::new().with("DATABASE_URL", url);
    let garbage = Desk::new();
    std::fs::create_dir_all(garbage.database().parent().unwrap()).unwrap();
    std::fs::write(garbage.database(), "no database ".repeat(1000)).unwrap();
    for (desk, sentence, behind) in [
        (
            away,
            "cannot be reached",
            ": error communicating with database: ",
        ),
        (
            garbage,
            "is not an SQLite database",
            ": error returned from database: ",
        ),
    ] {
        let (said, logged) = (desk.run(&["runs"]), desk.run(&["runs", "-v"]));
        assert!(said.stderr.contains(sentence), "{said:?}");
        assert!(!said.stderr.contains(behind), "{said:?}");
        let line = logged.stderr.lines().find(|line| line.contains(behind));
        assert!(
            line.is_some_and(|line| line.contains(sentence)),
            "{logged:?}"
        );
        assert!(!logged.stderr.contains("canary-of"), "{logged:?}");
    }
}

/// Everything in a folder, by name.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_file())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect();
    found.sort();
    found
}

/// The server of this database compiles every statement where nobody says otherwise: for a statement
/// as short as ours, that takes longer than to run it.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_compile_no_statement_and_have_limits() {
    let Some((url, desk, _server)) = place().await else {
        return;
    };
    assert_fetches(&desk);
    psql(
        &url,
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET jit_above_cost = 0', current_database()); \
         EXECUTE format('ALTER DATABASE %I SET jit = on', current_database()); END $$; \
         CREATE TABLE seen (jit text, statement text, idle text); \
         CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             INSERT INTO seen SELECT current_setting('jit'), current_setting('statement_timeout'), \
                 current_setting('idle_in_transaction_session_timeout'); RETURN NULL; END $$; \
         CREATE TRIGGER look AFTER INSERT OR UPDATE ON requests FOR EACH STATEMENT EXECUTE FUNCTION look()",
    );
    assert_fetches(&desk);
    assert_eq!(
        psql(&url, "SELECT DISTINCT jit, statement, idle FROM seen"),
        "off|30s|10s"
    );
}
