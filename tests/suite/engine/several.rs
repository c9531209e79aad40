//! Several engines on one PostgreSQL: each follows the schedule of its lanes, and takes over what is free.

use super::*;
use pipeline_tui::db::LeasedLane;
use pipeline_tui::model::LaneName;
use pipeline_tui::model::tick::TickOutcome;
use pipeline_tui::pipeline::sources::coinbase::Coinbase;

const COINBASE: SourceId = SourceId::known("coinbase");

fn ibm() -> SeriesKey {
    SeriesKey::raw("IBM".parse().unwrap(), Interval::Daily)
}

fn bitcoin() -> SeriesKey {
    SeriesKey {
        source: COINBASE,
        ..SeriesKey::raw("BTC-USD".parse().unwrap(), Interval::Daily)
    }
}

/// An engine that knows both sources and watches these series.
async fn watching(
    store: Arc<dyn Store>,
    server: &Server,
    hands: &Hands,
    only: Vec<SeriesKey>,
) -> Handle {
    let mut pipeline = pipeline(store, server, hands, CANARY);
    let url = server.base_url_of(COINBASE.as_str()).unwrap();
    let source = Coinbase::new(url.parse().unwrap(), hands.clock()).unwrap();
    pipeline
        .lanes
        .push(lane(source, ("c01d", "free"), |policy| {
            policy.quota = Quota::unlimited(New_York);
        }));
    let options = EngineOptions {
        only: Some(only),
        schedule: "every 15".parse().unwrap(),
        ..options()
    };
    engine::start(Arc::new(pipeline), options).await.unwrap()
}

/// Two stores on one PostgreSQL database, and its URL.
async fn shared() -> Option<(String, [Arc<dyn Store>; 2])> {
    let url = cluster::new_database()?;
    let target = PgTarget {
        url: Secret::new(url.clone()),
        shown: "test cluster".into(),
    };
    let open = async || {
        db::open_postgres(target.clone(), Access::ReadWrite)
            .await
            .unwrap()
    };
    Some((url, [open().await, open().await]))
}

/// The lanes of each engine that works.
async fn lanes(store: &Arc<dyn Store>) -> Vec<Vec<LaneName>> {
    let engines = store.engines().await.unwrap();
    let working = engines.all.iter().filter(|one| one.works(engines.now));
    let mut lanes: Vec<_> = working.map(|engine| engine.lanes.clone()).collect();
    lanes.sort();
    lanes
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_two_engines_follows_the_schedule_of_its_own_lane() {
    let Some((url, [here, there])) = shared().await else {
        return;
    };
    let hands = Hands::at_noon();
    ran_before(&here, &hands).await;
    let server = market(&hands).await;
    let mut first = watching(Arc::clone(&here), &server, &hands, vec![ibm()]).await;
    until(&mut first, |snapshot| snapshot.schedule.is_owner).await;
    let mut second = watching(there, &server, &hands, vec![bitcoin()]).await;
    until(&mut second, |snapshot| snapshot.schedule.is_owner).await;
    assert_eq!(
        lanes(&here).await,
        [
            vec![SourceId::DEFAULT.into(), LaneName::Upkeep],
            vec![COINBASE.into()]
        ]
    );

    hands.move_on(TimeDelta::minutes(16));
    let noted = async {
        loop {
            let mut ticks = here.ticks(10, hands.clock().now()).await.unwrap();
            ticks.retain(|noted| noted.tick.outcome == TickOutcome::Done);
            if ticks.len() == 2 {
                return ticks;
            }
        }
    };
    let noted = tokio::time::timeout(Duration::from_secs(30), noted).await;
    let noted = noted.unwrap();
    assert_ne!(noted[0].tick.source, noted[1].tick.source);
    assert_ne!(noted[0].tick.run, noted[1].tick.run, "each has its own run");
    let acted = here.last_ticks().await.unwrap();
    assert!(
        acted.iter().all(|(_, at)| *at == hands.clock().now()),
        "{acted:?}"
    );
    for handle in [&mut first, &mut second] {
        until(handle, |snapshot| {
            snapshot.run.is_none() && snapshot.series.iter().all(|one| one.bars > 0)
        })
        .await;
    }
    let by_engine =
        "SELECT source, count(DISTINCT engine), count(*) > 0 FROM requests GROUP BY 1 ORDER BY 1";
    assert_eq!(
        cluster::psql(&url, by_engine).trim(),
        "alpha_vantage|1|t\ncoinbase|1|t"
    );
    let engines = "SELECT count(DISTINCT engine) FROM requests";
    assert_eq!(cluster::psql(&url, engines).trim(), "2");
    end(first).await;
    assert_eq!(lanes(&here).await, [vec![COINBASE.into()]]);
    end(second).await;
    assert!(lanes(&here).await.is_empty());
    assert!(here.engines().await.unwrap().none_since().is_some());
}

/// What an engine does that was frozen for longer than its lease: everything it still wants to write is
/// refused, and it takes its lane again only once that is free.
#[tokio::test(flavor = "multi_thread")]
async fn an_engine_whose_lane_was_taken_fetches_nothing_until_it_is_free() {
    let Some((url, [here, there])) = shared().await else {
        return;
    };
    let hands = Hands::at_noon();
    ran_before(&here, &hands).await;
    let server = market(&hands).await;
    let mut handle = watching(here, &server, &hands, vec![ibm()]).await;
    until(&mut handle, |snapshot| snapshot.schedule.is_owner).await;
    let thief = EngineHome {
        id: EngineId::new(),
        host: "there".into(),
        pid: 2,
        version: "test".into(),
    };
    let _lock = there.appear(thief.id).await.unwrap();
    let beat = Beat {
        home: thief.clone(),
        wanted: vec![SourceId::DEFAULT.into()],
        lease: engine::LEASE,
        now: hands.clock().now(),
    };
    let taken: Vec<LeasedLane> = loop {
        // As if its lease were over.
        let over = "UPDATE lanes SET until = clock_timestamp() - interval '1 second'";
        cluster::psql(&url, over);
        let taken = there.beat(beat.clone()).await.unwrap();
        if !taken.is_empty() {
            break taken;
        }
    };
    told(&mut handle, |what| {
        matches!(what, What::LanesLost(_)).then_some(())
    })
    .await;
    hands.move_on(TimeDelta::minutes(16));
    until(&mut handle, |snapshot| !snapshot.schedule.is_owner).await;
    assert!(server.journal().is_empty());
    there.leave(thief.id).await.unwrap();
    told(&mut handle, |what| {
        matches!(what, What::LanesWon(_)).then_some(())
    })
    .await;
    until(&mut handle, |snapshot| {
        snapshot.series.iter().all(|series| series.bars > 0)
    })
    .await;
    assert_eq!(taken[0].lease.epoch, 3, "the test, the engine, the thief");
    assert_eq!(server.journal().len(), 1, "made up for once");
    end(handle).await;
}
