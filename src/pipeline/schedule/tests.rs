//! Instants across changes of the clock, holidays and half days; texts and words.

use super::*;
use crate::model::calendar::Overrule;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn next(schedule: &str, now: &str) -> String {
    let schedule: Schedule = schedule.parse().unwrap();
    schedule
        .next_after(&Calendars::default(), at(now))
        .unwrap()
        .to_rfc3339()
}

#[test]
fn a_free_key_fetches_after_the_close_on_trading_weekdays() {
    let after_close = Schedule::after_close();
    assert_eq!(
        after_close.next_after(&Calendars::default(), at("2026-11-20T21:19:59Z")),
        Some(at("2026-11-20T21:20:00Z"))
    );
    assert_eq!(
        after_close.next_after(&Calendars::default(), at("2026-11-20T21:20:00Z")),
        Some(at("2026-11-23T21:20:00Z"))
    );
    assert_eq!(
        after_close.next_after(&Calendars::default(), at("2026-07-01T12:00:00Z")),
        Some(at("2026-07-01T20:20:00Z"))
    );
}

#[test]
fn clock_changes_lose_nothing_and_double_nothing() {
    assert_eq!(
        next("30 2 * * *", "2026-03-08T06:00:00Z"),
        "2026-03-08T07:00:00+00:00"
    );
    assert_eq!(
        next("30 1 * * *", "2026-11-01T04:00:00Z"),
        "2026-11-01T05:30:00+00:00"
    );
    assert_eq!(
        next("30 1 * * *", "2026-11-01T05:30:00Z"),
        "2026-11-02T06:30:00+00:00"
    );
    // Several hours are no other case than one.
    for hours in ["2,14", "2-3", "2"] {
        assert_eq!(
            next(&format!("*/20 {hours} * * *"), "2026-03-08T06:59:00Z"),
            "2026-03-08T07:00:00+00:00",
            "{hours}"
        );
    }
    assert_eq!(
        next("0 1,2 * * *", "2026-11-01T05:00:00Z"),
        "2026-11-01T07:00:00+00:00"
    );
    // Every hour is one of real time.
    assert_eq!(
        next("30 * * * *", "2026-11-01T05:30:00Z"),
        "2026-11-01T06:30:00+00:00"
    );
}

#[test]
fn minutes_count_from_1970() {
    assert_eq!(
        next("every 15", "2026-11-20T21:14:59Z"),
        "2026-11-20T21:15:00+00:00"
    );
    assert_eq!(
        next("every 15", "2026-11-20T21:15:00Z"),
        "2026-11-20T21:30:00+00:00"
    );
}

#[test]
fn the_last_instant_is_the_one_whose_next_is_still_to_come() {
    let instants = [
        "2026-03-08T06:59:30Z",
        "2026-03-08T07:00:00Z",
        "2026-07-01T12:00:00Z",
        "2026-11-01T05:30:00Z",
        "2026-11-01T06:15:00Z",
        "2026-11-01T06:30:00Z",
        "2026-11-23T21:19:59Z",
        "2026-11-23T21:20:00Z",
    ];
    for words in [
        "20 16 * * 1-5",
        "30 2 * * *",
        "30 1 * * *",
        "30 * * * *",
        "*/20 0-3 * * *",
        "every 15",
        "close +20",
        "close +0 XSHG",
        "open every 5",
        "open every 7 XSHG",
        "open every 60 24/7",
    ] {
        let (schedule, all): (Schedule, _) = (words.parse().unwrap(), Calendars::default());
        for now in instants.map(at) {
            let last = schedule.last_until(&all, now).unwrap();
            let next = schedule.next_after(&all, now);
            assert!(last <= now, "{words} {now}");
            assert_eq!(schedule.next_after(&all, last), next, "{words} {now}");
            let just_before = last - TimeDelta::milliseconds(1);
            assert_eq!(
                schedule.next_after(&all, just_before),
                Some(last),
                "{words} {now}"
            );
        }
    }
}

#[test]
fn missed_instants_are_counted_and_made_up_by_policy() {
    let schedule = Schedule::after_close();
    let all = Calendars::default();
    let missed = schedule.between(&all, at("2026-11-16T22:00:00Z"), at("2026-11-20T22:00:00Z"));
    assert_eq!(missed, 4);
    let make_up = |policy| {
        Schedule {
            missed: policy,
            ..schedule.clone()
        }
        .make_up(missed)
    };
    assert_eq!(
        [Missed::Skip, Missed::Once, Missed::All].map(make_up),
        [0, 1, 4]
    );
    assert_eq!(schedule.make_up(0), 0);
}

#[test]
fn schedules_round_trip_as_text_and_as_json() {
    for text in [
        "every 15",
        "20 16 * * 1-5 America/New_York",
        "0 * * * * UTC",
        "close +20 XNYS",
        "open every 5 XLON",
        "open every 60 24/7",
    ] {
        let schedule: Schedule = text.parse().unwrap();
        assert_eq!(schedule.to_string(), text);
        let json = serde_json::to_string(&schedule).unwrap();
        assert_eq!(serde_json::from_str::<Schedule>(&json).unwrap(), schedule);
    }
    for (text, schedule) in [
        ("close +20", Schedule::after_close()),
        ("close 20 xnys", Schedule::after_close()),
        ("open every 5", Schedule::through_the_session(5)),
    ] {
        assert_eq!(text.parse::<Schedule>().unwrap(), schedule);
    }
}

#[test]
fn usual_schedules_are_said_in_words() {
    for (text, words) in [
        ("every 5", "every 5 minutes"),
        ("close +20", "20 min after close"),
        ("open every 5", "every 5 min while open"),
        ("close +20 XLON", "20 min after LSE close"),
        ("open every 5 XLON", "every 5 min while LSE is open"),
        ("20 16 * * 1-5", "Mon–Fri 16:20"),
        ("*/5 9-16 * * 1-5", "Mon–Fri 09–16 h, every 5 min"),
        ("0 6 * * * UTC", "every day 06:00 UTC"),
        ("0 6 1 * *", "0 6 1 * * America/New_York"),
    ] {
        assert_eq!(text.parse::<Schedule>().unwrap().words(), words);
    }
}

#[test]
fn what_is_no_schedule_is_answered_with_an_example() {
    for text in [
        "every never",
        "every 0",
        "close +x",
        "close +20 MOON",
        "open every 0",
        "open 5",
        "* * *",
        "61 * * * *",
        "0 0 30 2 *",
        "* * * * * Mars/Olympus",
        "",
    ] {
        let error = text.parse::<Schedule>().unwrap_err().to_string();
        assert!(error.contains("write"), "{error}");
    }
}

#[test]
fn sessions_are_followed_through_holidays_half_days_and_pauses() {
    for (schedule, now, after) in [
        // The day before Thanksgiving, Thanksgiving itself, and the half day after it.
        ("close +20", "2026-11-25T21:20:00Z", "2026-11-27T18:20:00Z"),
        ("close +20", "2026-11-26T15:00:00Z", "2026-11-27T18:20:00Z"),
        ("close +20", "2026-11-27T18:20:00Z", "2026-11-30T21:20:00Z"),
        (
            "open every 5",
            "2026-11-26T15:00:00Z",
            "2026-11-27T14:35:00Z",
        ),
        (
            "open every 5",
            "2026-11-27T17:55:00Z",
            "2026-11-27T18:00:00Z",
        ),
        (
            "open every 5",
            "2026-11-27T18:00:00Z",
            "2026-11-27T18:05:00Z",
        ),
        (
            "open every 5",
            "2026-11-27T18:05:00Z",
            "2026-11-27T18:20:00Z",
        ),
        (
            "open every 5",
            "2026-11-27T18:20:00Z",
            "2026-11-30T14:35:00Z",
        ),
        (
            "open every 60",
            "2026-11-25T20:30:00Z",
            "2026-11-25T21:05:00Z",
        ),
        ("close +20", "2026-12-24T18:20:00Z", "2026-12-28T21:20:00Z"),
        // Shanghai at noon.
        (
            "open every 30 XSHG",
            "2026-11-26T03:00:00Z",
            "2026-11-26T05:00:00Z",
        ),
        (
            "open every 60 24/7",
            "2026-12-24T23:00:00Z",
            "2026-12-25T00:00:00Z",
        ),
        (
            "open every 60 24/7",
            "2026-12-25T00:00:00Z",
            "2026-12-25T01:00:00Z",
        ),
    ] {
        let next = Schedule::next_after(&schedule.parse().unwrap(), &Calendars::default(), at(now));
        assert_eq!(next, Some(at(after)), "{schedule} after {now}");
    }
}

#[test]
fn a_day_that_the_configuration_closes_has_no_instants() {
    let mut calendars = Calendars::default();
    let closed = "2027-03-02".parse().unwrap();
    calendars
        .overrule(CalendarId::Xnys, closed, Overrule::Closed)
        .unwrap();
    let next = Schedule::after_close().next_after(&calendars, at("2027-03-02T12:00:00Z"));
    assert_eq!(next, Some(at("2027-03-03T21:20:00Z")));
}
