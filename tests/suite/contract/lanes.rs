//! Lanes: each is one engine's at a time, and what it writes is refused once another one has it.

use std::time::Duration;

use super::*;
use pipeline_tui::db::{Beat, DbError, LeasedLane};
use pipeline_tui::model::adjustment::{EventKind, ReportedEvents};
use pipeline_tui::model::tick::Tick;
use pipeline_tui::model::{
    EngineHome, EngineId, Instrument, Known, LaneName, Lease, Segment, Span,
};

contract! {
    a_lane_is_taken_renewed_and_given_back,
    a_lease_that_is_over_is_taken_with_the_next_epoch,
    the_lanes_of_a_dead_engine_are_free_at_once,
    every_write_under_a_lease_is_refused_once_another_engine_has_the_lane,
    what_needs_no_lane_is_written_all_the_same,
    each_lane_keeps_its_own_last_instant,
    a_lane_that_is_new_on_a_used_store_has_missed_nothing,
    the_engines_say_where_they_are_and_what_they_have_sent,
    a_store_of_the_schema_before_goes_on_where_it_was,
}

const LONG: Duration = Duration::from_mins(1);
/// Over before the next statement.
const OVER: Duration = Duration::from_millis(1);

fn at(minutes: i64) -> DateTime<Utc> {
    let start: DateTime<Utc> = "2026-11-20T21:20:00Z".parse().unwrap();
    start + TimeDelta::minutes(minutes)
}

fn home(name: &str) -> EngineHome {
    EngineHome {
        id: EngineId::new(),
        host: name.to_owned(),
        pid: 7,
        version: "0.0.1".to_owned(),
    }
}

fn alpha() -> LaneName {
    SourceId::DEFAULT.into()
}

/// A beat for the lane of the usual source, and the upkeep.
async fn beat(store: &Arc<dyn Store>, home: &EngineHome, lease: Duration) -> Vec<LeasedLane> {
    let beat = Beat {
        home: home.clone(),
        wanted: vec![LaneName::Upkeep, alpha()],
        lease,
        now: at(0),
    };
    let mut leased = store.beat(beat).await.unwrap();
    leased.sort_by(|one, other| one.lease.lane.cmp(&other.lease.lane));
    leased
}

/// The lease of the usual source.
async fn taken(store: &Arc<dyn Store>, home: &EngineHome, lease: Duration) -> Option<Lease> {
    let mut lanes = beat(store, home, lease).await.into_iter();
    let of_it = |lane: LeasedLane| (lane.lease.lane == alpha()).then_some(lane.lease);
    lanes.find_map(of_it)
}

/// The lease of the usual source, once that of another engine is over.
async fn taken_once_free(store: &Arc<dyn Store>, home: &EngineHome) -> Lease {
    let taking = async {
        loop {
            if let Some(lease) = taken(store, home, LONG).await {
                return lease;
            }
        }
    };
    tokio::time::timeout(LONG, taking).await.unwrap()
}

/// An engine with a lease that is over, and the one that has the lane now.
async fn superseded(store: &Arc<dyn Store>) -> (Lease, Lease) {
    let (first, second) = (home("first"), home("second"));
    let old = taken(store, &first, OVER).await.unwrap();
    let new = taken_once_free(store, &second).await;
    (old, new)
}

async fn a_lane_is_taken_renewed_and_given_back(place: Place) {
    let store = place.open().await;
    let (here, there) = (home("here"), home("there"));
    let lock = store.appear(here.id).await.unwrap().unwrap();
    let epochs = |leased: Vec<LeasedLane>| -> Vec<(String, i64)> {
        let each = |leased: LeasedLane| (leased.lease.lane.to_string(), leased.lease.epoch);
        leased.into_iter().map(each).collect()
    };
    let both = |epoch| {
        vec![
            ("alpha_vantage".to_owned(), epoch),
            ("upkeep".to_owned(), epoch),
        ]
    };
    assert_eq!(epochs(beat(&store, &here, LONG).await), both(1));
    assert_eq!(epochs(beat(&store, &here, LONG).await), both(1), "renewed");
    let waits = Beat {
        home: there.clone(),
        wanted: vec![],
        lease: LONG,
        now: at(0),
    };
    assert_eq!(
        store.beat(waits).await.unwrap(),
        [],
        "it only says that it is there"
    );
    if place.is_postgres() {
        let other = store.appear(there.id).await.unwrap();
        assert!(other.is_some(), "each engine has its own");
        assert_eq!(
            beat(&store, &there, LONG).await,
            [],
            "they are another engine's"
        );
    } else {
        assert!(
            store.appear(there.id).await.unwrap().is_none(),
            "one for a file"
        );
    }
    store.leave(here.id).await.unwrap();
    assert_eq!(epochs(beat(&store, &there, LONG).await), both(2));
    drop(lock);
}

async fn a_lease_that_is_over_is_taken_with_the_next_epoch(place: Place) {
    let store = place.open().await;
    // In PostgreSQL others see that it lives; its lease is over nevertheless.
    let here = home("here");
    let _lock = store.appear(here.id).await.unwrap().unwrap();
    let old = taken(&store, &here, OVER).await.unwrap();
    let there = home("there");
    let _other = store.appear(there.id).await.unwrap();
    let new = taken_once_free(&store, &there).await;
    assert_eq!((old.epoch, new.epoch), (1, 2));
    if place.is_postgres() {
        assert_eq!(taken(&store, &here, LONG).await, None, "it wakes too late");
    }
}

async fn the_lanes_of_a_dead_engine_are_free_at_once(place: Place) {
    let store = place.open().await;
    let here = home("here");
    let lock = store.appear(here.id).await.unwrap();
    assert!(taken(&store, &here, LONG).await.is_some());
    drop(lock);
    // The server may notice the end of a session a little later.
    let there = home("there");
    let free = async {
        while store.appear(there.id).await.unwrap().is_none() {}
        loop {
            if let Some(lease) = taken(&store, &there, LONG).await {
                return lease;
            }
        }
    };
    let lease = tokio::time::timeout(Duration::from_secs(20), free).await;
    assert_eq!(lease.unwrap().epoch, 2);
}

async fn every_write_under_a_lease_is_refused_once_another_engine_has_the_lane(place: Place) {
    let store = place.open().await;
    let (old, new) = superseded(&store).await;
    let (stale, fresh) = (store.under(old.clone()), store.under(new.clone()));
    let run = store.begin_run("schedule", vec![ibm()]).await.unwrap();
    let refused = |written: Result<(), DbError>| {
        let error = written.unwrap_err();
        assert_eq!(error.kind, DbErrorKind::Superseded, "{error}");
        assert!(!error.is_passing());
    };
    let bars = || [bar("2026-05-15T13:30:00Z", 10_000)];
    let listed = || ReportedEvents {
        instrument: Instrument {
            source: SourceId::DEFAULT,
            symbol: ibm().symbol,
        },
        kind: EventKind::Splits,
        through: at(0).date_naive(),
        events: vec![],
        renames: vec![],
    };
    let ended = || {
        SeriesReport::new(ibm(), SeriesStatus::Failed).with_error(
            SeriesStatus::Failed,
            ErrorClass::Network,
            "away",
        )
    };
    let segment = Segment {
        span: Span::new(at(0), at(5)),
        known: Known::Refused,
    };
    let tick = || vec![Tick::due(at(0), SourceId::DEFAULT, at(0))];

    let wish = reservation(&run, &ibm(), NO_LIMITS, 1);
    refused(stale.reserve(wish).await.map(drop));
    let request = granted(&fresh, &run, &ibm()).await;
    stale.keep(request, answer(b"{}"), u64::MAX).await.unwrap();
    let whole = batch(&run, request, &ibm(), &bars());
    refused(stale.apply(vec![whole], credential()).await.map(drop));
    refused(
        stale
            .settle(request, RequestEnd::NotSent("late".into()))
            .await,
    );
    refused(
        stale
            .keep_events(request, listed(), Rule::CloseOfExDate)
            .await,
    );
    refused(stale.settle_events(vec![request]).await);
    refused(stale.record(ibm(), vec![segment]).await);
    refused(stale.note_ticks(tick()).await);
    refused(stale.finish_series(run.id, ended()).await);
    refused(stale.finish_run(run.id, RunStatus::Cancelled).await);
    refused(store.save_last_tick(old, at(9)).await);
    for (table, rows) in [
        ("requests", "1"),
        ("answers", "1"),
        ("ticks", "0"),
        ("stock_data", "0"),
    ] {
        let count = place.sql(&format!("SELECT count(*) FROM {table}")).await;
        assert_eq!(count, [rows], "{table}");
    }
    let of_request = "SELECT state FROM requests";
    assert_eq!(
        place.sql(of_request).await,
        ["answered"],
        "what was paid for is kept"
    );
    let status = "SELECT r.status, s.status FROM runs r JOIN run_series s ON s.run_id = r.id";
    assert_eq!(place.sql(status).await, ["running|running"]);
    assert_eq!(store.last_ticks().await.unwrap(), []);

    assert_eq!(
        applied(&fresh, batch(&run, request, &ibm(), &bars())).await,
        counts(1, 0, 0)
    );
    let second = granted(&fresh, &run, &ibm()).await;
    fresh
        .settle(second, RequestEnd::NotSent("on time".into()))
        .await
        .unwrap();
    fresh
        .keep_events(request, listed(), Rule::CloseOfExDate)
        .await
        .unwrap();
    fresh.settle_events(vec![request]).await.unwrap();
    fresh.record(ibm(), vec![segment]).await.unwrap();
    fresh.note_ticks(tick()).await.unwrap();
    fresh.finish_series(run.id, ended()).await.unwrap();
    fresh.finish_run(run.id, RunStatus::Partial).await.unwrap();
    store.save_last_tick(new, at(9)).await.unwrap();
    assert_eq!(place.sql(status).await, ["partial|failed"]);
    assert_eq!(
        store.last_ticks().await.unwrap(),
        [(SourceId::DEFAULT, at(9))]
    );
}

async fn what_needs_no_lane_is_written_all_the_same(place: Place) {
    let store = place.open().await;
    superseded(&store).await;
    let bars = [bar("2026-05-15T13:30:00Z", 10_000)];
    assert_eq!(store_bars(&store, &ibm(), &bars).await, counts(1, 0, 0));
    let engine = "SELECT count(*) FROM requests WHERE engine IS NOT NULL";
    assert_eq!(place.sql(engine).await, ["0"]);
}

async fn each_lane_keeps_its_own_last_instant(place: Place) {
    let store = place.open().await;
    let here = home("here");
    let binance: SourceId = "binance".parse().unwrap();
    let of_both = Beat {
        home: here.clone(),
        wanted: vec![alpha(), binance.clone().into()],
        lease: LONG,
        now: at(0),
    };
    let leased = store.beat(of_both.clone()).await.unwrap();
    assert!(
        leased.iter().all(|leased| leased.last_tick.is_none()),
        "it never ran"
    );
    for (minutes, leased) in (1..).zip(leased) {
        store
            .save_last_tick(leased.lease, at(minutes))
            .await
            .unwrap();
    }
    let last = store.last_ticks().await.unwrap();
    assert_eq!(last.len(), 2);
    assert_ne!(last[0].1, last[1].1);
    store.leave(here.id).await.unwrap();
    let again = store.beat(of_both).await.unwrap();
    for leased in again {
        let source = leased.lease.lane.source().unwrap();
        let saved = last.iter().find(|(of, _)| of == source);
        assert_eq!(leased.last_tick, saved.map(|(_, at)| *at), "{source}");
    }
    store.follow_from(at(30)).await.unwrap();
    let last = store.last_ticks().await.unwrap();
    assert_eq!(last, [(SourceId::DEFAULT, at(30)), (binance, at(30))]);
}

async fn a_lane_that_is_new_on_a_used_store_has_missed_nothing(place: Place) {
    let store = place.open().await;
    let here = home("here");
    let first = taken(&store, &here, LONG).await.unwrap();
    store.save_last_tick(first, at(1)).await.unwrap();
    let added = Beat {
        home: here,
        wanted: vec!["coinbase".parse().unwrap()],
        lease: LONG,
        now: at(90),
    };
    let leased = store.beat(added).await.unwrap();
    let coinbase = |leased: &&LeasedLane| leased.lease.lane.as_str() == "coinbase";
    let coinbase = leased.iter().find(coinbase).unwrap();
    assert_eq!(coinbase.last_tick, Some(at(90)));
}

async fn the_engines_say_where_they_are_and_what_they_have_sent(place: Place) {
    let store = place.open().await;
    assert_eq!(
        store.engines().await.unwrap().none_since(),
        None,
        "there was none"
    );
    let here = home("here");
    let lock = store.appear(here.id).await.unwrap().unwrap();
    let lease = taken(&store, &here, LONG).await.unwrap();
    let run = store.begin_run("schedule", vec![ibm()]).await.unwrap();
    granted(&store.under(lease), &run, &ibm()).await;
    granted(&store, &run, &ibm()).await;
    let engines = store.engines().await.unwrap();
    assert!(engines.is_one_at_work());
    let [engine] = &engines.all[..] else {
        panic!("{engines:?}")
    };
    assert_eq!(engine.home, here);
    assert_eq!(engine.requests, 1, "a person asked for the other one");
    let mut lanes = engine.lanes.clone();
    lanes.sort();
    assert_eq!(lanes, [alpha(), LaneName::Upkeep]);
    assert!(engine.lives && engine.works(engines.now));
    drop(lock);
    // The server may notice the end of a session a little later.
    let dies = async { while store.engines().await.unwrap().is_one_at_work() {} };
    tokio::time::timeout(Duration::from_secs(20), dies)
        .await
        .unwrap();
    let since = store.engines().await.unwrap().none_since().unwrap();
    assert!(since <= engines.now);
    store.leave(here.id).await.unwrap();
    let engines = store.engines().await.unwrap();
    assert!(engines.all[0].ended_at.is_some() && engines.all[0].lanes.is_empty());
}

async fn a_store_of_the_schema_before_goes_on_where_it_was(place: Place) {
    place.open().await.close().await;
    super::coverage::before_schema_17(&place).await;
    super::coverage::before_schema_18(&place).await;
    place
        .sql("DELETE FROM _sqlx_migrations WHERE version > 16")
        .await;
    place
        .sql("INSERT INTO settings (name, value) VALUES ('last_tick', '2026-11-20T21:20:00.123456789+00:00')")
        .await;
    place
        .sql("INSERT INTO ticks (at, source, outcome, decided_at) VALUES ('2026-11-20 21:20:00', 'binance', 'due', '2026-11-20 21:20:00')")
        .await;
    let store = place.open().await;
    let last = store.last_ticks().await.unwrap();
    let [(source, last)] = &last[..] else {
        panic!("{last:?}")
    };
    assert_eq!(source.as_str(), "binance");
    assert!((*last - at(0)).abs() < TimeDelta::seconds(1));
    assert_eq!(store.setting("last_tick").await.unwrap(), None);
    let here = home("here");
    let leased = beat(&store, &here, LONG).await;
    let new = leased.iter().find(|leased| leased.lease.lane == alpha());
    assert_eq!(
        new.unwrap().last_tick,
        Some(at(0)),
        "this is no first start"
    );
}
