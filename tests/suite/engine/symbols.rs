//! The list of symbols and the search: what each costs, and what a crash leaves of them.

use bytes::Bytes;
use pipeline_tui::db::{Reservation, Reserved};
use pipeline_tui::model::{Answer, ErrorClass, RunStatus, SourceId};
use pipeline_tui::pipeline::source::{FetchOptions, SymbolWish};
use pipeline_tui::pipeline::symbols::Symbols;
use pipeline_tui::pipeline::{Observer, Once, RunRequest};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::*;

const LISTED: usize = 13_400;

async fn look(handle: &Handle, text: &str, from_provider: bool) {
    let command = Command::Search {
        text: text.into(),
        from_provider,
    };
    handle.commands.send(command).await.unwrap();
}

/// Waits for a text's matches, once no request is in flight.
async fn found(handle: &mut Handle, text: &str) -> (Vec<String>, bool) {
    let is_found = |snapshot: &Snapshot| {
        let view = snapshot.search.as_ref();
        view.is_some_and(|view| view.text == text && !view.busy)
    };
    let snapshot = until(handle, is_found).await;
    let view = snapshot.search.as_ref().unwrap();
    assert_eq!(view.problem, None);
    let symbols = view
        .matches
        .iter()
        .map(|found| found.listing.symbol.to_string());
    (symbols.collect(), view.from_provider)
}

/// What was requested, by function.
fn asked(server: &Server) -> Vec<String> {
    let function = |query: Vec<(String, String)>| {
        let mut pairs = query.into_iter();
        pairs.find(|(name, _)| name == "function").unwrap().1
    };
    let journal = server.journal().into_iter();
    journal.map(|entry| function(entry.query)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_costs_one_request_searching_it_none_and_the_provider_one() {
    for (_folder, [store, again]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let mut handle = start(store, &server, &hands).await;
        look(&handle, "ibm", false).await;
        assert_eq!(found(&mut handle, "ibm").await, (vec![], false));
        let view = handle.snapshots.borrow().search.clone().unwrap();
        assert!(view.listed == 0 && view.wants_list(hands.clock().now()));
        assert_eq!(asked(&server), [""; 0]);

        handle.commands.send(Command::LoadListings).await.unwrap();
        until(&mut handle, |snapshot| {
            snapshot
                .search
                .as_ref()
                .is_some_and(|view| view.listed == LISTED && !view.busy)
        })
        .await;
        assert_eq!(
            found(&mut handle, "ibm").await.0[0],
            "IBM",
            "the text stands"
        );
        for (text, first) in [("apple", "AAPL"), ("brk.b", "BRK-B"), ("micros", "MSFT")] {
            look(&handle, text, false).await;
            let (symbols, from_provider) = found(&mut handle, text).await;
            assert_eq!((symbols[0].as_str(), from_provider), (first, false));
        }
        assert_eq!(asked(&server), ["LISTING_STATUS"]);

        look(&handle, "tesco", true).await;
        let (symbols, from_provider) = found(&mut handle, "tesco").await;
        assert!(from_provider && symbols.contains(&"TSCO.LON".to_owned()));
        assert_eq!(asked(&server), ["LISTING_STATUS", "SYMBOL_SEARCH"]);
        let snapshot = until(&mut handle, |snapshot| {
            snapshot.sources[0].quota.used == 2 && snapshot.runs.len() == 2
        })
        .await;
        let runs = snapshot.runs.iter().map(|run| {
            assert_eq!(run.status, RunStatus::Succeeded);
            (run.trigger.as_str(), run.series, run.requests)
        });
        assert_eq!(
            runs.collect::<Vec<_>>(),
            [("search", 0, 1), ("listing", 0, 1)]
        );
        end(handle).await;

        let mut restarted = start(again, &server, &hands).await;
        look(&restarted, "alphabet", false).await;
        assert_eq!(found(&mut restarted, "alphabet").await.0[0], "GOOGL");
        end(restarted).await;
        assert_eq!(asked(&server).len(), 2, "the list is kept");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_in_flight_ends_in_order_with_the_engine() {
    for (_folder, [store, _]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        server.set_faults(vec!["silent".parse().unwrap()]);
        let mut handle = start(Arc::clone(&store), &server, &hands).await;
        look(&handle, "tesco", true).await;
        until(&mut handle, |snapshot| {
            snapshot.search.as_ref().is_some_and(|view| view.busy)
        })
        .await;
        crate::support::program::seen(&server, 1).await;
        end(handle).await;
        let runs = store.runs(10).await.unwrap();
        assert_eq!(runs[0].status, RunStatus::Cancelled);
        let detail = store.run(runs[0].id).await.unwrap().unwrap();
        assert_eq!(detail.requests[0].state, "failed", "sent, so it is spent");
    }
}

fn pipeline(store: &Arc<dyn Store>, server: &Server, per_day: Option<u32>) -> Arc<Pipeline> {
    let base_url = server.base_url().parse().unwrap();
    let source = AlphaVantage::new(base_url, Secret::new(CANARY), false, Clock::system());
    Arc::new(Pipeline {
        store: Arc::clone(store),
        lanes: vec![lane(source.unwrap(), ("f00d", "test"), |policy| {
            policy.quota = Quota::daily(TimeDelta::zero(), per_day, New_York);
        })],
        answers_limit: 1 << 28,
        calendars: sources::calendars(),
        unreadable: Unreadable::default(),
        stocktaking: Once::default(),
        persistence: persistence(),
        clock: Clock::system(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_said_in_words_and_cost_what_they_cost() {
    for (_folder, [store, _]) in pairs().await {
        let server = provider(Plan::Unlimited, &["burst@1"]).await;
        let pipeline = pipeline(&store, &server, Some(2));
        let search = |text: &str| SymbolWish::Search(text.into());
        let ask = async |wish: SymbolWish| {
            let asked = pipeline.symbols(&wish, CancellationToken::new()).await;
            asked.unwrap()
        };
        let (class, text) = ask(search("tesco")).await.unwrap_err();
        assert_eq!(class, ErrorClass::Burst, "{text}");
        assert!(text.contains("asks us to slow down"), "{text}");
        assert!(
            matches!(ask(search("nosuchcompany")).await, Ok(Symbols::Found(found)) if found.is_empty())
        );
        let (class, text) = ask(SymbolWish::List).await.unwrap_err();
        assert_eq!(class, ErrorClass::Day);
        assert!(
            text.contains("today's requests are used up; more from"),
            "{text}"
        );
        let (class, _) = ask(search(" ")).await.unwrap_err();
        assert_eq!(class, ErrorClass::BadRequest);
        assert_eq!(server.journal().len(), 2);
        let runs = store.runs(10).await.unwrap();
        let ends = runs
            .iter()
            .map(|run| (run.trigger.as_str(), run.status.as_str(), run.requests));
        assert_eq!(
            ends.collect::<Vec<_>>(),
            [
                ("listing", "failed", 0),
                ("search", "succeeded", 1),
                ("search", "failed", 1)
            ]
        );
    }
}

/// Leaves the state of a process that died after it had kept an answer about symbols.
async fn die_with(pipeline: &Pipeline, wish: &SymbolWish, body: &'static str) {
    let (store, lane) = (&pipeline.store, &pipeline.lanes[0]);
    let source = lane.source.symbols().unwrap();
    let run = store.begin_run("listing", vec![]).await.unwrap();
    let reservation = Reservation {
        attempt_id: Uuid::new_v4(),
        run: run.id,
        request: source.ask_symbols(wish).unwrap(),
        credential: lane.credential.clone(),
        attempt: 1,
        quota: lane.policy.quota,
    };
    let Reserved::Granted(request) = store.reserve(reservation).await.unwrap() else {
        panic!("no limits")
    };
    let answer = Answer {
        status: 200,
        content_type: None,
        body: Bytes::from_static(body.as_bytes()),
        received_at: Clock::system().now(),
        elapsed_ms: 1,
        stated: None,
    };
    store.keep(request, answer, u64::MAX).await.unwrap();
    store
        .finish_run(run.id, RunStatus::Interrupted)
        .await
        .unwrap();
}

const TABLE: &str = "symbol,name,exchange,assetType,ipoDate,delistingDate,status\r\n\
                     IBM,International Business Machines Corp,NYSE,Stock,1962-01-02,null,Active\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_was_paid_for_survives_its_process() {
    for (_folder, [store, _]) in pairs().await {
        let server = provider(Plan::Unlimited, &[]).await;
        let pipeline = pipeline(&store, &server, None);
        let search = SymbolWish::Search("ibm".into());
        die_with(&pipeline, &search, "{\"bestMatches\": []}").await;
        die_with(&pipeline, &search, "{\"Note\": \"calls per day\"}").await;
        die_with(&pipeline, &SymbolWish::List, TABLE).await;
        let asked = pipeline
            .symbols(&SymbolWish::List, CancellationToken::new())
            .await
            .unwrap();
        let Ok(Symbols::Listed(_, listings)) = asked else {
            panic!("{asked:?}")
        };
        assert_eq!(
            (listings.len(), listings[0].listing.symbol.as_str()),
            (1, "IBM")
        );
        assert_eq!(server.journal().len(), 0, "it was paid for already");
        let mut states = vec![];
        for run in store.runs(10).await.unwrap() {
            assert_eq!(run.status, RunStatus::Interrupted);
            let detail = store.run(run.id).await.unwrap().unwrap();
            states.push(detail.requests[0].state.clone());
        }
        assert_eq!(states, ["stored", "refused", "stored"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_list_is_not_taken_for_bars() {
    for (_folder, [store, _]) in pairs().await {
        let server = provider(Plan::Unlimited, &[]).await;
        let pipeline = pipeline(&store, &server, None);
        die_with(&pipeline, &SymbolWish::List, TABLE).await;
        let request = RunRequest {
            trigger: "test",
            series: watched(),
            options: FetchOptions::default(),
            max_age: None,
            within: None,
        };
        let silent: Observer = Arc::new(|_| {});
        let report = pipeline
            .run(request, silent, CancellationToken::new())
            .await;
        assert_eq!(report.unwrap().status, RunStatus::Succeeded);
        assert_eq!(server.journal().len(), 2, "one for each series");
        assert_eq!(store.listings(SourceId::DEFAULT).await.unwrap().1.len(), 1);
        assert_eq!(store.health().await.unwrap().bars, 200);
    }
}
