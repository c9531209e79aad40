use chrono::{NaiveDate, NaiveTime, TimeDelta};
use chrono_tz::America::New_York;
use proptest::prelude::*;

use super::*;
use crate::model::calendar::{CalendarId, Calendars};
use crate::model::{
    ErrorClass, Grid, Interval, Publishing, SeriesKey, Settles, Span, Standing, Truth,
};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn ibm() -> SeriesKey {
    SeriesKey::raw("IBM".parse().unwrap(), Interval::Daily)
}

fn fine(series: SeriesKey) -> SeriesHealth {
    SeriesHealth {
        series,
        behind: 0,
        newest: None,
        missing: 0,
        loses: None,
    }
}

fn of(facts: &Facts) -> Vec<(AlertKind, String)> {
    let judged = judge(facts, &AlertRules::default());
    let told = judged.conditions.into_iter();
    told.map(|one| (one.kind, one.text)).collect()
}

fn about(series: SeriesHealth) -> Facts {
    Facts {
        series: Some(vec![series]),
        ..Facts::default()
    }
}

#[test]
fn a_series_is_behind_from_the_allowed_number_of_sessions_on() {
    let behind = |behind| {
        of(&about(SeriesHealth {
            behind,
            newest: Some(at("2026-11-18T05:00:00Z")),
            ..fine(ibm())
        }))
    };
    assert_eq!(behind(1), []);
    let said = "IBM daily is 2 sessions behind; its newest bar ends at 2026-11-18 00:00 ET. Stored bars are \
                safe; `w` in the panel says why, `pipeline-tui fetch` tries again.";
    assert_eq!(behind(2), [(AlertKind::Behind, said.to_owned())]);
}

#[test]
fn holes_and_bars_that_are_about_to_go_are_told_apart() {
    let told = of(&about(SeriesHealth {
        missing: 3,
        loses: Some(at("2026-07-01T04:00:00Z")),
        ..fine(ibm())
    }));
    let kinds: Vec<_> = told.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [AlertKind::Holes, AlertKind::AboutToBeLost]);
    assert!(told[0].1.contains("has holes: 3 bars missing"), "{told:?}");
    assert!(told[1].1.contains("2026-07-01 00:00 ET"), "{told:?}");
}

#[test]
fn a_failure_that_lasts_is_told_at_once_and_one_that_passes_after_three() {
    let told = |class, times| {
        let tried = Tried {
            series: ibm(),
            failures: times,
            problem: Some((class, "no.".to_owned())),
        };
        of(&Facts {
            tried: Some(vec![tried]),
            ..Facts::default()
        })
    };
    assert_eq!(told(ErrorClass::Outage, 2), []);
    let text = told(ErrorClass::Outage, 3).remove(0).1;
    assert!(
        text.starts_with("IBM daily failed 3 times in a row: no. "),
        "{text}"
    );
    let text = told(ErrorClass::BadKey, 1).remove(0).1;
    assert!(
        text.starts_with("IBM daily failed: no. Stored bars are safe; "),
        "{text}"
    );
    let said = "the provider is down; stored data is safe, try again later";
    let down = Tried {
        series: ibm(),
        failures: 1,
        problem: Some((ErrorClass::BadKey, said.to_owned())),
    };
    let down = of(&Facts {
        tried: Some(vec![down]),
        ..Facts::default()
    });
    let once = format!("IBM daily failed: {said}. `pipeline-tui runs` shows what failed.");
    assert_eq!(down[0].1, once);
}

#[test]
fn a_used_up_day_matters_while_series_are_due() {
    let told = |due| {
        let spent = SpentSource {
            name: "A source".to_owned(),
            limit: 25,
            due,
            renews_at: at("2026-11-21T05:00:00Z"),
        };
        of(&Facts {
            spent: Some(vec![spent]),
            ..Facts::default()
        })
    };
    assert_eq!(told(0), []);
    let text = told(12).remove(0).1;
    let said = "A source: today's 25 requests are used up and 12 series are due; more can be sent from \
                2026-11-21 00:00 ET. ";
    assert!(text.starts_with(said), "{text}");
}

#[test]
fn a_missing_engine_and_a_full_disk_are_told() {
    let missed = at("2026-11-20T21:20:00Z");
    let space = |used| Space {
        name: "/data".to_owned(),
        used,
        all: 100 << 20,
    };
    let facts = |engine, used| Facts {
        engine: Some(engine),
        disk: Some(space(used)),
        store: Some(space(used)),
        ..Facts::default()
    };
    assert_eq!(of(&facts(Engine::Works, 89 << 20)), []);
    let told = of(&facts(Engine::Missing(missed), 90 << 20));
    let kinds: Vec<_> = told.iter().map(|(kind, _)| *kind).collect();
    let all = [
        AlertKind::NoEngine,
        AlertKind::DiskNearFull,
        AlertKind::StoreNearFull,
    ];
    assert_eq!(kinds, all);
    assert!(
        told[0].1.contains("2026-11-20 16:20 ET did not start"),
        "{told:?}"
    );
    assert!(
        told[1]
            .1
            .starts_with("/data is 90 % full: 10 MiB are left. "),
        "{told:?}"
    );
}

#[test]
fn a_kind_that_is_off_is_judged_and_never_holds() {
    let rules = AlertRules {
        kinds: vec![AlertKind::Failed],
        ..AlertRules::default()
    };
    let judged = judge(
        &about(SeriesHealth {
            missing: 1,
            ..fine(ibm())
        }),
        &rules,
    );
    assert!(judged.kinds.contains(&AlertKind::Holes));
    assert_eq!(judged.conditions, []);
}

fn grid() -> Grid {
    Grid {
        interval: Interval::Daily,
        calendar: Calendars::default().get(CalendarId::Xnys),
        publishing: Publishing {
            zone: New_York,
            delay: TimeDelta::zero(),
            settles: Settles::NextDay(NaiveTime::from_hms_opt(6, 0, 0).unwrap()),
            first_day: NaiveDate::from_ymd_opt(1999, 11, 1).unwrap(),
            between_sessions: false,
        },
    }
}

/// A series whose newest bar ends at an instant, on Friday evening.
fn truth(newest: &str, standing: Standing) -> Truth {
    Truth {
        standing,
        holes: vec![],
        missing: 0,
        newest: Some(at(newest)),
        newest_due: grid().newest_due(at("2026-11-20T22:00:00Z")),
        next: None,
        lacking: 0,
        asked_at: None,
        is_due: true,
        has_last_session: None,
    }
}

#[test]
fn sessions_behind_are_those_that_ended_since_the_newest_bar() {
    let facts = |newest, standing| {
        let truth = truth(newest, standing);
        SeriesHealth::of(ibm(), &grid(), &truth, None)
    };
    // From midnight on Wednesday: the bars of Wednesday, Thursday and Friday are lacking.
    let wednesday = "2026-11-18T05:00:00Z";
    assert_eq!(facts(wednesday, Standing::Due).behind, 3);
    assert_eq!(facts(wednesday, Standing::Behind).behind, 3);
    assert_eq!(facts(wednesday, Standing::Closed).behind, 0);
    assert_eq!(facts("2026-11-21T05:00:00Z", Standing::Due).behind, 0);
    // A bar that ends with a session lacks nothing of it.
    assert_eq!(facts("2026-11-18T21:00:00Z", Standing::Due).behind, 2);
}

#[test]
fn only_the_oldest_day_that_a_source_still_has_is_about_to_be_lost() {
    let loses = |reach| {
        let truth = truth("2026-11-18T05:00:00Z", Standing::Due);
        let reach = Some(at(reach));
        SeriesHealth::of(ibm(), &grid(), &truth, reach).loses
    };
    let wednesday = at("2026-11-18T05:00:00Z");
    assert_eq!(loses("2026-11-18T05:00:00Z"), Some(wednesday));
    assert_eq!(loses("2026-11-17T05:00:00Z"), None);
    // From a close on, the next session is the one after it.
    assert_eq!(loses("2026-11-17T21:00:00Z"), Some(wednesday));
    // What is gone already is not about to go.
    let thursday = at("2026-11-19T05:00:00Z");
    assert_eq!(loses("2026-11-19T05:00:00Z"), Some(thursday));
    let holed = Truth {
        holes: vec![Span::new(
            at("2026-11-09T05:00:00Z"),
            at("2026-11-10T05:00:00Z"),
        )],
        ..truth("2026-11-21T05:00:00Z", Standing::Holes)
    };
    let reach = Some(at("2026-11-09T05:00:00Z"));
    let loses = SeriesHealth::of(ibm(), &grid(), &holed, reach).loses;
    assert_eq!(loses, reach);
    // Around the clock a day ends where the next begins: that one outlives it.
    let always = Grid {
        calendar: Calendars::default().get(CalendarId::Always),
        publishing: Publishing {
            zone: chrono_tz::UTC,
            ..grid().publishing
        },
        ..grid()
    };
    let holed = Truth {
        holes: vec![Span::new(
            at("2026-11-10T00:00:00Z"),
            at("2026-11-11T00:00:00Z"),
        )],
        newest_due: None,
        ..truth("2026-11-21T00:00:00Z", Standing::Holes)
    };
    let loses = |reach| SeriesHealth::of(ibm(), &always, &holed, Some(at(reach))).loses;
    assert_eq!(loses("2026-11-09T12:00:00Z"), None);
    let tenth = at("2026-11-10T00:00:00Z");
    assert_eq!(loses("2026-11-10T00:00:00Z"), Some(tenth));
}

fn condition(kind: AlertKind, subject: &str) -> Condition {
    Condition {
        kind,
        subject: subject.to_owned(),
        severity: AlertSeverity::Warning,
        text: format!("{subject} {kind}"),
    }
}

fn judged(kinds: &[AlertKind], conditions: &[Condition]) -> Judgement {
    Judgement {
        kinds: kinds.to_vec(),
        conditions: conditions.to_vec(),
        ..Judgement::default()
    }
}

fn open(id: i64, condition: Condition, gone_at: Option<DateTime<Utc>>) -> Alert {
    Alert {
        id: AlertId(id),
        condition,
        opened_at: at("2026-11-20T15:00:00Z"),
        gone_at,
        recovered_at: None,
    }
}

#[test]
fn an_alert_opens_once_and_recovers_once_it_has_stayed_away() {
    let now = at("2026-11-20T16:00:00Z");
    let (holes, kinds) = (condition(AlertKind::Holes, "IBM daily"), [AlertKind::Holes]);
    let bad = || judged(&kinds, std::slice::from_ref(&holes));
    let fine = || judged(&kinds, &[]);
    let opened = changes(bad(), &[], now);
    assert_eq!(opened.opened, std::slice::from_ref(&holes));
    let still = [open(7, holes.clone(), None)];
    assert!(changes(bad(), &still, now).is_none());
    assert_eq!(changes(fine(), &still, now).gone, [AlertId(7)]);
    let gone = [open(7, holes.clone(), Some(now))];
    let later = now + SETTLES;
    assert!(changes(fine(), &gone, later - TimeDelta::seconds(1)).is_none());
    assert_eq!(changes(fine(), &gone, later).recovered, [AlertId(7)]);
    // It flaps: nothing is told of it.
    let back = changes(bad(), &gone, now + TimeDelta::minutes(1));
    assert_eq!(
        back,
        AlertChanges {
            back: vec![AlertId(7)],
            ..AlertChanges::default()
        }
    );
}

#[test]
fn any_change_is_one() {
    let none = AlertChanges::default;
    assert!(none().is_none());
    let condition = condition(AlertKind::Holes, "IBM daily");
    let alert = || vec![AlertId(7)];
    for change in [
        AlertChanges {
            opened: vec![condition],
            ..none()
        },
        AlertChanges {
            gone: alert(),
            ..none()
        },
        AlertChanges {
            back: alert(),
            ..none()
        },
        AlertChanges {
            recovered: alert(),
            ..none()
        },
    ] {
        assert!(!change.is_none(), "{change:?}");
    }
}

#[test]
fn what_was_not_looked_at_stays_open() {
    let now = at("2026-11-20T16:00:00Z");
    let open = [open(7, condition(AlertKind::Failed, "IBM daily"), None)];
    assert!(changes(judged(&[AlertKind::Holes], &[]), &open, now).is_none());
}

#[test]
fn a_failing_series_that_was_not_tried_lately_still_fails_and_a_removed_one_does_not() {
    let now = at("2026-11-20T16:00:00Z");
    let open = [open(7, condition(AlertKind::Failed, "IBM daily"), None)];
    let facts = |watched: Vec<SeriesHealth>| Facts {
        series: Some(watched),
        tried: Some(vec![]),
        ..Facts::default()
    };
    let changed = |watched| {
        let judged = judge(&facts(watched), &AlertRules::default());
        changes(judged, &open, now)
    };
    assert!(changed(vec![fine(ibm())]).is_none());
    assert_eq!(changed(vec![]).gone, [AlertId(7)]);
}

#[test]
fn many_alerts_of_a_kind_are_one_message_with_the_first_names() {
    let now = at("2026-11-20T16:00:00Z");
    let told = |event, count| -> Vec<ToldAlert> {
        let one = |n| (event, condition(AlertKind::Behind, &format!("S{n} daily")));
        (0..count).map(one).collect()
    };
    let mut all = told(AlertEvent::Opened, 1_000);
    all.push((
        AlertEvent::Opened,
        condition(AlertKind::DiskNearFull, "/data"),
    ));
    let sent = messages(all, now);
    assert_eq!(sent.len(), 2);
    assert_eq!((sent[0].count, sent[0].subjects.len()), (1_000, 10));
    assert!(
        sent[0]
            .text
            .starts_with("1,000 series are behind: S0 daily, S1 daily, S10 daily and 997 more. "),
        "{}",
        sent[0].text
    );
    assert_eq!(sent[0].text, sent[0].content);
    assert_eq!(sent[1].text, "/data disk_near_full");
    let over = messages(told(AlertEvent::Recovered, 2), now);
    assert_eq!(
        over[0].text,
        "Recovered: 2 series are no longer behind: S0 daily, S1 daily."
    );
    let over = messages(told(AlertEvent::Recovered, 1), now);
    assert_eq!(over[0].text, "Recovered: S0 daily is no longer behind.");
}

#[test]
fn waits_double_up_to_a_quarter_of_an_hour_and_end_after_three_days() {
    let now = at("2026-11-20T16:00:00Z");
    let wait = |attempts, jitter| {
        let attempt = Attempt {
            id: 1,
            channel: Channel::Webhook,
            payload: String::new(),
            created_at: now,
            attempts,
        };
        again(&attempt, now, jitter).map(|at| (at - now).num_milliseconds())
    };
    assert_eq!(wait(1, 1.0), Some(10_000));
    assert_eq!(wait(1, 0.0), Some(5_000));
    assert_eq!(wait(3, 1.0), Some(40_000));
    assert_eq!(wait(400, 1.0), Some(900_000));
    let old = |seconds| Attempt {
        id: 1,
        channel: Channel::Webhook,
        payload: String::new(),
        created_at: now - TimeDelta::days(3) - TimeDelta::seconds(seconds),
        attempts: 1,
    };
    assert!(again(&old(0), now, 0.5).is_some());
    assert_eq!(again(&old(1), now, 0.5), None);
}

proptest! {
    /// Whatever holds and however it flaps: what is told of one condition alternates.
    #[test]
    fn what_is_told_of_a_condition_alternates(holds in prop::collection::vec(any::<bool>(), 1..60)) {
        let condition = condition(AlertKind::Holes, "IBM daily");
        let mut alert: Option<Alert> = None;
        let (mut now, mut told) = (at("2026-11-20T16:00:00Z"), vec![]);
        for holds in holds {
            let conditions = if holds { vec![condition.clone()] } else { vec![] };
            let known: Vec<Alert> = alert.iter().cloned().collect();
            let changed = changes(judged(&[AlertKind::Holes], &conditions), &known, now);
            if !changed.opened.is_empty() {
                told.push(true);
                alert = Some(open(1, condition.clone(), None));
            }
            if !changed.recovered.is_empty() {
                told.push(false);
                alert = None;
            }
            if let Some(alert) = &mut alert {
                if !changed.gone.is_empty() { alert.gone_at = Some(now); }
                if !changed.back.is_empty() { alert.gone_at = None; }
                prop_assert!(!holds || alert.gone_at.is_none());
            }
            now += TimeDelta::minutes(2);
        }
        prop_assert!(told.iter().enumerate().all(|(at, opened)| *opened == (at % 2 == 0)), "{:?}", told);
    }
}
