//! The time series functions: from a request to a sheet of rows.

pub(super) mod shape;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use self::shape::{Row, Sheet};
use super::ask::{Ask, Entitlement, Function, month_end};
use crate::simulate::actions::{Action, Adjustment, Factors};
use crate::simulate::calendar::{from_seconds, wall_time};
use crate::simulate::candles::{
    Candle, Period, SETTLES_AFTER, Ticks, View, day, days, intraday, periods,
};
use crate::simulate::company::Company;
use crate::simulate::market::Market;
use crate::simulate::noise::{float, nearest};

/// Rows of a compact answer.
const COMPACT: usize = 100;
/// Calendar days of intraday bars in a full answer without a month.
const TRAILING_DAYS: u64 = 30;
/// How far behind delayed data is.
const DELAY: TimeDelta = TimeDelta::minutes(15);

/// The answer to a well-formed request; `None` when the month has not begun, or the company was
/// not listed in it.
pub(super) fn answer(market: &Market, now: DateTime<Utc>, ask: &Ask) -> Option<Sheet> {
    let delay = if ask.entitlement == Some(Entitlement::Delayed) {
        DELAY
    } else {
        TimeDelta::zero()
    };
    let known_at = market.known_at(&ask.symbol, now.checked_sub_signed(delay)?);
    let now = wall_time(known_at);
    let series = Series {
        company: market.company(&ask.symbol),
        view: View {
            now: now.and_utc().timestamp(),
            unfinished: ask.entitlement.is_some(),
            settles_after: SETTLES_AFTER,
        },
        today: now.date(),
        limit: if ask.full { usize::MAX } else { COMPACT },
    };
    if series.company.listed() > series.today {
        return None;
    }
    let rows = match ask.function {
        Function::Intraday => series.intraday(ask)?,
        Function::Daily => series.daily(),
        Function::DailyAdjusted => series.daily_adjusted(),
        Function::Weekly => series.periods(Period::Week),
        Function::Monthly => series.periods(Period::Month),
        Function::WeeklyAdjusted => series.periods_adjusted(Period::Week),
        Function::MonthlyAdjusted => series.periods_adjusted(Period::Month),
    };
    let refreshed = series.refreshed(ask.function, &rows);
    Some(Sheet::new(ask, refreshed, rows))
}

/// One company as visible now.
struct Series {
    company: Company,
    view: View,
    today: NaiveDate,
    limit: usize,
}

impl Series {
    fn actions(&self) -> Vec<Action> {
        self.company.actions(self.view.now)
    }

    fn adjustment(&self, actions: &[Action]) -> Adjustment {
        let close = |date| day(&self.company, self.view, date).map(|bar| bar.close);
        Adjustment::new(actions, |action| {
            action.factors_at_close(close(action.date))
        })
    }

    fn intraday(&self, ask: &Ask) -> Option<Vec<Row>> {
        let (first, last) = match ask.month {
            Some(first) => (first, month_end(first)),
            None if ask.full => (self.today - Days::new(TRAILING_DAYS), self.today),
            None => (self.company.listed(), self.today),
        };
        if first > self.today || last < self.company.listed() {
            return None;
        }
        let adjustment = ask.adjusted.then(|| self.adjustment(&self.actions()));
        let days = self
            .company
            .days_back(first.max(self.company.listed()), last.min(self.today));
        Some(
            days.flat_map(|date| {
                let minutes = ask.minutes.count();
                let mut bars = intraday(&self.company, self.view, date, minutes, ask.extended);
                bars.reverse();
                let factors = adjustment
                    .as_ref()
                    .map_or(Factors::NONE, |adjustment| adjustment.of(date));
                bars.into_iter()
                    .map(move |(start, bar)| (start, adjusted(bar, factors)))
            })
            .take(self.limit)
            .map(|(start, bar)| Row {
                label: from_seconds(start).to_string(),
                fields: padded(bar),
            })
            .collect(),
        )
    }

    fn daily(&self) -> Vec<Row> {
        days(&self.company, self.view)
            .take(self.limit)
            .map(|(date, bar)| Row {
                label: date.to_string(),
                fields: padded(bar),
            })
            .collect()
    }

    fn daily_adjusted(&self) -> Vec<Row> {
        let actions = self.actions();
        let adjustment = self.adjustment(&actions);
        days(&self.company, self.view)
            .take(self.limit)
            .map(|(date, bar)| {
                let (dividend, split) = paid(&actions, |day| day == date);
                let factor = adjustment.of(date).price;
                let [open, high, low, close] =
                    [bar.open, bar.high, bar.low, bar.close].map(|price| float(price) / 1e4);
                Row {
                    label: date.to_string(),
                    // The provider prints these as binary floats, so noise digits appear.
                    fields: vec![
                        format!("{open:?}"),
                        format!("{high:?}"),
                        format!("{low:?}"),
                        format!("{close:?}"),
                        format!("{:?}", close * factor),
                        bar.volume.to_string(),
                        decimal(dividend),
                        format!("{split:?}"),
                    ],
                }
            })
            .collect()
    }

    fn periods(&self, period: Period) -> Vec<Row> {
        periods(&self.company, self.view, period)
            .into_iter()
            .map(|(label, bar)| Row {
                label: label.to_string(),
                fields: padded(bar),
            })
            .collect()
    }

    fn periods_adjusted(&self, period: Period) -> Vec<Row> {
        let actions = self.actions();
        let adjustment = self.adjustment(&actions);
        periods(&self.company, self.view, period)
            .into_iter()
            .map(|(label, bar)| {
                let (dividend, _) = paid(&actions, |day| {
                    day <= label && period.holds_both(day, label)
                });
                let close = nearest(float(bar.close) * adjustment.of(label).price);
                let mut fields = padded(bar);
                fields.insert(4, decimal(close.max(1)));
                fields.push(decimal(dividend));
                Row {
                    label: label.to_string(),
                    fields,
                }
            })
            .collect()
    }

    /// What `Last Refreshed` says: the newest label, with the time of day during a session.
    fn refreshed(&self, function: Function, rows: &[Row]) -> String {
        let session = self.company.session(self.today);
        let running =
            session.is_some_and(|session| (session.open..session.close).contains(&self.view.now));
        match rows.first() {
            Some(row) if running && function != Function::Intraday => {
                let now = from_seconds(self.view.now);
                if row.label == now.date().to_string() {
                    now.to_string()
                } else {
                    row.label.clone()
                }
            }
            Some(row) => row.label.clone(),
            None => from_seconds(self.view.now).to_string(),
        }
    }
}

/// The total dividend and the combined split of some days.
fn paid(actions: &[Action], on: impl Fn(NaiveDate) -> bool) -> (Ticks, f64) {
    actions
        .iter()
        .filter(|action| on(action.date))
        .fold((0, 1.0), |(dividend, split), action| {
            (dividend + action.dividend, split * action.split)
        })
}

/// A bar in today's shares.
fn adjusted(bar: Candle, factors: Factors) -> Candle {
    let scaled = |ticks: Ticks| nearest(float(ticks) * factors.price).max(1);
    Candle {
        open: scaled(bar.open),
        high: scaled(bar.high),
        low: scaled(bar.low),
        close: scaled(bar.close),
        volume: nearest(float(bar.volume) * factors.volume).max(1),
    }
}

/// The five fields of a bar, prices with four decimals.
fn padded(bar: Candle) -> Vec<String> {
    let mut fields: Vec<_> = [bar.open, bar.high, bar.low, bar.close].map(decimal).into();
    fields.push(bar.volume.to_string());
    fields
}

/// A price with four decimals.
fn decimal(price: Ticks) -> String {
    format!("{}.{:04}", price / 10_000, price % 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::calendar::wall_seconds;
    use crate::simulate::query::Query;

    fn market() -> Market {
        Market::new(1, Vec::new())
    }

    fn rows(now: &str, function: Function, query: &str) -> Option<Sheet> {
        let ask = Ask::read(function, &Query::decode(query)).unwrap();
        answer(&market(), now.parse().unwrap(), &ask)
    }

    const NIGHT: &str = "2026-05-16T02:00:00Z";

    fn labels(sheet: &Sheet) -> (usize, &str, &str) {
        let rows = &sheet.rows;
        (
            rows.len(),
            &rows.first().unwrap().label,
            &rows.last().unwrap().label,
        )
    }

    #[test]
    fn a_compact_answer_has_the_newest_hundred() {
        let sheet = rows(NIGHT, Function::Intraday, "symbol=AAPL&interval=5min").unwrap();
        let expected = (100, "2026-05-15 19:55:00", "2026-05-15 11:40:00");
        assert_eq!(labels(&sheet), expected);
        let sheet = rows(NIGHT, Function::Daily, "symbol=IBM").unwrap();
        assert_eq!(labels(&sheet), (100, "2026-05-15", "2025-12-22"));
    }

    #[test]
    fn a_full_answer_goes_thirty_days_back_or_over_the_month() {
        let query = "symbol=AAPL&interval=60min&outputsize=full";
        let sheet = rows(NIGHT, Function::Intraday, query).unwrap();
        assert_eq!(labels(&sheet).2, "2026-04-15 04:00:00");
        let query = "symbol=AAPL&interval=60min&month=2009-01&outputsize=full";
        let sheet = rows(NIGHT, Function::Intraday, query).unwrap();
        let expected = (320, "2009-01-30 19:00:00", "2009-01-02 04:00:00");
        assert_eq!(labels(&sheet), expected);
    }

    #[test]
    fn months_without_a_day_of_trading_are_invalid() {
        let query = |month: &str| format!("symbol=LATE&interval=60min&month={month}");
        assert!(rows(NIGHT, Function::Intraday, &query("2026-06")).is_none());
        let listed = market().company("LATE").listed();
        let before = (listed - Days::new(40)).format("%Y-%m").to_string();
        assert!(rows(NIGHT, Function::Intraday, &query(&before)).is_none());
        let first = listed.format("%Y-%m").to_string();
        assert!(rows(NIGHT, Function::Intraday, &query(&first)).is_some());
    }

    #[test]
    fn regular_hours_leave_out_the_rest() {
        let query = "symbol=AAPL&interval=30min&extended_hours=false";
        let sheet = rows(NIGHT, Function::Intraday, query).unwrap();
        assert_eq!(sheet.rows[0].label, "2026-05-15 15:30:00");
        assert_eq!(sheet.rows[12].label, "2026-05-15 09:30:00");
    }

    #[test]
    fn delayed_data_is_fifteen_minutes_old() {
        let newest = |entitlement| {
            let query = format!("symbol=AAPL&interval=1min&{entitlement}");
            let noon = "2026-05-15T16:00:30Z";
            let sheet = rows(noon, Function::Intraday, &query).unwrap();
            sheet.rows[0].label.clone()
        };
        assert_eq!(newest("entitlement=delayed"), "2026-05-15 11:44:00");
        assert_eq!(newest("entitlement=realtime"), "2026-05-15 11:59:00");
    }

    #[test]
    fn last_refreshed_has_a_time_while_the_session_runs() {
        let refreshed = |now| {
            let sheet = rows(now, Function::Daily, "symbol=IBM").unwrap();
            sheet.refreshed
        };
        assert_eq!(refreshed("2026-05-15T16:00:30Z"), "2026-05-15 12:00:30");
        assert_eq!(refreshed(NIGHT), "2026-05-15");
        assert_eq!(refreshed("2026-05-17T16:00:00Z"), "2026-05-15");
    }

    #[test]
    fn adjusted_bars_differ_from_traded_ones_before_an_action() {
        let now = wall_seconds(NIGHT.parse().unwrap());
        let symbol = (0..50)
            .map(|n| format!("D{n}"))
            .find(|symbol| market().company(symbol).actions(now).len() > 20)
            .unwrap();
        let body = |adjusted, month| {
            let query = format!("symbol={symbol}&interval=60min&adjusted={adjusted}&month={month}");
            rows(NIGHT, Function::Intraday, &query).unwrap().rows
        };
        assert_ne!(body(true, "2016-03"), body(false, "2016-03"));
        let labels = |rows: Vec<Row>| -> Vec<_> { rows.into_iter().map(|row| row.label).collect() };
        assert_eq!(
            labels(body(true, "2016-03")),
            labels(body(false, "2016-03"))
        );
    }

    #[test]
    fn adjusted_days_leave_prices_raw() {
        let plain = rows(NIGHT, Function::Daily, "symbol=MSFT&outputsize=full").unwrap();
        let adjusted = rows(
            NIGHT,
            Function::DailyAdjusted,
            "symbol=MSFT&outputsize=full",
        )
        .unwrap();
        assert_eq!(plain.rows.len(), adjusted.rows.len());
        for (plain, adjusted) in plain.rows.iter().zip(&adjusted.rows) {
            let close = |row: &Row| row.fields[3].parse::<f64>().unwrap();
            assert!((close(plain) - close(adjusted)).abs() < 1e-9);
            assert_eq!(plain.fields[4], adjusted.fields[5]);
        }
    }
}
