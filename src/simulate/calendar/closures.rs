//! On which days the exchange is closed, and on which it closes at 13:00: standing rules, and the
//! exceptions since 1999.

use chrono::{Datelike, Days, NaiveDate, Weekday};

/// Closed for a single event: the attacks of 2001, four days of mourning, a hurricane.
const CLOSED: [(i32, u32, u32); 10] = [
    (2001, 9, 11),
    (2001, 9, 12),
    (2001, 9, 13),
    (2001, 9, 14),
    (2004, 6, 11),
    (2007, 1, 2),
    (2012, 10, 29),
    (2012, 10, 30),
    (2018, 12, 5),
    (2025, 1, 9),
];
/// Closed early once, where no rule says so.
const EARLY: [(i32, u32, u32); 2] = [(1999, 12, 31), (2003, 12, 26)];

/// Whether the exchange is closed on a date.
pub(super) fn is_closed(date: NaiveDate) -> bool {
    is_weekend(date) || is_holiday(date) || CLOSED.contains(&parts(date))
}

/// Whether trading ends at 13:00, if the exchange trades on that date at all.
pub(super) fn closes_early(date: NaiveDate) -> bool {
    let by_rule = match (date.month(), date.day()) {
        (7, 3) => date.weekday() != Weekday::Wed || date.year() >= 2013,
        (7, 5) => date.weekday() == Weekday::Fri && date.year() < 2013,
        (11, _) => date
            .pred_opt()
            .is_some_and(|eve| is_nth(eve, Weekday::Thu, 4)),
        (12, 24) => true,
        _ => false,
    };
    by_rule || EARLY.contains(&parts(date))
}

fn parts(date: NaiveDate) -> (i32, u32, u32) {
    (date.year(), date.month(), date.day())
}

fn is_weekend(date: NaiveDate) -> bool {
    matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

fn is_holiday(date: NaiveDate) -> bool {
    match date.month() {
        // New Year's Day on a Saturday is not observed: the year closes on the Friday before.
        1 => is_observed(date, 1, 1) || is_nth(date, Weekday::Mon, 3),
        2 => is_nth(date, Weekday::Mon, 3),
        3 | 4 => date
            .checked_add_days(Days::new(2))
            .is_some_and(|sunday| Some(sunday) == easter(date.year())),
        5 => date.weekday() == Weekday::Mon && date.day() > 24,
        6 => date.year() >= 2022 && is_observed(date, 6, 19),
        7 => is_observed(date, 7, 4),
        9 => is_nth(date, Weekday::Mon, 1),
        11 => is_nth(date, Weekday::Thu, 4),
        12 => is_observed(date, 12, 25),
        _ => false,
    }
}

/// Whether a fixed holiday is observed on `date`: a Saturday's on Friday, a Sunday's on Monday.
fn is_observed(date: NaiveDate, month: u32, day: u32) -> bool {
    let kept =
        NaiveDate::from_ymd_opt(date.year(), month, day).and_then(|fixed| match fixed.weekday() {
            Weekday::Sat => fixed.pred_opt(),
            Weekday::Sun => fixed.succ_opt(),
            _ => Some(fixed),
        });
    kept == Some(date)
}

fn is_nth(date: NaiveDate, weekday: Weekday, n: u8) -> bool {
    NaiveDate::from_weekday_of_month_opt(date.year(), date.month(), weekday, n) == Some(date)
}

/// Easter Sunday of a Gregorian year, after Meeus, Jones and Butcher.
fn easter(year: i32) -> Option<NaiveDate> {
    let golden = year % 19;
    let (century, rest) = (year / 100, year % 100);
    let correction = (century - (century + 8) / 25 + 1) / 3;
    let epact = (19 * golden + century - century / 4 - correction + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (rest / 4) - epact - rest % 4) % 7;
    let late = (golden + 11 * epact + 22 * weekday) / 451;
    let days = epact + weekday - 7 * late + 114;
    NaiveDate::from_ymd_opt(
        year,
        u32::try_from(days / 31).ok()?,
        u32::try_from(days % 31 + 1).ok()?,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn days(first: &str, last: &str) -> impl Iterator<Item = NaiveDate> + use<> {
        let last = date(last);
        date(first).iter_days().take_while(move |day| *day <= last)
    }

    /// The days on which the exchange closed at 13:00, from its own notices.
    const HALF_DAYS: &str = "\
        2000: 07-03 11-24; 2001: 07-03 11-23 12-24; 2002: 07-05 11-29 12-24; \
        2003: 07-03 11-28 12-24 12-26; 2004: 11-26; 2005: 11-25; 2006: 07-03 11-24; \
        2007: 07-03 11-23 12-24; 2008: 07-03 11-28 12-24; 2009: 11-27 12-24; 2010: 11-26; \
        2011: 11-25; 2012: 07-03 11-23 12-24; 2013: 07-03 11-29 12-24; 2014: 07-03 11-28 12-24; \
        2015: 11-27 12-24; 2016: 11-25; 2017: 07-03 11-24; 2018: 07-03 11-23 12-24; \
        2019: 07-03 11-29 12-24; 2020: 11-27 12-24; 2021: 11-26; 2022: 11-25; 2023: 07-03 11-24; \
        2024: 07-03 11-29 12-24; 2025: 07-03 11-28 12-24; 2026: 11-27 12-24; 2027: 11-26";

    #[test]
    fn every_half_day_since_2000_is_known_and_no_other() {
        let expected: Vec<String> = HALF_DAYS
            .split("; ")
            .filter_map(|year| year.split_once(": "))
            .flat_map(|(year, days)| days.split(' ').map(move |day| format!("{year}-{day}")))
            .collect();
        let found: Vec<String> = days("2000-01-01", "2027-12-31")
            .filter(|day| !is_closed(*day) && closes_early(*day))
            .map(|day| day.to_string())
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn years_have_the_sessions_they_had() {
        // 250 to 253 in every year but 2001, when the exchange was closed for four days.
        for (year, sessions) in [
            (2000, 252),
            (2001, 248),
            (2004, 252),
            (2007, 251),
            (2012, 250),
            (2018, 251),
            (2021, 252),
            (2022, 251),
            (2025, 250),
            (2026, 251),
            (2027, 251),
        ] {
            let open = days(&format!("{year}-01-01"), &format!("{year}-12-31"))
                .filter(|day| !is_closed(*day));
            assert_eq!(open.count(), sessions, "{year}");
        }
    }

    #[test]
    fn holidays_are_closed() {
        for closed in [
            "2026-01-01",
            "2023-01-02",
            "2026-01-19",
            "2026-02-16",
            "2026-04-03",
            "2024-03-29",
            "2026-05-25",
            "2026-06-19",
            "2022-06-20",
            "2026-07-03",
            "2021-07-05",
            "2026-09-07",
            "2026-11-26",
            "2026-12-25",
            "2021-12-24",
            "2022-12-26",
            "2026-05-16",
            "2026-05-17",
            "2012-10-29",
            "2025-01-09",
        ] {
            assert!(is_closed(date(closed)), "{closed}");
        }
    }

    #[test]
    fn other_days_are_open_until_four() {
        for open in [
            "2026-05-15",
            "2021-06-18",
            "2021-12-31",
            "2026-04-06",
            "2026-05-18",
            "2012-10-31",
        ] {
            assert!(!is_closed(date(open)), "{open}");
            assert!(!closes_early(date(open)), "{open}");
        }
    }
}
