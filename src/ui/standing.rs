//! How a series stands, in words.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::text;
use crate::model::calendar::CalendarId;
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
            // From the end of its newest bar back to that bar's label.
            let back = if grid.interval.is_intraday() {
                grid.interval.length()
            } else {
                TimeDelta::seconds(1)
            };
            format!(
                "The provider has nothing after {}",
                label(grid, newest - back, now, zone)
            )
        },
    );
    let asked = truth.asked_at.map_or_else(String::new, |at| {
        format!("; asked {}", text::near(at, now, zone))
    });
    format!("{nothing}{asked}.")
}

/// The exchange was probably closed on the last day on which it should have traded.
pub fn closed(grid: &Grid, truth: &Truth, now: DateTime<Utc>, zone: Tz) -> String {
    let asked = truth.asked_at.map_or_else(String::new, |at| {
        format!("; asked {}", text::near(at, now, zone))
    });
    let date = truth.closed_on(grid).map_or_else(String::new, |date| {
        format!(" on {}", date.format("%a %m-%d"))
    });
    format!(
        "{} was probably closed{date}: no series has a bar of that day{asked}.",
        exchange(grid.calendar.id())
    )
}

/// What people call an exchange.
const fn exchange(id: CalendarId) -> &'static str {
    match id {
        CalendarId::Weekdays => "Its exchange",
        id => id.name(),
    }
}

/// Older bars were never asked for; where some cannot be, `beyond` says of them what helps.
pub fn holes(grid: &Grid, truth: &Truth, reach: Option<DateTime<Utc>>, beyond: &str) -> String {
    let count = truth.holes.len();
    let oldest = truth.holes.first().map_or_else(String::new, |hole| {
        let date = hole.from.with_timezone(&grid.publishing.zone);
        format!(", oldest {}", date.format("%Y-%m-%d"))
    });
    let beyond = reach
        .filter(|reach| truth.holes.iter().any(|hole| hole.from < *reach))
        .map_or_else(String::new, |reach| {
            let date = reach.with_timezone(&grid.publishing.zone);
            format!(" What is before {} {beyond}.", date.format("%Y-%m-%d"))
        });
    format!(
        "{} never asked for, in {}{oldest}.{beyond}",
        bars(truth.missing),
        text::count(count, "hole")
    )
}

/// When the next bar is due, and that it has ended already where the plan withholds it.
pub fn next(grid: &Grid, truth: &Truth, now: DateTime<Utc>, zone: Tz) -> String {
    truth.next.map_or_else(String::new, |slot| {
        let withheld = truth
            .newest_due
            .filter(|_| slot.span.to <= now)
            .map_or_else(String::new, |newest| {
                withheld(grid, newest.span.to, now, zone)
            });
        format!(
            "{withheld} Next bar due {} {}.",
            text::near(slot.due, now, zone),
            text::zone_name(zone)
        )
    })
}

/// Up to when there can be bars now; nothing where the source has them at once.
fn withheld(grid: &Grid, newest: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    // The minute or so above a round number is our margin.
    let minutes = grid.publishing.delay.num_minutes() / 5 * 5;
    if minutes == 0 {
        return String::new();
    }
    let newest = text::near(newest, now, zone);
    format!(" Newest possible now: {newest}; plan withholds the last {minutes} minutes.")
}

#[cfg(test)]
mod tests {
    use chrono_tz::America::New_York;

    use super::*;
    use crate::model::calendar::CalendarId;
    use crate::model::{Publishing, Standing};

    #[test]
    fn what_a_plan_withholds_is_said_while_it_does() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let said = |delay, now: &str| {
            let delay = TimeDelta::minutes(delay);
            let grid = Grid {
                interval: Interval::Min5,
                calendar: CalendarId::Xnys.into(),
                publishing: Publishing {
                    zone: New_York,
                    delay,
                    ..Publishing::UNKNOWN
                },
            };
            let now = at(now);
            let truth = Truth {
                standing: Standing::Fresh,
                holes: vec![],
                missing: 0,
                newest: None,
                newest_due: grid.newest_due(now),
                next: grid.next_due(now),
                lacking: 0,
                asked_at: None,
                is_due: false,
                has_last_session: None,
            };
            next(&grid, &truth, now, New_York)
        };
        let noon = "2026-11-20T17:02:00Z";
        assert_eq!(said(0, noon), " Next bar due 12:05 ET.");
        assert_eq!(
            said(16, noon),
            " Newest possible now: 11:45; plan withholds the last 15 minutes. Next bar due 12:06 ET."
        );
        let night = "2026-11-20T23:00:00Z";
        assert_eq!(said(16, night), " Next bar due Mon 09:51 ET.");
    }

    #[test]
    fn a_provider_that_is_behind_is_told_with_the_label_of_its_newest_bar() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        for (interval, newest, said) in [
            (Interval::Min5, "2026-11-20T01:00:00Z", "Thu 19:55"),
            (Interval::Daily, "2026-11-20T05:00:00Z", "Thu 11-19"),
        ] {
            let grid = Grid {
                interval,
                calendar: CalendarId::Xnys.into(),
                publishing: Publishing {
                    zone: New_York,
                    ..Publishing::UNKNOWN
                },
            };
            let truth = Truth {
                standing: Standing::Behind,
                holes: vec![],
                missing: 0,
                newest: Some(at(newest)),
                newest_due: None,
                next: None,
                lacking: 1,
                asked_at: Some(at("2026-11-20T16:05:00Z")),
                is_due: false,
                has_last_session: None,
            };
            let words = behind(&grid, &truth, at("2026-11-20T16:06:00Z"), New_York);
            let expected = format!("The provider has nothing after {said}; asked 11:05.");
            assert_eq!(words, expected);
        }
    }
}
