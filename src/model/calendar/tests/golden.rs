//! Every session as the Python package gives it: `golden/NAME.txt` is written by the same script,
//! from the package's sessions and not from the tables.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, Days, Months, NaiveDate, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use super::super::table::DayTable;
use super::super::{Basis, Calendar, CalendarId, Market, Session};

pub(super) const EXCHANGES: [(CalendarId, &str); 6] = [
    (CalendarId::Xnys, include_str!("golden/XNYS.txt")),
    (CalendarId::Xtse, include_str!("golden/XTSE.txt")),
    (CalendarId::Xlon, include_str!("golden/XLON.txt")),
    (CalendarId::Xetr, include_str!("golden/XETR.txt")),
    (CalendarId::Xbom, include_str!("golden/XBOM.txt")),
    (CalendarId::Xshg, include_str!("golden/XSHG.txt")),
];

/// Open, close, and the pause between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hours {
    open: DateTime<Utc>,
    close: DateTime<Utc>,
    pause: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl From<Session> for Hours {
    fn from(session: Session) -> Self {
        Self {
            open: session.open,
            close: session.close,
            pause: session.pause,
        }
    }
}

/// The sessions of a file: `2026-11 14:30-21:00 02 03 … 25 14:30-18:00 27 14:30-21:00 30`.
fn golden(text: &str) -> BTreeMap<NaiveDate, Hours> {
    let mut sessions = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (month, words) = line.split_once(' ').unwrap();
        let mut hours = vec![];
        for word in words.split(' ') {
            if word.contains(':') {
                hours = word.split('-').collect();
                continue;
            }
            let date: NaiveDate = format!("{month}-{word}").parse().unwrap();
            let at = |time: &str| format!("{date}T{time}:00Z").parse().unwrap();
            let hours = match hours.as_slice() {
                [open, close] => Hours {
                    open: at(open),
                    close: at(close),
                    pause: None,
                },
                [open, from, to, close] => Hours {
                    open: at(open),
                    close: at(close),
                    pause: Some((at(from), at(to))),
                },
                other => panic!("{other:?}"),
            };
            assert!(sessions.insert(date, hours).is_none(), "{date} twice");
        }
    }
    sessions
}

/// The first of 2000 to the last date of the table.
fn covered(id: CalendarId) -> impl Iterator<Item = NaiveDate> {
    let covers = id.table().covers.clone();
    let days = (*covers.end() - *covers.start()).num_days();
    (0..=days).map(move |day| *covers.start() + TimeDelta::days(day))
}

#[test]
fn no_day_no_close_and_no_pause_of_any_exchange_is_wrong() {
    for (id, text) in EXCHANGES {
        let (golden, calendar) = (golden(text), Calendar::from(id));
        assert!(golden.len() > 6_500, "{id}");
        for date in covered(id) {
            let session = calendar.session(date).map(Hours::from);
            assert_eq!(session, golden.get(&date).copied(), "{id} {date}");
        }
        let (first, last) = (golden.keys().next(), golden.keys().next_back());
        for (date, basis) in [
            (*first.unwrap(), Basis::Table),
            (*last.unwrap(), Basis::Table),
            (*last.unwrap() + Days::new(7), Basis::Rule),
        ] {
            assert_eq!(calendar.basis(date), basis, "{id} {date}");
        }
    }
}

#[test]
fn the_known_number_of_sessions_is_counted_as_they_are_listed() {
    let date = |text: &str| text.parse::<NaiveDate>().unwrap();
    let new_york = Calendar::from(CalendarId::Xnys);
    // As the package counts them.
    let known = date("2000-01-03")..=date("2027-11-19");
    assert_eq!(new_york.count_sessions(known), 7_013);
    for id in CalendarId::ALL {
        let calendar = Calendar::from(*id);
        // Far beyond the tables on both sides, from and to every weekday.
        for (first, last) in [
            ("1998-11-20", "2000-01-10"),
            ("2000-01-01", "2028-12-31"),
            ("2024-02-10", "2024-02-10"),
            ("2026-11-21", "2026-12-27"),
            ("2026-11-23", "2031-05-02"),
            ("2030-01-01", "2030-12-31"),
            ("2026-11-27", "2026-11-26"),
        ] {
            for more in 0..7 {
                let dates = date(first)..=date(last) + Days::new(more);
                let listed = calendar.sessions(dates.clone()).count();
                assert_eq!(
                    calendar.count_sessions(dates.clone()),
                    listed as u64,
                    "{id} {dates:?}"
                );
            }
        }
    }
}

#[test]
fn early_is_what_closes_before_the_usual_time() {
    for (id, text) in EXCHANGES {
        let calendar = Calendar::from(id);
        for (date, hours) in golden(text) {
            let local = hours.close.with_timezone(&calendar.zone()).time();
            let session = calendar.session(date).unwrap();
            assert_eq!(session.early, local < id.table().close, "{id} {date}");
        }
    }
}

/// Compares what the calendar says of an instant with a search through the golden sessions.
fn check(calendar: &Calendar, sessions: &[Hours], before: &mut usize, now: DateTime<Utc>) {
    while sessions.get(*before).is_some_and(|next| next.close <= now) {
        *before += 1;
    }
    let (closed, rest) = sessions.split_at(*before);
    let is_open = rest.first().is_some_and(|session| {
        session.open <= now
            && !session
                .pause
                .is_some_and(|(from, to)| from <= now && now < to)
    });
    let opens = rest
        .iter()
        .take(2)
        .flat_map(|session| [Some(session.open), session.pause.map(|(_, to)| to)])
        .flatten();
    let next_open = opens.into_iter().find(|open| *open > now);
    assert_eq!(calendar.is_open(now), is_open, "{now}");
    assert_eq!(calendar.next_open(now), next_open, "{now}");
    let last_close = closed.last().map(|session| session.close);
    assert_eq!(calendar.last_close(now), last_close, "{now}");
    assert_eq!(
        calendar.next_close(now),
        rest.first().map(|session| session.close),
        "{now}"
    );
}

/// Checks these minutes of an exchange.
fn check_minutes(
    id: CalendarId,
    text: &str,
    minutes: impl Iterator<Item = DateTime<Utc>>,
) -> usize {
    let sessions: Vec<Hours> = golden(text).into_values().collect();
    let (calendar, mut before, mut checked) = (Calendar::from(id), 0, 0);
    for now in minutes {
        check(&calendar, &sessions, &mut before, now);
        checked += 1;
    }
    checked
}

fn minutes(from: &str, to: &str) -> impl Iterator<Item = DateTime<Utc>> {
    let from: DateTime<Utc> = from.parse().unwrap();
    let to: DateTime<Utc> = to.parse().unwrap();
    (0..(to - from).num_minutes()).map(move |minute| from + TimeDelta::minutes(minute))
}

#[test]
fn open_and_closed_are_right_around_every_edge_of_every_session() {
    for (id, text) in EXCHANGES {
        let edges = golden(text).into_values().flat_map(|hours| {
            let (from, to) = hours.pause.unzip();
            [Some(hours.open), from, to, Some(hours.close)]
        });
        let last = *id.table().covers.end() - Months::new(1);
        let around = edges
            .flatten()
            .filter(|edge| {
                edge.date_naive() < last && edge.date_naive() >= "2024-01-10".parse().unwrap()
            })
            .flat_map(|edge| [-60, -1, 0, 1, 60].map(|seconds| edge + TimeDelta::seconds(seconds)));
        assert!(check_minutes(id, text, around) > 6_000, "{id}");
    }
}

/// All minutes of 2024 to 2027 with `CALENDAR_MINUTES=all`, in about two minutes; otherwise those
/// of the weeks around changes of the clock, Thanksgiving, Christmas and a summer's half day.
#[test]
fn open_and_closed_are_right_at_every_minute() {
    let (id, text) = EXCHANGES[0];
    if std::env::var("CALENDAR_MINUTES").is_ok_and(|which| which == "all") {
        let all = minutes("2024-01-01T00:00:00Z", "2028-01-01T00:00:00Z");
        assert_eq!(check_minutes(id, text, all), 2_103_840);
        return;
    }
    for (from, to) in [
        ("2025-03-07T00:00:00Z", "2025-03-11T00:00:00Z"),
        ("2025-07-02T00:00:00Z", "2025-07-08T00:00:00Z"),
        ("2026-10-31T00:00:00Z", "2026-11-03T00:00:00Z"),
        ("2026-11-25T00:00:00Z", "2026-11-29T00:00:00Z"),
        ("2026-12-23T00:00:00Z", "2026-12-29T00:00:00Z"),
    ] {
        assert!(check_minutes(id, text, minutes(from, to)) > 4_000);
    }
}

#[test]
fn shanghai_pauses_at_noon() {
    let (calendar, at) = (Calendar::from(CalendarId::Xshg), |text: &str| {
        text.parse::<DateTime<Utc>>().unwrap()
    });
    let noon = at("2026-11-26T04:00:00Z");
    assert!(matches!(calendar.market(noon), Market::Paused(_)));
    assert_eq!(calendar.next_open(noon), Some(at("2026-11-26T05:00:00Z")));
    assert_eq!(calendar.last_close(noon), Some(at("2026-11-25T07:00:00Z")));
}

#[test]
fn each_line_of_a_table_is_read_and_each_table_is_as_it_was_written() {
    let sums = include_str!("../data/SHA256SUMS");
    for (id, _) in EXCHANGES {
        let mut table = DayTable::without_holidays(false);
        for line in id.text().lines() {
            assert_eq!(table.take(line), Some(()), "{id}: {line}");
        }
        let mut sum = String::new();
        for byte in Sha256::digest(id.text()) {
            write!(sum, "{byte:02x}").unwrap();
        }
        assert!(sums.contains(&format!("{sum}  {id}.txt\n")), "{id}");
    }
    let mut table = DayTable::without_holidays(false);
    for line in [
        "holidays 2026-11-26 Thanksgiving",
        "early 2026-11-27 13",
        "",
    ] {
        assert_eq!(table.take(line), None, "{line}");
    }
}
