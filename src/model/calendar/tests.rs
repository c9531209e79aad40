//! The tables against what the package itself says of every day, and the rules against the tables.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use super::rules::Rules;
use super::*;
use crate::model::{SeriesKey, SourceId};

mod golden;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn new_york() -> Calendar {
    CalendarId::Xnys.into()
}

#[test]
fn a_day_says_why_it_is_closed() {
    for (id, on, closure, words) in [
        (
            CalendarId::Xnys,
            "2026-11-26",
            Closure::Holiday("Thanksgiving"),
            "Thanksgiving",
        ),
        (CalendarId::Xnys, "2026-11-28", Closure::Weekend, "weekend"),
        (
            CalendarId::Xnys,
            "2012-10-29",
            Closure::Special("Hurricane Sandy"),
            "Hurricane Sandy",
        ),
        (
            CalendarId::Xlon,
            "2022-09-19",
            Closure::Special("State Funeral"),
            "State Funeral",
        ),
        (
            CalendarId::Xbom,
            "2024-05-20",
            Closure::Holiday(""),
            "holiday",
        ),
        (
            CalendarId::Weekdays,
            "2026-11-28",
            Closure::Weekend,
            "weekend",
        ),
    ] {
        let day = Calendar::from(id).day(date(on));
        assert_eq!(day, Day::Closed(closure), "{id} {on}");
        assert_eq!(closure.as_str(), words);
    }
}

#[test]
fn what_always_trades_does_so_on_every_day_and_a_guess_on_weekdays() {
    let always = Calendar::from(CalendarId::Always);
    for now in ["2026-12-25T00:00:00Z", "2026-11-28T23:59:59Z"] {
        assert!(always.is_open(at(now)), "{now}");
    }
    let now = at("2026-11-28T12:00:00Z");
    assert_eq!(always.next_open(now), Some(at("2026-11-29T00:00:00Z")));
    assert_eq!(always.last_close(now), Some(at("2026-11-28T00:00:00Z")));
    let guess = Calendar::from(CalendarId::Weekdays);
    assert!(guess.is_open(at("2026-12-25T23:59:59Z")));
    assert!(!guess.is_open(now));
    assert_eq!(guess.basis(date("2026-11-27")), Basis::Guess);
}

/// The rules say what the tables say, in the last years of these and apart from what is set from
/// year to year.
#[test]
fn the_rules_repeat_the_tables() {
    for (id, first) in [
        (CalendarId::Xnys, "2022-01-01"),
        (CalendarId::Xtse, "2018-01-01"),
        (CalendarId::Xlon, "2024-01-01"),
        (CalendarId::Xetr, "2022-01-01"),
        (CalendarId::Xbom, "2023-01-01"),
        (CalendarId::Xshg, "2024-01-01"),
    ] {
        let (rules, table) = (Rules::of(id), id.table());
        let has_names = !matches!(id, CalendarId::Xbom | CalendarId::Xshg);
        let mut holidays = 0;
        for date in date(first)
            .iter_days()
            .take_while(|date| table.covers.contains(date))
        {
            if table::is_weekend(date) {
                continue;
            }
            let known = table.closure(date);
            match rules.holiday(date) {
                Some(name) => assert_eq!(known, Some(Closure::Holiday(name)), "{id} {date}"),
                None if has_names => assert!(
                    matches!(known, None | Some(Closure::Special(_))),
                    "{id} {date} {known:?}"
                ),
                None => {}
            }
            holidays += u32::from(rules.holiday(date).is_some());
            assert_eq!(rules.early(date), table.early(date), "{id} {date}");
        }
        assert!(holidays > 15, "{id}");
    }
}

#[test]
fn past_the_table_rules_go_on() {
    for (id, on, session) in [
        (CalendarId::Xnys, "2029-11-22", None),
        (CalendarId::Xnys, "2029-11-23", Some("2029-11-23T18:00:00Z")),
        (CalendarId::Xnys, "2029-11-26", Some("2029-11-26T21:00:00Z")),
        (CalendarId::Xlon, "2029-12-31", Some("2029-12-31T12:30:00Z")),
        (CalendarId::Xshg, "2027-02-08", None),
        (CalendarId::Xshg, "2027-10-01", None),
        (CalendarId::Xbom, "2027-01-26", None),
        (CalendarId::Xnys, "1999-12-24", None),
    ] {
        let calendar = Calendar::from(id);
        let close = calendar.session(date(on)).map(|session| session.close);
        assert_eq!(close, session.map(at), "{id} {on}");
        assert_eq!(calendar.basis(date(on)), Basis::Rule, "{id} {on}");
    }
}

#[test]
fn the_configuration_overrules_days_of_one_calendar() {
    let mut calendars = Calendars::default();
    let (closed, early) = (date("2027-03-02"), date("2027-07-02"));
    let one = NaiveTime::from_hms_opt(13, 0, 0).unwrap();
    calendars
        .overrule(CalendarId::Xnys, closed, Overrule::Closed)
        .unwrap();
    calendars
        .overrule(CalendarId::Xnys, early, Overrule::Early(one))
        .unwrap();
    let new_york = calendars.get(CalendarId::Xnys);
    assert_eq!(new_york.day(closed), Day::Closed(Closure::Overruled));
    let session = new_york.session(early).unwrap();
    assert_eq!(
        (session.close, session.early),
        (at("2027-07-02T17:00:00Z"), true)
    );
    assert_eq!(new_york.count_sessions(closed..=closed), 0);
    let week = date("2027-03-01")..=date("2027-03-07");
    assert_eq!(new_york.count_sessions(week), 4);
    assert!(calendars.get(CalendarId::Xtse).session(closed).is_some());
}

#[test]
fn a_day_that_cannot_be_overruled_is_refused_in_words() {
    let mut calendars = Calendars::default();
    let early = |hour| Overrule::Early(NaiveTime::from_hms_opt(hour, 0, 0).unwrap());
    for (id, on, overrule, words) in [
        (
            CalendarId::Xnys,
            "2027-03-06",
            Overrule::Closed,
            "XNYS is closed on 2027-03-06 anyway (weekend)",
        ),
        (
            CalendarId::Xnys,
            "2026-11-26",
            early(13),
            "XNYS is closed on 2026-11-26 anyway (Thanksgiving)",
        ),
        (
            CalendarId::Xnys,
            "2027-07-02",
            early(16),
            "XNYS trades from 09:30 to 16:00 on 2027-07-02",
        ),
        (
            CalendarId::Xnys,
            "2027-07-02",
            early(9),
            "an early close is between the two",
        ),
        (
            CalendarId::Always,
            "2027-07-02",
            Overrule::Closed,
            "24/7 has no exchange",
        ),
    ] {
        let error = calendars.overrule(id, date(on), overrule).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(
        calendars.get(CalendarId::Xnys),
        Calendars::default().get(CalendarId::Xnys)
    );
    // The table of a later version may know it.
    let christmas = date("2026-12-25");
    calendars
        .overrule(CalendarId::Xnys, christmas, Overrule::Closed)
        .unwrap();
    let tuesday = date("2027-03-02");
    calendars
        .overrule(CalendarId::Xnys, tuesday, Overrule::Closed)
        .unwrap();
    let error = calendars.overrule(CalendarId::Xnys, tuesday, early(13));
    assert_eq!(error, Err(OverruleError::Twice(tuesday)));
}

#[test]
fn a_period_ends_with_its_minutes_or_with_its_last_session() {
    let price = crate::model::Price::from_units(1);
    for (interval, date, label, end) in [
        (
            Interval::Min5,
            "2026-11-20",
            "2026-11-20T14:30:00Z",
            "2026-11-20T14:35:00Z",
        ),
        (
            Interval::Daily,
            "2026-07-01",
            "2026-07-01T04:00:00Z",
            "2026-07-01T20:00:00Z",
        ),
        // The half day after Thanksgiving ends day, week and month (the 30th is a Monday).
        (
            Interval::Daily,
            "2026-11-27",
            "2026-11-27T05:00:00Z",
            "2026-11-27T18:00:00Z",
        ),
        (
            Interval::Weekly,
            "2026-11-25",
            "2026-11-25T05:00:00Z",
            "2026-11-27T18:00:00Z",
        ),
        (
            Interval::Monthly,
            "2026-11-25",
            "2026-11-25T05:00:00Z",
            "2026-11-30T21:00:00Z",
        ),
        // Good Friday.
        (
            Interval::Weekly,
            "2026-03-30",
            "2026-03-30T04:00:00Z",
            "2026-04-02T20:00:00Z",
        ),
        // 2026-10-31 is a Saturday.
        (
            Interval::Monthly,
            "2026-10-05",
            "2026-10-05T04:00:00Z",
            "2026-10-30T20:00:00Z",
        ),
        // A bar of a holiday ends at the usual close.
        (
            Interval::Daily,
            "2026-11-26",
            "2026-11-26T05:00:00Z",
            "2026-11-26T21:00:00Z",
        ),
    ] {
        let bar = Bar {
            timestamp: at(label),
            trading_date: date.parse().unwrap(),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: 1.into(),
            is_final: true,
            adjusted_close: None,
            dividend_amount: None,
            split_coefficient: None,
        };
        assert_eq!(
            new_york().period_end(interval, &bar),
            at(end),
            "{interval} {date}"
        );
    }
}

#[test]
fn a_series_has_the_calendar_that_its_source_says() {
    let calendars = Calendars::default().with([(
        SourceId::known("exchange"),
        (|symbol| match symbol.as_str() {
            "BTC/USD" => CalendarId::Always,
            _ => CalendarId::Xlon,
        }) as CalendarOf,
    )]);
    for (source, symbol, id) in [
        ("exchange", "BTC/USD", CalendarId::Always),
        ("exchange", "TSCO", CalendarId::Xlon),
        ("newer", "TSCO", CalendarId::Weekdays),
    ] {
        let series = SeriesKey {
            source: SourceId::known(source),
            ..SeriesKey::raw(symbol.parse().unwrap(), Interval::Daily)
        };
        assert_eq!(calendars.of(&series).id(), id, "{source} {symbol}");
    }
}
