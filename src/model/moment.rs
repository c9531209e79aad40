//! Dates and times as people write them, in the local time of a zone.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};

use super::Interval;

/// The date of a bar by its label. Days and longer bars are labelled with midnight in UTC or west of
/// it, so that their date is that in UTC; minutes have the date that it is in the zone.
#[must_use]
pub fn label_date(label: DateTime<Utc>, interval: Interval, zone: Tz) -> NaiveDate {
    if interval.is_intraday() {
        label.with_timezone(&zone).date_naive()
    } else {
        label.date_naive()
    }
}

/// What was written: an instant, or the whole of a day, a month or a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// An instant.
    Instant(DateTime<Utc>),
    /// A span of days, from its first to its last.
    Days(NaiveDate, NaiveDate),
}

/// Reads `2026-05-15 09:30`, `2026-05-15`, `2026-05`, `2026`, or RFC 3339.
#[must_use]
pub fn parse(text: &str, zone: Tz) -> Option<Moment> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<DateTime<Utc>>() {
        return Some(Moment::Instant(instant));
    }
    if let Ok(date) = text.parse::<NaiveDate>() {
        return Some(Moment::Days(date, date));
    }
    let forms = [
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%dT%H:%M",
    ];
    let clock = forms
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    if let Some(clock) = clock {
        return Some(Moment::Instant(self::local(clock, zone)));
    }
    let mut numbers = text.split('-').map(|part| {
        let is_number = (2..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        if is_number {
            part.parse::<u32>().ok()
        } else {
            None
        }
    });
    let year = i32::try_from(numbers.next()??)
        .ok()
        .filter(|year| *year >= 1000)?;
    match (numbers.next(), numbers.next()) {
        (None, _) => Some(Moment::Days(
            NaiveDate::from_ymd_opt(year, 1, 1)?,
            NaiveDate::from_ymd_opt(year, 12, 31)?,
        )),
        (Some(month), None) => {
            let first = NaiveDate::from_ymd_opt(year, month?, 1)?;
            let next = first.checked_add_months(chrono::Months::new(1))?;
            Some(Moment::Days(first, next.pred_opt()?))
        }
        _ => None,
    }
}

/// The beginning of a day in a zone.
#[must_use]
pub fn midnight(date: NaiveDate, zone: Tz) -> DateTime<Utc> {
    local(date.and_time(NaiveTime::MIN), zone)
}

/// The first instant at which the clock of a zone shows this, or a later time if it skips this.
#[must_use]
pub fn local(clock: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    zone.from_local_datetime(&clock)
        .earliest()
        .or_else(|| GapInfo::new(&clock, &zone)?.end)
        .map_or_else(|| clock.and_utc(), |at| at.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use chrono_tz::America::New_York;

    use super::*;

    fn read(text: &str) -> Option<Moment> {
        parse(text, New_York)
    }

    #[test]
    fn times_are_read_at_the_clock_of_the_zone() {
        let instant = |text: &str| Some(Moment::Instant(text.parse().unwrap()));
        assert_eq!(read("2026-05-15 09:30"), instant("2026-05-15T13:30:00Z"));
        assert_eq!(
            read("2026-05-15T13:30:00Z"),
            instant("2026-05-15T13:30:00Z")
        );
        assert_eq!(
            midnight("2026-05-15".parse().unwrap(), New_York).to_rfc3339(),
            "2026-05-15T04:00:00+00:00"
        );
    }

    #[test]
    fn a_skipped_time_is_the_end_of_the_gap_and_a_repeated_one_the_first() {
        let at = |text: &str, zone| local(text.parse().unwrap(), zone).to_rfc3339();
        for (text, zone, instant) in [
            ("2026-03-08T02:30:00", New_York, "2026-03-08T07:00:00+00:00"),
            ("2026-11-01T01:30:00", New_York, "2026-11-01T05:30:00+00:00"),
            (
                "2018-11-04T00:00:00",
                chrono_tz::America::Sao_Paulo,
                "2018-11-04T03:00:00+00:00",
            ),
            // A whole day was skipped here.
            (
                "2011-12-30T12:00:00",
                chrono_tz::Pacific::Apia,
                "2011-12-30T10:00:00+00:00",
            ),
        ] {
            assert_eq!(at(text, zone), instant, "{text} in {zone}");
        }
    }

    #[test]
    fn days_months_and_years_are_spans() {
        let days =
            |from: &str, to: &str| Some(Moment::Days(from.parse().unwrap(), to.parse().unwrap()));
        assert_eq!(read("2026-05-15"), days("2026-05-15", "2026-05-15"));
        assert_eq!(read("2024-02"), days("2024-02-01", "2024-02-29"));
        assert_eq!(read(" 2024 "), days("2024-01-01", "2024-12-31"));
        for text in [
            "",
            "24",
            "2024-13",
            "2024-1-2-3",
            "yesterday",
            "+024",
            "2024-",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_has_one_date_wherever_its_source_begins_it() {
        for (label, interval, date) in [
            ("2026-11-20T00:00:00Z", Interval::Daily, "2026-11-20"),
            ("2026-11-20T05:00:00Z", Interval::Daily, "2026-11-20"),
            ("2026-07-20T04:00:00Z", Interval::Weekly, "2026-07-20"),
            ("2026-11-20T00:30:00Z", Interval::Min5, "2026-11-19"),
            ("2026-11-20T05:00:00Z", Interval::Min5, "2026-11-20"),
        ] {
            let found = label_date(label.parse().unwrap(), interval, New_York);
            assert_eq!(found.to_string(), date, "{label} {interval}");
        }
    }
}
