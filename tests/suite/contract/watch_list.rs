//! The watch list: its order, its changes as a whole, and how other processes notice them.

use std::time::{Duration, Instant};

use super::*;
use pipeline_tui::db::WATCH_LIST_MARK;
use pipeline_tui::model::{Declarations, Declaring, Fillings, Priority, SourceId, Sources};
use pipeline_tui::time::Clock;

contract! {
    the_watch_list_is_filled_once,
    a_change_keeps_the_order_and_can_be_undone,
    what_moves_in_the_list_keeps_its_settings,
    a_list_of_schema_17_has_no_targets_and_takes_one,
    a_list_of_schema_18_fills_nothing_and_can_be_filled,
    others_learn_of_a_change_by_its_mark,
    what_is_declared_of_a_series_is_kept_changed_and_undone,
    changes_of_many_processes_lose_no_series,
    ten_thousand_series_are_one_change,
}

/// Ten times what it takes, for a shared machine.
const LIMIT: Duration = Duration::from_secs(20);

fn daily(symbols: &str) -> Vec<SeriesKey> {
    let symbols = symbols.split_whitespace();
    symbols
        .map(|symbol| series(symbol, Interval::Daily))
        .collect()
}

async fn the_watch_list_is_filled_once(place: Place) {
    let store = place.open().await;
    let wanted = vec![
        series("MSFT", Interval::Daily),
        ibm(),
        series("AAPL", Interval::Min5),
    ];
    assert_eq!(store.fill_watch_list(wanted.clone()).await.unwrap(), wanted);
    let mark = store.setting(WATCH_LIST_MARK).await.unwrap();
    assert!(mark.is_some());
    let new = vec![series("NEW", Interval::Daily)];
    assert_eq!(store.fill_watch_list(new).await.unwrap(), wanted);
    assert_eq!(store.setting(WATCH_LIST_MARK).await.unwrap(), mark);
    assert_eq!(place.open().await.watch_list().await.unwrap(), wanted);
}

async fn a_change_keeps_the_order_and_can_be_undone(place: Place) {
    let store = place.open().await;
    let adjusted = SeriesKey {
        adjusted: true,
        ..series("E", Interval::Weekly)
    };
    let pair = |from: &str, to: &str| (daily(from).remove(0), daily(to).remove(0));
    for edit in [
        WatchEdit::Add(daily("A B C D")),
        WatchEdit::Add([daily("B"), vec![adjusted.clone()]].concat()),
        WatchEdit::Remove(daily("A C NONE")),
        WatchEdit::Replace(vec![pair("B", "X"), pair("D", "X"), pair("NONE", "Y")]),
        WatchEdit::Set([vec![adjusted.clone()], daily("Q D")].concat()),
        WatchEdit::Set(vec![]),
        WatchEdit::Remove(daily("A")),
    ] {
        let before = store.watch_list().await.unwrap();
        let expected = edit.apply(&before);
        let edited = store.edit_watch_list(edit.clone()).await.unwrap();
        assert_eq!(edited, expected, "{edit:?}");
        assert_eq!(store.watch_list().await.unwrap(), expected.list, "{edit:?}");
        let undone = store
            .edit_watch_list(edit.undo(&before, &Declarations::new()))
            .await
            .unwrap();
        assert_eq!(store.watch_list().await.unwrap(), before, "{edit:?}");
        assert_eq!(undone.is_changed, edited.is_changed);
        store.edit_watch_list(edit).await.unwrap();
    }
}

async fn what_moves_in_the_list_keeps_its_settings(place: Place) {
    let store = place.open().await;
    let add = WatchEdit::Add(daily("A B"));
    store.edit_watch_list(add).await.unwrap();
    place
        .sql(
            "UPDATE series SET settings = '{\"a\": \"b\"}', added_at = '2020-02-29 12:00:00.125' \
             WHERE symbol = 'B'",
        )
        .await;
    let columns = "SELECT symbol, source, settings, added_at FROM series ORDER BY id";
    let before = place.sql(columns).await;
    store
        .edit_watch_list(WatchEdit::Set(daily("B A")))
        .await
        .unwrap();
    let after = place.sql(columns).await;
    assert_eq!(after, [before[1].clone(), before[0].clone()]);
    let added = store.added().await.unwrap();
    let [a, b, none] = daily("A B NONE").try_into().unwrap();
    for key in [&a, &b, &none] {
        let alone = store.added_at(key.clone()).await.unwrap();
        assert_eq!(alone.as_ref(), added.get(key));
    }
    assert_eq!(
        added[&b],
        "2020-02-29T12:00:00.125Z".parse::<DateTime<Utc>>().unwrap()
    );
    assert!(
        (Clock::system().now() - added[&a]).num_minutes().abs() < 60,
        "{added:?}"
    );
}

async fn what_is_declared_of_a_series_is_kept_changed_and_undone(place: Place) {
    let store = place.open().await;
    let [a, b, c] = daily("A B C").try_into().unwrap();
    let declaring = Declaring {
        since: Some("2020-01-31".parse().ok()),
        priority: Some(Priority::High),
        fresh_within: Some("3sessions".parse().ok()),
        group: Some("tech".parse().ok()),
        fills: None,
    };
    let low = Declaring {
        priority: Some(Priority::Low),
        ..Declaring::default()
    };
    let weekly = SeriesKey {
        interval: Interval::Weekly,
        ..a.clone()
    };
    let both = vec![(a.clone(), declaring), (c.clone(), low.clone())];
    for (edit, row) in [
        (
            WatchEdit::Several(vec![WatchEdit::Add(daily("A B")), WatchEdit::Declare(both)]),
            "A|daily|2020-01-31|high|3sessions|tech",
        ),
        (
            WatchEdit::Declare(vec![(a.clone(), low)]),
            "A|daily|2020-01-31|low|3sessions|tech",
        ),
        (
            WatchEdit::Set(vec![b, a.clone()]),
            "A|daily|2020-01-31|low|3sessions|tech",
        ),
        (
            WatchEdit::Replace(vec![(a.clone(), weekly.clone())]),
            "A|weekly|2020-01-31|low|3sessions|tech",
        ),
        (WatchEdit::Remove(vec![weekly.clone()]), ""),
    ] {
        let list = store.watch_list().await.unwrap();
        let declared = store.declared().await.unwrap();
        let edited = store.edit_watch_list(edit.clone()).await.unwrap();
        assert!(edited.is_changed, "{edit:?}");
        let sql = "SELECT symbol, interval, since, priority, fresh_within, series_group FROM series \
             WHERE symbol = 'A'";
        assert_eq!(place.sql(sql).await.join(""), row, "{edit:?}");
        let expected = edit.declare(&list, &declared);
        assert_eq!(store.declared().await.unwrap(), expected, "{edit:?}");
        let undo = edit.undo(&list, &declared);
        store.edit_watch_list(undo).await.unwrap();
        assert_eq!(store.declared().await.unwrap(), declared, "{edit:?}");
        assert_eq!(store.watch_list().await.unwrap(), list, "{edit:?}");
        let again = store.edit_watch_list(edit.clone()).await.unwrap();
        assert!(again.is_changed, "{edit:?}");
        let same = store.declared().await.unwrap().into_iter();
        let same = same.map(|(key, declared)| (key, declared.into()));
        let idle = WatchEdit::Declare(same.collect());
        assert!(!store.edit_watch_list(idle).await.unwrap().is_changed);
    }
}

async fn a_list_of_schema_17_has_no_targets_and_takes_one(place: Place) {
    let store = place.open().await;
    let [a] = daily("A").try_into().unwrap();
    let declare = |name: &str, value: &str| {
        let mut declaring = Declaring::default();
        assert!(declaring.take(name, value).unwrap());
        WatchEdit::Declare(vec![(a.clone(), declaring)])
    };
    let add = WatchEdit::Add(vec![a.clone()]);
    store.edit_watch_list(add).await.unwrap();
    let group = declare("group", "tech");
    store.edit_watch_list(group).await.unwrap();
    let before = store.declared().await.unwrap();
    drop(store);
    // As the version before left it.
    super::coverage::before_schema_18(&place).await;
    place
        .sql("DELETE FROM _sqlx_migrations WHERE version > 17")
        .await;
    let store = place.open().await;
    assert_eq!(store.declared().await.unwrap(), before);
    let target = declare("fresh_within", "2h");
    store.edit_watch_list(target).await.unwrap();
    let written = store.declared().await.unwrap()[&a].written();
    assert_eq!(written, "fresh_within=2h group=tech");
}

async fn a_list_of_schema_18_fills_nothing_and_can_be_filled(place: Place) {
    let store = place.open().await;
    let [a] = daily("A").try_into().unwrap();
    let target = Declaring {
        fresh_within: Some("2h".parse().ok()),
        ..Declaring::default()
    };
    let list = vec![
        WatchEdit::Add(vec![a.clone()]),
        WatchEdit::Declare(vec![(a.clone(), target.clone())]),
    ];
    let list = WatchEdit::Several(list);
    store.edit_watch_list(list).await.unwrap();
    let before = store.declared().await.unwrap();
    drop(store);
    // As the version before left it.
    super::history::before_schema_21(&place).await;
    place.sql("ALTER TABLE series DROP COLUMN fills").await;
    place
        .sql("DELETE FROM _sqlx_migrations WHERE version > 18")
        .await;
    let store = place.open().await;
    assert_eq!(store.declared().await.unwrap(), before);
    let other = SourceId::known("other");
    let sources = Sources {
        usual: SourceId::DEFAULT,
        known: vec![SourceId::DEFAULT, other.clone()],
    };
    let fill = WatchEdit::fill(
        vec![(a.clone(), target)],
        &other,
        &sources,
        &Fillings::new(),
    )
    .unwrap();
    let filled = store.edit_watch_list(fill).await.unwrap();
    assert_eq!(filled.added, [a.at(&other)]);
    let written = |declared: &Declarations, key: &SeriesKey| declared[key].written();
    let declared = store.declared().await.unwrap();
    assert_eq!(written(&declared, &a), "fresh_within=2h");
    assert_eq!(written(&declared, &a.at(&other)), "fills=alpha_vantage");
    let removal = WatchEdit::Remove(vec![a.clone()]);
    store.edit_watch_list(removal).await.unwrap();
    assert_eq!(store.declared().await.unwrap(), Declarations::new());
}

async fn others_learn_of_a_change_by_its_mark(place: Place) {
    let store = place.open().await;
    let other = place.open().await;
    let mut marks = vec![None];
    for edit in [
        WatchEdit::Add(daily("A")),
        WatchEdit::Add(daily("B")),
        WatchEdit::Set(daily("B A")),
    ] {
        store.edit_watch_list(edit.clone()).await.unwrap();
        let mark = other.settings().await.unwrap().remove(WATCH_LIST_MARK);
        assert!(!marks.contains(&mark), "{marks:?} {mark:?}");
        marks.push(mark.clone());
        // Nothing is left to do, so there is nothing to notice.
        store.edit_watch_list(edit).await.unwrap();
        assert_eq!(other.setting(WATCH_LIST_MARK).await.unwrap(), mark);
    }
}

async fn changes_of_many_processes_lose_no_series(place: Place) {
    let stores = [place.open().await, place.open().await];
    let mut edits = tokio::task::JoinSet::new();
    for n in 0..40 {
        let store = Arc::clone(&stores[n % 2]);
        let add = WatchEdit::Add(daily(&format!("S{n} COMMON")));
        edits.spawn(async move { store.edit_watch_list(add).await });
    }
    while let Some(edited) = edits.join_next().await {
        edited.unwrap().unwrap();
    }
    assert_eq!(stores[0].watch_list().await.unwrap().len(), 41);
}

async fn ten_thousand_series_are_one_change(place: Place) {
    let store = place.open().await;
    let names: Vec<String> = (0..10_000).map(|n| format!("S{n}")).collect();
    let all = daily(&names.join(" "));
    let begun = Instant::now();
    let add = WatchEdit::Add(all.clone());
    let added = store.edit_watch_list(add).await.unwrap();
    assert_eq!(added.added.len(), 10_000);
    assert_eq!(store.watch_list().await.unwrap(), all);
    let every_second = all.iter().step_by(2).cloned().collect();
    let remove = WatchEdit::Remove(every_second);
    store.edit_watch_list(remove.clone()).await.unwrap();
    assert_eq!(store.watch_list().await.unwrap().len(), 5_000);
    store
        .edit_watch_list(remove.undo(&all, &Declarations::new()))
        .await
        .unwrap();
    assert_eq!(store.watch_list().await.unwrap(), all);
    assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
}
