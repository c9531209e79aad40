//! What an exchange does now, in words.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::text::{near, zone_name};
use crate::model::calendar::{Basis, Calendar, CalendarId, Closure, Market};

/// The same, and on which day it was probably closed, unlike its table.
#[must_use]
pub fn supposed(
    calendar: &Calendar,
    closed_on: Option<NaiveDate>,
    now: DateTime<Utc>,
    zone: Tz,
) -> String {
    let said = words(calendar, now, zone);
    match closed_on {
        Some(date) => format!("{said}; probably closed {}", date.format("%a %m-%d")),
        None => said,
    }
}

/// Whether an exchange is open, why not, and until when.
#[must_use]
pub fn words(calendar: &Calendar, now: DateTime<Utc>, zone: Tz) -> String {
    let (id, date) = (calendar.id(), calendar.date(now));
    let name = id.name();
    let at = |at| format!("{} {}", near(at, now, zone), zone_name(zone));
    let market = calendar.market(now);
    match (calendar.basis(date), market) {
        (Basis::Guess, Market::Closed { .. }) => return "probably closed: weekend".to_owned(),
        (Basis::Guess, _) => return "probably open: a weekday".to_owned(),
        _ if id == CalendarId::Always => return "trades at all times".to_owned(),
        _ => {}
    }
    let said = match market {
        Market::Open(session) => {
            let pauses = session.pause.filter(|(from, _)| now < *from);
            let half = if session.early { " (half day)" } else { "" };
            match pauses {
                Some((from, _)) => format!("{name} open, pauses {}", at(from)),
                None => format!("{name} open, closes {}{half}", at(session.close)),
            }
        }
        Market::Paused(session) => {
            let again = session.pause.map_or(session.close, |(_, to)| to);
            format!("{name} pauses, opens {}", at(again))
        }
        Market::Closed { why, next } => {
            let why = match why {
                None | Some(Closure::Weekend) => String::new(),
                Some(closure) => format!(": {}", closure.as_str()),
            };
            let opens = next.map_or_else(String::new, |next| format!(", opens {}", at(next.open)));
            format!("{name} closed{why}{opens}")
        }
    };
    match calendar.basis(date) {
        Basis::Rule => format!("{said} (by rule)"),
        _ => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_on_which_it_was_probably_closed_is_told_with_the_market() {
        let (calendar, zone) = (CalendarId::Xnys.into(), Tz::America__New_York);
        let now = "2026-11-18T22:00:00Z".parse().unwrap();
        let date = "2026-11-18".parse().ok();
        assert_eq!(
            supposed(&calendar, date, now, zone),
            "NYSE closed, opens Thu 09:30 ET; probably closed Wed 11-18"
        );
        assert_eq!(
            supposed(&calendar, None, now, zone),
            words(&calendar, now, zone)
        );
    }

    #[test]
    fn the_market_is_told_with_the_end_of_its_state_and_why_it_is_closed() {
        let zone = Tz::America__New_York;
        for (id, now, said) in [
            (
                CalendarId::Xnys,
                "2026-11-20T18:00:00Z",
                "NYSE open, closes 16:00 ET",
            ),
            (
                CalendarId::Xnys,
                "2026-11-20T21:00:00Z",
                "NYSE closed, opens Mon 09:30 ET",
            ),
            (
                CalendarId::Xnys,
                "2026-11-21T18:00:00Z",
                "NYSE closed, opens Mon 09:30 ET",
            ),
            // Thanksgiving at 10:00, and the half day after it.
            (
                CalendarId::Xnys,
                "2026-11-26T15:00:00Z",
                "NYSE closed: Thanksgiving, opens Fri 09:30 ET",
            ),
            (
                CalendarId::Xnys,
                "2026-11-27T17:00:00Z",
                "NYSE open, closes 13:00 ET (half day)",
            ),
            (
                CalendarId::Xnys,
                "2026-11-27T19:30:00Z",
                "NYSE closed, opens Mon 09:30 ET",
            ),
            (
                CalendarId::Xnys,
                "2026-12-25T15:00:00Z",
                "NYSE closed: Christmas, opens Mon 09:30 ET",
            ),
            (
                CalendarId::Xnys,
                "2029-12-25T15:00:00Z",
                "NYSE closed: Christmas, opens Wed 09:30 ET (by rule)",
            ),
            (
                CalendarId::Xshg,
                "2026-11-26T02:00:00Z",
                "SSE open, pauses 22:30 ET",
            ),
            (
                CalendarId::Xshg,
                "2026-11-26T04:00:00Z",
                "SSE pauses, opens Thu 00:00 ET",
            ),
            (
                CalendarId::Xshg,
                "2026-11-26T06:00:00Z",
                "SSE open, closes 02:00 ET",
            ),
            (
                CalendarId::Xbom,
                "2026-11-24T06:00:00Z",
                "BSE closed: holiday, opens 22:45 ET",
            ),
            (
                CalendarId::Always,
                "2026-12-25T15:00:00Z",
                "trades at all times",
            ),
            (
                CalendarId::Weekdays,
                "2026-12-25T15:00:00Z",
                "probably open: a weekday",
            ),
            (
                CalendarId::Weekdays,
                "2026-12-26T15:00:00Z",
                "probably closed: weekend",
            ),
        ] {
            assert_eq!(words(&id.into(), now.parse().unwrap(), zone), said, "{now}");
        }
    }
}
