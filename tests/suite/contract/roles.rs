//! Roles of PostgreSQL that may use the tables and own none of them.

use super::*;
use crate::support::cluster;

/// All that the store asks for.
const RIGHTS: &str = "SELECT, INSERT, UPDATE, DELETE";

fn from(source: &str) -> SeriesKey {
    SeriesKey {
        source: source.parse().unwrap(),
        ..ibm()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_owns_nothing_stores_the_first_bars_of_a_source() {
    let Some(url) = cluster::new_database() else {
        return;
    };
    let owner = Place::Postgres(url.clone()).open().await;
    let (role, its) = crate::databases::role(&url, "");
    cluster::psql(
        &url,
        &format!("GRANT {RIGHTS} ON ALL TABLES IN SCHEMA public TO {role}"),
    );
    let store = Place::Postgres(its.clone()).open().await;
    let bars = [bar("2026-05-15T13:30:00Z", 100)];
    let order = ["binance", "alpaca"].map(|source| source.parse().unwrap());
    store.rank_sources(order.to_vec()).await.unwrap();
    for source in [
        "alpha_vantage",
        "alpaca",
        "alpaca_iex",
        "coinbase",
        "binance",
    ] {
        let counted = store_bars(&store, &from(source), &bars).await;
        assert_eq!(counted, counts(1, 0, 0), "{source}");
    }

    let best = cluster::psql(&its, "SELECT source FROM bars_best");
    assert_eq!(best.trim(), "binance", "all have the same bar");

    let unknown = from("tomorrow");
    let run = store
        .begin_run("test", vec![unknown.clone()])
        .await
        .unwrap();
    let request = granted(&store, &run, &unknown).await;
    store.keep(request, answer(b"{}"), u64::MAX).await.unwrap();
    let whole = batch(&run, request, &unknown, &bars);
    let refused = store.apply(vec![whole.clone()], credential()).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind, DbErrorKind::Refused);
    let (said, run_once) = (refused.to_string(), "Let the owner run once: ");
    let (before, statement) = said.split_once(run_once).unwrap();
    assert!(before.contains("no bars of tomorrow yet"), "{said}");

    cluster::psql(&url, statement);
    assert_eq!(applied(&store, whole).await, counts(1, 0, 0));

    let others = store_bars(&owner, &from("another"), &bars).await;
    assert_eq!(others, counts(1, 0, 0));
}
