//! The list of symbols, and requests that ask about symbols instead of a series.

use pipeline_tui::model::adjustment::{EventKind, ReportedEvents, Rule};
use pipeline_tui::model::calendar::CalendarId;
use pipeline_tui::model::{Learnt, NameChange, Rename, Status, Symbol};

use super::*;

contract! {
    a_list_takes_the_place_of_the_one_before,
    what_a_source_says_is_kept_whole_and_read_with_its_series,
    a_search_adds_to_what_is_known,
    renames_come_with_corporate_actions,
    each_source_has_a_list_of_its_own,
    a_list_of_everything_that_is_traded_is_kept_whole,
    a_question_about_symbols_is_never_taken_for_one_about_bars,
    an_answer_without_anything_to_store_is_settled,
}

fn listing(symbol: &str, name: &str) -> Listing {
    Listing {
        name: name.into(),
        exchange: "NYSE".into(),
        kind: "Stock".into(),
        ..Listing::of(symbol.parse().unwrap())
    }
}

fn about_symbols() -> Request {
    Request {
        endpoint: "LISTING_STATUS".to_owned(),
        parameters: vec![("function".to_owned(), "LISTING_STATUS".to_owned())],
        series: vec![],
        ..asked(&ibm())
    }
}

/// A request about symbols with a kept answer.
async fn answered(store: &Arc<dyn Store>, run: &ActiveRun) -> RequestId {
    answered_by(SourceId::DEFAULT, store, run).await
}

async fn answered_by(source: SourceId, store: &Arc<dyn Store>, run: &ActiveRun) -> RequestId {
    let wish = Reservation {
        request: Request {
            source,
            ..about_symbols()
        },
        ..reservation(run, &ibm(), NO_LIMITS, 1)
    };
    let Reserved::Granted(request) = store.reserve(wish).await.unwrap() else {
        panic!("no limits")
    };
    let body = answer(b"symbol,name,exchange,assetType");
    store.keep(request, body, u64::MAX).await.unwrap();
    request
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

async fn a_list_takes_the_place_of_the_one_before(place: Place) {
    let (store, other) = (place.open().await, place.open().await);
    assert_eq!(
        store.listings(SourceId::DEFAULT).await.unwrap(),
        (None, vec![])
    );
    let run = store.begin_run("listing", vec![]).await.unwrap();
    let [first, second, late] = [
        answered(&store, &run).await,
        answered(&store, &run).await,
        answered(&store, &run).await,
    ];
    let (may, june) = (at("2026-05-15T20:00:00.123Z"), at("2026-06-15T20:00:00Z"));
    let old = vec![listing("GONE", "Gone, Inc."), listing("IBM", "IBM's name")];
    store
        .keep_listings(first, may, old.clone(), Learnt::List)
        .await
        .unwrap();
    assert_eq!(
        other.listings(SourceId::DEFAULT).await.unwrap(),
        (Some(may), old.clone())
    );
    let new = vec![listing("A", "Société \u{682a}"), listing("IBM", "IBM")];
    let gone = Listing {
        status: Status::Delisted,
        ..listing("GONE", "Gone, Inc.")
    };
    let known = vec![new[0].clone(), gone.clone(), new[1].clone()];
    for _ in 0..2 {
        let kept = store
            .keep_listings(second, june, new.clone(), Learnt::List)
            .await;
        kept.unwrap();
        assert_eq!(
            other.listings(SourceId::DEFAULT).await.unwrap(),
            (Some(june), known.clone())
        );
    }
    other
        .keep_listings(late, may, old, Learnt::List)
        .await
        .unwrap();
    assert_eq!(
        store.listings(SourceId::DEFAULT).await.unwrap(),
        (Some(june), known),
        "an answer that was slower, or waited for a restart"
    );
    let states = place.sql("SELECT DISTINCT state FROM requests").await;
    assert_eq!(states, ["stored"]);
}

async fn what_a_source_says_is_kept_whole_and_read_with_its_series(place: Place) {
    let store = place.open().await;
    let run = store.begin_run("listing", vec![]).await.unwrap();
    let rename = |symbol: &str, date: &str| {
        Some(Rename {
            symbol: symbol.parse().unwrap(),
            date: date.parse().unwrap(),
        })
    };
    let whole = Listing {
        calendar: Some(CalendarId::Xlon),
        currency: "GBX".parse().ok(),
        status: Status::Halted,
        listed: "1962-01-02".parse().ok(),
        delisted: "2026-05-01".parse().ok(),
        renamed_from: rename("CTR", "1924-02-14"),
        renamed_to: rename("NEXT", "2026-05-02"),
        ..listing("IBM", "IBM's name")
    };
    let request = answered(&store, &run).await;
    let may = at("2026-05-15T20:00:00Z");
    let kept = store.keep_listings(request, may, vec![whole.clone()], Learnt::List);
    kept.await.unwrap();
    let listed = store.listings(SourceId::DEFAULT).await.unwrap();
    assert_eq!(listed, (Some(may), vec![whole.clone()]));
    let other = SeriesKey {
        source: "other".parse().unwrap(),
        ..ibm()
    };
    let facts = store.facts_of(vec![other, ibm()]).await.unwrap();
    assert_eq!(facts[0].listing, None, "it is another instrument");
    assert_eq!(facts[1].listing.as_deref(), Some(&whole));
}

async fn a_search_adds_to_what_is_known(place: Place) {
    let store = place.open().await;
    let run = store.begin_run("search", vec![]).await.unwrap();
    let may = at("2026-05-15T20:00:00Z");
    let list = vec![listing("IBM", "IBM")];
    let kept = store.keep_listings(answered(&store, &run).await, may, list, Learnt::List);
    kept.await.unwrap();
    let pence = |symbol: &str| Listing {
        currency: "GBX".parse().ok(),
        ..listing(symbol, "found")
    };
    let found = vec![pence("IBM"), pence("TSCO.LON")];
    for _ in 0..2 {
        let request = answered(&store, &run).await;
        let kept = store.keep_listings(request, may, found.clone(), Learnt::Search);
        kept.await.unwrap();
        let ibm = Listing {
            name: "IBM".to_owned(),
            ..pence("IBM")
        };
        let expected = (Some(may), vec![ibm, pence("TSCO.LON")]);
        assert_eq!(store.listings(SourceId::DEFAULT).await.unwrap(), expected);
    }
    let learnt = place
        .sql("SELECT symbol, learnt FROM listings ORDER BY symbol")
        .await;
    assert_eq!(learnt, ["IBM|list", "TSCO.LON|search"]);
}

async fn renames_come_with_corporate_actions(place: Place) {
    let store = place.open().await;
    let run = store.begin_run("events", vec![]).await.unwrap();
    let request = answered(&store, &run).await;
    let symbol = |text: &str| text.parse::<Symbol>().unwrap();
    let reported = ReportedEvents {
        instrument: ibm().instrument(),
        kind: EventKind::Splits,
        through: "2026-05-15".parse().unwrap(),
        events: vec![],
        renames: vec![NameChange {
            from: symbol("FB"),
            to: symbol("META"),
            date: "2022-06-09".parse().unwrap(),
        }],
    };
    store
        .keep_events(request, reported, Rule::CloseOfExDate)
        .await
        .unwrap();
    let (sent_at, known) = store.listings(SourceId::DEFAULT).await.unwrap();
    assert_eq!(sent_at, None, "there is no list yet");
    let [fb, meta] = known.as_slice() else {
        panic!("{known:?}")
    };
    let rename = |rename: &Option<Rename>| {
        let rename = rename.as_ref().unwrap();
        format!("{} {}", rename.symbol, rename.date)
    };
    assert_eq!(rename(&fb.renamed_to), "META 2022-06-09");
    assert_eq!(
        (fb.status, rename(&meta.renamed_from)),
        (Status::Delisted, "FB 2022-06-09".to_owned())
    );
}

async fn each_source_has_a_list_of_its_own(place: Place) {
    let store = place.open().await;
    let other: SourceId = "other".parse().unwrap();
    let run = store.begin_run("listing", vec![]).await.unwrap();
    let [first, theirs, last] = [
        answered(&store, &run).await,
        answered_by(other.clone(), &store, &run).await,
        answered(&store, &run).await,
    ];
    let (may, june) = (at("2026-05-15T20:00:00Z"), at("2026-06-15T20:00:00Z"));
    let ours = vec![listing("GONE", "Gone, Inc."), listing("IBM", "IBM")];
    store
        .keep_listings(first, june, ours, Learnt::List)
        .await
        .unwrap();
    assert_eq!(
        store.listings(other.clone()).await.unwrap(),
        (None, vec![]),
        "a list of one source is none of another"
    );
    // Older than the list of the other source, and none the less the newest of its own.
    let coins = vec![listing("BTC-USD", "Bitcoin"), listing("IBM", "another")];
    let kept = store
        .keep_listings(theirs, may, coins.clone(), Learnt::List)
        .await;
    kept.unwrap();
    let july = at("2026-07-15T20:00:00Z");
    let ours = vec![listing("IBM", "IBM")];
    store
        .keep_listings(last, july, ours, Learnt::List)
        .await
        .unwrap();
    let (sent_at, known) = store.listings(SourceId::DEFAULT).await.unwrap();
    let shown: Vec<_> = known
        .iter()
        .map(|known| (known.symbol.as_str(), known.status))
        .collect();
    assert_eq!(sent_at, Some(july));
    assert_eq!(shown, [("GONE", Status::Delisted), ("IBM", Status::Active)]);
    assert_eq!(store.listings(other).await.unwrap(), (Some(may), coins));
}

async fn a_list_of_everything_that_is_traded_is_kept_whole(place: Place) {
    let store = place.open().await;
    let run = store.begin_run("listing", vec![]).await.unwrap();
    let all: Vec<Listing> = (0..13_400)
        .map(|n| {
            listing(
                &format!("S{n:05}"),
                "A company with a name of usual length Inc",
            )
        })
        .collect();
    for minute in 0..2 {
        let request = answered(&store, &run).await;
        let sent_at = at("2026-05-15T20:00:00Z") + TimeDelta::minutes(minute);
        store
            .keep_listings(request, sent_at, all.clone(), Learnt::List)
            .await
            .unwrap();
        assert_eq!(
            store.listings(SourceId::DEFAULT).await.unwrap(),
            (Some(sent_at), all.clone())
        );
    }
}

async fn a_question_about_symbols_is_never_taken_for_one_about_bars(place: Place) {
    let store = place.open().await;
    let run = store.begin_run("listing", vec![]).await.unwrap();
    let request = answered(&store, &run).await;
    store
        .finish_run(run.id, RunStatus::Interrupted)
        .await
        .unwrap();
    let kept = store.unapplied().await.unwrap();
    assert_eq!((kept.len(), kept[0].id), (1, request));
    assert_eq!(kept[0].request, about_symbols());
    let detail = store.run(run.id).await.unwrap().unwrap();
    assert_eq!(
        (
            detail.summary.series,
            detail.summary.requests,
            detail.series.len()
        ),
        (0, 1, 0),
        "it has no series that could count its request"
    );
    assert!(detail.summary.is_about_symbols());
    assert_eq!(detail.requests[0].symbol, "");
    assert_eq!(detail.requests[0].query, "function=LISTING_STATUS");
    assert_eq!(
        store.ledger(credential(), NO_LIMITS).await.unwrap().today,
        1
    );
    let counts = store_bars(&store, &ibm(), &[bar("2026-05-15T13:30:00Z", 28_300)]).await;
    assert_eq!(counts.inserted, 1);
    assert_eq!(
        store.run(run.id).await.unwrap().unwrap().summary.requests,
        1
    );
}

async fn an_answer_without_anything_to_store_is_settled(place: Place) {
    let store = place.open().await;
    let run = store.begin_run("search", vec![]).await.unwrap();
    let request = answered(&store, &run).await;
    let found = store.keep_listings(request, at("2026-05-15T20:00:00Z"), vec![], Learnt::Search);
    found.await.unwrap();
    assert_eq!(
        store.listings(SourceId::DEFAULT).await.unwrap(),
        (None, vec![])
    );
    store
        .finish_run(run.id, RunStatus::Succeeded)
        .await
        .unwrap();
    assert!(store.unapplied().await.unwrap().is_empty());
    assert!(
        store
            .ledger(credential(), NO_LIMITS)
            .await
            .unwrap()
            .data_today
    );
    let rows = place
        .sql("SELECT state, coalesce(class, 'none') FROM requests")
        .await;
    assert_eq!(rows, ["stored|none"]);
}
