//! Bars: prices and volumes as pure functions of a company and the time.
//!
//! The price is defined at every second of the exchange's wall clock, without stepping through the
//! seconds before. A minute's bar is read off that path, longer intraday bars are sums of minutes,
//! and weeks and months are sums of days. A day shares its open and close with its minutes; its
//! high, low and volume are measured coarsely, so that 26 years take milliseconds. Nothing later
//! than [`View::now`] is ever used.

use std::ops::Range;

use chrono::{Datelike, NaiveDate};

use super::calendar::{MINUTE, Session, from_seconds, midnight};
use super::company::Company;
use super::noise::{float, fraction, mix, nearest, unit};

/// A price in units of 10⁻⁴.
pub(super) type Ticks = i64;

/// How long a bar's close and volume may still change where nothing else is said: late prints
/// arrive for 20 minutes.
pub(super) const SETTLES_AFTER: i64 = 20 * MINUTE;
/// Minutes of trading outside the session, early and late together.
const EXTENDED_MINUTES: f64 = 570.0;
/// The part of a day's volume that trades in the session.
const SESSION_SHARE: f64 = 0.97;
/// The usual size of a trade: with fewer shares expected, some minutes see none.
const TRADE_SIZE: f64 = 200.0;
/// How far apart a day's path is measured for its high and low.
const DAY_STEP: usize = 30 * 60;

/// What can be seen of the market, and from when.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    /// Wall seconds; nothing later is served.
    pub now: i64,
    /// Whether an intraday bar is shown before it is complete.
    pub unfinished: bool,
    /// How long a bar's close and volume may still change after its end.
    pub settles_after: i64,
}

/// The prices and volume of a period. `low <= open, close <= high` and `low > 0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candle {
    pub open: Ticks,
    pub high: Ticks,
    pub low: Ticks,
    pub close: Ticks,
    pub volume: i64,
}

impl Candle {
    /// Both periods as one; `later` follows.
    pub(super) fn then(self, later: Self) -> Self {
        Self {
            open: self.open,
            high: self.high.max(later.high),
            low: self.low.min(later.low),
            close: later.close,
            volume: self.volume + later.volume,
        }
    }

    /// What was known of the candle this many seconds after its end: until it settles, some closes
    /// are half way and part of the volume is missing.
    fn known_after(self, age: i64, settles_after: i64, word: u64) -> Self {
        if age >= settles_after {
            return self;
        }
        let arrived = 0.7 + 0.3 * fraction(age.max(0), settles_after);
        let close = if word.is_multiple_of(4) {
            i64::midpoint(self.open, self.close)
        } else {
            self.close
        };
        Self {
            close,
            volume: nearest(float(self.volume) * arrived).max(1),
            ..self
        }
    }

    /// The candle as it is served at a wall second: before its correction with trades that are
    /// cancelled later, and with another price as its close if there was more than one.
    fn as_served(self, company: &Company, session: &Session, now: i64) -> Self {
        if company.is_correct(session, now) {
            return self;
        }
        let other = if self.close < self.high {
            self.high
        } else {
            self.low
        };
        Self {
            close: i64::midpoint(self.close, other),
            volume: self.volume + self.volume / 20 + 1,
            ..self
        }
    }
}

/// The intraday bars of one day with their starts in wall seconds, oldest first.
///
/// Bars begin at multiples of `minutes` after the start of the requested trading. A bar in which
/// nothing traded is left out.
pub(super) fn intraday(
    company: &Company,
    view: View,
    date: NaiveDate,
    minutes: u32,
    extended: bool,
) -> Vec<(i64, Candle)> {
    let Some(session) = company.session(date) else {
        return Vec::new();
    };
    let (start, end) = session.trading(extended);
    let length = i64::from(minutes.max(1)) * MINUTE;
    let mut bars: Vec<(i64, Candle)> = Vec::new();
    let mut label = start;
    while label < end && label < view.now {
        let until = (label + length).min(end);
        if let Some(candle) = bar(company, view, &session, label..until) {
            bars.push((label, candle));
        }
        label += length;
    }
    bars
}

/// The bar of some minutes of a session; `None` when nothing traded in them, or nothing is shown
/// yet.
pub(super) fn bar(
    company: &Company,
    view: View,
    session: &Session,
    minutes: Range<i64>,
) -> Option<Candle> {
    if minutes.end > view.now && !view.unfinished {
        return None;
    }
    let until = minutes.end.min(view.now - MINUTE + 1);
    let mut at = minutes.start;
    let mut whole: Option<Candle> = None;
    while at < until {
        if let Some(candle) = minute(company, session, at, view) {
            whole = Some(whole.map_or(candle, |before| before.then(candle)));
        }
        at += MINUTE;
    }
    whole.map(|candle| candle.as_served(company, session, view.now))
}

/// One minute; `None` when nothing traded in it, or what did is not known.
fn minute(company: &Company, session: &Session, at: i64, view: View) -> Option<Candle> {
    if company.lacks(at, view.now) {
        return None;
    }
    let share = if (session.open..session.close).contains(&at) {
        let length = session.close - session.open;
        let into = |at: i64| traded(fraction(at - session.open, length));
        SESSION_SHARE * (into(at + MINUTE) - into(at))
    } else {
        (1.0 - SESSION_SHARE) / EXTENDED_MINUTES
    };
    let shares = company.day_volume(session.date) * share;
    let chance = 1.0 - (-shares / TRADE_SIZE).exp();
    let word = company.word_at(at);
    if unit(word) >= chance {
        return None;
    }
    let wick = |index| unit(mix(word, index)) * company.minute_range();
    let volume = shares / chance * (0.4 + 1.2 * unit(mix(word, 3)));
    let candle = spread(
        &[company.price(at), company.price(at + MINUTE)],
        wick(1),
        wick(2),
        nearest(volume).max(1),
    )?;
    Some(candle.known_after(view.now - at - MINUTE, view.settles_after, mix(word, 4)))
}

/// The candle through some prices in order, its high and low extended by fractions of the price.
fn spread(path: &[Ticks], above: f64, below: f64, volume: i64) -> Option<Candle> {
    let (high, low) = (*path.iter().max()?, *path.iter().min()?);
    // Wicks are whole cents, as nearly all prices are.
    let cents = |wick: f64| nearest(float(high) * wick / 100.0) * 100;
    Some(Candle {
        open: *path.first()?,
        high: high + cents(above),
        low: (low - cents(below)).max(1).min(low),
        close: *path.last()?,
        volume,
    })
}

/// The fraction of a session's volume traded in the first `part` of it: a U, three times as busy at
/// both ends as in the middle.
fn traded(part: f64) -> f64 {
    let centred = 2.0 * part - 1.0;
    0.6 * (part + (centred.powi(3) + 1.0) / 3.0)
}

/// One day's session so far; `None` when it has not traded a minute.
pub(super) fn day(company: &Company, view: View, date: NaiveDate) -> Option<Candle> {
    let session = company.session(date)?;
    let now = view.now;
    let (mut open, mut close) = (
        session.open,
        session.close.min(now - now.rem_euclid(MINUTE)),
    );
    while open < close && company.lacks(open, now) {
        open += MINUTE;
    }
    while open < close && company.lacks(close - MINUTE, now) {
        close -= MINUTE;
    }
    if open >= close {
        return None;
    }
    let mut path: Vec<Ticks> = (open..close)
        .step_by(DAY_STEP)
        .filter(|at| !company.lacks(*at, now))
        .map(|at| company.price(at))
        .collect();
    path.push(company.price(close));
    let word = company.word_at(midnight(date));
    let wick = |index| unit(mix(word, index)) * company.day_range();
    let into = |at: i64| traded(fraction(at - session.open, session.close - session.open));
    let volume = company.day_volume(date) * (into(close) - into(open));
    let candle = spread(&path, wick(1), wick(2), nearest(volume).max(1))?;
    let candle = candle.known_after(now - close, view.settles_after, mix(word, 4));
    Some(candle.as_served(company, &session, now))
}

/// The days of a company, newest first; the newest may be unfinished.
pub(super) fn days(company: &Company, view: View) -> impl Iterator<Item = (NaiveDate, Candle)> {
    company
        .days_back(company.listed(), from_seconds(view.now).date())
        .filter_map(move |date| day(company, view, date).map(|candle| (date, candle)))
}

/// A period of days, labelled with its last trading day so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Period {
    Week,
    Month,
}

impl Period {
    fn of(self, date: NaiveDate) -> (i32, u32) {
        match self {
            Self::Week => (date.iso_week().year(), date.iso_week().week()),
            Self::Month => (date.year(), date.month()),
        }
    }

    /// Whether two dates are in the same period.
    pub(super) fn holds_both(self, one: NaiveDate, other: NaiveDate) -> bool {
        self.of(one) == self.of(other)
    }
}

/// The weeks or months of a company, newest first; the newest may be unfinished.
pub(super) fn periods(company: &Company, view: View, period: Period) -> Vec<(NaiveDate, Candle)> {
    let mut rows: Vec<(NaiveDate, Candle)> = Vec::new();
    for (date, candle) in days(company, view) {
        match rows.last_mut() {
            Some((label, row)) if period.holds_both(*label, date) => *row = candle.then(*row),
            _ => rows.push((date, candle)),
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDateTime;
    use proptest::prelude::*;

    use super::*;

    fn seconds(text: &str) -> i64 {
        text.parse::<NaiveDateTime>().unwrap().and_utc().timestamp()
    }

    fn at(text: &str) -> View {
        View {
            now: seconds(text),
            unfinished: false,
            settles_after: SETTLES_AFTER,
        }
    }

    fn company(seed: u64, symbol: &str) -> Company {
        Company::new(seed, symbol, [].iter())
    }

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn sound(candle: Candle) -> bool {
        candle.low > 0
            && candle.low <= candle.open.min(candle.close)
            && candle.high >= candle.open.max(candle.close)
            && candle.volume > 0
    }

    #[test]
    fn the_same_question_has_the_same_answer() {
        let view = at("2026-05-15T20:00:00");
        let bars =
            |seed, symbol| intraday(&company(seed, symbol), view, date("2026-05-15"), 5, true);
        assert_eq!(bars(1, "IBM"), bars(1, "IBM"));
        assert_eq!(bars(1, "IBM"), bars(1, "ibm"));
        assert_ne!(bars(1, "IBM"), bars(2, "IBM"));
        assert_ne!(bars(1, "IBM"), bars(1, "AAPL"));
    }

    #[test]
    fn a_liquid_session_is_complete_and_busy_at_both_ends() {
        let ibm = company(1, "IBM");
        let bars = intraday(
            &ibm,
            at("2026-05-18T00:00:00"),
            date("2026-05-15"),
            1,
            false,
        );
        assert_eq!(bars.len(), 390);
        let volume = |range: std::ops::Range<usize>| -> i64 {
            bars[range].iter().map(|(_, bar)| bar.volume).sum()
        };
        assert!(volume(0..30) > volume(180..210) * 3 / 2);
        assert!(volume(360..390) > volume(180..210) * 3 / 2);
    }

    #[test]
    fn an_illiquid_symbol_has_gaps() {
        let quiet = (0..200)
            .map(|n| company(1, &format!("Q{n}")))
            .min_by(|a, b| {
                let volume = |company: &Company| company.day_volume(date("2026-05-15"));
                volume(a).total_cmp(&volume(b))
            })
            .unwrap();
        let bars = intraday(
            &quiet,
            at("2026-05-18T00:00:00"),
            date("2026-05-15"),
            1,
            true,
        );
        assert!((1..200).contains(&bars.len()), "{}", bars.len());
    }

    #[test]
    fn longer_bars_are_sums_of_minutes() {
        let ibm = company(1, "IBM");
        let view = at("2026-05-18T00:00:00");
        let whole = |minutes| {
            intraday(&ibm, view, date("2026-05-15"), minutes, true)
                .into_iter()
                .map(|(_, candle)| candle)
                .reduce(Candle::then)
        };
        assert_eq!(whole(1), whole(5));
        assert_eq!(whole(1), whole(60));
        let hours = intraday(&ibm, view, date("2026-05-15"), 60, true);
        assert_eq!(
            (hours.len(), hours[0].0),
            (16, seconds("2026-05-15T04:00:00"))
        );
    }

    #[test]
    fn a_half_day_ends_early() {
        let bars = intraday(
            &company(1, "AAPL"),
            at("2026-11-28T00:00:00"),
            date("2026-11-27"),
            5,
            false,
        );
        assert_eq!(bars.len(), 42);
        assert_eq!(bars[41].0, seconds("2026-11-27T12:55:00"));
    }

    #[test]
    fn a_day_shares_open_and_close_with_its_minutes() {
        let ibm = company(1, "IBM");
        let view = at("2026-05-18T00:00:00");
        let minutes = intraday(&ibm, view, date("2026-05-15"), 1, false);
        let day = day(&ibm, view, date("2026-05-15")).unwrap();
        assert_eq!(day.open, minutes[0].1.open);
        assert_eq!(day.close, minutes[389].1.close);
    }

    #[test]
    fn nothing_of_the_future_is_seen() {
        let ibm = company(1, "IBM");
        let bars = |view| intraday(&ibm, view, date("2026-05-15"), 5, false);
        let complete = bars(at("2026-05-15T10:07:30"));
        assert_eq!(complete.last().unwrap().0, seconds("2026-05-15T10:00:00"));
        let running = bars(View {
            unfinished: true,
            ..at("2026-05-15T10:07:30")
        });
        assert_eq!(running.last().unwrap().0, seconds("2026-05-15T10:05:00"));
        let (newest, _) = days(&ibm, at("2026-05-15T09:30:00")).next().unwrap();
        assert_eq!(newest, date("2026-05-14"));
        let (newest, _) = days(&ibm, at("2026-05-15T09:31:00")).next().unwrap();
        assert_eq!(newest, date("2026-05-15"));
    }

    #[test]
    fn late_prints_settle() {
        let ibm = company(1, "IBM");
        let bars = |now| -> Vec<_> {
            let mut bars = intraday(&ibm, at(now), date("2026-05-15"), 1, false);
            bars.truncate(20);
            bars
        };
        let fresh = bars("2026-05-15T09:50:00");
        let settled = bars("2026-05-15T10:10:00");
        assert_eq!(settled, bars("2026-05-16T00:00:00"));
        let pairs = || fresh.iter().zip(&settled);
        assert!(pairs().all(|((_, before), (_, after))| before.volume < after.volume));
        assert!(pairs().any(|((_, before), (_, after))| before.close != after.close));
    }

    #[test]
    fn the_newest_period_is_unfinished() {
        let ibm = company(1, "IBM");
        let view = at("2026-05-13T12:00:00");
        let weeks = periods(&ibm, view, Period::Week);
        let labels: Vec<_> = weeks.iter().take(2).map(|(label, _)| *label).collect();
        assert_eq!(labels, [date("2026-05-13"), date("2026-05-08")]);
        let months = periods(&ibm, view, Period::Month);
        assert_eq!(months[1].0, date("2026-04-30"));
        assert_eq!(months.last().unwrap().0, date("1999-11-30"));
        let monday = day(&ibm, view, date("2026-05-11")).unwrap();
        assert_eq!(weeks[0].1.open, monday.open);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn every_candle_is_sound(
            seed: u64,
            symbol in "[A-Z]{1,5}",
            offset in 0_i64..9_000,
            second in 0_i64..86_400,
            minutes in prop::sample::select(vec![1_u32, 5, 15, 30, 60]),
        ) {
            let company = company(seed, &symbol);
            let today = date("2000-01-03") + chrono::TimeDelta::days(offset);
            let view = View {
                now: midnight(today) + second,
                unfinished: true,
                settles_after: SETTLES_AFTER,
            };
            for (label, candle) in intraday(&company, view, today, minutes, true) {
                prop_assert!(sound(candle), "{candle:?}");
                prop_assert!(label < view.now);
            }
            for (label, candle) in days(&company, view).take(5) {
                prop_assert!(sound(candle), "{candle:?}");
                prop_assert!(label <= today);
            }
        }
    }
}
