//! The instant of a bar as text, `YYYY-MM-DD HH:MM:SS` in UTC: it sorts by time, and people read it.

use std::sync::Arc;

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};

use super::Outcome;
use crate::db::DbError;

/// Before every instant.
pub const FIRST: &str = "";
/// After every instant.
pub const LAST: &str = "~";

/// The text of an instant.
pub fn text(instant: DateTime<Utc>) -> String {
    spelled(instant)
}

/// The same in the form that the driver takes without another copy.
pub fn shared(instant: DateTime<Utc>) -> Arc<str> {
    spelled(instant)
}

fn spelled<T: for<'a> From<&'a str>>(instant: DateTime<Utc>) -> T {
    let instant = instant.naive_utc();
    let (date, time) = (instant.date(), instant.time());
    let year = u32::try_from(date.year()).unwrap_or(0);
    let [y1, y2] = two(year / 100);
    let [y3, y4] = two(year);
    let [m1, m2] = two(date.month());
    let [d1, d2] = two(date.day());
    let [h1, h2] = two(time.hour());
    let [n1, n2] = two(time.minute());
    let [s1, s2] = two(time.second());
    let text = [
        y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b' ', h1, h2, b':', n1, n2, b':', s1, s2,
    ];
    str::from_utf8(&text).unwrap_or_default().into()
}

/// The last two digits of a number.
fn two(number: u32) -> [u8; 2] {
    [number / 10, number].map(|digit| b'0' + u8::try_from(digit % 10).unwrap_or(0))
}

/// The instant of a text.
pub fn read(text: &str) -> Outcome<DateTime<Utc>> {
    parse(text).ok_or_else(|| {
        DbError::other(format!(
            "the store holds a bar at {text:?}, which is no instant"
        ))
        .into()
    })
}

fn parse(text: &str) -> Option<DateTime<Utc>> {
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b' ',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
    ] = *text.as_bytes()
    else {
        return None;
    };
    let two = |high: u8, low: u8| {
        let digit = |byte: u8| byte.is_ascii_digit().then(|| u32::from(byte - b'0'));
        Some(digit(high)? * 10 + digit(low)?)
    };
    let year = i32::try_from(two(y1, y2)? * 100 + two(y3, y4)?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, two(m1, m2)?, two(d1, d2)?)?;
    Some(
        date.and_hms_opt(two(h1, h2)?, two(n1, n2)?, two(s1, s2)?)?
            .and_utc(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_as_they_are_written_and_sort_by_time() {
        let instants = [
            "1962-01-02T05:00:00Z",
            "1999-12-31T23:59:59Z",
            "2026-11-27T09:05:00Z",
        ];
        let mut before = FIRST.to_owned();
        for instant in instants {
            let instant: DateTime<Utc> = instant.parse().unwrap();
            let text = text(instant);
            assert_eq!(text, instant.format("%Y-%m-%d %H:%M:%S").to_string());
            assert_eq!(parse(&text), Some(instant));
            assert!(before < text && text.as_str() < LAST);
            before = text;
        }
        for other in [
            "",
            "2026-11-27",
            "2026-11-27T09:05:00",
            "2026-13-01 00:00:00",
            "2026-11-27 09:05:0x",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
