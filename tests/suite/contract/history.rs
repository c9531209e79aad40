//! Runs, the watch list, and opening a store.

use super::*;

contract! {
    a_dead_run_is_swept_and_a_live_one_is_not,
    a_kept_answer_survives_its_process,
    a_store_of_schema_20_knows_how_its_series_failed,
    an_older_answer_fills_gaps_but_overwrites_nothing,
    runs_are_listed_and_explained,
    the_last_failure_is_known_until_a_fetch_succeeds,
    the_sources_of_a_scheduled_run_that_did_not_end_are_known,
    many_processes_may_start_at_once,
    a_newer_schema_is_refused_and_leaves_no_lock,
    reading_only_writes_nothing,
}

async fn a_dead_run_is_swept_and_a_live_one_is_not(place: Place) {
    let store = place.open().await;
    let live = store.begin_run("test", vec![ibm()]).await.unwrap();
    let dead = store.begin_run("test", vec![ibm()]).await.unwrap();
    granted(&store, &dead, &ibm()).await;
    let id = dead.id;
    drop(dead);
    let other = place.open().await;
    // PostgreSQL releases a session's lock when it notices that the connection is closed.
    let swept = tokio::time::timeout(std::time::Duration::from_secs(30), async {
        loop {
            let swept = other.sweep().await.unwrap();
            if !swept.is_empty() {
                break swept;
            }
        }
    })
    .await
    .unwrap();
    assert_eq!(swept, [id]);
    assert_eq!(other.sweep().await.unwrap(), []);
    let rows = place.sql("SELECT status FROM runs ORDER BY id").await;
    assert_eq!(rows, ["running", "interrupted"]);
    assert_eq!(place.sql("SELECT state FROM requests").await, ["in_doubt"]);
    let detail = other.run(id).await.unwrap().unwrap();
    assert_eq!(detail.series[0].status, SeriesStatus::Interrupted);
    drop(live);
}

async fn the_sources_of_a_scheduled_run_that_did_not_end_are_known(place: Place) {
    let store = place.open().await;
    let pair = SeriesKey {
        source: "coinbase".parse().unwrap(),
        ..series("BTC-USD", Interval::Daily)
    };
    let known = || async {
        let mut sources = store.cut_short().await.unwrap();
        sources.sort();
        sources.iter().map(SourceId::to_string).collect::<Vec<_>>()
    };
    assert_eq!(known().await, [""; 0]);
    let begin = |trigger, series| store.begin_run(trigger, series);
    let both = begin("schedule", vec![ibm(), pair]).await.unwrap();
    assert_eq!(known().await, ["alpha_vantage", "coinbase"]);
    store
        .finish_run(both.id, RunStatus::Interrupted)
        .await
        .unwrap();
    // What a person asks for does not make up for it.
    let person = begin("fetch", vec![ibm()]).await.unwrap();
    store
        .finish_run(person.id, RunStatus::Succeeded)
        .await
        .unwrap();
    assert_eq!(known().await, ["alpha_vantage", "coinbase"]);
    let again = begin("missed", vec![ibm()]).await.unwrap();
    store
        .finish_run(again.id, RunStatus::Partial)
        .await
        .unwrap();
    assert_eq!(known().await, ["coinbase"]);
}

async fn the_last_failure_is_known_until_a_fetch_succeeds(place: Place) {
    let store = place.open().await;
    let other = series("MSFT", Interval::Weekly);
    let ended = |status, class, said: &str| {
        SeriesReport::new(ibm(), SeriesStatus::Running).with_error(status, class, said)
    };
    let first = ended(
        SeriesStatus::Failed,
        ErrorClass::BadRequest,
        "no such symbol",
    );
    let second = ended(SeriesStatus::Failed, ErrorClass::Outage, "gone");
    for (report, failure) in [
        (SeriesReport::new(ibm(), SeriesStatus::Succeeded), None),
        (first, Some((ErrorClass::BadRequest, "no such symbol"))),
        (
            SeriesReport::new(ibm(), SeriesStatus::Cancelled),
            Some((ErrorClass::BadRequest, "no such symbol")),
        ),
        (
            SeriesReport::new(ibm(), SeriesStatus::Skipped),
            Some((ErrorClass::BadRequest, "no such symbol")),
        ),
        (second, Some((ErrorClass::Outage, "gone"))),
        (SeriesReport::new(ibm(), SeriesStatus::Succeeded), None),
    ] {
        let status = report.status;
        let run = store.begin_run("test", vec![ibm(), other.clone()]).await;
        let run = run.unwrap();
        store.finish_series(run.id, report).await.unwrap();
        let facts = store.facts_of(vec![other.clone(), ibm()]).await.unwrap();
        let known = facts[1].failure.as_ref();
        let known = known.map(|known| (known.error.class, known.error.message.as_str()));
        assert_eq!((known, &facts[0].failure), (failure, &None), "{status}");
        store.finish_run(run.id, RunStatus::Partial).await.unwrap();
    }
}

/// Takes away what schema 21 has added.
pub(super) async fn before_schema_21(place: &Place) {
    place.sql("DROP INDEX idx_run_series_failed").await;
}

async fn a_store_of_schema_20_knows_how_its_series_failed(place: Place) {
    let store = place.open().await;
    let run = store.begin_run("test", vec![ibm()]).await.unwrap();
    let failed = SeriesReport::new(ibm(), SeriesStatus::Running).with_error(
        SeriesStatus::Failed,
        ErrorClass::Outage,
        "gone",
    );
    store.finish_series(run.id, failed).await.unwrap();
    store.finish_run(run.id, RunStatus::Failed).await.unwrap();
    drop(store);
    before_schema_21(&place).await;
    place
        .sql("DELETE FROM _sqlx_migrations WHERE version > 20")
        .await;
    let store = place.open().await;
    let known = store.facts(ibm()).await.unwrap().failure.unwrap();
    assert_eq!(known.error.message, "gone");
    before_schema_21(&place).await;
}

async fn a_kept_answer_survives_its_process(place: Place) {
    let store = place.open().await;
    let run = store.begin_run("test", vec![ibm()]).await.unwrap();
    let request = granted(&store, &run, &ibm()).await;
    store
        .keep(request, answer(b"paid for"), u64::MAX)
        .await
        .unwrap();
    assert!(
        store.unapplied().await.unwrap().is_empty(),
        "its run is in progress"
    );
    let id = run.id;
    store.finish_run(id, RunStatus::Interrupted).await.unwrap();
    let kept = place.open().await.unapplied().await.unwrap();
    assert_eq!(
        (kept.len(), kept[0].run, &kept[0].request),
        (1, id, &asked(&ibm()))
    );
    assert_eq!(kept[0].answer, answer(b"paid for"));
    let found = batch(
        &run,
        request,
        &ibm(),
        &[bar("2026-05-15T13:30:00Z", 28_300)],
    );
    applied(&store, found).await;
    assert!(store.unapplied().await.unwrap().is_empty());
    let report = store.run(id).await.unwrap().unwrap().series.remove(0);
    assert_eq!(
        (report.status, report.attempts, report.requests),
        (SeriesStatus::Succeeded, 1, 1)
    );
}

async fn runs_are_listed_and_explained(place: Place) {
    let store = place.open().await;
    store_bars(&store, &ibm(), &[bar("2026-05-15T13:30:00Z", 28_300)]).await;
    let run = store
        .begin_run("fetch", vec![ibm(), series("NOPE", Interval::Min5)])
        .await
        .unwrap();
    let request = granted(&store, &run, &ibm()).await;
    store
        .settle(
            request,
            RequestEnd::Failed(ErrorClass::Network, "cut off".into()),
        )
        .await
        .unwrap();
    let mut report = SeriesReport::new(ibm(), SeriesStatus::Failed);
    (report.attempts, report.requests) = (1, 1);
    let report = report.with_error(
        SeriesStatus::Failed,
        ErrorClass::Network,
        "cut off; run it again",
    );
    store.finish_series(run.id, report.clone()).await.unwrap();
    store.finish_run(run.id, RunStatus::Failed).await.unwrap();
    let runs = store.runs(10).await.unwrap();
    assert_eq!(
        runs.iter().map(|run| run.status).collect::<Vec<_>>(),
        [RunStatus::Failed, RunStatus::Succeeded]
    );
    assert_eq!(
        (runs[0].series, runs[0].succeeded, runs[0].requests),
        (2, 0, 1)
    );
    assert_eq!((runs[1].succeeded, runs[1].inserted), (1, 1));
    assert!(runs[1].finished_at >= Some(runs[1].started_at));
    let detail = store.run(run.id).await.unwrap().unwrap();
    assert_eq!(detail.series[0], report);
    assert_eq!(detail.requests[0].class.as_deref(), Some("network"));
    assert!(
        store
            .run(pipeline_tui::model::RunId(999))
            .await
            .unwrap()
            .is_none()
    );
    assert!(store.last_fetch(ibm()).await.unwrap().is_some());
    assert_eq!(
        store
            .last_fetch(series("NOPE", Interval::Min5))
            .await
            .unwrap(),
        None
    );
}

async fn many_processes_may_start_at_once(place: Place) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let place = place.clone();
        tasks.spawn(async move { place.try_open(Access::ReadWrite).await.map(|_| ()) });
    }
    for outcome in tasks.join_all().await {
        outcome.unwrap();
    }
}

async fn a_newer_schema_is_refused_and_leaves_no_lock(place: Place) {
    place.open().await.close().await;
    let now = if place.is_postgres() {
        "now()"
    } else {
        "datetime('now')"
    };
    place
        .sql(&format!(
            "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) \
             VALUES (9999, 'from the future', {now}, true, '', 0)"
        ))
        .await;
    for _ in 0..3 {
        let error = place.try_open(Access::ReadWrite).await.unwrap_err();
        assert_eq!(error.kind, DbErrorKind::NewerSchema);
        assert!(
            error.to_string().contains("9999") && error.to_string().contains("newer pipeline-tui"),
            "{error}"
        );
    }
    place
        .sql("DELETE FROM _sqlx_migrations WHERE version = 9999")
        .await;
    place.open().await;
    if place.is_postgres() {
        let locks = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                     WHERE d.datname = current_database() AND l.locktype = 'advisory'";
        assert_eq!(place.sql(locks).await, ["0"]);
    }
}

async fn reading_only_writes_nothing(place: Place) {
    let error = place.try_open(Access::ReadOnly).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("first, for example with: pipeline-tui"),
        "{error}"
    );
    let store = place.open().await;
    store_bars(&store, &ibm(), &[bar("2026-05-15T13:30:00Z", 28_300)]).await;
    let reader = place.try_open(Access::ReadOnly).await.unwrap();
    let query = BarQuery {
        series: ibm(),
        from: None,
        to: None,
        limit: 9,
        order: Order::NewestFirst,
    };
    assert_eq!(reader.bars(query).await.unwrap().len(), 1);
    let refused = reader.fill_watch_list(vec![ibm()]).await.unwrap_err();
    assert_eq!(refused.kind, DbErrorKind::ReadOnly, "{refused}");
}

async fn an_older_answer_fills_gaps_but_overwrites_nothing(place: Place) {
    let store = place.open().await;
    let run = store.begin_run("test", vec![ibm()]).await.unwrap();
    let slow = granted(&store, &run, &ibm()).await;
    store.keep(slow, answer(b"{}"), u64::MAX).await.unwrap();
    let (old, gap) = (
        bar("2026-05-15T13:35:00Z", 28_000),
        bar("2026-05-15T13:30:00Z", 28_300),
    );
    let newer = Bar {
        volume: Volume::from(9_999),
        ..old
    };
    assert_eq!(store_bars(&store, &ibm(), &[newer]).await, counts(1, 0, 0));
    let late = batch(&run, slow, &ibm(), &[gap, old]);
    assert_eq!(applied(&store, late).await, counts(1, 0, 1));
    let query = BarQuery {
        series: ibm(),
        from: None,
        to: None,
        limit: 9,
        order: Order::NewestFirst,
    };
    assert_eq!(store.bars(query).await.unwrap(), [newer, gap]);
}
