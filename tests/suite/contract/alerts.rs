//! Alerts: opened once, recovered once, each message delivered by one process at a time.

use super::*;
use pipeline_tui::model::alert::{
    AlertChanges, AlertEvent, AlertId, AlertKind, AlertSeverity, Channel, Condition, DeliveryEnd,
    KEPT,
};

contract! {
    an_alert_of_two_processes_opens_once_and_recovers_once,
    one_process_at_a_time_has_a_delivery,
    messages_of_a_channel_follow_each_other,
    what_was_over_long_ago_is_forgotten,
    tried_series_count_their_failures_since_the_last_success,
}

fn at(minutes: i64) -> DateTime<Utc> {
    let start: DateTime<Utc> = "2026-11-20T16:00:00Z".parse().unwrap();
    start + TimeDelta::minutes(minutes)
}

fn opened(subjects: &[&str]) -> AlertChanges {
    let condition = |subject: &&str| Condition {
        kind: AlertKind::Holes,
        subject: (*subject).to_owned(),
        severity: AlertSeverity::Warning,
        text: format!("{subject} \"has\" holes"),
    };
    AlertChanges {
        opened: subjects.iter().map(condition).collect(),
        ..AlertChanges::default()
    }
}

const BOTH: [Channel; 2] = [Channel::Webhook, Channel::Command];

async fn an_alert_of_two_processes_opens_once_and_recovers_once(place: Place) {
    let stores = [place.open().await, place.open().await];
    let change = async |store: &Arc<dyn Store>, changes: AlertChanges, now| {
        store
            .change_alerts(changes, BOTH.to_vec(), now)
            .await
            .unwrap()
    };
    let first = change(&stores[0], opened(&["IBM daily"]), at(0)).await;
    assert_eq!(first.len(), 1);
    let both = change(&stores[1], opened(&["IBM daily", "AAPL daily"]), at(1)).await;
    assert_eq!(
        both[0].subjects,
        ["AAPL daily"],
        "the other is open already"
    );
    let open = stores[0].open_alerts().await.unwrap();
    assert_eq!(open.len(), 2);
    assert_eq!(open[0].condition, opened(&["IBM daily"]).opened[0]);
    assert_eq!((open[0].opened_at, open[0].gone_at), (at(0), None));

    let ids: Vec<AlertId> = open.iter().map(|alert| alert.id).collect();
    let recovered = || AlertChanges {
        recovered: ids.clone(),
        ..AlertChanges::default()
    };
    assert_eq!(
        change(&stores[0], recovered(), at(2)).await,
        [],
        "they still hold"
    );
    let gone = AlertChanges {
        gone: ids.clone(),
        ..AlertChanges::default()
    };
    change(&stores[0], gone, at(3)).await;
    let back = AlertChanges {
        back: vec![ids[1]],
        ..AlertChanges::default()
    };
    change(&stores[1], back, at(4)).await;
    let open = stores[1].open_alerts().await.unwrap();
    let gone: Vec<_> = open.iter().map(|alert| alert.gone_at).collect();
    assert_eq!(gone, [Some(at(3)), None]);
    let over = change(&stores[1], recovered(), at(9)).await;
    assert_eq!(over.len(), 1);
    assert_eq!(
        (over[0].event, &over[0].subjects[..]),
        (AlertEvent::Recovered, &["IBM daily".to_owned()][..])
    );
    assert_eq!(
        change(&stores[0], recovered(), at(10)).await,
        [],
        "it was told"
    );
    let all = stores[0].alerts(10).await.unwrap();
    let ends: Vec<_> = all.iter().map(|alert| alert.recovered_at).collect();
    assert_eq!(ends, [None, Some(at(9))], "newest first");
    // Two messages that opened and one that recovered, each to both channels.
    assert_eq!(stores[0].undelivered().await.unwrap().len(), 6);
    // It may open again.
    let again = change(&stores[0], opened(&["IBM daily"]), at(20)).await;
    assert_eq!(again.len(), 1);
}

async fn one_process_at_a_time_has_a_delivery(place: Place) {
    let stores = [place.open().await, place.open().await];
    let webhook = || vec![Channel::Webhook];
    stores[0]
        .change_alerts(opened(&["IBM daily"]), webhook(), at(0))
        .await
        .unwrap();
    let mut claims = tokio::task::JoinSet::new();
    for n in 0..8 {
        let store = Arc::clone(&stores[n % 2]);
        claims.spawn(async move {
            let channels = vec![Channel::Webhook, Channel::Command];
            store.claim_delivery(channels, at(0), at(1)).await.unwrap()
        });
    }
    let claimed: Vec<_> = claims.join_all().await.into_iter().flatten().collect();
    assert_eq!(claimed.len(), 1, "{claimed:?}");
    assert_eq!(
        (claimed[0].attempts, claimed[0].channel),
        (1, Channel::Webhook)
    );
    assert!(claimed[0].payload.contains("\"text\""), "{claimed:?}");
    // Whoever had it is dead: another takes it.
    let claim = async |now, until| {
        stores[1]
            .claim_delivery(webhook(), now, until)
            .await
            .unwrap()
    };
    assert_eq!(claim(at(0), at(1)).await, None);
    let taken = claim(at(1), at(2)).await.unwrap();
    assert_eq!(taken.attempts, 2);
    let again = DeliveryEnd::Again("HTTP 503".to_owned(), at(5));
    stores[1]
        .end_delivery(taken.id, again, at(1))
        .await
        .unwrap();
    let waiting = stores[0].undelivered().await.unwrap();
    assert_eq!(
        (waiting[0].next_at, waiting[0].outcome.as_deref()),
        (at(5), Some("HTTP 503"))
    );
    assert_eq!(claim(at(4), at(5)).await, None);
    let taken = claim(at(5), at(6)).await.unwrap();
    let done = DeliveryEnd::Delivered("HTTP 200".to_owned());
    stores[1].end_delivery(taken.id, done, at(5)).await.unwrap();
    assert_eq!(claim(at(60), at(61)).await, None);
    assert_eq!(stores[0].undelivered().await.unwrap(), []);
}

async fn messages_of_a_channel_follow_each_other(place: Place) {
    let store = place.open().await;
    for subject in ["IBM daily", "AAPL daily"] {
        store
            .change_alerts(opened(&[subject]), BOTH.to_vec(), at(0))
            .await
            .unwrap();
    }
    let claim = async |channel, now| {
        store
            .claim_delivery(vec![channel], now, at(90))
            .await
            .unwrap()
    };
    let first = claim(Channel::Webhook, at(0)).await.unwrap();
    assert_eq!(
        claim(Channel::Webhook, at(0)).await,
        None,
        "the first is on its way"
    );
    let other = claim(Channel::Command, at(0)).await.unwrap();
    assert_ne!(first.id, other.id);
    let over = DeliveryEnd::GivenUp("HTTP 404".to_owned());
    store.end_delivery(first.id, over, at(1)).await.unwrap();
    let next = claim(Channel::Webhook, at(1)).await.unwrap();
    assert!(next.payload.contains("AAPL"), "{next:?}");
}

async fn what_was_over_long_ago_is_forgotten(place: Place) {
    let store = place.open().await;
    let channels = || vec![Channel::Webhook];
    store
        .change_alerts(opened(&["IBM daily", "AAPL daily"]), channels(), at(0))
        .await
        .unwrap();
    let ids: Vec<_> = store
        .open_alerts()
        .await
        .unwrap()
        .iter()
        .map(|alert| alert.id)
        .collect();
    let over = AlertChanges {
        gone: vec![ids[0]],
        recovered: vec![ids[0]],
        ..AlertChanges::default()
    };
    store.change_alerts(over, vec![], at(1)).await.unwrap();
    let sent = store
        .claim_delivery(channels(), at(1), at(2))
        .await
        .unwrap()
        .unwrap();
    store
        .end_delivery(sent.id, DeliveryEnd::Delivered(String::new()), at(1))
        .await
        .unwrap();
    let rows = || {
        place.sql("SELECT (SELECT count(*) FROM alerts), (SELECT count(*) FROM alert_deliveries)")
    };
    store
        .change_alerts(AlertChanges::default(), vec![], at(1) + KEPT)
        .await
        .unwrap();
    assert_eq!(rows().await, ["2|1"]);
    store
        .change_alerts(AlertChanges::default(), vec![], at(2) + KEPT)
        .await
        .unwrap();
    assert_eq!(rows().await, ["1|0"], "the open one stays");

    // A message to a channel that is no longer set waits for nobody.
    let changes = opened(&["MSFT daily"]);
    let told = store.change_alerts(changes, vec![Channel::Command], at(2) + KEPT);
    assert_eq!(told.await.unwrap().len(), 1);
    for (later, left) in [(at(2), "2|1"), (at(3), "2|0")] {
        let now = later + KEPT + KEPT;
        let none = store.change_alerts(AlertChanges::default(), vec![], now);
        none.await.unwrap();
        assert_eq!(rows().await, [left]);
    }
}

async fn tried_series_count_their_failures_since_the_last_success(place: Place) {
    let store = place.open().await;
    let ended = async |status, class: Option<ErrorClass>| {
        let run = store.begin_run("test", vec![ibm()]).await.unwrap();
        let report = SeriesReport {
            error: class.map(|class| pipeline_tui::model::SeriesError {
                class,
                message: format!("it is {class}"),
            }),
            ..SeriesReport::new(ibm(), status)
        };
        store.finish_series(run.id, report).await.unwrap();
        let status = RunStatus::Failed;
        store.finish_run(run.id, status).await.unwrap();
    };
    let tried = async || store.tried().await.unwrap();
    assert_eq!(tried().await, []);
    ended(SeriesStatus::Failed, Some(ErrorClass::Outage)).await;
    ended(SeriesStatus::Refused, Some(ErrorClass::BadKey)).await;
    ended(SeriesStatus::Refused, Some(ErrorClass::Day)).await;
    let [one] = &tried().await[..] else { panic!() };
    assert_eq!((&one.series, one.failures), (&ibm(), 2));
    assert_eq!(
        one.problem,
        Some((ErrorClass::BadKey, "it is bad_key".to_owned()))
    );
    ended(SeriesStatus::Succeeded, None).await;
    let [one] = &tried().await[..] else { panic!() };
    assert_eq!((one.failures, &one.problem), (0, &None));
    ended(SeriesStatus::Failed, Some(ErrorClass::Network)).await;
    let [one] = &tried().await[..] else { panic!() };
    assert_eq!(one.failures, 1);
    // However many runs of others there were in between.
    for failures in 2..4 {
        for _ in 0..60 {
            let other = series("MSFT", Interval::Min1);
            let run = store.begin_run("test", vec![other.clone()]).await.unwrap();
            let report = SeriesReport::new(other, SeriesStatus::Succeeded);
            store.finish_series(run.id, report).await.unwrap();
            let status = RunStatus::Succeeded;
            store.finish_run(run.id, status).await.unwrap();
        }
        assert_eq!(tried().await.len(), 1, "it was not tried lately");
        ended(SeriesStatus::Failed, Some(ErrorClass::Network)).await;
        let tried = tried().await;
        let ibm = tried.iter().find(|one| one.series == ibm()).unwrap();
        assert_eq!(ibm.failures, failures);
    }
}
