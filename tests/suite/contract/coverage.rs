//! What answers speak for is kept with their bars, and bars are counted by month, whoever changes them.

use super::*;
use pipeline_tui::model::{Coverage, Known, Segment, Span, Spoken};

contract! {
    what_answers_speak_for_is_kept_with_their_bars,
    a_time_that_was_refused_is_kept_until_it_is_answered,
    months_count_what_is_stored,
    a_bar_deleted_by_hand_counts_as_never_asked_for,
    an_answer_that_is_stored_twice_speaks_once,
    a_store_of_schema_5_counts_its_months,
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn span(from: &str, to: &str) -> Span {
    Span::new(at(from), at(to))
}

fn some(from: &str, count: i64) -> Vec<Bar> {
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
    let kept: Vec<String> = kept
        .iter()
        .map(|count| {
            let month = count.month.format("%Y-%m");
            let SeriesKey {
                symbol, interval, ..
            } = &count.series;
            format!("{symbol}|{interval}|{month}|{}", count.bars)
        })
        .collect();
    assert_eq!(kept, counted);
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

async fn a_store_of_schema_5_counts_its_months(place: Place) {
    let store = place.open().await;
    store_bars(&store, &ibm(), &some("2026-05-15T13:30:00Z", 7)).await;
    drop(store);
    // As the version before left it.
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
