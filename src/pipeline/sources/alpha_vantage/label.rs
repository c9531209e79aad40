//! Reads the label of a row and places it in time. Fixed formats only: no locale, no guessing.

use chrono::{
    DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc,
};
use chrono_tz::Tz;

/// Years that a label may name; others are mistakes of the provider.
const YEARS: std::ops::RangeInclusive<u32> = 1900..=2200;

/// Reads `YYYY-MM-DD` or `YYYY-MM-DD HH:MM:SS`; `None` for anything else and for impossible dates.
pub(super) fn parse(label: &str) -> Option<(NaiveDate, Option<NaiveTime>)> {
    let &[a, b, c, d, b'-', m1, m2, b'-', d1, d2, ref rest @ ..] = label.as_bytes() else {
        return None;
    };
    let year = two(a, b)? * 100 + two(c, d)?;
    if !YEARS.contains(&year) {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, two(m1, m2)?, two(d1, d2)?)?;
    match *rest {
        [] => Some((date, None)),
        [b' ', h1, h2, b':', m1, m2, b':', s1, s2] => {
            let time = NaiveTime::from_hms_opt(two(h1, h2)?, two(m1, m2)?, two(s1, s2)?)?;
            Some((date, Some(time)))
        }
        _ => None,
    }
}

fn two(tens: u8, ones: u8) -> Option<u32> {
    let digit = |byte: u8| Some(byte.wrapping_sub(b'0')).filter(|digit| *digit < 10);
    Some(u32::from(digit(tens)?) * 10 + u32::from(digit(ones)?))
}

/// Turns wall time of one zone into instants.
///
/// Looking up an offset costs more than everything else about a row, so the offset of a whole day
/// is kept when it is the same at both ends of that day.
#[derive(Debug)]
pub(super) struct Zone {
    tz: Tz,
    day: Option<(NaiveDate, TimeDelta)>,
}

impl Zone {
    pub(super) const fn new(tz: Tz) -> Self {
        Self { tz, day: None }
    }

    /// The instant of a wall time: the earlier one of two, `None` where clocks skip it.
    pub(super) fn instant(&mut self, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
        let date = wall.date();
        if self.day.is_none_or(|(day, _)| day != date) {
            self.day = self.steady_offset(date).map(|offset| (date, offset));
        }
        match self.day {
            Some((_, offset)) => wall.checked_sub_signed(offset).map(|utc| utc.and_utc()),
            None => self.looked_up(wall),
        }
    }

    /// The instant at which a date begins, even where clocks skip its midnight.
    pub(super) fn midnight(&self, date: NaiveDate) -> Option<DateTime<Utc>> {
        let midnight = date.and_time(NaiveTime::MIN);
        (0..=3).find_map(|hours| self.looked_up(midnight + TimeDelta::hours(hours)))
    }

    fn looked_up(&self, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
        let instant = self.tz.from_local_datetime(&wall).earliest()?;
        Some(instant.with_timezone(&Utc))
    }

    fn steady_offset(&self, date: NaiveDate) -> Option<TimeDelta> {
        let offset_at = |date: NaiveDate| {
            let midnight = date.and_time(NaiveTime::MIN);
            let offset = self.tz.offset_from_local_datetime(&midnight).single()?;
            Some(offset.fix().local_minus_utc())
        };
        let start = offset_at(date)?;
        let end = offset_at(date.checked_add_days(Days::new(1))?)?;
        (start == end).then(|| TimeDelta::seconds(i64::from(start)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wall(text: &str) -> NaiveDateTime {
        let (date, time) = parse(text).unwrap();
        date.and_time(time.unwrap())
    }

    #[test]
    fn reads_the_two_formats_and_nothing_else() {
        assert_eq!(
            parse("2026-05-15"),
            Some((NaiveDate::from_ymd_opt(2026, 5, 15).unwrap(), None))
        );
        assert_eq!(
            wall("2025-07-11 19:55:00").to_string(),
            "2025-07-11 19:55:00"
        );
        for text in [
            "",
            "2026-02-30",
            "2026-13-01",
            "0000-01-01",
            "1899-12-31",
            "2201-01-01",
            "10000-01-01",
            "2026-5-15",
            "2026/05/15",
            "2026-05-15 ",
            "2026-05-15T10:00:00",
            "2026-05-15 10:00",
            "2026-05-15 10:00:60",
            "2026-05-15 24:00:00",
            "2026-05-15 10:00:00Z",
            "２０２６-05-15",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_skipped_hour_has_no_instant_and_a_repeated_one_the_earlier() {
        let mut zone = Zone::new(chrono_tz::US::Eastern);
        assert_eq!(zone.instant(wall("2026-03-08 02:30:00")), None);
        let instant = |zone: &mut Zone, text: &str| zone.instant(wall(text)).unwrap().to_string();
        assert_eq!(
            instant(&mut zone, "2026-03-08 01:30:00"),
            "2026-03-08 06:30:00 UTC"
        );
        assert_eq!(
            instant(&mut zone, "2026-03-08 03:30:00"),
            "2026-03-08 07:30:00 UTC"
        );
        assert_eq!(
            instant(&mut zone, "2026-11-01 01:30:00"),
            "2026-11-01 05:30:00 UTC"
        );
    }

    #[test]
    fn a_day_whose_midnight_is_skipped_begins_when_clocks_go_on() {
        let zone = Zone::new(chrono_tz::America::Sao_Paulo);
        let date = NaiveDate::from_ymd_opt(2018, 11, 4).unwrap();
        assert_eq!(
            zone.midnight(date).unwrap().to_string(),
            "2018-11-04 03:00:00 UTC"
        );
    }

    proptest! {
        #[test]
        fn agrees_with_the_general_parser(text in "(19|20|21|2)[0-9]{2}-[01][0-9]-[0-3][0-9]( [0-2][0-9]:[0-6][0-9]:[0-5][0-9])?") {
            let general = NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S").ok()
                .or_else(|| Some(NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN)));
            let ours = parse(&text).map(|(date, time)| date.and_time(time.unwrap_or_default()));
            prop_assert_eq!(ours, general.filter(|_| text.len() == 10 || text.len() == 19));
        }

        #[test]
        fn the_kept_offset_agrees_with_the_zone(minutes in 0_i64..60 * 24 * 365 * 60, step in -3000_i64..3000) {
            let mut zone = Zone::new(chrono_tz::US::Eastern);
            let first = wall("1970-01-01 00:00:00") + TimeDelta::minutes(minutes);
            for wall in [first, first + TimeDelta::minutes(step), first] {
                prop_assert_eq!(zone.instant(wall), zone.looked_up(wall));
            }
        }
    }
}
