//! Splits and dividends: the whole series is on one scale, or the program says why it is not.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::America::New_York;
use pipeline_tui::model::Interval;
use pipeline_tui::simulate::Why;

use super::verdict::Verdict;
use super::world::{World, days};

const PLANTS: [&str; 4] = [
    "split:4:1@2026-11-20 09:34,symbol=IBM",
    "dividend:1.66@2026-11-19 09:00,symbol=IBM",
    "split:1:10@2024-03-15,symbol=IBM",
    "split:3:2@2020-08-31,symbol=IBM",
];

/// The adjusted closes that the program computes; `None` where it cannot know them.
fn adjusted(world: &World) -> (BTreeMap<NaiveDate, Option<f64>>, String) {
    let bars = [
        "bars",
        "IBM",
        "--interval",
        "daily",
        "--adjusted",
        "--format",
        "csv",
    ];
    let done = world.run(&[&bars[..], &["--limit", "1000000"]].concat());
    assert_eq!(done.code, 0, "{done:?}");
    let rows = done.stdout.lines().skip(1).map(|row| {
        let fields: Vec<&str> = row.split(',').collect();
        (fields[4].parse().unwrap(), fields[8].parse().ok())
    });
    (rows.collect(), done.stderr)
}

/// The splits that the store knows, each with its new shares for an old one.
fn splits(world: &World) -> Vec<(NaiveDate, f64)> {
    let one = if world.postgres().is_some() {
        "1"
    } else {
        "100000000"
    };
    let rows = world.sql(&format!(
        "SELECT date, 1.0 * split / {one} FROM corporate_events WHERE split <> {one} ORDER BY date"
    ));
    let row = |row: &String| {
        let (date, ratio) = row.split_once('|').unwrap();
        (date.parse().unwrap(), ratio.parse().unwrap())
    };
    rows.iter().map(row).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_price_is_on_the_scale_of_today_when_the_events_are_known() {
    for world in World::on_each_database(&PLANTS, "2026-11-18 16:20").await {
        let mut verdict = Verdict::of("splits that are known", &world);
        let series = ("IBM", Interval::Daily);
        world.fetch(series, &["--adjusted"]);
        world.at("2026-11-20 16:20").fetch(series, &["--adjusted"]);
        let query = "function=TIME_SERIES_DAILY_ADJUSTED&symbol=IBM&outputsize=full";
        let served = world.adjusted_closes(query).await;
        let (found, told) = adjusted(&world);
        verdict.compare("what is said", "", told.as_str());
        verdict.compare("days", served.len(), found.len());
        let near = |one: f64, other: f64| (one - other).abs() <= 1e-7 * other.max(1.0);
        let wrong = served
            .iter()
            .filter(|(date, planted)| !found[date].is_some_and(|found| near(found, **planted)));
        verdict.compare("closes on another scale", 0, wrong.count());
        let planted = world.server.witness().planted(
            "IBM",
            Interval::Daily,
            true,
            &days("1999-11-01", "2026-11-21"),
        );
        let planted = planted.iter().filter_map(|planted| match planted.why {
            Why::Split(ratio) => Some((planted.slot.with_timezone(&New_York).date_naive(), ratio)),
            _ => None,
        });
        verdict.compare("splits", planted.collect(), splits(&world));
        verdict.assert();
    }
}

/// The newest hundred raw bars with the split among them, and no list of events.
#[tokio::test(flavor = "multi_thread")]
async fn without_events_a_split_is_suspected_and_no_price_before_it_is_on_another_scale() {
    for world in World::on_each_database(&PLANTS, "2026-11-24 16:20").await {
        let world = world.with("ALPHA_VANTAGE_PLAN", "free");
        let mut verdict = Verdict::of("a split that nobody reported", &world);
        world.fetch(("IBM", Interval::Daily), &[]);
        let (found, told) = adjusted(&world);
        let split: NaiveDate = "2026-11-20".parse().unwrap();
        verdict.compare("days", 100, found.len());
        let priced = found.iter().filter(|(_, close)| close.is_some());
        let priced: Vec<&NaiveDate> = priced.map(|(date, _)| date).collect();
        verdict.compare("days with adjusted prices", 3, priced.len());
        verdict.compare("the first of them", Some(&&split), priced.first());
        let says =
            "no adjusted prices before 2026-11-20: what happened then looks like a split 4:1";
        assert!(told.contains(says), "{told}");
        verdict.assert();
    }
}
