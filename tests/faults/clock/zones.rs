//! Every clock change of every zone from 2000 to 2040: around it each schedule is compared with one
//! that checks every minute.

use std::io::Write as _;

use chrono::{DateTime, Offset as _, TimeDelta, TimeZone as _, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use pipeline_tui::model::calendar::Calendars;
use pipeline_tui::pipeline::schedule::Schedule;

use crate::cron::Fields;
use crate::support::rounds;

/// Schedules that meet the hours in which clocks change: fixed, several, at every hour, on weekdays.
const SCHEDULES: &[&str] = &[
    "30 2 * * *",
    "*/20 0-3 * * *",
    "*/15 * * * *",
    "0 1,2,23 * * 0-6",
    "20 16 * * 1-5",
];
const BEFORE: TimeDelta = TimeDelta::hours(3);
const AFTER: TimeDelta = TimeDelta::hours(6);
/// Zones whose changes are unusual: half an hour, a whole day, in Ramadan, at midnight.
const UNUSUAL: &[Tz] = &[
    Tz::America__New_York,
    Tz::Europe__London,
    Tz::Australia__Lord_Howe,
    Tz::Pacific__Apia,
    Tz::Africa__Casablanca,
    Tz::America__Sao_Paulo,
    Tz::Asia__Gaza,
    Tz::Asia__Kathmandu,
    Tz::Antarctica__Troll,
    Tz::America__Caracas,
];

fn offset(zone: Tz, at: DateTime<Utc>) -> i32 {
    let offset = zone.offset_from_utc_datetime(&at.naive_utc());
    offset.fix().local_minus_utc()
}

/// The first instants of new offsets.
fn changes(zone: Tz) -> Vec<DateTime<Utc>> {
    let year = |year| Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).unwrap();
    let mut found = vec![];
    let mut at = year(2000);
    while at < year(2041) {
        let next = at + TimeDelta::days(1);
        let (mut before, mut after) = (at, next);
        while offset(zone, before) != offset(zone, after) && after - before > TimeDelta::minutes(1)
        {
            let middle = before + TimeDelta::minutes((after - before).num_minutes() / 2);
            if offset(zone, before) == offset(zone, middle) {
                before = middle;
            } else {
                after = middle;
            }
        }
        if offset(zone, before) != offset(zone, after) {
            found.push(after);
        }
        at = next;
    }
    found
}

fn struck(schedule: &Schedule, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let next = |at: &DateTime<Utc>| {
        schedule
            .next_after(&Calendars::default(), *at)
            .filter(|next| *next <= to)
    };
    std::iter::successors(next(&from), next).collect()
}

fn expected(fields: &Fields, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let minutes = (to - from).num_minutes();
    let minutes = (1..=minutes).map(|minute| from + TimeDelta::minutes(minute));
    minutes.filter(|at| fields.strikes(*at)).collect()
}

/// `CLOCK_ZONES` says how many zones beside the unusual ones; 1000 are all.
#[test]
fn no_change_of_clocks_loses_or_doubles_an_instant() {
    let more = TZ_VARIANTS.len() / rounds("CLOCK_ZONES", 3).max(1);
    let more = TZ_VARIANTS.iter().step_by(more.max(1));
    let mut zones: Vec<Tz> = UNUSUAL.iter().chain(more).copied().collect();
    zones.sort_by_key(|zone| zone.name());
    zones.dedup();
    let (mut tried, mut instants) = (0, 0);
    for zone in &zones {
        let texts = SCHEDULES.iter().map(|fields| format!("{fields} {zone}"));
        let pairs: Vec<(Schedule, Fields)> = texts
            .map(|text| (text.parse().unwrap(), Fields::parse(&text).unwrap()))
            .collect();
        for change in changes(*zone) {
            let (from, to) = (change - BEFORE, change + AFTER);
            for (schedule, fields) in &pairs {
                let found = struck(schedule, from, to);
                assert_eq!(
                    found,
                    expected(fields, from, to),
                    "{schedule} around {change}"
                );
                assert_eq!(
                    schedule.between(&Calendars::default(), from, to) as usize,
                    found.len(),
                    "{schedule}"
                );
                tried += 1;
                instants += found.len();
            }
        }
    }
    let _ = writeln!(
        std::io::stdout(),
        "{} zones, {tried} changes of schedules, {instants} instants",
        zones.len()
    );
    assert!(
        tried > 1_000 && instants > tried,
        "{tried} tries, {instants} instants"
    );
}

/// The check must detect a lost instant and a duplicated one.
#[test]
fn the_judge_of_instants_sees_a_skipped_and_a_repeated_hour() {
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let fixed = Fields::parse("30 2 * * * America/New_York").unwrap();
    assert!(
        fixed.strikes(at("2026-03-08T07:00:00Z")),
        "the end of the gap"
    );
    assert!(!fixed.strikes(at("2026-03-08T07:30:00Z")));
    let early = Fields::parse("30 1 * * * America/New_York").unwrap();
    assert!(
        early.strikes(at("2026-11-01T05:30:00Z")),
        "the first of two"
    );
    assert!(!early.strikes(at("2026-11-01T06:30:00Z")));
    let hourly = Fields::parse("30 * * * * America/New_York").unwrap();
    assert!(
        hourly.strikes(at("2026-11-01T06:30:00Z")),
        "an hour is an hour"
    );
}
