//! What a panel requests from the engine: windows of bars, answers, the watch list, another key, read-only.

use pipeline_tui::model::{RequestId, SeriesStatus, SourceId, WatchEdit};
use pipeline_tui::pipeline::snapshot::{BarsPage, SeriesState};
use pipeline_tui::pipeline::{Event, Once};

use pipeline_tui::config::EnteredKey;

use super::*;

async fn page(handle: &mut Handle, anchor: Anchor, newer: u32, older: u32) -> Arc<BarsPage> {
    let window = BarsWindow {
        series: watched()[0].clone(),
        anchor,
        newer,
        older,
    };
    send(handle, Command::ShowBars(window.clone())).await;
    let is_it = |page: &Arc<BarsPage>| page.window == window;
    let snapshot = until(handle, |snapshot| snapshot.bars.as_ref().is_some_and(is_it)).await;
    snapshot.bars.clone().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_lies_around_its_anchor() {
    for (_folder, [store, _]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let mut handle = start(store, &server, &hands).await;
        fetch(&mut handle, &watched()[..1]).await;
        let all = page(&mut handle, Anchor::Newest, 0, 1_000).await;
        let times: Vec<_> = all.bars.iter().map(|bar| bar.timestamp).collect();
        assert_eq!((times.len(), all.total), (100, 100));
        assert!(times.is_sorted_by(|one, next| one > next));
        assert_eq!(
            (all.newest, all.oldest),
            (times.first().copied(), times.last().copied())
        );
        for (anchor, newer, older, expected) in [
            (Anchor::Newest, 3, 4, &times[..7]),
            (Anchor::Oldest, 3, 4, &times[93..]),
            (Anchor::At(times[50]), 3, 4, &times[47..54]),
            (Anchor::At(times[50]), 3, 0, &times[47..50]),
            (
                Anchor::At(times[50] + TimeDelta::hours(1)),
                3,
                4,
                &times[47..54],
            ),
            (Anchor::At(times[1]), 10, 2, &times[..3]),
            (Anchor::At(times[0]), 10, 2, &times[..2]),
            (
                Anchor::At(times[99] - TimeDelta::hours(1)),
                2,
                10,
                &times[98..],
            ),
        ] {
            let shown = page(&mut handle, anchor, newer, older).await;
            let shown: Vec<_> = shown.bars.iter().map(|bar| bar.timestamp).collect();
            assert_eq!(shown, expected, "{anchor:?} {newer} {older}");
        }
        end(handle).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_shown_as_text() {
    for (_folder, [store, _]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let mut handle = start(store, &server, &hands).await;
        fetch(&mut handle, &watched()[..1]).await;
        let run = handle.snapshots.borrow().runs[0].id;
        send(&handle, Command::ShowRun(run)).await;
        let snapshot = until(&mut handle, |snapshot| snapshot.opened.is_some()).await;
        let request = snapshot.opened.as_ref().unwrap().requests[0].clone();
        assert!(request.parse_ms.is_some() && request.ended_at >= Some(request.reserved_at));
        send(&handle, Command::ShowAnswer(request.id)).await;
        let snapshot = until(&mut handle, |snapshot| snapshot.answer.is_some()).await;
        let answer = snapshot.answer.as_ref().unwrap();
        assert_eq!((answer.request, answer.status), (request.id, 200));
        assert_eq!(answer.lines[..2], ["{", "  \"Meta Data\": {"]);
        assert!(!answer.cut && answer.lines.len() > 500);
        send(&handle, Command::ShowAnswer(RequestId(999))).await;
        let snapshot = until(&mut handle, |snapshot| {
            snapshot.answer.as_ref().unwrap().request == RequestId(999)
        })
        .await;
        let answer = snapshot.answer.as_ref().unwrap();
        assert_eq!(answer.lines, ["there is no request 999"]);
        end(handle).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_system_view_shows_is_read_when_it_is_asked_for() {
    for (_folder, [store, _]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let backend = store.backend().to_string();
        let mut handle = start(store, &server, &hands).await;
        fetch(&mut handle, &watched()[..1]).await;
        assert_eq!(handle.snapshots.borrow().system, None);
        send(&handle, Command::ShowSystem).await;
        let snapshot = until(&mut handle, |snapshot| snapshot.system.is_some()).await;
        let system = snapshot.system.as_ref().unwrap();
        assert!(system.database.starts_with(&backend), "{system:?}");
        assert_eq!((system.size.answers, system.spooled), (1, Some(0)));
        let source = &system.sources[0];
        assert_eq!(source.fingerprint, fingerprint(&[Secret::new(CANARY)]));
        let known: Vec<_> = source
            .entitlements
            .iter()
            .map(|known| (known.endpoint.as_str(), known.granted))
            .collect();
        assert_eq!(known, [("TIME_SERIES_DAILY", true)]);
        end(handle).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_series_is_edited_in_place() {
    for (_folder, [store, _]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let mut handle = start(store, &server, &hands).await;
        until(&mut handle, |snapshot| snapshot.series.len() == 2).await;
        let weekly = SeriesKey {
            interval: Interval::Weekly,
            ..watched()[0].clone()
        };
        let replace = |to: &SeriesKey| {
            let pair = (watched()[0].clone(), to.clone());
            Command::EditList(WatchEdit::Replace(vec![pair]))
        };
        send(&handle, replace(&watched()[1])).await;
        let why = told(&mut handle, |what| match what {
            What::Refused(_, why) => Some(why.clone()),
            _ => None,
        })
        .await;
        assert_eq!(why, "AAPL daily is already on the watch list");
        send(&handle, replace(&weekly)).await;
        let expected = [weekly.clone(), watched()[1].clone()];
        until(&mut handle, |snapshot| {
            snapshot
                .series
                .iter()
                .map(|series| &series.key)
                .eq(&expected)
        })
        .await;
        end(handle).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_counts_from_the_next_run_on() {
    for (_folder, [store, again]) in pairs().await {
        let hands = Hands::at_noon();
        let server = Server::start(Options {
            plan: Plan::Demo,
            clock: hands.clock(),
            ..Options::default()
        })
        .await
        .unwrap();
        let real = market(&hands).await;
        let pipeline = pipeline(store, &server, &hands, CANARY);
        let other = {
            let (hands, base) = (hands.clone(), real.base_url());
            move |keys: &[EnteredKey]| {
                let key = keys.last().unwrap().values[0].clone();
                if key.expose().len() < 8 {
                    return Err("too short".to_owned());
                }
                let source =
                    AlphaVantage::new(base.parse().unwrap(), key.clone(), false, hands.clock());
                let pipeline = Arc::new(Pipeline {
                    store: Arc::clone(&again),
                    lanes: vec![lane(
                        source.unwrap(),
                        (&fingerprint(std::slice::from_ref(&key)), "75"),
                        |policy| {
                            policy.quota = Quota::unlimited(New_York);
                        },
                    )],
                    answers_limit: 1 << 28,
                    calendars: sources::calendars(),
                    unreadable: Unreadable::default(),
                    stocktaking: Once::default(),
                    persistence: persistence(),
                    clock: hands.clock(),
                });
                Ok(pipeline)
            }
        };
        let options = EngineOptions {
            rekey: Some(Arc::new(other)),
            ..options()
        };
        ran_before(&pipeline.store, &hands).await;
        let mut handle = engine::start(Arc::new(pipeline), options).await.unwrap();
        until(&mut handle, |snapshot| snapshot.series.len() == 2).await;
        send(&handle, Command::Fetch(watched()[1..].to_vec())).await;
        let status = told(&mut handle, |what| match what {
            What::Run(Event::Done(report)) => Some(report.status),
            _ => None,
        })
        .await;
        assert_eq!(status, SeriesStatus::Refused);
        send(&handle, Command::SetKey(entered("short"))).await;
        let why = told(&mut handle, |what| match what {
            What::Refused(Command::SetKey(_), why) => Some(why.clone()),
            _ => None,
        })
        .await;
        assert_eq!(why, "too short");
        send(&handle, Command::SetKey(entered("ANOTHERKEY4711"))).await;
        let snapshot = until(&mut handle, |snapshot| {
            snapshot.sources[0].plan == "75" && snapshot.series[1].problem.is_none()
        })
        .await;
        assert_eq!(snapshot.series[1].state, SeriesState::Due);
        fetch(&mut handle, &watched()[1..]).await;
        until(&mut handle, |snapshot| snapshot.series[1].bars == 100).await;
        let status = handle.snapshots.borrow().series[1].clone();
        let newest = status.last_bar.unwrap().timestamp;
        assert!(
            status.oldest.is_some_and(|oldest| oldest < newest),
            "{status:?}"
        );
        assert_eq!(real.journal().len(), 1);
        let text = "tesco".to_owned();
        let look = Command::Search {
            text,
            from_provider: true,
        };
        send(&handle, look).await;
        until(&mut handle, |snapshot| {
            let view = snapshot.search.as_ref();
            view.is_some_and(|view| view.from_provider && !view.matches.is_empty())
        })
        .await;
        assert_eq!(real.journal().len(), 2);
        end(handle).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_shows_the_store_and_changes_nothing() {
    for (folder, [writer, _]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let path = folder.path().join("bars.db");
        // On PostgreSQL a second writer would work too: the engine itself must not write.
        let reader = if path.exists() {
            db::open_sqlite(&path, Access::ReadOnly).await.unwrap()
        } else {
            Arc::clone(&writer)
        };
        let options = EngineOptions {
            read_only: true,
            ..options()
        };
        let pipeline = pipeline(reader, &server, &hands, CANARY);
        let mut handle = engine::start(Arc::new(pipeline), options).await.unwrap();
        let snapshot = until(&mut handle, |snapshot| snapshot.series.len() == 2).await;
        assert!(snapshot.read_only && !snapshot.schedule.is_owner);
        assert_eq!(writer.watch_list().await.unwrap(), [], "shown, not stored");
        let look = |from_provider| Command::Search {
            text: "ibm".into(),
            from_provider,
        };
        for spends in [Command::Fetch(watched()), Command::LoadListings, look(true)] {
            send(&handle, spends).await;
            let why = told(&mut handle, |what| match what {
                What::Refused(_, why) => Some(why.clone()),
                _ => None,
            })
            .await;
            assert!(why.contains("read-only"), "{why}");
        }
        assert!(handle.snapshots.borrow().search.is_none());
        send(&handle, look(false)).await;
        until(&mut handle, |snapshot| {
            let view = snapshot.search.as_ref();
            view.is_some_and(|view| !view.busy && view.problem.is_none())
        })
        .await;
        let mut other = start(Arc::clone(&writer), &server, &hands).await;
        fetch(&mut other, &watched()).await;
        hands.move_on(TimeDelta::seconds(11));
        until(&mut handle, |snapshot| {
            snapshot.series.iter().all(|series| series.bars == 100)
        })
        .await;
        end(other).await;
        hands.move_on(TimeDelta::days(7));
        until(&mut handle, |snapshot| {
            snapshot.series[0].state == SeriesState::Holes
        })
        .await;
        assert_eq!(server.journal().len(), 2, "nothing on schedule");
        end(handle).await;
    }
}

/// A key of the usual source.
fn entered(key: &str) -> EnteredKey {
    EnteredKey {
        source: SourceId::DEFAULT,
        values: vec![Secret::public(key)],
    }
}
