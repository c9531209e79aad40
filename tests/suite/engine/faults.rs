//! Panics inside the engine, and what other processes do at the same time.

use async_trait::async_trait;
use pipeline_tui::db::RunDetail;
use pipeline_tui::model::adjustment::Rule;
use pipeline_tui::model::{Answer, Bar, ErrorClass, Request, RunStatus, SeriesStatus, Spoken};
use pipeline_tui::pipeline::source::{
    Asked, Description, Page, Pause, Planned, Policy, Refusal, SendError, Source, SymbolReading,
    SymbolSource, SymbolWish, Wish,
};
use uuid::Uuid;

use super::*;

/// A source that panics on IBM, in one of its parts.
#[derive(Debug)]
struct Breaking {
    inner: Arc<dyn Source>,
    on_sending: bool,
    on_reading: bool,
}

fn is_ibm(query: &[(String, String)]) -> bool {
    query.iter().any(|(_, value)| value == "IBM")
}

/// Panics if it is time to.
fn break_on(parameters: &[(String, String)], is_now: bool, words: &str) {
    assert!(!(is_now && is_ibm(parameters)), "{words}");
}

#[async_trait]
impl Source for Breaking {
    fn describe(&self) -> &Description {
        self.inner.describe()
    }

    fn policy(&self) -> &Policy {
        self.inner.policy()
    }

    fn plan(&self, wishes: &[Wish]) -> Planned {
        self.inner.plan(wishes)
    }

    fn rule(&self) -> Rule {
        self.inner.rule()
    }

    async fn send(&self, request: &Request, attempt: Uuid) -> Result<Answer, SendError> {
        let words = format!("broken while sending with {CANARY}");
        break_on(&request.parameters, self.on_sending, &words);
        self.inner.send(request, attempt).await
    }

    fn pause(&self) -> Option<Pause> {
        self.inner.pause()
    }

    fn hold(&self, pause: Pause) {
        self.inner.hold(pause);
    }

    fn read(&self, request: &Request, answer: &Answer) -> Result<Page, Refusal> {
        break_on(&request.parameters, self.on_reading, "broken while reading");
        self.inner.read(request, answer)
    }

    fn spoken(&self, asked: &Asked<'_>, bars: &[Bar]) -> Option<Spoken> {
        self.inner.spoken(asked, bars)
    }

    fn instead_of(&self, request: &Request) -> String {
        self.inner.instead_of(request)
    }

    fn symbols(&self) -> Option<&dyn SymbolSource> {
        Some(self)
    }
}

impl SymbolSource for Breaking {
    fn ask_symbols(&self, wish: &SymbolWish) -> Result<Request, Refusal> {
        self.inner.symbols().unwrap().ask_symbols(wish)
    }

    fn read_symbols(&self, request: &Request, answer: &Answer) -> Result<SymbolReading, Refusal> {
        break_on(&request.parameters, self.on_reading, "broken while reading");
        self.inner.symbols().unwrap().read_symbols(request, answer)
    }
}

async fn breaking(
    store: &Arc<dyn Store>,
    server: &Server,
    hands: &Hands,
    (on_sending, on_reading): (bool, bool),
) -> Handle {
    ran_before(store, hands).await;
    let mut pipeline = pipeline(Arc::clone(store), server, hands, CANARY);
    let lane = &mut pipeline.lanes[0];
    lane.source = Arc::new(Breaking {
        inner: Arc::clone(&lane.source),
        on_sending,
        on_reading,
    });
    engine::start(Arc::new(pipeline), options()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_panics_is_over_and_the_next_one_works() {
    for (_folder, [store, _]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let mut handle = breaking(&store, &server, &hands, (true, false)).await;
        send(&handle, Command::Fetch(vec![watched()[0].clone()])).await;
        let words = told(&mut handle, |what| match what {
            What::Crashed(words) => Some(words.clone()),
            _ => None,
        })
        .await;
        assert_eq!(words, "broken while sending with ***");
        until(&mut handle, |snapshot| {
            snapshot.run.is_none() && snapshot.runs.len() == 1
        })
        .await;
        fetch(&mut handle, &[watched()[1].clone()]).await;
        // PostgreSQL releases a session's lock when it notices that the connection is closed.
        while store.runs(2).await.unwrap()[1].status == RunStatus::Running {
            store.sweep().await.unwrap();
        }
        hands.move_on(TimeDelta::seconds(11));
        until(&mut handle, |snapshot| {
            let status = snapshot.runs.iter().map(|run| run.status);
            status.eq([RunStatus::Succeeded, RunStatus::Interrupted])
        })
        .await;
        end(handle).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_its_reader_ends_its_series_only() {
    for (_folder, [store, _]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let mut handle = breaking(&store, &server, &hands, (false, true)).await;
        fetch(&mut handle, &watched()).await;
        fetch(&mut handle, &[watched()[1].clone()]).await;
        let run = handle.snapshots.borrow().runs[1].id;
        send(&handle, Command::ShowRun(run)).await;
        let snapshot = until(&mut handle, |snapshot| snapshot.opened.is_some()).await;
        let RunDetail {
            series, requests, ..
        } = &**snapshot.opened.as_ref().unwrap();
        let ended: Vec<_> = series
            .iter()
            .map(|series| {
                (
                    series.status,
                    series.error.as_ref().map(|error| error.class),
                )
            })
            .collect();
        assert_eq!(
            ended,
            [
                (SeriesStatus::Succeeded, None),
                (SeriesStatus::Failed, Some(ErrorClass::Malformed))
            ]
        );
        let broken = requests.iter().find(|request| request.symbol == "IBM");
        assert_eq!(broken.unwrap().state, "refused");
        assert_eq!(store.unapplied().await.unwrap().len(), 0);
        end(handle).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_about_symbols_that_panics_is_over_and_the_next_one_is_asked() {
    let shown = |snapshot: &Snapshot| {
        let view = snapshot.search.as_ref().unwrap();
        (view.from_provider, view.problem.clone())
    };
    let idle = |text: &'static str| {
        move |snapshot: &Snapshot| {
            let view = snapshot.search.as_ref();
            view.is_some_and(|view| view.text == text && !view.busy)
        }
    };
    for (_folder, [store, _]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let mut handle = breaking(&store, &server, &hands, (true, false)).await;
        let look = |text: &str| Command::Search {
            text: text.into(),
            from_provider: true,
        };
        send(&handle, look("IBM")).await;
        let snapshot = until(&mut handle, idle("IBM")).await;
        let (_, problem) = shown(&snapshot);
        assert!(problem.is_some_and(|why| why.contains("internal error")));
        send(&handle, look("tesco")).await;
        let snapshot = until(&mut handle, idle("tesco")).await;
        assert_eq!(shown(&snapshot), (true, None));
        end(handle).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_about_symbols_that_breaks_its_reader_is_refused_and_does_not_come_back() {
    for (_folder, [store, _]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let mut handle = breaking(&store, &server, &hands, (false, true)).await;
        let text = "IBM".to_owned();
        let look = Command::Search {
            text,
            from_provider: true,
        };
        send(&handle, look).await;
        // The run of the symbol request must be known before `fetch` counts them.
        let snapshot = until(&mut handle, |snapshot| {
            let view = snapshot.search.as_ref();
            view.is_some_and(|view| !view.busy) && snapshot.runs.len() == 1
        })
        .await;
        let view = snapshot.search.as_ref().unwrap();
        assert!(!view.from_provider && view.problem.is_some(), "{view:?}");
        assert_eq!(store.unapplied().await.unwrap().len(), 0);
        fetch(&mut handle, &watched()[1..]).await;
        assert_eq!(server.journal().len(), 2);
        end(handle).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_notice_what_others_fetch() {
    for (_folder, [here, there]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let mut owner = start(here, &server, &hands).await;
        until(&mut owner, |snapshot| {
            snapshot.schedule.is_owner && snapshot.series.len() == 2
        })
        .await;
        let mut other = start(there, &server, &hands).await;
        until(&mut other, |snapshot| snapshot.series.len() == 2).await;
        fetch(&mut other, &watched()[..1]).await;
        hands.move_on(TimeDelta::seconds(11));
        until(&mut owner, |snapshot| {
            snapshot.runs.len() == 1
                && snapshot.store.bars == 100
                && snapshot.series[0].bars == 100
                && snapshot.sources[0].quota.used == 1
        })
        .await;
        fetch(&mut owner, &watched()[1..]).await;
        hands.move_on(TimeDelta::seconds(11));
        until(&mut other, |snapshot| {
            snapshot.runs.len() == 2 && snapshot.series[1].bars == 100
        })
        .await;
        end(owner).await;
        end(other).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_while_writing_is_switched_off_and_goes_on_once_it_is_not() {
    let Some(url) = cluster::new_database() else {
        return;
    };
    let (_, database) = url.rsplit_once('/').unwrap();
    let target = PgTarget {
        url: Secret::new(url.clone()),
        shown: "test cluster".into(),
    };
    let store = db::open_postgres(target, Access::ReadWrite).await.unwrap();
    let hands = Hands::at_noon();
    let server = market(&hands).await;
    let mut handle = start(store, &server, &hands).await;
    let switch = |to: &str| {
        let sql = format!("ALTER DATABASE {database} {to}");
        cluster::psql(&url, &format!("SET transaction_read_only = off; {sql}"));
    };
    switch("SET default_transaction_read_only = on");
    send(&handle, Command::Fetch(watched())).await;
    let words = told(&mut handle, |what| match what {
        What::StoreLost(words) => Some(words.clone()),
        _ => None,
    })
    .await;
    assert!(words.contains("accepts no writes"), "{words}");
    assert_eq!(server.journal().len(), 0, "nothing is spent");
    switch("RESET default_transaction_read_only");
    until(&mut handle, |snapshot| {
        let status = snapshot.runs.iter().map(|run| run.status);
        snapshot.store.lost.is_none() && status.eq([RunStatus::Succeeded])
    })
    .await;
    assert_eq!(server.journal().len(), 2);
    end(handle).await;
}
