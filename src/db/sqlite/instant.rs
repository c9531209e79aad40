//! The instant of a bar as text, `YYYY-MM-DD HH:MM:SS` in UTC: it sorts by time, and people read it.

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};

use super::Outcome;
use crate::db::DbError;

/// Before every instant.
pub const FIRST: &str = "";
/// After every instant.
pub const LAST: &str = "~";

/// The text of an instant.
pub fn text(instant: DateTime<Utc>) -> String {
    let mut text = String::with_capacity(19);
    let year = u32::try_from(instant.year()).unwrap_or(0);
    two(&mut text, year / 100, '\0');
    two(&mut text, year % 100, '-');
    two(&mut text, instant.month(), '-');
    two(&mut text, instant.day(), ' ');
    two(&mut text, instant.hour(), ':');
    two(&mut text, instant.minute(), ':');
    two(&mut text, instant.second(), '\0');
    text
}

fn two(text: &mut String, number: u32, then: char) {
    let digit = |digit: u32| char::from_digit(digit % 10, 10).unwrap_or('0');
    text.push(digit(number / 10));
    text.push(digit(number));
    if then != '\0' {
        text.push(then);
    }
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
