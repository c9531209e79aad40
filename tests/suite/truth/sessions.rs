//! Days that are not as others: holidays, early closes, and days that the calendar has wrong.

use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};
use pipeline_tui::model::Interval;

use super::verdict::{Told, Verdict};
use super::world::{Series, World, at};

const ALL: [Series<'_>; 3] = [
    ("IBM", Interval::Min5),
    ("IBM", Interval::Min60),
    ("IBM", Interval::Daily),
];

/// How many series are fresh, and how many are due.
fn standings(world: &World) -> [u64; 2] {
    let status = world.json(&["status"]);
    ["fresh", "due"].map(|word| status[word].as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_due_on_a_holiday_nor_after_one_on_a_half_day() {
    for world in World::on_each_database(&[], "2026-11-25 16:20").await {
        let mut verdict = Verdict::of("Thanksgiving and the half day after it", &world);
        let fetch = || ALL.map(|series| world.fetch(series, &[]));
        fetch();
        for (now, planted) in [
            ("2026-11-25 16:20", [3, 0]),
            ("2026-11-26 10:00", [3, 0]),
            ("2026-11-26 20:00", [3, 0]),
            ("2026-11-27 09:34", [3, 0]),
            ("2026-11-27 12:59", [1, 2]),
            ("2026-11-27 14:30", [0, 3]),
        ] {
            verdict.compare(now, planted, standings(world.at(now)));
        }
        fetch();
        for now in [
            "2026-11-27 14:30",
            "2026-11-27 16:20",
            "2026-11-28 12:00",
            "2026-11-30 09:34",
        ] {
            verdict.compare(now, [3, 0], standings(world.at(now)));
            for series in ALL {
                let first = *world.stored(series).first_key_value().unwrap().0;
                let told = Told {
                    series,
                    within: first.max(at("2026-11-02"))..at("2026-11-28"),
                    holes: vec![],
                    asked: at("2026-11-27 14:30"),
                };
                verdict.judge(&world, &told);
            }
        }
        verdict.assert();
    }
}

/// How many series are fresh, behind, and closed, what is said, and the exit code.
fn status(world: &World) -> ([u64; 3], String, i32) {
    let done = world.run(&["status"]);
    let told = world.json(&["status"]);
    let words = ["fresh", "behind", "closed"].map(|word| told[word].as_u64().unwrap());
    (words, done.stdout, done.code)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_on_which_no_series_has_a_bar_was_probably_closed_which_is_told_once() {
    let plants = ["closed@2026-11-18"];
    let watched = [
        ("IBM", Interval::Min5),
        ("IBM", Interval::Daily),
        ("AAPL", Interval::Daily),
    ];
    for world in World::on_each_database(&plants, "2026-11-17 16:20").await {
        let mut verdict = Verdict::of("a day that the calendar does not know to be closed", &world);
        let says = "NYSE probably closed on 2026-11-18";
        for (now, planted, is_said) in [
            ("2026-11-17 16:20", [3, 0, 0], false),
            ("2026-11-18 16:20", [0, 0, 3], true),
            // Five minutes before the next session's opening are there already.
            ("2026-11-19 08:00", [1, 0, 2], true),
            ("2026-11-19 16:20", [3, 0, 0], false),
        ] {
            world.at(now);
            for series in watched {
                world.fetch(series, &[]);
            }
            let (found, said, code) = status(&world);
            verdict.compare(now, (planted, 0), (found, code));
            verdict.compare(says, usize::from(is_said), said.matches(says).count());
        }
        for series in watched {
            world.at("2026-11-20 07:00").fetch(series, &[]);
            let told = Told {
                series,
                within: at("2026-11-17")..at("2026-11-20"),
                holes: vec![],
                asked: at("2026-11-20 07:00"),
            };
            verdict.judge(&world, &told);
        }
        verdict.assert();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bars_of_a_holiday_are_stored_and_marked_and_never_expected() {
    let plants = ["open@2026-11-26", "open@2026-11-28"];
    for world in World::on_each_database(&plants, "2026-11-25 16:20").await {
        let mut verdict = Verdict::of("bars of a holiday and of a Saturday", &world);
        for (series, extra) in [
            (("IBM", Interval::Min60), [16, 16]),
            (("IBM", Interval::Daily), [1, 1]),
        ] {
            world.at("2026-11-25 16:20").fetch(series, &[]);
            world.at("2026-11-30 07:00").fetch(series, &[]);
            let first = *world.stored(series).first_key_value().unwrap().0;
            let told = Told {
                series,
                within: first.max(at("2026-11-02"))..at("2026-11-28"),
                holes: vec![],
                asked: at("2026-11-30 07:00"),
            };
            verdict.judge(&world, &told);
            let days =
                ["2026-11-26", "2026-11-28"].map(|day| at(day)..at(day) + TimeDelta::days(1));
            let count =
                |labels: &Range<DateTime<Utc>>| world.stored(series).range(labels.clone()).count();
            verdict.compare("stored", extra, days.each_ref().map(count));
            let found = world.extra(series);
            verdict.compare("marked", extra.to_vec(), found);
            let table = [
                "bars",
                "IBM",
                "--interval",
                series.1.as_str(),
                "--limit",
                "40",
            ];
            let table = world.run(&table).stdout;
            let marks = table.matches("extra: no session on 2026-11-2").count();
            verdict.compare("marks in the table", 2, marks);
        }
        verdict.compare("fresh", [2, 0, 0], status(&world).0);
        verdict.assert();
    }
}

/// The exchange of the symbol has no calendar: weekdays are expected, holidays too.
#[tokio::test(flavor = "multi_thread")]
async fn of_an_exchange_that_is_not_known_weekdays_are_expected_and_the_words_are_probably() {
    for world in World::on_each_database(&[], "2026-11-25 19:30").await {
        let world = world.with("ALPHA_VANTAGE_PLAN", "free");
        let mut verdict = Verdict::of("an exchange that is not known", &world);
        let series = ("SAP.FRK", Interval::Daily);
        let says = "an unknown exchange probably closed on 2026-11-26";
        for (now, planted, is_said) in [
            ("2026-11-25 19:30", [1, 0, 0], false),
            ("2026-11-26 19:30", [0, 0, 1], true),
            ("2026-11-27 19:30", [1, 0, 0], false),
            ("2026-11-29 12:00", [1, 0, 0], false),
        ] {
            world.at(now).fetch(series, &[]);
            let (found, said, code) = status(&world);
            verdict.compare(now, (planted, 0), (found, code));
            verdict.compare(says, usize::from(is_said), said.matches(says).count());
        }
        let gaps = world.run(&["gaps", "--symbols", "SAP.FRK", "--since", "2026-10-01"]);
        verdict.compare("holes", 0, gaps.code);
        verdict.assert();
    }
}
