//! Labels, dates that people write, and schedules, in every time zone.

use arbitrary::{Result, Unstructured};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use pipeline_tui::model::calendar::{CalendarId, Calendars};
use pipeline_tui::model::moment::{self, Moment};
use pipeline_tui::model::{Interval, SeriesKey};
use pipeline_tui::pipeline::schedule::Schedule;
use pipeline_tui::pipeline::sources::alpha_vantage;
use serde_json::Value;

use super::super::cron;
use super::answers::{answer, ask_for};
use super::harmless::assert_harmless;
use super::sheet::{rest, short};

/// Labels of rows against the general parser and the zone's own arithmetic, and a person's dates.
pub fn dates(data: &[u8]) {
    let _ = try_dates(&mut Unstructured::new(data));
}

fn try_dates(u: &mut Unstructured<'_>) -> Result<()> {
    let zone = *u.choose(TZ_VARIANTS.as_slice())?;
    let is_intraday = u.arbitrary()?;
    let text = if u.ratio(1, 8)? { rest(u)? } else { date(u)? };
    let interval = if is_intraday {
        Interval::Min5
    } else {
        Interval::Daily
    };
    let found = placed(&text, interval, zone);
    let expected = fixed(&text)
        .filter(|_| !is_intraday || text.len() == 19)
        .and_then(|wall| {
            if is_intraday {
                return zone.from_local_datetime(&wall).earliest();
            }
            let midnight = wall.date().and_time(NaiveTime::MIN);
            (0..=3).find_map(|hours| {
                let later = midnight + TimeDelta::hours(hours);
                zone.from_local_datetime(&later).earliest()
            })
        });
    assert_eq!(found, expected.map(|at| at.to_utc()), "{text:?} in {zone}");
    written(&text, zone);
    Ok(())
}

fn date(u: &mut Unstructured<'_>) -> Result<String> {
    let year = match u.int_in_range(0..=7)? {
        0 => *u.choose(&[
            0, 1, 1899, 1900, 1969, 1970, 2038, 2200, 2201, 9999, 10000, 262_142,
        ])?,
        _ => u.int_in_range(1960..=2040)?,
    };
    let (month, day) = (u.int_in_range(0..=13)?, u.int_in_range(0..=32)?);
    let (hour, minute, second) = (
        u.int_in_range(0..=24)?,
        u.int_in_range(0..=60)?,
        u.int_in_range(0..=60)?,
    );
    Ok(match u.int_in_range(0..=9)? {
        0 => format!("{year:04}"),
        1 => format!("{year:04}-{month:02}"),
        2 => format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}"),
        3 => format!("{year:+07}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"),
        4 => format!("{year:04}-{month:02}-{day:02}{}", short(u)?),
        5 | 6 => format!("{year:04}-{month:02}-{day:02}"),
        _ => format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"),
    })
}

/// The general parser's reading of the two formats of labels.
fn fixed(text: &str) -> Option<NaiveDateTime> {
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    let wall = match shape.as_str() {
        "0000-00-00" => text.parse::<NaiveDate>().ok()?.and_time(NaiveTime::MIN),
        "0000-00-00 00:00:00" if !text.ends_with(":60") => {
            NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok()?
        }
        _ => return None,
    };
    (1900..=2200).contains(&wall.year()).then_some(wall)
}

/// Where an answer with this label in this zone places its bar.
fn placed(label: &str, interval: Interval, zone: Tz) -> Option<DateTime<Utc>> {
    let series = SeriesKey::raw("IBM".parse().unwrap(), interval);
    let ask = ask_for(&series, "json");
    let name = if interval.is_intraday() {
        "5min"
    } else {
        "Daily"
    };
    let body = format!(
        "{{\"Meta Data\": {{\"2. Symbol\": \"IBM\", \"6. Time Zone\": \"{}\"}}, \"Time Series ({name})\": \
         {{{}: {{\"open\": \"1\", \"high\": \"1\", \"low\": \"1\", \"close\": \"1\", \"volume\": \"1\"}}}}}}",
        zone.name(),
        Value::from(label),
    );
    let reading = alpha_vantage::read(&ask, &answer(200, body)).unwrap();
    assert_eq!(reading.bars.len() + reading.rejected.len(), 1);
    reading.bars.first().map(|bar| bar.timestamp)
}

/// What a person writes names instants that the zone's clock shows, or the first one after.
fn written(text: &str, zone: Tz) {
    match moment::parse(text, zone) {
        Some(Moment::Days(first, last)) => {
            assert!(first <= last, "{text}");
            let (start, end) = (moment::midnight(first, zone), moment::midnight(last, zone));
            assert!(start <= end, "{text} in {zone}");
        }
        Some(Moment::Instant(_)) | None => {}
    }
    let Some(clock) = fixed(text) else {
        return;
    };
    let at = moment::local(clock, zone);
    let shown = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local();
    assert!(shown(at) >= clock, "{text} in {zone} is {at}");
    let before = at - TimeDelta::seconds(1);
    assert!(shown(before) < clock, "{text} in {zone} is before {at}");
}

const MINUTES: &[&str] = &[
    "*", "0", "30", "*/5", "*/15", "0,30", "59", "2-4", "60", "*/0", "L",
];
const HOURS: &[&str] = &[
    "*", "0", "1", "2", "3", "16", "9-16", "*/2", "23", "24", "1,2,3",
];
const DAYS: &[&str] = &[
    "*", "*", "*", "1", "15", "29", "30", "31", "L", "15W", "0", "32",
];
const MONTHS: &[&str] = &["*", "*", "*", "2", "3,10", "1-6", "JAN", "13", "0"];
const WEEKDAYS: &[&str] = &["*", "*", "1-5", "0", "6", "SUN", "MON#1", "5L", "7", "8"];

/// Schedules: understood or refused in words; the next instant is after now, soon found, and right.
pub fn schedules(data: &[u8]) {
    let _ = try_schedules(&mut Unstructured::new(data));
}

fn try_schedules(u: &mut Unstructured<'_>) -> Result<()> {
    let seconds = i64::from(u.arbitrary::<u32>()?);
    let now = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    let text = match u.int_in_range(0..=9)? {
        0 => rest(u)?,
        1 => format!("every {}", u.arbitrary::<u16>()?),
        2 => format!(
            "close +{} {}",
            u.arbitrary::<u16>()?,
            u.choose(CalendarId::ALL)?
        ),
        3 => format!(
            "open every {} {}",
            u.arbitrary::<u16>()?,
            u.choose(CalendarId::ALL)?
        ),
        _ => {
            let mut fields = vec![];
            for choices in [MINUTES, HOURS, DAYS, MONTHS, WEEKDAYS] {
                fields.push(if u.ratio(1, 32)? {
                    short(u)?
                } else {
                    (*u.choose(choices)?).to_owned()
                });
            }
            if u.arbitrary()? {
                fields.push(u.choose(TZ_VARIANTS.as_slice())?.name().to_owned());
            }
            fields.join(" ")
        }
    };
    match text.parse::<Schedule>() {
        Ok(schedule) => judge(&schedule, now),
        Err(error) => {
            let error = error.to_string();
            assert!(error.contains("write"), "{error}");
            assert_harmless(&error, 1_400);
        }
    }
    Ok(())
}

fn judge(schedule: &Schedule, now: DateTime<Utc>) {
    let text = schedule.to_string();
    assert_eq!(text.parse().as_ref(), Ok(schedule), "{text}");
    assert_harmless(&schedule.words(), 512);
    let json = serde_json::to_string(schedule).unwrap();
    assert_eq!(serde_json::from_str::<Schedule>(&json).unwrap(), *schedule);
    let Some(next) = schedule.next_after(&Calendars::default(), now) else {
        assert_eq!(
            schedule.between(&Calendars::default(), now, now + TimeDelta::days(400)),
            0
        );
        return;
    };
    assert!(next > now, "{text}: {next} after {now}");
    assert_eq!(
        schedule.between(&Calendars::default(), now, next),
        1,
        "{text} from {now}"
    );
    assert_eq!(
        schedule.between(&Calendars::default(), now, next - TimeDelta::seconds(1)),
        0,
        "{text} from {now}"
    );
    if let Some(later) = schedule.next_after(&Calendars::default(), next) {
        assert!(later > next, "{text}: {later} after {next}");
    }
    // Before 1973 some zones were off by seconds.
    if now.timestamp() > 100_000_000
        && let Some(fields) = cron::Fields::parse(&text)
    {
        let expected = cron::next_within(&fields, now, TimeDelta::days(1));
        let found = Some(next).filter(|next| *next <= now + TimeDelta::days(1));
        assert_eq!(found, expected, "{text} from {now}");
    }
}
