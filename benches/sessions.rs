//! A year of the planner: 250 sessions, day after day, by a virtual clock. The planner, calendars, coverage,
//! quotas and the reach of a key are the program's; the answers are a model of the provider's: the newest
//! hundred bars. List order and round robin get the same days and the same answers.
//!
//! Lost: bars that came after the first day and can no longer be asked for when the year is over.

#![expect(clippy::print_stdout, reason = "the table is the output")]
#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    reason = "a bench that cannot go on should stop"
)]

#[path = "sessions/minute.rs"]
mod minute;
#[path = "support/percentile.rs"]
mod percentile;
#[path = "sessions/year.rs"]
mod year;

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::America::New_York;
use pipeline_tui::model::quota::Quota;
use pipeline_tui::model::{Interval, Priority, SeriesKey, SourceId};
use pipeline_tui::pipeline::planner::{Candidate, Room, plan};
use pipeline_tui::pipeline::schedule::Schedule;
use pipeline_tui::pipeline::sources;

use self::percentile::percentile;
use self::year::{Order, Outage, Year};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!("A free key, 25 requests a day, a run after each close:\n");
    println!(
        "| series | order | lost | of all | staleness p95, sessions | without a new bar | most a day |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|");
    let scenes: [(&str, u32, u32, Outage); 5] = [
        ("200 daily", 0, 200, None),
        ("900 daily", 0, 900, None),
        ("2,400 daily", 0, 2_400, None),
        (
            "200 daily, ten sessions without the provider",
            0,
            200,
            Some(120..130),
        ),
        // As if a free key had intraday bars: what the order alone is worth.
        ("20 of 5min and 200 daily", 20, 200, None),
    ];
    for (name, minutes, daily, outage) in scenes {
        for order in [Order::Planner, Order::RoundRobin, Order::List] {
            let year = Year::of(minutes, daily).await;
            let told = year.run(order, &outage);
            println!(
                "| {name} | {} | {} | {:.1} % | {} | {:.1} % | {} |",
                order.words(),
                told.lost,
                100.0 * told.lost as f64 / told.all.max(1) as f64,
                sessions(percentile(&told.staleness, 0.95)),
                100.0 * f64::from(told.in_vain) / f64::from(told.requests.max(1)),
                told.most_a_day,
            );
        }
    }
    println!("\n75 requests a minute, the program's pace:\n");
    let (last, months) = (minute::five_hundred(), minute::history());
    println!(
        "- 500 series of 5min: the last is asked for {} s after its bar",
        last.num_seconds()
    );
    println!(
        "- 20 symbols and 26 years of 1min, {} requests: {:.1} minutes, {:.3} of the least possible",
        months.requests,
        months.took.num_seconds() as f64 / 60.0,
        months.took.num_seconds() as f64 / months.least.num_seconds() as f64,
    );
    println!(
        "\nA plan of 10,000 series: {:.1} ms at the median of 9",
        of_ten_thousand()
    );
}

/// A staleness, which a series that was never asked for has none of.
fn sessions(staleness: f64) -> String {
    if staleness.is_nan() {
        "never asked".into()
    } else {
        staleness.to_string()
    }
}

/// Milliseconds that a plan of 10,000 series takes, with the days to come.
fn of_ten_thousand() -> f64 {
    let now: DateTime<Utc> = "2026-11-20T21:20:00Z".parse().unwrap();
    let quota = Quota::daily(TimeDelta::zero(), Some(25), New_York);
    let (schedule, calendars) = (Schedule::after_close(), sources::calendars());
    let candidate = |number: i32| Candidate {
        series: SeriesKey::raw(format!("S{number}").parse().unwrap(), Interval::Daily),
        priority: Priority::Normal,
        price: 1,
        due_from: Some(now),
        known_to: Some(now - TimeDelta::hours(1) * (number * 7919 % 3_000)),
        safe_until: Some(now + TimeDelta::hours(1) * (number * 7919 % 3_000)),
        target: None,
        backlog: None,
        rides: None,
        obstacle: None,
        at: Some(now),
    };
    let candidates: Vec<Candidate> = (0..10_000).map(candidate).collect();
    let mut took: Vec<f64> = (0..9)
        .map(|_| {
            let candidates = candidates.clone();
            let begins = Instant::now();
            let room = Room::of((&quota, 25), (&schedule, &calendars), Some(now), now);
            let plan = plan(candidates, &[(SourceId::DEFAULT, room.unwrap())], now);
            assert_eq!(plan.lines.len(), 10_000);
            begins.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    took.sort_by(f64::total_cmp);
    percentile(&took, 0.5)
}
