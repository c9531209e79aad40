//! Where a source's coarser bars are what its finer ones add up to, one request brings both.

use std::path::Path;

use pipeline_tui::model::{Bar, Coverage, SeriesReport, SeriesStatus};
use pipeline_tui::pipeline::source::FetchOptions;
use pipeline_tui::pipeline::{Observer, RunRequest};
use tokio_util::sync::CancellationToken;

use super::fills::{bars, lanes};
use super::*;

async fn fetched(pipeline: &Arc<Pipeline>, series: &[SeriesKey]) -> Vec<SeriesReport> {
    let request = RunRequest {
        trigger: "schedule",
        series: series.to_vec(),
        options: FetchOptions::default(),
        max_age: None,
        within: None,
    };
    let (silent, never): (Observer, _) = (Arc::new(|_| {}), CancellationToken::new());
    let report = pipeline.run(request, silent, never).await.unwrap();
    let failed = |one: &&SeriesReport| one.status != SeriesStatus::Succeeded;
    assert_eq!(report.series.iter().find(failed), None);
    report.series
}

fn on(store: Arc<dyn Store>, server: &Server, hands: &Hands, folder: &Path) -> Arc<Pipeline> {
    let mut pipeline = pipeline(store, server, hands, CANARY);
    pipeline.lanes = lanes(server, hands, folder);
    Arc::new(pipeline)
}

#[tokio::test(flavor = "multi_thread")]
async fn coarser_bars_that_come_with_finer_ones_are_those_of_the_source() {
    let key = |source: &str, symbol: &str, interval| SeriesKey {
        source: source.parse().unwrap(),
        ..SeriesKey::raw(symbol.parse().unwrap(), interval)
    };
    for (folder, [store, _]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let pipeline = on(Arc::clone(&store), &server, &hands, folder.path());
        let alone = db::open_sqlite(&folder.path().join("alone.db"), Access::ReadWrite).await;
        let itself = on(alone.unwrap(), &server, &hands, folder.path());
        for (source, symbol) in [
            ("alpaca", "IBM"),
            ("binance", "BTCUSDT"),
            ("coinbase", "BTC-USD"),
        ] {
            let [five, quarter, hour] = [Interval::Min5, Interval::Min15, Interval::Min60]
                .map(|interval| key(source, symbol, interval));
            let all = [hour.clone(), five.clone(), quarter.clone()];
            fetched(&pipeline, &all).await;
            let asked = |text: &str| {
                let journal = server.journal().into_iter();
                journal.filter(|one| one.path.contains(text)).count()
            };
            let path = match source {
                "alpaca" => "/bars",
                "binance" => "/klines",
                _ => "/candles",
            };
            for minutes in [35, 50, 95] {
                let before = asked(path);
                hands.move_on(TimeDelta::minutes(minutes));
                let reports = fetched(&pipeline, &all).await;
                assert_eq!(asked(path), before + 1, "{source} after {minutes} minutes");
                assert_eq!(reports.len(), 3);
                for one in &all {
                    fetched(&itself, std::slice::from_ref(one)).await;
                }
                for one in [&quarter, &hour] {
                    let (rolled, own) = (bars(&store, one).await, bars(&itself.store, one).await);
                    let first = rolled[0].timestamp.max(own[0].timestamp);
                    let since = |bars: Vec<Bar>| -> Vec<Bar> {
                        let bars = bars.into_iter();
                        bars.filter(|bar| bar.timestamp >= first).collect()
                    };
                    let (rolled, own) = (since(rolled), since(own));
                    assert!(own.len() > 20, "{one}");
                    let differs = rolled.iter().zip(&own).find(|(rolled, own)| rolled != own);
                    assert_eq!((differs, rolled.len()), (None, own.len()), "{one}");
                }
            }
            let facts = store.facts(hour.clone()).await.unwrap();
            let derived: fn(&Coverage) -> usize = |coverage| coverage.derived().as_slice().len();
            assert_eq!(derived(&facts.coverage), 1, "{:?}", facts.coverage);
            let facts = store.facts(five.clone()).await.unwrap();
            assert_eq!(derived(&facts.coverage), 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_that_missed_answers_to_the_finer_one_is_asked_for_itself_once() {
    for (folder, [store, _]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let pipeline = on(Arc::clone(&store), &server, &hands, folder.path());
        for (source, symbol, path) in [
            ("alpaca", "IBM", "/bars"),
            ("binance", "BTCUSDT", "/klines"),
            ("coinbase", "BTC-USD", "/candles"),
        ] {
            let both = [Interval::Min5, Interval::Min60].map(|interval| SeriesKey {
                source: source.parse().unwrap(),
                ..SeriesKey::raw(symbol.parse().unwrap(), interval)
            });
            fetched(&pipeline, &both).await;
            // It is off the list for two hours.
            for minutes in [60, 65] {
                hands.move_on(TimeDelta::minutes(minutes));
                fetched(&pipeline, &both[..1]).await;
            }
            for (minutes, requests) in [(5, 2), (55, 1)] {
                hands.move_on(TimeDelta::minutes(minutes));
                let asked = || {
                    let journal = server.journal().into_iter();
                    journal.filter(|one| one.path.contains(path)).count()
                };
                let before = asked();
                fetched(&pipeline, &both).await;
                assert_eq!(asked(), before + requests, "{source}");
                let stands = pipeline.stands(&both, None).await.unwrap();
                for stand in stands {
                    assert_eq!(stand.truth.holes, [], "{}", stand.series);
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_that_is_rolled_up_from_the_answers_of_a_source_gets_each_new_bar() {
    for (folder, [store, _]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let pipeline = on(Arc::clone(&store), &server, &hands, folder.path());
        for (interval, ago) in [
            (Interval::Min30, TimeDelta::minutes(30)),
            (Interval::Weekly, TimeDelta::days(7)),
        ] {
            let series = SeriesKey {
                source: SourceId::known("coinbase"),
                ..SeriesKey::raw("BTC-USD".parse().unwrap(), interval)
            };
            fetched(&pipeline, std::slice::from_ref(&series)).await;
            for _ in 0..3 {
                let before = bars(&store, &series).await.last().unwrap().timestamp;
                // In the middle of a bar, and soon after the next has begun.
                let next = before + ago * 2 + TimeDelta::seconds(20);
                for at in [next - ago / 3, next] {
                    let now = hands.clock().now();
                    hands.move_on((at - now).max(TimeDelta::zero()));
                    fetched(&pipeline, std::slice::from_ref(&series)).await;
                }
                let newest = bars(&store, &series).await.last().unwrap().timestamp;
                assert!(
                    newest >= before + ago,
                    "{series} at {}",
                    hands.clock().now()
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_in_several_pages_carries_nothing() {
    let key = |interval| SeriesKey {
        source: SourceId::known("alpaca"),
        ..SeriesKey::raw("IBM".parse().unwrap(), interval)
    };
    let [one, five] = [Interval::Min1, Interval::Min5].map(key);
    for (folder, [store, _]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let pipeline = on(Arc::clone(&store), &server, &hands, folder.path());
        fetched(&pipeline, &[five.clone(), one.clone()]).await;
        let first = bars(&store, &five).await.last().unwrap().timestamp;
        hands.move_on(TimeDelta::days(40));
        let alone = db::open_sqlite(&folder.path().join("alone.db"), Access::ReadWrite).await;
        let itself = on(alone.unwrap(), &server, &hands, folder.path());
        fetched(&pipeline, &[five.clone(), one.clone()]).await;
        let many = bars(&store, &one).await;
        assert!(
            many.iter().filter(|bar| bar.timestamp > first).count() > 10_000,
            "pages"
        );
        fetched(&itself, std::slice::from_ref(&five)).await;
        let own = bars(&itself.store, &five).await;
        let since = first.max(own[0].timestamp);
        let after = |bars: Vec<Bar>| -> Vec<Bar> {
            let bars = bars.into_iter();
            bars.filter(|bar| bar.timestamp >= since).collect()
        };
        let (own, with) = (after(own), after(bars(&store, &five).await));
        assert!(own.len() > 500);
        let differs = with.iter().zip(&own).find(|(with, own)| with != own);
        assert_eq!((differs, with.len()), (None, own.len()));
    }
}
