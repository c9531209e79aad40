//! The request ledger, kept answers, and what is known of a key.

use super::*;

contract! {
    starts_keep_their_gap_across_processes,
    the_day_is_counted_across_processes_and_ends,
    a_request_that_was_never_sent_is_not_spent,
    a_refused_day_stops_everyone,
    a_refused_day_is_probed_once_and_goes_on_when_data_comes,
    what_a_key_sent_lately_is_told_with_its_last_answer,
    what_runs_of_a_kind_have_sent_is_counted_since_an_instant,
    what_a_provider_says_is_left_holds_for_all_processes,
    a_reservation_is_made_once,
    racing_reservations_never_overspend,
    kept_answers_are_bounded_but_never_before_they_are_stored,
    entitlements_are_remembered_per_key_and_plan,
}

async fn starts_keep_their_gap_across_processes(place: Place) {
    let (here, there) = (place.open().await, place.open().await);
    let limits = Quota::daily(TimeDelta::hours(1), None, New_York);
    let run = here.begin_run("test", vec![ibm()]).await.unwrap();
    assert!(matches!(
        here.reserve(reservation(&run, &ibm(), limits, 1))
            .await
            .unwrap(),
        Reserved::Granted(_)
    ));
    let Reserved::Wait(wait) = there
        .reserve(reservation(&run, &ibm(), limits, 1))
        .await
        .unwrap()
    else {
        panic!()
    };
    assert!(
        wait > TimeDelta::minutes(59) && wait <= limits.gap,
        "{wait}"
    );
    let other_key = Reservation {
        credential: Credential {
            fingerprint: "beef".into(),
            ..credential()
        },
        ..reservation(&run, &ibm(), limits, 1)
    };
    assert!(matches!(
        there.reserve(other_key).await.unwrap(),
        Reserved::Granted(_)
    ));
}

async fn the_day_is_counted_across_processes_and_ends(place: Place) {
    let (here, there) = (place.open().await, place.open().await);
    let limits = Quota::daily(TimeDelta::zero(), Some(4), New_York);
    let run = here.begin_run("test", vec![ibm()]).await.unwrap();
    for (store, attempt) in [(&here, 1), (&there, 2), (&here, 3)] {
        let reserved = store
            .reserve(reservation(&run, &ibm(), limits, attempt))
            .await
            .unwrap();
        assert!(matches!(reserved, Reserved::Granted(_)), "{reserved:?}");
    }
    assert_eq!(
        there
            .reserve(reservation(&run, &ibm(), limits, 4))
            .await
            .unwrap(),
        Reserved::RetriesSpent
    );
    assert!(matches!(
        there
            .reserve(reservation(&run, &ibm(), limits, 1))
            .await
            .unwrap(),
        Reserved::Granted(_)
    ));
    let spent = here
        .reserve(reservation(&run, &ibm(), limits, 1))
        .await
        .unwrap();
    assert!(
        matches!(spent, Reserved::DaySpent(until) if until > now(&here).await),
        "{spent:?}"
    );
}

async fn now(store: &Arc<dyn Store>) -> DateTime<Utc> {
    store.health().await.unwrap().now
}

async fn a_request_that_was_never_sent_is_not_spent(place: Place) {
    let store = place.open().await;
    let limits = Quota::daily(TimeDelta::hours(1), Some(1), New_York);
    let run = store.begin_run("test", vec![ibm()]).await.unwrap();
    for _ in 0..3 {
        let Reserved::Granted(id) = store
            .reserve(reservation(&run, &ibm(), limits, 1))
            .await
            .unwrap()
        else {
            panic!()
        };
        store
            .settle(id, RequestEnd::NotSent("connection refused".into()))
            .await
            .unwrap();
    }
}

async fn what_runs_of_a_kind_have_sent_is_counted_since_an_instant(place: Place) {
    let store = place.open().await;
    let limits = Quota::daily(TimeDelta::zero(), None, New_York);
    let before = store.health().await.unwrap().now - TimeDelta::seconds(1);
    for trigger in ["start", "missed", "fetch"] {
        let run = store.begin_run(trigger, vec![ibm()]).await.unwrap();
        for attempt in [1, 2] {
            let reservation = reservation(&run, &ibm(), limits, attempt);
            let reserved = store.reserve(reservation).await.unwrap();
            assert!(matches!(reserved, Reserved::Granted(_)), "{reserved:?}");
        }
        let never_sent = reservation(&run, &ibm(), limits, 3);
        let Reserved::Granted(id) = store.reserve(never_sent).await.unwrap() else {
            panic!("{trigger}")
        };
        let end = RequestEnd::NotSent("no network".into());
        store.settle(id, end).await.unwrap();
    }
    let counted = async |credential, since| {
        let sent = store.sent_since(credential, &["start", "missed"], since);
        sent.await.unwrap()
    };
    assert_eq!(counted(credential(), before).await, 4);
    let later = store.health().await.unwrap().now + TimeDelta::seconds(1);
    assert_eq!(counted(credential(), later).await, 0);
    let other_key = Credential {
        fingerprint: "beef".into(),
        ..credential()
    };
    assert_eq!(counted(other_key, before).await, 0);
}

async fn a_refused_day_stops_everyone(place: Place) {
    let (here, there) = (place.open().await, place.open().await);
    let run = here.begin_run("test", vec![ibm()]).await.unwrap();
    let request = granted(&here, &run, &ibm()).await;
    here.keep(request, answer(b"{}"), u64::MAX).await.unwrap();
    here.settle(
        request,
        RequestEnd::Refused(ErrorClass::Day, "25 requests per day".into()),
    )
    .await
    .unwrap();
    let reserved = there
        .reserve(reservation(&run, &ibm(), NO_LIMITS, 1))
        .await
        .unwrap();
    assert!(matches!(reserved, Reserved::DaySpent(_)), "{reserved:?}");
}

/// PostgreSQL alone can be made slow at one commit and quick at the next.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_the_store_kept_too_late_is_decided_anew() {
    let Some(url) = crate::support::cluster::new_database() else {
        return;
    };
    let place = Place::Postgres(url);
    let store = place.open().await;
    for slow in [
        "CREATE SEQUENCE commits",
        "CREATE FUNCTION slow_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF nextval('commits') = 1 THEN PERFORM pg_sleep(0.5); END IF; RETURN NULL; END $$",
        "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON requests DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION slow_once()",
    ] {
        place.sql(slow).await;
    }
    let run = store.begin_run("test", vec![ibm()]).await.unwrap();
    let limits = Quota::daily(TimeDelta::seconds(30), None, New_York);
    let wish = reservation(&run, &ibm(), limits, 1);
    let began = now(&store).await;
    let Reserved::Granted(id) = store.reserve(wish).await.unwrap() else {
        panic!("the first start is granted")
    };
    let kept = place
        .sql("SELECT id || '|' || (extract(epoch FROM reserved_at) * 1000)::bigint FROM requests")
        .await;
    let [kept] = &kept[..] else {
        panic!("the late one is taken back: {kept:?}")
    };
    let (kept, start) = kept.split_once('|').unwrap();
    assert_eq!(kept, id.0.to_string());
    let start: i64 = start.parse().unwrap();
    assert!(
        start - began.timestamp_millis() >= 500,
        "it counts from after the slow commit"
    );
}

/// A quota whose day is far from its ends, whatever the time.
fn at_noon(now: DateTime<Utc>) -> Quota {
    use chrono::Timelike as _;
    let zones = [
        chrono_tz::Etc::GMT,
        chrono_tz::Etc::GMTMinus6,
        chrono_tz::Etc::GMTPlus6,
        chrono_tz::Etc::GMTMinus12,
    ];
    let hours = |zone: &chrono_tz::Tz| now.with_timezone(zone).hour().abs_diff(12);
    Quota::unlimited(zones.into_iter().min_by_key(hours).unwrap())
}

async fn a_refused_day_is_probed_once_and_goes_on_when_data_comes(place: Place) {
    let (here, there) = (place.open().await, place.open().await);
    let run = here.begin_run("test", vec![ibm()]).await.unwrap();
    let quota = at_noon(now(&here).await);
    let reserve = async |store: &Arc<dyn Store>| {
        let wish = reservation(&run, &ibm(), quota, 1);
        store.reserve(wish).await.unwrap()
    };
    let refused = || RequestEnd::Refused(ErrorClass::Day, "25 requests per day".into());
    // An hour and a bit passes.
    let pass = async || {
        let earlier = |column: &str| match place {
            Place::Sqlite(_) => {
                format!("{column} = strftime('%Y-%m-%d %H:%M:%f', {column}, '-61 minutes')")
            }
            Place::Postgres(_) => format!("{column} = {column} - interval '61 minutes'"),
        };
        let (start, end) = (earlier("reserved_at"), earlier("ended_at"));
        place
            .sql(&format!("UPDATE requests SET {start}, {end}"))
            .await;
    };
    let Reserved::Granted(first) = reserve(&here).await else {
        panic!("the day is new")
    };
    // This one is on its way while the other is refused.
    let Reserved::Granted(second) = reserve(&there).await else {
        panic!("the day is not refused yet")
    };
    here.keep(first, answer(b"{}"), u64::MAX).await.unwrap();
    // And this one starts before anybody has read what came.
    let Reserved::Granted(third) = reserve(&there).await else {
        panic!("the refusal is not read yet")
    };
    here.settle(first, refused()).await.unwrap();
    assert!(!matches!(reserve(&there).await, Reserved::Granted(_)));
    for beside in [second, third] {
        there.keep(beside, answer(b"{}"), u64::MAX).await.unwrap();
        applied(&there, batch(&run, beside, &ibm(), &[])).await;
    }
    assert!(
        matches!(reserve(&there).await, Reserved::DaySpent(_)),
        "it may have been counted before the refused one"
    );
    // As if that had brought nothing: a day that brought data is not probed.
    place
        .sql("UPDATE requests SET state = 'refused', class = 'day' WHERE state = 'stored'")
        .await;
    pass().await;
    let Reserved::Granted(probe) = reserve(&there).await else {
        panic!("it is probed")
    };
    assert!(matches!(reserve(&here).await, Reserved::Wait(_)), "once");
    there.keep(probe, answer(b"{}"), u64::MAX).await.unwrap();
    assert!(matches!(reserve(&here).await, Reserved::Wait(_)), "unread");
    there.settle(probe, refused()).await.unwrap();
    assert!(matches!(reserve(&here).await, Reserved::DaySpent(_)));
    pass().await;
    let Reserved::Granted(probe) = reserve(&here).await else {
        panic!("it is probed again")
    };
    here.keep(probe, answer(b"{}"), u64::MAX).await.unwrap();
    applied(&here, batch(&run, probe, &ibm(), &[])).await;
    for store in [&here, &there] {
        assert!(matches!(reserve(store).await, Reserved::Granted(_)));
    }
}

async fn what_a_provider_says_is_left_holds_for_all_processes(place: Place) {
    let (here, there) = (place.open().await, place.open().await);
    let run = here.begin_run("test", vec![ibm()]).await.unwrap();
    let reserve = async |store: &Arc<dyn Store>| {
        let wish = reservation(&run, &ibm(), NO_LIMITS, 1);
        store.reserve(wish).await.unwrap()
    };
    let granted = async |store| match reserve(store).await {
        Reserved::Granted(id) => id,
        other => panic!("{other:?}"),
    };
    let says = async |store: &Arc<dyn Store>, request, left, seconds| {
        let answer = Answer {
            stated: Some(Stated {
                left,
                ends_in: std::time::Duration::from_secs(seconds),
            }),
            ..answer(b"{}")
        };
        store.keep(request, answer, u64::MAX).await.unwrap();
    };
    let first = granted(&here).await;
    // On its way when the first one is answered: the provider may not have counted it.
    let second = granted(&there).await;
    says(&here, first, 2, 3_600).await;
    let third = granted(&there).await;
    let Reserved::Held(wait) = reserve(&here).await else {
        panic!("two are left, and two were sent")
    };
    assert!(
        wait > TimeDelta::minutes(59) && wait <= TimeDelta::hours(1),
        "{wait}"
    );
    // One that was never sent is not counted; what an older answer says is no news.
    let never = RequestEnd::NotSent("no network".into());
    there.settle(third, never).await.unwrap();
    let fourth = granted(&here).await;
    says(&there, fourth, 0, 3_600).await;
    says(&there, second, 100, 3_600).await;
    for store in [&here, &there] {
        assert!(matches!(reserve(store).await, Reserved::Held(_)));
    }
    let other_key = Reservation {
        credential: Credential {
            fingerprint: "beef".into(),
            ..credential()
        },
        ..reservation(&run, &ibm(), NO_LIMITS, 1)
    };
    assert!(matches!(
        there.reserve(other_key).await.unwrap(),
        Reserved::Granted(_)
    ));
    place
        .sql("UPDATE stated_left SET until = '2020-01-01 00:00:00.000'")
        .await;
    granted(&there).await;
}

async fn a_reservation_is_made_once(place: Place) {
    let store = place.open().await;
    let run = store.begin_run("test", vec![ibm()]).await.unwrap();
    let wish = reservation(
        &run,
        &ibm(),
        Quota::daily(TimeDelta::hours(1), Some(1), New_York),
        1,
    );
    let first = store.reserve(wish.clone()).await.unwrap();
    assert!(matches!(first, Reserved::Granted(_)));
    assert_eq!(
        store.reserve(wish).await.unwrap(),
        first,
        "asking again after an unknown outcome finds the row"
    );
}

async fn racing_reservations_never_overspend(place: Place) {
    let limits = Quota::daily(TimeDelta::zero(), Some(10), New_York);
    let store = place.open().await;
    let run = Arc::new(store.begin_run("test", vec![ibm()]).await.unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (store, run) = (place.open().await, Arc::clone(&run));
        tasks.spawn(async move {
            let mut won = 0;
            for _ in 0..8 {
                let wish = reservation(&run, &ibm(), limits, 1);
                let reserved = loop {
                    match store.reserve(wish.clone()).await {
                        // Waiters for SQLite's file are served in no order: one may wait too long.
                        Err(error) if error.is_passing() => {}
                        outcome => break outcome.unwrap(),
                    }
                };
                won += u32::from(matches!(reserved, Reserved::Granted(_)));
            }
            won
        });
    }
    assert_eq!(tasks.join_all().await.iter().sum::<u32>(), 10);
}

async fn kept_answers_are_bounded_but_never_before_they_are_stored(place: Place) {
    let store = place.open().await;
    let run = store.begin_run("test", vec![ibm()]).await.unwrap();
    // Incompressible bytes, so that three are over the limit and two are not.
    let mut random = fastrand::Rng::with_seed(7);
    let noise: Vec<u8> = (0..40_000).map(|_| random.u8(..)).collect();
    let mut requests = vec![];
    for _ in 0..3 {
        let request = granted(&store, &run, &ibm()).await;
        store.keep(request, answer(&noise), 1).await.unwrap();
        requests.push(request);
    }
    assert_eq!(
        place.sql("SELECT count(*) FROM answers").await,
        ["3"],
        "not yet stored"
    );
    for request in requests {
        store
            .apply(vec![batch(&run, request, &ibm(), &[])], credential())
            .await
            .unwrap();
    }
    let last = granted(&store, &run, &ibm()).await;
    store.keep(last, answer(&noise), 100_000).await.unwrap();
    let left = place
        .sql("SELECT request_id FROM answers ORDER BY request_id")
        .await;
    assert_eq!(
        left,
        [(last.0 - 1).to_string(), last.0.to_string()],
        "the oldest went first"
    );
}

async fn entitlements_are_remembered_per_key_and_plan(place: Place) {
    let store = place.open().await;
    let refused = Entitlement {
        endpoint: "TIME_SERIES_INTRADAY".into(),
        parameter: String::new(),
        granted: false,
        message: Some("premium".into()),
    };
    store
        .learn_refusal(credential(), refused.clone())
        .await
        .unwrap();
    assert_eq!(
        store.entitlements(credential()).await.unwrap(),
        std::slice::from_ref(&refused)
    );
    let upgraded = Credential {
        plan: "75".into(),
        ..credential()
    };
    assert_eq!(store.entitlements(upgraded).await.unwrap(), []);
    store_bars(&store, &ibm(), &[bar("2026-05-15T13:30:00Z", 28_300)]).await;
    let granted = Entitlement {
        granted: true,
        message: None,
        ..refused.clone()
    };
    assert_eq!(
        store.entitlements(credential()).await.unwrap(),
        std::slice::from_ref(&granted)
    );
    store.learn_refusal(credential(), refused).await.unwrap();
    assert_eq!(
        store.entitlements(credential()).await.unwrap(),
        [granted],
        "what once worked is not parked"
    );
}

async fn what_a_key_sent_lately_is_told_with_its_last_answer(place: Place) {
    let store = place.open().await;
    let minute = Window {
        limit: 200,
        span: WindowSpan::Rolling(TimeDelta::minutes(1)),
    };
    let limits = Quota {
        windows: [None, Some(minute), None],
        ..Quota::unlimited(New_York)
    };
    let lately = || async { store.ledger(credential(), limits).await.unwrap().lately };
    assert_eq!(lately().await, Lately::default());
    let run = store.begin_run("test", vec![ibm()]).await.unwrap();
    let mut requests = vec![];
    for attempt in 1..=3 {
        let reservation = reservation(&run, &ibm(), limits, attempt);
        match store.reserve(reservation).await.unwrap() {
            Reserved::Granted(id) => requests.push(id),
            other => panic!("{other:?}"),
        }
    }
    let open = lately().await;
    assert_eq!((open.rolling, open.in_flight), ([0, 3, 0], 3));
    assert_eq!((open.answered_at, open.class), (None, None));
    let refused = RequestEnd::Refused(ErrorClass::Burst, "slow down".into());
    store.settle(requests[0], refused).await.unwrap();
    let unsent = RequestEnd::NotSent("no network".into());
    store.settle(requests[1], unsent).await.unwrap();
    let seen = lately().await;
    assert_eq!((seen.rolling, seen.in_flight), ([0, 2, 0], 1));
    assert!(seen.answered_at.is_some());
    assert_eq!(seen.class, Some(ErrorClass::Burst));
    let other = Credential {
        fingerprint: "beef".into(),
        ..credential()
    };
    let of_other = store.ledger(other, limits).await.unwrap().lately;
    assert_eq!(of_other, Lately::default(), "another key");
}
