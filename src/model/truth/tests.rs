//! How a series stands, from what was asked for and what came.

use chrono::{NaiveDate, NaiveTime};
use chrono_tz::America::New_York;

use super::*;
use crate::model::calendar::{CalendarId, Calendars};
use crate::model::{Price, Publishing, Settles, Spoken};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn grid(interval: Interval) -> Grid {
    Grid {
        interval,
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

fn bar(label: &str) -> Close {
    Close {
        timestamp: at(label),
        trading_date: at(label).date_naive(),
        open: Price::from_units(1),
        price: Price::from_units(1),
        is_final: true,
    }
}

fn newest(from: &str, to: &str, asked_at: &str) -> Spoken {
    let publishing = grid(Interval::Min5).publishing;
    Spoken {
        asked: Span::new(at(from), at(to)),
        settled_to: publishing.settled(Interval::Min5, at(asked_at)),
        complete_to: at(to),
        newest_at: Some(at(asked_at)),
    }
}

/// A series with one bar, after these answers.
fn truth(interval: Interval, answers: &[Spoken], last: &str, now: &str) -> Truth {
    let mut coverage = Coverage::default();
    for spoken in answers {
        coverage.hear(spoken, None);
    }
    let evidence = Evidence {
        grid: &grid(interval),
        coverage: &coverage,
        recent: &[bar(last)],
        since: None,
    };
    evidence.truth(at(now))
}

#[test]
fn a_month_of_the_past_does_not_make_a_series_fresh() {
    let may = Spoken {
        asked: Span::new(at("2026-05-01T04:00:00Z"), at("2026-06-01T04:00:00Z")),
        settled_to: at("2026-11-27T05:00:00Z"),
        complete_to: at("2026-06-01T04:00:00Z"),
        newest_at: None,
    };
    let truth = truth(
        Interval::Min5,
        &[may],
        "2026-05-29T19:55:00Z",
        "2026-11-27T15:00:00Z",
    );
    assert_eq!((truth.standing, truth.asked_at), (Standing::Holes, None));
    let summer = Span::new(at("2026-06-01T13:30:00Z"), at("2026-11-25T21:00:00Z"));
    assert_eq!(truth.holes, [summer]);
}

#[test]
fn sessions_that_nobody_asked_for_are_a_hole_once_a_newer_bar_is_due() {
    let holes = |interval: Interval, asked_at, now| {
        let (to, last) = if interval.is_intraday() {
            ("2026-11-17T17:00:00Z", "2026-11-17T16:55:00Z")
        } else {
            ("2026-11-17T05:00:00Z", "2026-11-16T05:00:00Z")
        };
        let answer = newest("2026-11-16T05:00:00Z", to, asked_at);
        let truth = truth(interval, &[answer], last, now);
        let labels = truth.holes.into_iter().map(|hole| {
            [hole.from, hole.to]
                .map(|at| at.format("%d %H:%M").to_string())
                .join(" to ")
        });
        (truth.standing, labels.collect::<Vec<_>>().join(", "))
    };
    let noon = "2026-11-17T17:00:00Z";
    for (interval, now, standing, hole) in [
        (Interval::Min5, "2026-11-17T21:30:00Z", Standing::Due, ""),
        (Interval::Min5, "2026-11-18T14:34:00Z", Standing::Due, ""),
        (
            Interval::Min5,
            "2026-11-18T14:36:00Z",
            Standing::Holes,
            "17 17:00 to 17 21:00",
        ),
        (
            Interval::Min5,
            "2026-11-23T14:00:00Z",
            Standing::Holes,
            "17 17:00 to 19 21:00",
        ),
        (Interval::Daily, "2026-11-17T21:30:00Z", Standing::Due, ""),
        (Interval::Daily, "2026-11-18T20:00:00Z", Standing::Due, ""),
        (
            Interval::Daily,
            "2026-11-18T21:00:00Z",
            Standing::Holes,
            "17 05:00 to 18 05:00",
        ),
    ] {
        assert_eq!(
            holes(interval, noon, now),
            (standing, hole.to_owned()),
            "{interval} at {now}"
        );
    }
    // The provider had nothing newer when it was asked.
    let evening = "2026-11-18T22:00:00Z";
    assert_eq!(holes(Interval::Min5, evening, "2026-11-19T14:36:00Z").1, "");
}

#[test]
fn what_lies_between_two_answers_is_a_hole_however_new_the_newest_is() {
    let answers = [
        newest(
            "2026-05-20T13:30:00Z",
            "2026-05-20T20:00:00Z",
            "2026-05-20T20:00:00Z",
        ),
        newest(
            "2026-11-25T14:30:00Z",
            "2026-11-25T21:00:00Z",
            "2026-11-25T21:01:00Z",
        ),
    ];
    let truth = truth(
        Interval::Min5,
        &answers,
        "2026-11-25T20:55:00Z",
        "2026-11-26T15:00:00Z",
    );
    assert_eq!(truth.standing, Standing::Holes);
    assert_eq!(
        truth.holes,
        [Span::new(
            at("2026-05-21T13:30:00Z"),
            at("2026-11-24T21:00:00Z")
        )]
    );
    assert_eq!(truth.missing, 130 * 78);
}

#[test]
fn a_holiday_and_a_half_day_leave_nothing_due() {
    let wednesday = newest(
        "2026-11-25T14:30:00Z",
        "2026-11-25T21:00:00Z",
        "2026-11-25T21:01:00Z",
    );
    let on = |now| truth(Interval::Min5, &[wednesday], "2026-11-25T20:55:00Z", now);
    assert_eq!(
        on("2026-11-26T15:00:00Z").standing,
        Standing::Fresh,
        "Thanksgiving"
    );
    assert_eq!(on("2026-11-27T14:34:00Z").standing, Standing::Fresh);
    let friday = on("2026-11-27T19:30:00Z");
    assert_eq!((friday.standing, friday.lacking), (Standing::Due, 42));
    assert_eq!(friday.next.unwrap().due, at("2026-11-30T14:35:00Z"));
}

#[test]
fn a_provider_without_the_newest_bar_is_behind_unless_bars_are_often_missing() {
    let asked = newest(
        "2026-11-25T14:30:00Z",
        "2026-11-25T19:00:00Z",
        "2026-11-25T21:01:00Z",
    );
    let behind = truth(
        Interval::Min5,
        &[asked],
        "2026-11-25T18:55:00Z",
        "2026-11-25T22:00:00Z",
    );
    assert_eq!((behind.standing, behind.lacking), (Standing::Behind, 24));
    // An illiquid symbol: one bar in three hours.
    let mut coverage = Coverage::default();
    coverage.hear(&asked, None);
    let recent = [
        "2026-11-25T18:55:00Z",
        "2026-11-25T15:30:00Z",
        "2026-11-25T14:30:00Z",
    ]
    .map(bar);
    let grid = grid(Interval::Min5);
    let evidence = Evidence {
        grid: &grid,
        coverage: &coverage,
        recent: &recent,
        since: None,
    };
    let illiquid = evidence.truth(at("2026-11-25T22:00:00Z"));
    assert_eq!(illiquid.standing, Standing::Fresh);
    assert_eq!(
        evidence.truth(at("2026-11-27T14:36:00Z")).standing,
        Standing::Due
    );
}

#[test]
fn one_day_without_a_bar_does_not_hide_a_provider_that_is_behind() {
    let grid = grid(Interval::Daily);
    let sessions = Span::new(at("2026-08-03T04:00:00Z"), at("2026-11-25T05:00:00Z"));
    let halted = at("2026-11-10T05:00:00Z");
    let mut recent: Vec<Close> = grid
        .slots(sessions)
        .filter(|slot| slot.span.from != halted)
        .map(|slot| bar(&slot.span.from.to_rfc3339()))
        .collect();
    recent.reverse();
    let mut coverage = Coverage::default();
    coverage.hear(
        &Spoken {
            asked: sessions,
            settled_to: sessions.to,
            complete_to: sessions.to,
            newest_at: Some(at("2026-11-25T21:20:00Z")),
        },
        None,
    );
    let evidence = Evidence {
        grid: &grid,
        coverage: &coverage,
        recent: &recent,
        since: None,
    };
    let truth = evidence.truth(at("2026-11-25T21:30:00Z"));
    assert_eq!((truth.standing, truth.lacking), (Standing::Behind, 1));
}

#[test]
fn a_bar_that_the_provider_lacks_is_asked_for_again_ever_less_often() {
    let grid = grid(Interval::Daily);
    let due = at("2026-11-25T21:00:00Z");
    let is_due = |newest: &str, asked: i64, now: i64| {
        let after = |minutes| due + TimeDelta::minutes(minutes);
        let mut coverage = Coverage::default();
        coverage.hear(
            &Spoken {
                asked: Span::new(at("2026-11-02T05:00:00Z"), at(newest)),
                settled_to: at(newest),
                complete_to: at(newest),
                newest_at: Some(after(asked)),
            },
            None,
        );
        let recent = [bar(newest)];
        let evidence = Evidence {
            grid: &grid,
            coverage: &coverage,
            recent: &recent,
            since: None,
        };
        assert_eq!(
            evidence.due_from(after(now)) == Some(after(now)),
            evidence.is_due(after(now))
        );
        evidence.is_due(after(now))
    };
    let yesterday = "2026-11-24T05:00:00Z";
    for (asked, now, again) in [
        (0, 14, false),
        (0, 15, true),
        (15, 29, false),
        (15, 30, true),
        (120, 239, false),
        (120, 240, true),
    ] {
        assert_eq!(
            is_due(yesterday, asked, now),
            again,
            "asked after {asked}, now {now} minutes"
        );
    }
    assert!(
        !is_due("2026-11-25T05:00:00Z", 0, 600),
        "nothing is lacking"
    );
    assert!(
        !is_due("2026-11-10T05:00:00Z", 0, 600),
        "nothing was traded for weeks"
    );
}

#[test]
fn what_was_asked_for_too_early_is_wanted_again_once_it_can_be_settled() {
    let mut coverage = Coverage::default();
    let answer = newest(
        "2026-11-25T14:30:00Z",
        "2026-11-25T21:00:00Z",
        "2026-11-25T21:01:00Z",
    );
    coverage.hear(&answer, None);
    let grid = grid(Interval::Min5);
    let evidence = Evidence {
        grid: &grid,
        coverage: &coverage,
        recent: &[bar("2026-11-25T20:55:00Z")],
        since: Some(at("2026-11-24T14:00:00Z")),
    };
    let hole = Span::new(at("2026-11-24T14:30:00Z"), at("2026-11-24T21:00:00Z"));
    let tail = |now| Span::new(at("2026-11-25T21:01:00Z"), at(now));
    let evening = "2026-11-26T02:00:00Z";
    assert_eq!(evidence.wanted(at(evening)), [hole, tail(evening)]);
    let morning = "2026-11-26T12:00:00Z";
    let unsettled = answer.asked;
    assert_eq!(
        evidence.wanted(at(morning)),
        [hole, unsettled, tail(morning)]
    );
}

#[test]
fn what_was_withheld_when_the_newest_bars_were_asked_for_is_asked_for_next() {
    let mut coverage = Coverage::default();
    let withheld_from = at("2026-11-20T15:00:00Z");
    let spoken = Spoken {
        asked: Span::new(at("2026-11-20T14:30:00Z"), withheld_from),
        settled_to: at("2026-11-20T05:00:00Z"),
        complete_to: withheld_from,
        newest_at: Some(at("2026-11-20T15:16:00Z")),
    };
    coverage.hear(&spoken, None);
    let mut grid = grid(Interval::Min5);
    grid.publishing.delay = TimeDelta::minutes(16);
    let evidence = Evidence {
        grid: &grid,
        coverage: &coverage,
        recent: &[],
        since: None,
    };
    let now = at("2026-11-20T17:00:00Z");
    assert_eq!(evidence.wanted(now), [Span::new(withheld_from, now)]);
}

#[test]
fn what_came_since_begins_with_its_first_slot_and_not_in_the_month_before() {
    let mut coverage = Coverage::default();
    coverage.hear(
        &Spoken {
            asked: Span::new(at("2026-05-01T04:00:00Z"), at("2026-05-30T00:00:00Z")),
            settled_to: at("2026-11-20T05:00:00Z"),
            complete_to: at("2026-05-30T00:00:00Z"),
            newest_at: None,
        },
        None,
    );
    let grid = grid(Interval::Min5);
    let evidence = Evidence {
        grid: &grid,
        coverage: &coverage,
        recent: &[],
        since: None,
    };
    let now = at("2026-11-20T17:00:00Z");
    let since = Span::new(at("2026-06-01T13:30:00Z"), now);
    assert_eq!(evidence.wanted(now), [since]);
    // Where it costs no more, the hours between the sessions come with it.
    let mut grid = grid.clone();
    grid.publishing.between_sessions = true;
    let evidence = Evidence {
        grid: &grid,
        ..evidence
    };
    let known = at("2026-05-30T00:00:00Z");
    assert_eq!(evidence.wanted(now), [Span::new(known, now)]);
}

#[test]
fn a_backfill_asks_for_refused_times_again_only_where_its_beginning_is_named() {
    let day = |date: &str| {
        let from = at(&format!("{date}T14:30:00Z"));
        Span::new(from, from + TimeDelta::minutes(390))
    };
    let [monday, tuesday, wednesday] = ["2026-11-16", "2026-11-17", "2026-11-18"].map(day);
    let mut coverage = Coverage::default();
    for asked in [monday, day("2026-11-20")] {
        coverage.hear(
            &Spoken {
                asked,
                settled_to: asked.to,
                complete_to: asked.to,
                newest_at: None,
            },
            None,
        );
    }
    coverage.refuse(tuesday);
    let grid = grid(Interval::Min5);
    let evidence = Evidence {
        grid: &grid,
        coverage: &coverage,
        recent: &[],
        since: None,
    };
    let now = at("2026-11-21T15:00:00Z");
    let to = wednesday.to;
    let wanted = |from| evidence.wanted_by(Fill { from, to }, now);
    assert_eq!(wanted(None), [wednesday]);
    let named = wanted(Some(monday.from));
    assert_eq!(named, [Span::new(tuesday.from, wednesday.to)]);
    assert_eq!(evidence.refused_among(&named), 78);
    assert_eq!(evidence.refused_among(&[wednesday]), 0);
}

#[test]
fn a_clock_that_was_years_ahead_asked_for_nothing() {
    let answer = newest(
        "2026-11-25T14:30:00Z",
        "2026-11-25T21:00:00Z",
        "2034-11-25T21:01:00Z",
    );
    let truth = truth(
        Interval::Min5,
        &[answer],
        "2026-11-25T20:55:00Z",
        "2026-11-26T15:00:00Z",
    );
    assert_eq!((truth.standing, truth.asked_at), (Standing::Due, None));
}
