//! What answers speak for is kept with their bars, and bars are counted by month, whoever changes them.

use super::*;
use pipeline_tui::db::HeldMonths;
use pipeline_tui::model::{Coverage, Known, Segment, Span, Spoken};

contract! {
    what_answers_speak_for_is_kept_with_their_bars,
    a_time_that_was_refused_is_kept_until_it_is_answered,
    months_count_what_is_stored,
    a_bar_deleted_by_hand_counts_as_never_asked_for,
    an_answer_that_is_stored_twice_speaks_once,
    a_store_of_schema_5_counts_its_months,
    a_restated_series_marks_what_was_asked_for_before_its_overlap,
    what_was_restated_is_marked_until_an_answer_brings_it_again,
    only_what_its_source_adjusts_is_restated,
    a_store_of_schema_7_keeps_its_coverage,
    what_was_rolled_up_is_marked_also_in_a_store_of_schema_19,
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn span(from: &str, to: &str) -> Span {
    Span::new(at(from), at(to))
}

pub fn some(from: &str, count: i64) -> Vec<Bar> {
    let later = |i| {
        let mut bar = bar(from, 28_300 + i);
        bar.timestamp += TimeDelta::minutes(5 * i);
        bar
    };
    (0..count).map(later).collect()
}

/// Stores an answer that speaks for this.
async fn store_spoken(store: &Arc<dyn Store>, bars: &[Bar], spoken: Spoken) {
    let series = ibm();
    let run = store.begin_run("test", vec![series.clone()]).await.unwrap();
    let request = granted(store, &run, &series).await;
    store.keep(request, answer(b"{}"), u64::MAX).await.unwrap();
    let spoken = Some(spoken);
    let whole = Batch {
        spoken,
        ..batch(&run, request, &series, bars)
    };
    applied(store, whole.clone()).await;
    applied(store, whole).await;
    store
        .finish_run(run.id, RunStatus::Succeeded)
        .await
        .unwrap();
}

async fn coverage(store: &Arc<dyn Store>) -> Coverage {
    let facts = store.facts(ibm()).await.unwrap();
    let all = store.coverage().await.unwrap();
    let [(series, coverage)] = &all[..] else {
        panic!("{all:?}")
    };
    assert_eq!((series, coverage), (&ibm(), &facts.coverage));
    facts.coverage
}

fn known(coverage: &Coverage) -> Vec<(Known, Span)> {
    let segments = coverage.segments().into_iter();
    segments
        .map(|segment| (segment.known, segment.span))
        .collect()
}

/// An answer about the morning of a day, not yet settled after 14:00.
fn morning(day: &str) -> Spoken {
    Spoken {
        asked: span(&format!("{day}T13:30:00Z"), &format!("{day}T14:30:00Z")),
        settled_to: at(&format!("{day}T14:00:00Z")),
        complete_to: at(&format!("{day}T14:30:00Z")),
        newest_at: Some(at(&format!("{day}T14:31:00Z"))),
    }
}

async fn what_answers_speak_for_is_kept_with_their_bars(place: Place) {
    let store = place.open().await;
    store_spoken(
        &store,
        &some("2026-05-15T13:30:00Z", 12),
        morning("2026-05-15"),
    )
    .await;
    let first = [
        (
            Known::Settled,
            span("2026-05-15T13:30:00Z", "2026-05-15T14:00:00Z"),
        ),
        (
            Known::Asked,
            span("2026-05-15T14:00:00Z", "2026-05-15T14:30:00Z"),
        ),
    ];
    assert_eq!(known(&coverage(&store).await), first);
    // A later answer settles what the first could not, and leaves a hole before itself.
    let later = Spoken {
        asked: span("2026-05-15T14:10:00Z", "2026-05-15T15:00:00Z"),
        settled_to: at("2026-05-16T00:00:00Z"),
        complete_to: at("2026-05-15T15:00:00Z"),
        newest_at: Some(at("2026-05-16T06:00:00Z")),
    };
    store_spoken(&store, &[], later).await;
    let coverage = coverage(&store).await;
    let second = [
        first[0],
        (
            Known::Asked,
            span("2026-05-15T14:00:00Z", "2026-05-15T14:10:00Z"),
        ),
        (Known::Settled, later.asked),
    ];
    assert_eq!(known(&coverage), second);
    assert_eq!(coverage.asked_at(), later.newest_at);
    // The past says nothing about now.
    let past = Spoken {
        newest_at: None,
        ..morning("2026-05-12")
    };
    store_spoken(&store, &[], past).await;
    let after = self::coverage(&store).await;
    assert_eq!(after.asked_at(), later.newest_at);
    assert_eq!(
        after.never_asked(span("2026-05-12T13:30:00Z", "2026-05-15T15:00:00Z")),
        [span("2026-05-12T14:30:00Z", "2026-05-15T13:30:00Z")]
    );
    drop(store);
    let again = place.open().await;
    assert_eq!(self::coverage(&again).await, after);
}

async fn a_time_that_was_refused_is_kept_until_it_is_answered(place: Place) {
    let store = place.open().await;
    let may = span("2026-05-01T04:00:00Z", "2026-06-01T04:00:00Z");
    let refused = Segment {
        span: may,
        known: Known::Refused,
    };
    store.record(ibm(), vec![refused]).await.unwrap();
    assert_eq!(known(&coverage(&store).await), [(Known::Refused, may)]);
    store_spoken(&store, &[], morning("2026-05-15")).await;
    let [before, settled, asked, after] = known(&coverage(&store).await)[..] else {
        panic!("four segments");
    };
    assert_eq!(
        (before.0, settled.0, asked.0, after.0),
        (Known::Refused, Known::Settled, Known::Asked, Known::Refused)
    );
    assert_eq!((before.1.from, after.1.to), (may.from, may.to));
}

/// Months as the store keeps them, and by counting.
async fn assert_months(place: &Place, store: &Arc<dyn Store>) {
    let month = if place.is_postgres() {
        "to_char(trading_date, 'YYYY-MM')"
    } else {
        "substr(trading_date, 1, 7)"
    };
    let counted = place
        .sql(&format!(
            "SELECT symbol, interval, {month}, count(*) FROM stock_data GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        ))
        .await;
    let kept = store.months().await.unwrap();
    let mut lines = vec![];
    for HeldMonths { series, months } in kept {
        let (symbol, interval) = (series.symbol, series.interval);
        for (month, bars) in months {
            let month = month.format("%Y-%m");
            lines.push(format!("{symbol}|{interval}|{month}|{bars}"));
        }
    }
    lines.sort();
    assert_eq!(lines, counted);
}

async fn months_count_what_is_stored(place: Place) {
    let store = place.open().await;
    let day = |date: &str, close| {
        let mut bar = bar(&format!("{date}T04:00:00Z"), close);
        bar.trading_date = date.parse().unwrap();
        bar
    };
    let daily = series("MSFT", Interval::Daily);
    let first: Vec<Bar> = ["2026-04-29", "2026-04-30", "2026-05-01"]
        .map(|date| day(date, 28_300))
        .into();
    store_bars(&store, &daily, &first).await;
    assert_months(&place, &store).await;
    // One more, one changed, over two months.
    let second: Vec<Bar> = [
        ("2026-04-30", 28_301),
        ("2026-05-01", 28_300),
        ("2026-05-04", 28_300),
    ]
    .map(|(date, close)| day(date, close))
    .into();
    store_bars(&store, &daily, &second).await;
    store_bars(&store, &ibm(), &some("2026-05-15T13:30:00Z", 7)).await;
    store_bars(&store, &ibm(), &some("2026-05-15T13:45:00Z", 7)).await;
    // The label of a week moves into the next month.
    let weekly = series("MSFT", Interval::Weekly);
    for label in ["2026-04-30", "2026-05-01"] {
        store_bars(&store, &weekly, &[day(label, 28_300)]).await;
        assert_months(&place, &store).await;
    }
}

async fn a_bar_deleted_by_hand_counts_as_never_asked_for(place: Place) {
    let store = place.open().await;
    let bars = some("2026-05-15T13:30:00Z", 12);
    store_spoken(&store, &bars, morning("2026-05-15")).await;
    let gone = if place.is_postgres() {
        "DELETE FROM stock_data WHERE timestamp = '2026-05-15 13:40:00+00'"
    } else {
        "DELETE FROM bars WHERE timestamp = '2026-05-15 13:40:00'"
    };
    place.sql(gone).await;
    let after = coverage(&store).await;
    let unknown: Vec<_> = bars
        .iter()
        .filter(|bar| after.known(bar.timestamp).is_none())
        .map(|bar| bar.timestamp)
        .collect();
    assert_eq!(unknown, [at("2026-05-15T13:40:00Z")]);
    assert_months(&place, &store).await;
    let all = if place.is_postgres() {
        "DELETE FROM stock_data"
    } else {
        "DELETE FROM bars"
    };
    place.sql(all).await;
    let after = coverage(&store).await;
    assert!(bars.iter().all(|bar| after.known(bar.timestamp).is_none()));
    assert_months(&place, &store).await;
    store_spoken(&store, &bars, morning("2026-05-15")).await;
    assert_eq!(
        coverage(&store)
            .await
            .never_asked(morning("2026-05-15").asked),
        []
    );
}

async fn an_answer_that_is_stored_twice_speaks_once(place: Place) {
    let store = place.open().await;
    let bars = some("2026-05-15T13:30:00Z", 12);
    for _ in 0..2 {
        store_spoken(&store, &bars, morning("2026-05-15")).await;
        assert_eq!(place.sql("SELECT count(*) FROM coverage").await, ["2"]);
        assert_months(&place, &store).await;
    }
}

/// Takes away what schema 17 has added.
pub(super) async fn before_schema_17(place: &Place) {
    place.sql("DROP INDEX idx_requests_engine").await;
    place.sql("ALTER TABLE requests DROP COLUMN engine").await;
    place.sql("DROP TABLE lanes").await;
    place.sql("DROP TABLE engines").await;
}

/// Takes away what schemas 9 and later ones have added.
async fn before_schema_9(place: &Place) {
    before_schema_17(place).await;
    for (trigger, table) in [
        ("events_run_started", "runs"),
        ("events_run_ended", "runs"),
        ("events_series_ended", "run_series"),
        ("events_alert_opened", "alerts"),
        ("events_alert_recovered", "alerts"),
    ] {
        let of = if place.is_postgres() {
            format!(" ON {table}")
        } else {
            String::new()
        };
        place.sql(&format!("DROP TRIGGER {trigger}{of}")).await;
    }
    if place.is_postgres() {
        for function in ["events_of_runs", "events_of_series", "events_of_alerts"] {
            place.sql(&format!("DROP FUNCTION {function}")).await;
        }
    }
    place.sql("DROP TABLE stated_left").await;
    place.sql("DROP TABLE ticks").await;
    place.sql("DROP TABLE events").await;
    place.sql("DROP TABLE alert_deliveries").await;
    place.sql("DROP TABLE alerts").await;
    place.sql("DROP VIEW bars_best").await;
    place.sql("DROP TABLE source_ranks").await;
    for column in [
        "calendar",
        "currency",
        "status",
        "listed",
        "delisted",
        "renamed_from",
        "renamed_from_on",
        "renamed_to",
        "renamed_to_on",
        "learnt",
        "learnt_at",
    ] {
        place
            .sql(&format!("ALTER TABLE listings DROP COLUMN {column}"))
            .await;
    }
    before_schema_18(place).await;
    for column in ["since", "priority", "series_group"] {
        place
            .sql(&format!("ALTER TABLE series DROP COLUMN {column}"))
            .await;
    }
}

/// Takes back what is newer than schema 17 in the watch list.
pub async fn before_schema_18(place: &Place) {
    super::history::before_schema_21(place).await;
    for column in ["fresh_within", "fills"] {
        place
            .sql(&format!("ALTER TABLE series DROP COLUMN {column}"))
            .await;
    }
}

async fn a_store_of_schema_5_counts_its_months(place: Place) {
    let store = place.open().await;
    store_bars(&store, &ibm(), &some("2026-05-15T13:30:00Z", 7)).await;
    drop(store);
    // As the version before left it.
    before_schema_9(&place).await;
    place.sql("DROP VIEW stock_data_adjusted").await;
    for table in [
        "asked",
        "coverage",
        "held_counts",
        "corporate_events",
        "event_lists",
        "adjustments",
    ] {
        place.sql(&format!("DROP TABLE {table}")).await;
    }
    place
        .sql("DELETE FROM _sqlx_migrations WHERE version > 5")
        .await;
    let store = place.open().await;
    assert_months(&place, &store).await;
    let all = store.coverage().await.unwrap();
    assert_eq!(
        all,
        [(ibm(), Coverage::default())],
        "never asked, as far as is known"
    );
}

/// 5min bars of a day, adjusted by their source: the closes and volumes of a market that does not
/// move, times a ratio of prices.
fn adjusted_day(day: &str, ratio: i64) -> Vec<Bar> {
    let mut bars = some(&format!("{day}T13:30:00Z"), 12);
    for (at, bar) in (1..).zip(&mut bars) {
        for price in [&mut bar.open, &mut bar.high, &mut bar.low, &mut bar.close] {
            *price = Price::from_units(price.units() / ratio);
        }
        bar.volume = Volume::new(1_000 * at * ratio, 0).unwrap();
    }
    bars
}

fn adjusted(interval: Interval) -> SeriesKey {
    SeriesKey {
        adjusted: true,
        ..series("IBM", interval)
    }
}

/// Stores an answer of bars that speaks for the time from its first to its last one.
async fn store_adjusted(store: &Arc<dyn Store>, series: &SeriesKey, bars: &[Bar]) {
    let run = store.begin_run("test", vec![series.clone()]).await.unwrap();
    let request = granted(store, &run, series).await;
    store.keep(request, answer(b"{}"), u64::MAX).await.unwrap();
    let to = bars.last().unwrap().timestamp + TimeDelta::minutes(5);
    let spoken = Spoken {
        asked: Span::new(bars[0].timestamp, to),
        settled_to: to,
        complete_to: to,
        newest_at: Some(to),
    };
    let whole = Batch {
        spoken: Some(spoken),
        ..batch(&run, request, series, bars)
    };
    applied(store, whole).await;
    let over = store.finish_run(run.id, RunStatus::Succeeded);
    over.await.unwrap();
}

/// The days of 2026-05 of which bars are on an earlier scale.
async fn what_was_rolled_up_is_marked_also_in_a_store_of_schema_19(place: Place) {
    let store = place.open().await;
    store_spoken(
        &store,
        &some("2026-05-15T13:30:00Z", 12),
        morning("2026-05-15"),
    )
    .await;
    let before = coverage(&store).await;
    drop(store);
    // As the version before left it.
    before_schema_20(&place).await;
    let store = place.open().await;
    assert_eq!(coverage(&store).await, before);
    let (series, bars) = (ibm(), some("2026-05-15T14:10:00Z", 4));
    let run = store.begin_run("test", vec![series.clone()]).await.unwrap();
    let request = granted(&store, &run, &series).await;
    store.keep(request, answer(b"{}"), u64::MAX).await.unwrap();
    let rolled = Batch {
        spoken: Some(Spoken {
            asked: span("2026-05-15T14:10:00Z", "2026-05-15T14:30:00Z"),
            settled_to: at("2026-05-15T14:20:00Z"),
            ..morning("2026-05-15")
        }),
        is_rolled_up: true,
        ..batch(&run, request, &series, &bars)
    };
    applied(&store, rolled).await;
    let all = [
        (Known::Settled, "13:30", "14:00"),
        (Known::Asked, "14:00", "14:10"),
        (Known::Derived, "14:10", "14:20"),
        (Known::Deriving, "14:20", "14:30"),
    ];
    let all = all.map(|(known, from, to)| {
        let instant = |clock: &str| format!("2026-05-15T{clock}:00Z");
        (known, span(&instant(from), &instant(to)))
    });
    assert_eq!(known(&coverage(&store).await), all);
    // Asked for itself, it is the source's own again.
    let later = Spoken {
        settled_to: at("2026-05-16T00:00:00Z"),
        ..morning("2026-05-15")
    };
    store_spoken(&store, &[], later).await;
    assert_eq!(
        known(&coverage(&store).await),
        [(Known::Settled, later.asked)]
    );
}

/// The schema of the version before bars were rolled up between series, with what is stored.
async fn before_schema_20(place: &Place) {
    super::history::before_schema_21(place).await;
    if place.is_postgres() {
        for change in [
            "ALTER TABLE coverage DROP CONSTRAINT coverage_known_check",
            "ALTER TABLE coverage ADD CONSTRAINT coverage_known_check \
             CHECK (known IN ('settled', 'asked', 'refused', 'restated'))",
        ] {
            place.sql(change).await;
        }
    }
    place
        .sql("DELETE FROM _sqlx_migrations WHERE version > 19")
        .await;
}

async fn restated_days(store: &Arc<dyn Store>, series: &SeriesKey) -> Vec<u32> {
    let coverage = store.facts(series.clone()).await.unwrap().coverage;
    let day = |day: &u32| {
        coverage
            .restated()
            .contains(at(&format!("2026-05-{day:02}T14:00:00Z")))
    };
    (1..=31).filter(day).collect()
}

async fn a_restated_series_marks_what_was_asked_for_before_its_overlap(place: Place) {
    let store = place.open().await;
    let series = adjusted(Interval::Min5);
    for day in ["2026-05-11", "2026-05-13", "2026-05-14"] {
        store_adjusted(&store, &series, &adjusted_day(day, 1)).await;
    }
    assert_eq!(
        restated_days(&store, &series).await,
        [0; 0],
        "nothing changed"
    );
    // A split 4:1 since: the answer brings the newest day again, and one more.
    let newest = [adjusted_day("2026-05-14", 4), adjusted_day("2026-05-15", 4)].concat();
    store_adjusted(&store, &series, &newest).await;
    assert_eq!(restated_days(&store, &series).await, [11, 13]);
    let known = store.facts(series.clone()).await.unwrap().coverage;
    assert_eq!(
        known.never_asked(span("2026-05-11T13:30:00Z", "2026-05-15T14:30:00Z"))[0],
        span("2026-05-11T13:30:00Z", "2026-05-14T13:30:00Z"),
        "it counts as never asked for"
    );
    drop(store);
    let store = place.open().await;
    assert_eq!(restated_days(&store, &series).await, [11, 13]);
}

async fn what_was_restated_is_marked_until_an_answer_brings_it_again(place: Place) {
    let store = place.open().await;
    let series = adjusted(Interval::Min5);
    for day in ["2026-05-11", "2026-05-12", "2026-05-13"] {
        store_adjusted(&store, &series, &adjusted_day(day, 1)).await;
    }
    store_adjusted(&store, &series, &adjusted_day("2026-05-13", 4)).await;
    assert_eq!(restated_days(&store, &series).await, [11, 12]);
    // That a day comes on the new scale which is known to be on the old one shows nothing new.
    store_adjusted(&store, &series, &adjusted_day("2026-05-11", 4)).await;
    assert_eq!(restated_days(&store, &series).await, [12]);
    store_adjusted(&store, &series, &adjusted_day("2026-05-12", 4)).await;
    assert_eq!(restated_days(&store, &series).await, [0; 0]);
    // A slow answer from before the split changes no stored bar, and says nothing.
    let run = store.begin_run("test", vec![series.clone()]).await.unwrap();
    let slow = granted(&store, &run, &series).await;
    store.keep(slow, answer(b"{}"), u64::MAX).await.unwrap();
    store_adjusted(&store, &series, &adjusted_day("2026-05-13", 4)).await;
    let before = store.facts(series.clone()).await.unwrap();
    let late = Batch {
        spoken: Some(morning("2026-05-20")),
        ..batch(&run, slow, &series, &adjusted_day("2026-05-13", 1))
    };
    applied(&store, late).await;
    let after = store.facts(series).await.unwrap();
    assert_eq!(
        (after.coverage, after.recent),
        (before.coverage, before.recent)
    );
}

async fn only_what_its_source_adjusts_is_restated(place: Place) {
    let store = place.open().await;
    // Raw prices that change together are a correction.
    for ratio in [1, 4] {
        for day in ["2026-05-11", "2026-05-12"] {
            store_adjusted(&store, &ibm(), &adjusted_day(day, ratio)).await;
        }
    }
    assert_eq!(restated_days(&store, &ibm()).await, [0; 0]);
    // Weekly bars carry an adjusted close beside raw prices.
    let weekly = adjusted(Interval::Weekly);
    let weeks = |from: i64, ratio: i64| -> Vec<Bar> {
        let week = |number: i64| {
            let mut bar = bar("2026-02-06T05:00:00Z", 28_300 + number);
            bar.timestamp += TimeDelta::weeks(number);
            bar.trading_date = bar.timestamp.date_naive();
            bar.adjusted_close = Some(Price::from_units(bar.close.units() / ratio));
            bar
        };
        (from..14).map(week).collect()
    };
    store_adjusted(&store, &weekly, &weeks(0, 1)).await;
    store_adjusted(&store, &weekly, &weeks(6, 2)).await;
    let known = store.facts(weekly).await.unwrap().coverage;
    let oldest = weeks(0, 1)[0].timestamp;
    assert_eq!(
        known.restated().as_slice(),
        [Span::new(oldest, oldest + TimeDelta::weeks(6))]
    );
}

async fn a_store_of_schema_7_keeps_its_coverage(place: Place) {
    let store = place.open().await;
    let bars = some("2026-05-15T13:30:00Z", 12);
    store_spoken(&store, &bars, morning("2026-05-15")).await;
    let before = coverage(&store).await;
    drop(store);
    // As the version before left it: SQLite's check is part of the table, and is made again with it.
    before_schema_9(&place).await;
    if place.is_postgres() {
        place
            .sql(
                "ALTER TABLE coverage DROP CONSTRAINT coverage_known_check, \
                 ADD CONSTRAINT coverage_known_check CHECK (known IN ('settled', 'asked', 'refused'))",
            )
            .await;
    }
    place
        .sql("DELETE FROM _sqlx_migrations WHERE version > 7")
        .await;
    let store = place.open().await;
    assert_eq!(coverage(&store).await, before);
    let series = adjusted(Interval::Min5);
    for (day, ratio) in [("2026-05-13", 1), ("2026-05-14", 1), ("2026-05-14", 4)] {
        store_adjusted(&store, &series, &adjusted_day(day, ratio)).await;
    }
    assert_eq!(restated_days(&store, &series).await, [13]);
}
