//! `[calendars]` of the configuration file: days on which an exchange does not trade as its table
//! says.

use std::ops::Range;

use chrono::{NaiveDate, NaiveTime};
use toml_edit::{Item, TableLike, Value};

use super::error::shown;
use super::file::BadKey;
use crate::model::calendar::{CalendarId, Calendars, Overrule};
use crate::model::nearest::nearest;

/// The table whose tables are calendars.
pub(super) const CALENDARS: &str = "calendars";

/// What is overruled, and the keys that say so.
#[derive(Debug, Clone, Default)]
pub(super) struct Overruled {
    pub calendars: Calendars,
    pub keys: Vec<OverruledKey>,
}

/// A key with its days, as they are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OverruledKey {
    pub key: String,
    pub days: String,
    pub line: usize,
}

/// Reads every key; a faulty day does not hide the others.
pub(super) fn read(
    calendars: &dyn TableLike,
    line: impl Fn(Option<Range<usize>>) -> usize,
) -> (Overruled, Vec<BadKey>) {
    let (mut overruled, mut faults) = (Overruled::default(), vec![]);
    let line_in = |table: &dyn TableLike, name: &str| {
        let found = table.get_key_value(name);
        line(found.and_then(|(key, item)| key.span().or_else(|| item.span())))
    };
    for (name, item) in calendars.iter() {
        let place = format!("{CALENDARS}.{name}");
        let mut fault = |line, key: String, reason| {
            let key = Some(key);
            faults.push(BadKey { line, key, reason });
        };
        let (id, table) = match (name.parse(), item.as_table_like()) {
            (Ok(id), Some(table)) => (id, table),
            (Err(_), _) => {
                fault(line_in(calendars, name), place, unknown(name));
                continue;
            }
            (_, None) => {
                let reason = format!("must be a table: [{place}]");
                fault(line_in(calendars, name), place, reason);
                continue;
            }
        };
        for (word, item) in table.iter() {
            let (key, line) = (format!("{place}.{word}"), line_in(table, word));
            let mut taken = vec![];
            for day in days(word, item) {
                let said = day.and_then(|(date, overrule)| {
                    let refused = overruled.calendars.overrule(id, date, overrule);
                    refused.map_err(|error| error.to_string())?;
                    Ok(said(date, overrule))
                });
                match said {
                    Ok(day) => taken.push(day),
                    Err(reason) => fault(line, key.clone(), reason),
                }
            }
            let days = taken.join(", ");
            overruled.keys.push(OverruledKey { key, days, line });
        }
    }
    (overruled, faults)
}

/// The days of one key, or what is wrong with each.
fn days(word: &str, item: &Item) -> Vec<Result<(NaiveDate, Overrule), String>> {
    let wrong = |expected: &str| vec![Err(format!("must be {expected}"))];
    match (word, item.as_array(), item.as_table_like()) {
        ("closed", Some(list), _) => {
            let closed = |value| Ok((date(&text(value))?, Overrule::Closed));
            list.iter().map(closed).collect()
        }
        ("closed", None, _) => wrong("a list of days: [\"2027-03-02\"]"),
        ("early", _, Some(table)) => {
            let early = |(day, item): (&str, &Item)| {
                let at = item.as_value().map(text).unwrap_or_default();
                Ok((date(day)?, Overrule::Early(time(&at)?)))
            };
            table.iter().map(early).collect()
        }
        ("early", _, None) => wrong("days and times: { \"2027-07-02\" = \"13:00\" }"),
        _ => vec![Err(
            "there is no such setting; use closed or early".to_owned()
        )],
    }
}

/// Days and times are texts, or TOML's own.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.value().clone(),
        Value::Datetime(moment) => moment.value().to_string(),
        _ => String::new(),
    }
}

fn date(text: &str) -> Result<NaiveDate, String> {
    text.parse().map_err(|_| {
        format!(
            "{:?} is not a day; write one such as 2027-03-02",
            shown(text)
        )
    })
}

fn time(text: &str) -> Result<NaiveTime, String> {
    let forms = ["%H:%M", "%H:%M:%S"];
    let time = forms
        .iter()
        .find_map(|form| NaiveTime::parse_from_str(text, form).ok());
    time.ok_or_else(|| format!("{:?} is not a time; write one such as 13:00", shown(text)))
}

fn said(date: NaiveDate, overrule: Overrule) -> String {
    match overrule {
        Overrule::Closed => date.to_string(),
        Overrule::Early(time) => format!("{date} {}", time.format("%H:%M")),
    }
}

fn unknown(name: &str) -> String {
    let ids = || CalendarId::ALL.iter().filter(|id| id.has_exchange());
    let names = || ids().map(|id| id.as_str());
    if let Some(near) = nearest(name, names()) {
        return format!("there is no such calendar; did you mean {near}?");
    }
    let names: Vec<&str> = names().collect();
    format!("there is no such calendar; there are {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::file::{Contents, parse};
    use crate::config::table::Table;
    use crate::config::tests::rows::SOURCES;
    use crate::model::calendar::{Closure, Day};

    #[test]
    fn what_cannot_be_overruled_is_refused_with_its_line() {
        for (text, line, key, reason) in [
            (
                "[calendars]\nXNYS = 1",
                2,
                "calendars.XNYS",
                "must be a table: [calendars.XNYS]",
            ),
            (
                "[calendars.XNYZ]\nclosed = []",
                1,
                "calendars.XNYZ",
                "did you mean XNYS?",
            ),
            (
                "[calendars.moonbase]\nclosed = []",
                1,
                "calendars.moonbase",
                "there are XNYS, XTSE,",
            ),
            (
                "[calendars.XNYS]\n\nshut = []",
                3,
                "calendars.XNYS.shut",
                "use closed or early",
            ),
            (
                "[calendars.XNYS]\nclosed = '2027-03-02'",
                2,
                "calendars.XNYS.closed",
                "a list of days",
            ),
            (
                "[calendars.XNYS]\nclosed = ['2027-02-29']",
                2,
                "calendars.XNYS.closed",
                "\"2027-02-29\" is not a day",
            ),
            (
                "[calendars.XNYS]\nclosed = ['2027-03-06']",
                2,
                "calendars.XNYS.closed",
                "closed on 2027-03-06 anyway (weekend)",
            ),
            (
                "[calendars.XNYS]\nclosed = ['2027-03-02', '2027-03-02']",
                2,
                "calendars.XNYS.closed",
                "2027-03-02 is named twice",
            ),
            (
                "[calendars.XNYS]\nearly = ['2027-07-02']",
                2,
                "calendars.XNYS.early",
                "days and times",
            ),
            (
                "[calendars.XNYS]\nearly = { '2027-07-02' = 'one' }",
                2,
                "calendars.XNYS.early",
                "\"one\" is not a time",
            ),
            (
                "[calendars.XNYS]\nearly = { '2027-07-02' = '17:00' }",
                2,
                "calendars.XNYS.early",
                "trades from 09:30 to 16:00",
            ),
            (
                "[calendars.'24/7']\nclosed = ['2027-03-02']",
                2,
                "calendars.24/7.closed",
                "has no exchange",
            ),
        ] {
            let faults = parse(text, Table::new(SOURCES)).faults;
            assert_eq!(faults.len(), 1, "{text}: {faults:?}");
            let place = (faults[0].line, faults[0].key.as_deref());
            assert_eq!(place, (line, Some(key)), "{text}");
            assert!(faults[0].reason.contains(reason), "{text}: {faults:?}");
        }
    }

    #[test]
    fn days_are_overruled_in_every_notation() {
        let day = |text: &str| text.parse::<chrono::NaiveDate>().unwrap();
        for text in [
            "[calendars.XNYS]\nclosed = ['2027-03-02']\nearly = { '2027-07-02' = '13:00' }",
            "[calendars.XNYS]\nclosed = [2027-03-02]\nearly.2027-07-02 = 13:00:00",
            "calendars.XNYS.closed = ['2027-03-02']\n[calendars.XNYS.early]\n2027-07-02 = '13:00'",
        ] {
            let Contents {
                overruled, faults, ..
            } = parse(text, Table::new(SOURCES));
            assert_eq!(faults, [], "{text}");
            let calendar = overruled.calendars.get(CalendarId::Xnys);
            assert_eq!(
                calendar.day(day("2027-03-02")),
                Day::Closed(Closure::Overruled)
            );
            let close = calendar.session(day("2027-07-02")).unwrap().close;
            assert_eq!(close.to_rfc3339(), "2027-07-02T17:00:00+00:00", "{text}");
            let said: Vec<_> = overruled
                .keys
                .iter()
                .map(|found| (found.key.as_str(), found.days.as_str()))
                .collect();
            assert_eq!(
                said,
                [
                    ("calendars.XNYS.closed", "2027-03-02"),
                    ("calendars.XNYS.early", "2027-07-02 13:00"),
                ]
            );
        }
    }

    #[test]
    fn a_faulty_day_does_not_hide_the_others() {
        let text = "[calendars.XNYS]\nclosed = ['2027-03-02', 'soon', '2027-03-03']";
        let Contents {
            overruled, faults, ..
        } = parse(text, Table::new(SOURCES));
        assert_eq!(
            (faults.len(), overruled.keys[0].days.as_str()),
            (1, "2027-03-02, 2027-03-03")
        );
    }
}
