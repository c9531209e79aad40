//! Whether the exchange is open: by weekday and hours, until there is a calendar of its holidays.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, Utc, Weekday};
use chrono_tz::America::New_York;

use super::{Bar, Interval, moment};

/// The session of the exchange at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// Open until then.
    Open(DateTime<Utc>),
    /// Closed until then.
    Closed(DateTime<Utc>),
}

const OPENS: NaiveTime = time(9, 30);
const CLOSES: NaiveTime = time(16, 0);

const fn time(hour: u32, minute: u32) -> NaiveTime {
    match NaiveTime::from_hms_opt(hour, minute, 0) {
        Some(time) => time,
        None => NaiveTime::MIN,
    }
}

/// The session now.
#[must_use]
pub fn session(now: DateTime<Utc>) -> Session {
    let local = now.with_timezone(&New_York).naive_local();
    let today = local.date();
    if is_weekday(today) && (OPENS..CLOSES).contains(&local.time()) {
        return Session::Open(moment::local(today.and_time(CLOSES), New_York));
    }
    let skipped = u64::from(local.time() >= OPENS);
    let day = (skipped..skipped + 7)
        .filter_map(|days| today.checked_add_days(Days::new(days)))
        .find(|date| is_weekday(*date))
        .unwrap_or(today);
    Session::Closed(moment::local(day.and_time(OPENS), New_York))
}

/// When the period of a bar ends: for days and more, when the exchange closes on their last weekday.
#[must_use]
pub fn period_end(interval: Interval, bar: &Bar) -> DateTime<Utc> {
    let date = bar.trading_date;
    let last = match interval {
        Interval::Weekly => last_weekday(date.week(Weekday::Mon).last_day()),
        Interval::Monthly => last_weekday(
            date.with_day(1)
                .and_then(|first| first.checked_add_months(Months::new(1)))
                .and_then(|next| next.pred_opt())
                .unwrap_or(date),
        ),
        Interval::Daily => date,
        intraday => return bar.timestamp + intraday.length(),
    };
    moment::local(last.max(date).and_time(CLOSES), New_York)
}

fn last_weekday(date: NaiveDate) -> NaiveDate {
    let after = match date.weekday() {
        Weekday::Sat => 1,
        Weekday::Sun => 2,
        _ => 0,
    };
    date.checked_sub_days(Days::new(after)).unwrap_or(date)
}

fn is_weekday(date: NaiveDate) -> bool {
    !matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn it_trades_on_weekdays_from_half_past_nine_to_four() {
        for (now, session_then) in [
            (
                "2026-11-20T14:30:00Z",
                Session::Open(at("2026-11-20T21:00:00Z")),
            ),
            (
                "2026-11-20T20:59:59Z",
                Session::Open(at("2026-11-20T21:00:00Z")),
            ),
            (
                "2026-11-20T21:00:00Z",
                Session::Closed(at("2026-11-23T14:30:00Z")),
            ),
            (
                "2026-11-22T18:00:00Z",
                Session::Closed(at("2026-11-23T14:30:00Z")),
            ),
            (
                "2026-11-23T14:00:00Z",
                Session::Closed(at("2026-11-23T14:30:00Z")),
            ),
            (
                "2026-07-01T13:30:00Z",
                Session::Open(at("2026-07-01T20:00:00Z")),
            ),
        ] {
            assert_eq!(session(at(now)), session_then, "{now}");
        }
    }

    #[test]
    fn a_period_ends_with_its_minutes_or_when_the_exchange_closes_on_its_last_weekday() {
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
            (
                Interval::Weekly,
                "2026-11-18",
                "2026-11-18T05:00:00Z",
                "2026-11-20T21:00:00Z",
            ),
            // 2026-10-31 is a Saturday.
            (
                Interval::Monthly,
                "2026-10-05",
                "2026-10-05T04:00:00Z",
                "2026-10-30T20:00:00Z",
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
            assert_eq!(period_end(interval, &bar), at(end), "{interval}");
        }
    }
}
