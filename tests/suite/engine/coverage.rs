//! What the coverage view reads, and what is fetched of a month that was never asked for.

use pipeline_tui::model::ranges::There;
use pipeline_tui::pipeline::command::{PriceQuestion, Priced};
use pipeline_tui::pipeline::snapshot::{CoverageMap, MonthState, Preview};
use pipeline_tui::pipeline::sources::alpha_vantage::SETTINGS;

use super::*;

/// An engine with a paid key that watches the minutes of IBM.
pub async fn started(store: Arc<dyn Store>, server: &Server, hands: &Hands) -> (Handle, SeriesKey) {
    let ibm = SeriesKey::raw("IBM".parse().unwrap(), Interval::Min5);
    ran_before(&store, hands).await;
    let mut pipeline = pipeline(store, server, hands, CANARY);
    let base_url = server.base_url().parse().unwrap();
    let source = AlphaVantage::new(base_url, Secret::new(CANARY), false, hands.clock()).unwrap();
    let source = source.on(&SETTINGS.plans.named("unlimited").unwrap());
    let known = (fingerprint(&[Secret::new(CANARY)]), "unlimited");
    pipeline.lanes = vec![lane(source, (&known.0, known.1), |_| {})];
    let options = EngineOptions {
        only: Some(vec![ibm.clone()]),
        ..options()
    };
    let handle = engine::start(Arc::new(pipeline), options).await.unwrap();
    (handle, ibm)
}

async fn map(handle: &mut Handle, is_it: impl Fn(&CoverageMap) -> bool) -> Arc<CoverageMap> {
    send(handle, Command::ShowCoverage).await;
    let is_there = |map: &Arc<CoverageMap>| is_it(map);
    let snapshot = until(handle, |snapshot| {
        snapshot.coverage.as_ref().is_some_and(is_there)
    })
    .await;
    snapshot.coverage.clone().unwrap()
}

async fn price(handle: &mut Handle, question: PriceQuestion) -> Arc<Preview> {
    send(handle, Command::Price(question.clone())).await;
    let is_it = |preview: &Arc<Preview>| preview.question == question;
    let snapshot = until(handle, |snapshot| {
        snapshot.preview.as_ref().is_some_and(is_it)
    })
    .await;
    snapshot.preview.clone().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_that_was_never_asked_for_is_seen_priced_and_fetched_once() {
    for (_folder, [store, other]) in pairs().await {
        let hands = Hands::at_noon();
        let server = market(&hands).await;
        let (mut handle, ibm) = started(store, &server, &hands).await;
        fetch(&mut handle, std::slice::from_ref(&ibm)).await;
        let before = map(&mut handle, |map| !map.rows[0].months.is_empty()).await;
        let row = &before.rows[0];
        assert_eq!(row.series, ibm);
        assert_eq!(row.months.get(3), None, "{row:?}");
        let within = row.span(before.month(3));
        let question = PriceQuestion {
            what: Priced::Missing(ibm.clone(), within),
            at: hands.clock().now(),
        };
        let told = price(&mut handle, question.clone()).await;
        assert_eq!((told.requests, &told.refusal), (1, &None));
        assert!(told.bars > 1_000, "{told:?}");
        let runs = handle.snapshots.borrow().runs.len();
        send(&handle, Command::Backfill(ibm.clone(), within)).await;
        let snapshot = until(&mut handle, |snapshot| {
            snapshot.runs.len() > runs && snapshot.run.is_none()
        })
        .await;
        let run = &snapshot.runs[0];
        let detail = other.run(run.id).await.unwrap();
        assert_eq!(
            (run.trigger.as_str(), run.requests),
            ("backfill", 1),
            "{detail:?}"
        );
        // The month between is seen as a hole: here, and between two bars.
        let after = map(&mut handle, |map| map.rows[0].months.len() == 4).await;
        let months = &after.rows[0].months;
        assert_eq!(months[3], MonthState::Whole);
        assert!(months[2].has_hole(), "{months:?}");
        send(&handle, Command::ShowRanges(ibm.clone(), within)).await;
        let snapshot = until(&mut handle, |snapshot| snapshot.ranges.is_some()).await;
        let ranges = snapshot.ranges.clone().unwrap();
        assert_eq!((&ranges.series, ranges.within), (&ibm, within));
        assert!(!ranges.ranges.is_empty());
        assert!(ranges.ranges.iter().all(|range| range.state == There::Held));
        let window = BarsWindow {
            series: ibm.clone(),
            anchor: Anchor::Newest,
            newer: 0,
            older: 20_000,
        };
        send(&handle, Command::ShowBars(window)).await;
        let snapshot = until(&mut handle, |snapshot| snapshot.bars.is_some()).await;
        let page = snapshot.bars.clone().unwrap();
        let [hole] = page.holes.as_slice() else {
            panic!("one hole: {:?}", page.holes);
        };
        assert!(hole.bars > 0 && hole.span.from >= within.to, "{hole:?}");
        // What is there is not asked for again.
        let again = PriceQuestion {
            at: question.at + TimeDelta::seconds(1),
            ..question
        };
        let told = price(&mut handle, again).await;
        assert_eq!((told.requests, told.bars), (0, 0));
        end(handle).await;
    }
}
