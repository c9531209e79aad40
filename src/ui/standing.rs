//! How a series stands, in words.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::text;
use crate::model::{Grid, Interval, Truth};

/// The day of an instant, with its weekday.
fn day(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%a %m-%d").to_string()
}

/// A label as its bars have it: a day, or a time of a day.
fn label(grid: &Grid, at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    if grid.interval.is_intraday() {
        text::near(at, now, zone)
    } else {
        day(at, grid.publishing.zone)
    }
}

fn bars(count: u64) -> String {
    text::count(usize::try_from(count).unwrap_or(usize::MAX), "bar")
}

/// The newest bars were not asked for yet.
pub fn due(grid: &Grid, truth: &Truth, now: DateTime<Utc>, zone: Tz) -> String {
    let asked = truth.asked_at.map_or_else(
        || "its newest bars were never asked for".to_owned(),
        |at| format!("asked {}", text::near(at, now, zone)),
    );
    match (truth.lacking, grid.interval) {
        (0, _) => format!("There may be newer bars; {asked}."),
        (1, Interval::Daily) => format!("1 session behind; {asked}."),
        (lacking, Interval::Daily) => format!("{lacking} sessions behind; {asked}."),
        (lacking, _) => format!("{} behind; {asked}.", bars(lacking)),
    }
}

/// The provider lacks the newest bars.
pub fn behind(grid: &Grid, truth: &Truth, now: DateTime<Utc>, zone: Tz) -> String {
    let nothing = truth.newest.map_or_else(
        || "The provider has no bars".to_owned(),
        |newest| {
            let newest = grid
                .publishing
                .slot(grid.interval, newest - chrono::TimeDelta::seconds(1));
            format!(
                "The provider has nothing after {}",
                label(grid, newest.from, now, zone)
            )
        },
    );
    let asked = truth.asked_at.map_or_else(String::new, |at| {
        format!("; asked {}", text::near(at, now, zone))
    });
    format!("{nothing}{asked}.")
}

/// Older bars were never asked for.
pub fn holes(grid: &Grid, truth: &Truth, reach: Option<DateTime<Utc>>) -> String {
    let count = truth.holes.len();
    let oldest = truth.holes.first().map_or_else(String::new, |hole| {
        let date = hole.from.with_timezone(&grid.publishing.zone);
        format!(", oldest {}", date.format("%Y-%m-%d"))
    });
    let beyond = reach
        .filter(|reach| truth.holes.iter().any(|hole| hole.from < *reach))
        .map_or_else(String::new, |reach| {
            let date = reach.with_timezone(&grid.publishing.zone);
            format!(
                " What is before {} needs a paid plan.",
                date.format("%Y-%m-%d")
            )
        });
    format!(
        "{} never asked for, in {}{oldest}.{beyond}",
        bars(truth.missing),
        text::count(count, "hole")
    )
}

/// When the next bar is due.
pub fn next(truth: &Truth, now: DateTime<Utc>, zone: Tz) -> String {
    truth.next.map_or_else(String::new, |slot| {
        format!(
            " Next bar due {} {}.",
            text::near(slot.due, now, zone),
            text::zone_name(zone)
        )
    })
}
