//! Twenty processes that start at once on a new database, and `NEWER` on a schema from the future.

use std::process::{Child, Output, Stdio};

use crate::support::product::{Database, Product};
use crate::support::rounds;

const PROCESSES: usize = 20;
const ROUNDS: usize = 5;
/// No process of these tests calls a provider.
const NOWHERE: &str = "http://127.0.0.1:9/query";

#[tokio::test(flavor = "multi_thread")]
async fn twenty_processes_may_start_at_once_on_sqlite() {
    for _ in 0..ROUNDS {
        twenty_start_at_once(Product::sqlite()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_processes_may_start_at_once_on_postgres() {
    for _ in 0..ROUNDS {
        let Some(product) = Product::postgres() else {
            return;
        };
        twenty_start_at_once(product).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_refused_on_sqlite() {
    a_newer_schema_is_refused(Product::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_refused_on_postgres() {
    if let Some(product) = Product::postgres() {
        a_newer_schema_is_refused(product).await;
    }
}

/// Starts the binary so that it opens the store for writing.
fn start(product: &Product) -> Child {
    product
        .command(NOWHERE)
        .args(["runs", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Starts this many at once and returns the output of each.
fn start_together(product: &Product, processes: usize) -> Vec<Output> {
    let started: Vec<Child> = (0..processes).map(|_| start(product)).collect();
    started
        .into_iter()
        .map(|child| child.wait_with_output().unwrap())
        .collect()
}

async fn twenty_start_at_once(product: Product) {
    for output in start_together(&product, PROCESSES) {
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{}: {said}", product.kind());
        let runs: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(runs, serde_json::json!([]), "{runs}");
    }
    let migrated = "SELECT CAST(count(*) AS text) FROM _sqlx_migrations WHERE success";
    let versions = "SELECT CAST(count(DISTINCT version) AS text) FROM _sqlx_migrations";
    assert_eq!(product.text(migrated).await, product.text(versions).await);
    assert_eq!(
        product
            .text("SELECT CAST(count(*) AS text) FROM runs")
            .await,
        "0"
    );
}

async fn a_newer_schema_is_refused(product: Product) {
    start_together(&product, 1);
    let now = match product.database {
        Database::Sqlite(_) => "datetime('now')",
        Database::Postgres(_) => "now()",
    };
    product
        .rows(&format!(
            "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) \
             VALUES (9999, 'from the future', {now}, true, '', 0)"
        ))
        .await;
    for output in start_together(&product, rounds("NEWER", 3)) {
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert_eq!(output.stdout, b"");
        assert!(
            said.contains("schema version 9999") && said.contains("use a newer pipeline-tui"),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    if let Database::Postgres(_) = product.database {
        product.settle().await;
        let locks = "SELECT CAST(count(*) AS text) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                     WHERE d.datname = current_database() AND l.locktype = 'advisory'";
        assert_eq!(product.text(locks).await, "0");
    }
    product
        .rows("DELETE FROM _sqlx_migrations WHERE version = 9999")
        .await;
    let output = start_together(&product, 1).remove(0);
    assert_eq!(
        output.status.code(),
        Some(0),
        "a refused start must leave no lock: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
