//! The order, the days and the reasons.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::model::Interval;

const SOURCE: SourceId = SourceId::DEFAULT;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Just after the close of a Monday.
fn now() -> DateTime<Utc> {
    at("2026-11-16T21:20:00Z")
}

fn day(days: i64) -> DateTime<Utc> {
    now() + TimeDelta::days(days)
}

fn candidate(symbol: &str, known_days_ago: Option<i64>, safe_days: Option<i64>) -> Candidate {
    Candidate {
        series: SeriesKey::raw(symbol.parse().unwrap(), Interval::Daily),
        priority: Priority::Normal,
        price: 1,
        due_from: Some(now()),
        known_to: known_days_ago.map(|days| day(-days)),
        safe_until: safe_days.map(day),
        target: None,
        backlog: None,
        rides: None,
        obstacle: None,
        at: Some(now()),
    }
}

fn room(left: u32, per_day: u32, reserve: u32) -> Room {
    let day = |days| QuotaDay {
        at: day(days),
        ends: day(days) + TimeDelta::hours(8),
        room: if days == 0 { left } else { per_day },
    };
    Room {
        left,
        per_day,
        reserve,
        days: (0..160).map(day).collect(),
    }
}

fn planned(candidates: Vec<Candidate>, room: Room) -> FetchPlan {
    plan(candidates, &[(SOURCE, room)], now())
}

fn symbols(plan: &FetchPlan) -> Vec<&str> {
    plan.lines
        .iter()
        .map(|line| line.series.symbol.as_str())
        .collect()
}

#[test]
fn the_least_fresh_is_first_and_what_was_never_asked_for_before_all() {
    let plan = planned(
        vec![
            candidate("YESTERDAY", Some(1), Some(90)),
            candidate("OLD", Some(9), Some(80)),
            candidate("NEVER", None, None),
        ],
        room(25, 25, 1),
    );
    assert_eq!(symbols(&plan), ["NEVER", "OLD", "YESTERDAY"]);
    assert!(
        plan.lines
            .iter()
            .all(|line| line.at == Some(now()) && line.why_not_now.is_none())
    );
    assert_eq!(
        (plan.lanes[0].next, plan.lanes[0].days, plan.lanes[0].loses),
        (3, 1, 0)
    );
}

#[test]
fn a_priority_weighs_age_and_a_deadline_is_before_every_priority() {
    let high = |symbol, known, safe| Candidate {
        priority: Priority::High,
        ..candidate(symbol, known, safe)
    };
    let all = || {
        vec![
            high("HIGH", Some(3), Some(60)),
            candidate("OLDER", Some(11), Some(50)),
            candidate("OLDEST", Some(13), Some(50)),
        ]
    };
    assert_eq!(
        symbols(&planned(all(), room(25, 25, 0))),
        ["OLDEST", "HIGH", "OLDER"]
    );
    // One request today; tomorrow is too late for one of them.
    let mut soon = all();
    soon.push(candidate("LOST", Some(1), Some(0)));
    let plan = planned(soon, room(1, 1, 0));
    assert_eq!(symbols(&plan)[0], "LOST");
    assert_eq!(plan.lines[0].why, Some(Why::AboutToBeLost));
    assert_eq!(plan.lanes[0].loses, 0);
}

#[test]
fn a_deadline_is_met_ahead_of_time_where_the_days_to_come_have_no_room() {
    // Ten series must be asked for within five days of two requests each.
    let pressing = (0..10).map(|number| candidate(&format!("P{number}"), Some(1), Some(4)));
    let stale = (0..3).map(|number| candidate(&format!("S{number}"), Some(50), Some(150)));
    let plan = planned(pressing.chain(stale).collect(), room(2, 2, 0));
    assert!(
        symbols(&plan)[..2]
            .iter()
            .all(|symbol| symbol.starts_with('P')),
        "{:?}",
        symbols(&plan)
    );
    // With one fewer there is room for the one that waited longest.
    let pressing = (0..9).map(|number| candidate(&format!("P{number}"), Some(1), Some(4)));
    let stale = (0..3).map(|number| candidate(&format!("S{number}"), Some(50), Some(150)));
    let plan = planned(pressing.chain(stale).collect(), room(2, 2, 0));
    assert_eq!(symbols(&plan)[1], "S0");
}

#[test]
fn what_was_never_asked_for_costs_no_other_series_a_bar_and_is_before_all_that_can_wait() {
    // A year of a free key began with 2,400 new series: those that were asked for once came again first.
    let new = |safe| (0..100).map(move |number| candidate(&format!("N{number}"), None, Some(safe)));
    let known =
        |safe| (0..4).map(move |number| candidate(&format!("K{number}"), Some(1), Some(safe)));
    let plan = planned(known(97).chain(new(98)).collect(), room(2, 2, 0));
    assert_eq!(symbols(&plan)[..2], ["N0", "N1"]);
    let plan = planned(known(1).chain(new(98)).collect(), room(2, 2, 0));
    assert_eq!(symbols(&plan)[..5], ["K0", "K1", "K2", "K3", "N0"]);
    assert_eq!(plan.lanes[0].loses, 0);
}

#[test]
fn what_was_never_asked_for_has_a_deadline_like_all_others() {
    // It is as late as they are, and waited longer: two a day are enough for one of each.
    let late = |symbol: &str| candidate(symbol, None, Some(0));
    let known = |symbol: &str| candidate(symbol, Some(90), Some(1));
    let can_wait = candidate("CAN-WAIT", Some(95), Some(20));
    let all = vec![can_wait, known("K0"), known("K1"), late("N0"), late("N1")];
    let plan = planned(all, room(2, 2, 0));
    assert_eq!(symbols(&plan), ["N0", "N1", "K0", "K1", "CAN-WAIT"]);
    let why: Vec<_> = plan.lines.iter().map(|line| line.why.clone()).collect();
    assert_eq!(
        why[..2],
        [Some(Why::AboutToBeLost), Some(Why::AboutToBeLost)]
    );
    assert_eq!(plan.lanes[0].loses, 0);
}

#[test]
fn what_would_be_lost_takes_the_reserve_whether_it_was_asked_for_or_not() {
    let today = |plan: &FetchPlan| {
        let series = plan.until(now()).map(|series| series.symbol.to_string());
        series.collect::<Vec<_>>()
    };
    let pressed = || (0..2).map(|number| candidate(&format!("K{number}"), Some(97), Some(0)));
    let new = |safe| (0..3).map(move |number| candidate(&format!("N{number}"), None, safe));
    let plan = planned(pressed().chain(new(Some(0))).collect(), room(3, 3, 1));
    assert_eq!(today(&plan), ["N0", "N1", "N2"], "they waited longest");
    assert_eq!(plan.lanes[0].loses, 2);
    let plan = planned(pressed().chain(new(Some(90))).collect(), room(3, 3, 1));
    assert_eq!(today(&plan), ["K0", "K1"], "one is kept for a person");
}

#[test]
fn a_series_loses_bars_only_if_the_days_to_come_will_not_ask_for_it_in_time() {
    // By freshness alone, those that press would be asked for after all that are stale.
    let stale = (0..10).map(|number| candidate(&format!("S{number}"), Some(50), Some(150)));
    let pressing =
        |count| (0..count).map(|number| candidate(&format!("P{number}"), Some(1), Some(3)));
    let plan = planned(stale.clone().chain(pressing(6)).collect(), room(2, 2, 0));
    assert_eq!(symbols(&plan)[..4], ["S0", "S1", "P0", "P1"]);
    assert_eq!(plan.lanes[0].loses, 0);
    let plan = planned(stale.chain(pressing(9)).collect(), room(2, 2, 0));
    assert_eq!(plan.lanes[0].loses, 1);
}

#[test]
fn what_would_be_older_than_it_may_be_is_before_what_is_least_fresh_and_after_what_would_be_lost() {
    let within = |symbol, text: &str, known, until| Candidate {
        target: Some((text.parse().unwrap(), day(until))),
        ..candidate(symbol, Some(known), Some(90))
    };
    let all = || {
        vec![
            candidate("OLDEST", Some(50), Some(90)),
            within("FAR", "9sessions", 2, 7),
            within("SOON", "3sessions", 2, 1),
            within("PAST", "2h", 1, -1),
        ]
    };
    let plan = planned(all(), room(25, 25, 0));
    assert_eq!(symbols(&plan), ["PAST", "SOON", "OLDEST", "FAR"]);
    let clock = |at: DateTime<Utc>| at.format("%d %H:%M").to_string();
    assert_eq!(
        plan.lines[1].words(&clock),
        "more than 3 sessions old from 17 21:20 on"
    );
    let lost = candidate("LOST", Some(1), Some(0));
    let plan = planned(all().into_iter().chain([lost]).collect(), room(1, 1, 0));
    assert_eq!(symbols(&plan), ["LOST", "PAST", "SOON", "OLDEST", "FAR"]);
    // Where nothing limits a day, all are asked for, in this order.
    let plan = super::plan(all(), &[], now());
    assert_eq!(symbols(&plan), ["PAST", "OLDEST", "FAR", "SOON"]);
    // What was never asked for is the oldest of all.
    let new = Candidate {
        known_to: None,
        ..within("NEW", "3sessions", 0, 0)
    };
    let known = candidate("KNOWN", Some(1), Some(90));
    let plan = planned(vec![known, new], room(25, 25, 0));
    assert_eq!(plan.lines[0].why, Some(Why::New));
}

#[test]
fn what_costs_more_than_is_left_waits_for_a_day_and_holds_up_nothing() {
    let dear = |price| Candidate {
        price,
        ..candidate("DEAR", Some(9), Some(90))
    };
    let small = || (0..4).map(|number| candidate(&format!("S{number}"), Some(1), Some(90)));
    let at = |plan: &FetchPlan, symbol: &str| {
        let mut lines = plan.lines.iter();
        lines
            .find(|line| line.series.symbol.as_str() == symbol)
            .unwrap()
            .at
    };
    let plan = planned(small().chain([dear(4)]).collect(), room(3, 5, 0));
    assert_eq!(at(&plan, "DEAR"), Some(day(1)));
    assert_eq!(at(&plan, "S2"), Some(now()));
    assert_eq!(at(&plan, "S3"), Some(day(1)));
    // What costs more than any day has takes a whole one.
    let plan = planned(small().chain([dear(40)]).collect(), room(5, 5, 1));
    assert_eq!(at(&plan, "DEAR"), Some(now()));
    assert_eq!(at(&plan, "S0"), Some(day(1)));
}

#[test]
fn the_reserve_is_kept_for_a_person_unless_a_bar_would_be_lost() {
    let calm = (0..5).map(|number| candidate(&format!("C{number}"), Some(2), Some(90)));
    let plan = planned(calm.collect(), room(3, 25, 1));
    let today = |plan: &FetchPlan| plan.until(now()).count();
    assert_eq!(today(&plan), 2);
    assert_eq!(plan.lanes[0].days, 2);
    assert_eq!(plan.lines[2].why_not_now, Some(WhyNot::Quota { before: 2 }));
    assert_eq!(plan.lines[2].at, Some(day(1)));
    let pressing = (0..5).map(|number| candidate(&format!("P{number}"), Some(2), Some(0)));
    let plan = planned(pressing.collect(), room(3, 25, 1));
    assert_eq!((today(&plan), plan.lanes[0].loses), (3, 2));
    assert!(plan.lines[3].loses());
}

#[test]
fn what_if_says_how_long_a_first_pass_takes_and_that_nothing_is_lost() {
    let new = (0..300).map(|number| candidate(&format!("N{number}"), None, Some(140)));
    let plan = planned(new.collect(), room(25, 25, 1));
    assert_eq!((plan.lanes[0].days, plan.lanes[0].loses), (13, 0));
    // Far beyond the days that are looked at one by one, the plan goes on at the same pace.
    let many = (0..10_000).map(|number| candidate(&format!("N{number}"), None, None));
    let plan = planned(many.collect(), room(25, 25, 1));
    assert_eq!(plan.lanes[0].days, 10_000 / 24 + 1);
}

#[test]
fn after_the_known_days_the_plan_goes_on_at_their_pace() {
    let planned_for = |days: &[usize]| {
        let all = room(2, 2, 0);
        let room = Room {
            days: days.iter().map(|number| all.days[*number]).collect(),
            ..all
        };
        let many = (0..9).map(|number| candidate(&format!("N{number}"), None, None));
        let plan = planned(many.collect(), room);
        let at = plan.lines.iter().map(|line| line.at.unwrap() - now());
        at.map(|at| at.num_days()).collect::<Vec<_>>()
    };
    assert_eq!(planned_for(&[0, 2, 6]), [0, 0, 2, 2, 6, 6, 9, 9, 12]);
    assert_eq!(planned_for(&[0]), [0, 0, 1, 1, 2, 2, 3, 3, 4]);
    // Without a day on which the schedule sends, none waits for one.
    assert_eq!(planned_for(&[]), [0; 9]);
}

#[test]
fn of_those_that_were_never_asked_for_the_important_ones_are_first() {
    let new = |symbol, priority| Candidate {
        priority,
        ..candidate(symbol, None, None)
    };
    let known = Candidate {
        priority: Priority::High,
        ..candidate("KNOWN", Some(20_000), None)
    };
    let all = vec![
        known,
        new("LOW", Priority::Low),
        new("NORMAL", Priority::Normal),
        new("HIGH", Priority::High),
    ];
    let plan = planned(all, room(25, 25, 0));
    assert_eq!(symbols(&plan), ["HIGH", "NORMAL", "LOW", "KNOWN"]);
}

#[test]
fn what_is_due_and_has_no_instant_before_waits_for_the_schedule() {
    let later = |at| Candidate {
        at,
        ..candidate("LATER", Some(1), None)
    };
    for at in [Some(day(1)), None] {
        let plan = plan(vec![later(at)], &[], now());
        assert_eq!(plan.lines[0].why_not_now, Some(WhyNot::Schedule), "{at:?}");
    }
    let earlier = plan(vec![later(Some(day(-1)))], &[], now());
    assert_eq!(earlier.lines[0].why_not_now, None);
}

#[test]
fn a_lane_says_what_it_is_asked_what_is_left_and_what_is_lost() {
    let clock = |at: DateTime<Utc>| at.format("%d %H:%M").to_string();
    let pressing =
        |count| (0..count).map(|number| candidate(&format!("P{number}"), Some(2), Some(0)));
    let said = |plan: FetchPlan| plan.lanes[0].words("alpha", &clock);
    assert_eq!(
        said(planned(pressing(3).collect(), room(2, 25, 1))),
        "alpha: 2 requests at 16 21:20, 2 of 25 left today, 1 kept for you; 2 days until all that are due \
         have been asked for; 1 series will lose bars; fewer series, a longer interval or a plan with more \
         requests a day would keep them"
    );
    assert_eq!(
        said(plan(pressing(1).collect(), &[], now())),
        "alpha: 1 request at 16 21:20, no limit a day; no bar is lost"
    );
}

#[test]
fn each_line_says_why_not_now() {
    let refused = Candidate {
        obstacle: Some(Obstacle::Refused(
            ErrorClass::NotEntitled,
            "needs a paid plan".into(),
        )),
        ..candidate("PAID", None, None)
    };
    let rests = Candidate {
        obstacle: Some(Obstacle::Rests(day(1))),
        ..candidate("TYPO", None, None)
    };
    let fresh = Candidate {
        due_from: Some(day(1)),
        at: Some(day(1)),
        ..candidate("FRESH", Some(0), Some(97))
    };
    let over = Candidate {
        due_from: None,
        at: None,
        ..candidate("DELISTED", Some(900), None)
    };
    let plan = planned(vec![refused, rests, fresh, over], room(25, 25, 1));
    let clock = |at: DateTime<Utc>| at.format("%d %H:%M").to_string();
    let said: Vec<String> = plan.lines.iter().map(|line| line.words(&clock)).collect();
    assert_eq!(
        said,
        [
            "known up to 16 21:20; the next bar is due 17 21:20",
            "needs a paid plan",
            "the source does not know it; asked again 17 21:20",
            "no bar is due any more",
        ]
    );
}

#[test]
fn lanes_stand_side_by_side_and_one_without_a_limit_has_room_for_all() {
    let other = SourceId::known("other");
    let free = (0..100).map(|number| {
        let mut one = candidate(&format!("F{number}"), Some(1), None);
        one.series.source = other.clone();
        one
    });
    let limited = (0..3).map(|number| candidate(&format!("L{number}"), Some(1), Some(90)));
    let plan = plan(
        limited.chain(free).collect(),
        &[(SOURCE, room(2, 25, 1))],
        now(),
    );
    assert_eq!(plan.until(now()).count(), 101);
    assert_eq!(
        plan.lanes.iter().map(|lane| lane.next).collect::<Vec<_>>(),
        [1, 100]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// No day is given more than it has, every series has one line, and a series that can wait never
    /// costs another one a bar where an order without a loss exists.
    #[test]
    fn deadlines_that_can_be_met_are_met(
        ages in prop::collection::vec((1_i64..60, 0_i64..40, 0_u8..3), 1..60),
        per_day in 1_u32..6,
    ) {
        let candidates: Vec<Candidate> = ages.iter().enumerate().map(|(number, (age, safe, priority))| Candidate {
            priority: Priority::ALL[usize::from(*priority)],
            ..candidate(&format!("S{number}"), Some(*age), Some(*safe))
        }).collect();
        let mut deadlines: Vec<i64> = ages.iter().map(|(_, safe, _)| *safe).collect();
        deadlines.sort_unstable();
        let can_be_met = deadlines.iter().enumerate().all(|(number, safe)| {
            i64::try_from(number).unwrap() < (safe + 1) * i64::from(per_day)
        });
        // QuotaDay after day, by the plan of each day.
        let mut open = candidates;
        let mut lost = 0_u32;
        let mut foretold = None;
        for today in 0..60 {
            for one in &mut open {
                one.at = Some(day(today));
                one.due_from = Some(day(today));
            }
            let days = (today..160).map(|number| QuotaDay {
                at: day(number),
                ends: day(number) + TimeDelta::hours(8),
                room: per_day,
            });
            let room = Room { left: per_day, per_day, reserve: 0, days: days.collect() };
            let plan = plan(open.clone(), &[(SOURCE, room)], day(today));
            prop_assert_eq!(plan.lines.len(), open.len());
            let first = foretold.get_or_insert_with(|| plan.clone());
            let sent: Vec<SeriesKey> = plan.until(day(today)).cloned().collect();
            prop_assert!(sent.len() <= per_day as usize);
            for series in &sent {
                prop_assert_eq!(first.line(series).unwrap().at, Some(day(today)), "as the first plan said");
            }
            let late = open.iter().filter(|one| sent.contains(&one.series) && one.safe_until < Some(day(today)));
            lost += u32::try_from(late.count()).unwrap();
            open.retain(|one| !sent.contains(&one.series));
        }
        prop_assert!(open.is_empty());
        prop_assert_eq!(foretold.map(|plan| plan.lanes[0].loses), Some(lost));
        prop_assert!(!can_be_met || lost == 0, "{} lost", lost);
    }
}

#[test]
fn what_is_rolled_up_comes_with_the_finer_series_and_costs_nothing() {
    let base = candidate("A", Some(1), Some(90));
    let hours = SeriesKey {
        interval: Interval::Weekly,
        ..base.series.clone()
    };
    let rider = Candidate {
        series: hours.clone(),
        rides: Some(base.series.clone()),
        ..base.clone()
    };
    let other = candidate("B", Some(9), Some(90));
    let plan = planned(vec![rider.clone(), base.clone(), other], room(1, 25, 0));
    let lines: Vec<_> = plan
        .lines
        .iter()
        .map(|line| (&line.series, line.price))
        .collect();
    assert_eq!(lines[0].0.symbol.as_str(), "B");
    assert_eq!(lines[1..], [(&base.series, 1), (&hours, 0)]);
    assert_eq!(
        (plan.lines[2].at, plan.lanes[0].next),
        (plan.lines[1].at, 1)
    );
    let said = plan.lines[2].words(&|at| at.to_string());
    assert_eq!(said, "rolled up from daily bars, no request");
    // A series that waits for itself, or for nothing, does not come with it.
    let rests = Some(Obstacle::Rests(day(1)));
    for (obstacle, at) in [(rests.clone(), rider.at), (None, None)] {
        let rider = Candidate {
            obstacle,
            at,
            ..rider.clone()
        };
        let plan = planned(vec![rider, base.clone()], room(25, 25, 0));
        let why = plan.line(&hours).unwrap().why.as_ref();
        assert!(!matches!(why, Some(Why::RolledUp { .. })), "{why:?}");
    }
    // Where the finer one cannot be asked for, it is asked for itself.
    let refused = Candidate {
        obstacle: rests,
        ..base
    };
    let plan = planned(vec![rider, refused], room(25, 25, 0));
    assert_eq!((&plan.lines[0].series, plan.lines[0].price), (&hours, 1));
}

#[test]
fn what_a_source_refuses_sends_nothing_and_is_not_lost_for_want_of_requests() {
    let obstacles = [
        Obstacle::Refused(ErrorClass::NotEntitled, "needs a paid plan".into()),
        Obstacle::Rests(day(3)),
        Obstacle::Paused,
    ];
    for obstacle in obstacles {
        let is_refused = obstacle != Obstacle::Paused;
        let one = Candidate {
            obstacle: Some(obstacle),
            ..candidate("ONE", None, Some(1))
        };
        let plan = planned(vec![one], room(25, 25, 0));
        let line = &plan.lines[0];
        assert_eq!(
            (line.is_refused(), line.loses(), plan.lanes[0].loses),
            (is_refused, !is_refused, u32::from(!is_refused))
        );
        assert_eq!(line.price == 0, is_refused);
    }
}
