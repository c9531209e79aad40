//! The fewest windows of time that cover what is missing, for sources that answer for a limited time.

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{Grid, Span};

/// Windows that cover the slots of these times, the newest first, none longer than `most`. They begin
/// and end with slots of the grid.
#[must_use]
pub fn windows(grid: &Grid, missing: &[Span], most: TimeDelta) -> Vec<Span> {
    let mut windows: Vec<Span> = vec![];
    let mut newest_first: Vec<Span> = missing.to_vec();
    newest_first.sort_by_key(|span| std::cmp::Reverse(span.to));
    for span in newest_first {
        if span.is_empty() {
            continue;
        }
        let (from, mut to) = (begin(grid, span.from), end(grid, span.to));
        while from < to {
            let reach = windows.last().map(|window| end(grid, window.to - most));
            match (windows.last_mut(), reach) {
                (Some(window), Some(reach)) if reach < to => {
                    to = from.max(reach);
                    window.from = window.from.min(to);
                }
                _ => windows.push(Span::new(to, to)),
            }
        }
    }
    windows.retain(|window| !window.is_empty());
    windows
}

/// Where the slot begins that an instant belongs to.
fn begin(grid: &Grid, at: DateTime<Utc>) -> DateTime<Utc> {
    grid.slot_at(at).map_or(at, |slot| slot.from)
}

/// The first instant at or after another with which a slot begins.
fn end(grid: &Grid, at: DateTime<Utc>) -> DateTime<Utc> {
    match grid.slot_at(at) {
        Some(slot) if slot.from < at => slot.to,
        _ => at,
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;
    use proptest::prelude::*;

    use super::*;
    use crate::model::calendar::{CalendarId, Calendars};
    use crate::model::{Interval, Publishing};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn grid(interval: Interval) -> Grid {
        Grid {
            interval,
            calendar: Calendars::default().get(CalendarId::Always),
            publishing: Publishing {
                zone: Tz::UTC,
                ..Publishing::UNKNOWN
            },
        }
    }

    fn covered(interval: Interval, missing: &[(&str, &str)], most: TimeDelta) -> Vec<String> {
        let missing: Vec<Span> = missing
            .iter()
            .map(|(from, to)| Span::new(at(from), at(to)))
            .collect();
        let shown = |window: &Span| {
            let form = "%m-%d %H:%M";
            format!("{} to {}", window.from.format(form), window.to.format(form))
        };
        let windows = windows(&grid(interval), &missing, most);
        windows.iter().map(shown).collect()
    }

    #[test]
    fn windows_are_full_and_the_newest_comes_first() {
        let day = [("2026-11-23T00:00:00Z", "2026-11-23T10:00:00Z")];
        assert_eq!(
            covered(Interval::Min1, &day, TimeDelta::minutes(300)),
            ["11-23 05:00 to 11-23 10:00", "11-23 00:00 to 11-23 05:00"]
        );
        let longer = [("2026-11-22T23:59:00Z", "2026-11-23T10:00:00Z")];
        assert_eq!(
            covered(Interval::Min1, &longer, TimeDelta::minutes(300)),
            [
                "11-23 05:00 to 11-23 10:00",
                "11-23 00:00 to 11-23 05:00",
                "11-22 23:59 to 11-23 00:00"
            ]
        );
    }

    #[test]
    fn holes_that_are_near_each_other_share_a_window() {
        let holes = [
            ("2026-11-23T00:10:00Z", "2026-11-23T00:20:00Z"),
            ("2026-11-23T03:00:00Z", "2026-11-23T04:00:00Z"),
            ("2026-11-23T09:00:00Z", "2026-11-23T10:00:00Z"),
        ];
        assert_eq!(
            covered(Interval::Min5, &holes, TimeDelta::minutes(300)),
            ["11-23 09:00 to 11-23 10:00", "11-23 00:10 to 11-23 04:00"]
        );
    }

    #[test]
    fn windows_begin_and_end_with_whole_slots() {
        let times = [("2026-11-23T00:07:12Z", "2026-11-23T00:41:00Z")];
        assert_eq!(
            covered(Interval::Min30, &times, TimeDelta::days(3)),
            ["11-23 00:00 to 11-23 01:00"]
        );
        let year = [("2025-12-15T00:00:00Z", "2026-11-24T00:00:00Z")];
        assert_eq!(
            covered(Interval::Monthly, &year, TimeDelta::days(300)),
            ["03-01 00:00 to 12-01 00:00", "12-01 00:00 to 03-01 00:00"]
        );
    }

    #[test]
    fn nothing_is_asked_where_nothing_is_missing() {
        let empty = [("2026-11-23T00:10:00Z", "2026-11-23T00:10:00Z")];
        assert!(covered(Interval::Min5, &empty, TimeDelta::days(1)).is_empty());
        assert!(covered(Interval::Min5, &[], TimeDelta::days(1)).is_empty());
    }

    proptest! {
        #[test]
        fn windows_cover_what_is_missing_and_none_is_longer_than_allowed(
            times in proptest::collection::vec((0_i64..5000, 1_i64..900), 0..6),
        ) {
            let start = at("2026-11-23T00:00:00Z");
            let missing: Vec<Span> = times
                .iter()
                .map(|(from, length)| {
                    let from = start + TimeDelta::minutes(*from);
                    Span::new(from, from + TimeDelta::minutes(*length))
                })
                .collect();
            let most = TimeDelta::minutes(300);
            let found = windows(&grid(Interval::Min5), &missing, most);
            for window in &found {
                prop_assert!(window.to - window.from <= most && !window.is_empty());
            }
            for pair in found.windows(2) {
                prop_assert!(pair[1].to <= pair[0].from, "{found:?}");
            }
            for minute in 0..6000 {
                let minute = start + TimeDelta::minutes(minute);
                if missing.iter().any(|span| span.contains(minute)) {
                    prop_assert!(found.iter().any(|window| window.contains(minute)));
                }
            }
        }
    }
}
