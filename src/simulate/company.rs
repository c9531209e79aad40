//! The company behind a symbol: its price path, its volume, and what happens to its shares.

use std::ops::Range;

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};

use super::actions::Action;
use super::calendar::{Calendar, Session, from_seconds, midnight, wall_seconds, wall_time};
use super::candles::Ticks;
use super::noise::{below, float, mix, mix_text, nearest, smooth, unit};
use super::plant::{Ratio, What};

/// The day on which the provider's longest histories begin.
const FIRST_DAY: (i32, u32, u32) = (1999, 11, 1);
/// Days in which a company may have been listed: up to the end of 2014.
const LISTING_SPAN: u32 = 5_500;
/// Companies listed from the first day, with the millions of shares they trade a day.
const LARGE: [(&str, f64); 3] = [("IBM", 5.0), ("AAPL", 50.0), ("MSFT", 25.0)];
/// Layers of the price path, each four times as long and twice as high as the one before: from
/// two minutes to four years, which gives the spread of a random walk at every scale.
const LAYERS: u64 = 11;
const SHORTEST_LAYER: i64 = 120;
const SECONDS_A_YEAR: f64 = 31_557_600.0;
const MAX_SYMBOL_CHARS: usize = 32;

/// One symbol of the market.
#[derive(Debug, Clone)]
pub(super) struct Company {
    stream: u64,
    listed: NaiveDate,
    /// The price around which the path wanders on the first day, in ticks.
    base: f64,
    /// Growth of the logarithm of the price per year.
    drift: f64,
    /// Spread of the logarithm of the price per year.
    spread: f64,
    /// Shares traded on a usual day.
    volume: f64,
    /// The part of the price paid out each quarter; 0 for none.
    payout: f64,
    /// Splits, and what else was planted, in any order.
    events: Vec<Action>,
    /// Minutes without bars.
    gaps: Vec<Gap>,
    /// Whether what is served of a session is corrected on the next morning.
    corrected: bool,
    calendar: Calendar,
}

/// Minutes whose bars are not there, in wall seconds.
#[derive(Debug, Clone)]
struct Gap {
    minutes: Range<i64>,
    /// When their bars appear; `None` for never.
    filled: Option<i64>,
}

impl Company {
    /// The company behind a symbol, with what is planted for it.
    pub(super) fn new<'a>(
        seed: u64,
        symbol: &str,
        planted: impl Iterator<Item = &'a What> + Clone,
    ) -> Self {
        let closed = planted.clone().filter_map(|what| match what {
            What::Closed(date) => Some(*date),
            _ => None,
        });
        let open = planted.clone().filter_map(|what| match what {
            What::Open(date) => Some(*date),
            _ => None,
        });
        let mut company = Self::unplanted(seed, symbol, Calendar::with(closed, open));
        for what in planted {
            company.plant(what);
        }
        company
    }

    fn unplanted(seed: u64, symbol: &str, calendar: Calendar) -> Self {
        let name = symbol.to_ascii_uppercase();
        let stream = mix_text(seed, &name);
        let draw = |index| unit(mix(stream, index));
        let large = LARGE.iter().find(|(large, _)| *large == name);
        let days = large.map_or_else(|| below(mix(stream, 1), LISTING_SPAN), |_| 0);
        let listed = calendar.day_from(first_day() + Days::new(u64::from(days)));
        let mut splits: Vec<_> = (0..u64::from(below(mix(stream, 2), 3)))
            .map(|split| mix(stream, 100 + split))
            .map(|word| {
                let wait = Days::new(400 + u64::from(below(word, 7_000)));
                (calendar.day_from(listed + wait), 2 + below(mix(word, 1), 3))
            })
            .collect();
        splits.sort_unstable();
        splits.dedup_by_key(|(date, _)| *date);
        let split = |(date, new)| Action::split(date, Ratio { new, old: 1 });
        Self {
            stream,
            listed,
            base: 10_000.0 * (3.0 + 2.5 * draw(3)).exp(),
            drift: 0.02 + 0.06 * draw(4),
            spread: 0.12 + 0.15 * draw(5),
            volume: large.map_or_else(
                || 10_f64.powf(4.0 + 3.5 * draw(6)),
                |(_, millions)| millions * 1e6,
            ),
            payout: if draw(7) < 0.6 {
                0.002 + 0.006 * draw(8)
            } else {
                0.0
            },
            events: splits.into_iter().map(split).collect(),
            gaps: Vec::new(),
            corrected: false,
            calendar,
        }
    }

    fn plant(&mut self, what: &What) {
        let wall =
            |minutes: &Range<DateTime<Utc>>| wall_seconds(minutes.start)..wall_seconds(minutes.end);
        // What happens on a day without trading takes effect on the next one with it.
        let ex_date = |known| self.calendar.day_from(wall_time(known).date());
        match what {
            What::Split { ratio, known } => self.events.push(Action {
                known: wall_seconds(*known),
                ..Action::split(ex_date(*known), *ratio)
            }),
            What::Dividend { amount, known } => self.events.push(Action {
                known: wall_seconds(*known),
                ..Action::dividend(ex_date(*known), Ticks::from(*amount))
            }),
            What::Halt(minutes) => self.gaps.push(Gap {
                minutes: wall(minutes),
                filled: None,
            }),
            What::Late { minutes, appear } => self.gaps.push(Gap {
                minutes: wall(minutes),
                filled: Some(wall_seconds(*appear)),
            }),
            What::Illiquid(shares) => self.volume = f64::from(*shares),
            What::Listed(date) => self.listed = self.calendar.day_from(*date),
            What::Corrected => self.corrected = true,
            What::Closed(_) | What::Open(_) | What::Behind { .. } | What::Outage(_) => {}
        }
    }

    /// The session of a date; `None` when the exchange is closed.
    pub(super) fn session(&self, date: NaiveDate) -> Option<Session> {
        self.calendar.session(date)
    }

    /// The trading days up to and including `last`, newest first, not before `first`.
    pub(super) fn days_back(
        &self,
        first: NaiveDate,
        last: NaiveDate,
    ) -> impl Iterator<Item = NaiveDate> {
        self.calendar.days_back(first, last)
    }

    /// Whether the bar of the minute that begins at a wall second is missing for those who ask at
    /// another, although shares may have traded.
    pub(super) fn lacks(&self, minute: i64, now: i64) -> bool {
        self.gaps.iter().any(|gap| {
            gap.minutes.contains(&minute) && gap.filled.is_none_or(|filled| now < filled)
        })
    }

    /// Whether what is served of a session needs no more correction.
    pub(super) const fn is_correct(&self, session: &Session, now: i64) -> bool {
        !self.corrected || now >= session.corrected
    }

    /// The first trading day.
    pub(super) const fn listed(&self) -> NaiveDate {
        self.listed
    }

    /// The price as traded at a wall second.
    pub(super) fn price(&self, at: i64) -> Ticks {
        let years = float(at - midnight(first_day())) / SECONDS_A_YEAR;
        let value = self.base * (self.drift * years + self.wander(at)).exp();
        let happened = self.events.iter();
        let happened = happened.filter(|event| midnight(event.date) <= at);
        let price = value / happened.map(|event| event.split).product::<f64>();
        // One price in eight is between two cents.
        if self.word_at(at) % 8 == 1 {
            nearest(price).max(100)
        } else {
            (nearest(price / 100.0) * 100).max(100)
        }
    }

    fn wander(&self, at: i64) -> f64 {
        let mut period = SHORTEST_LAYER;
        let mut height = self.spread * (float(period) / SECONDS_A_YEAR).sqrt();
        let mut sum = 0.0;
        for layer in 0..LAYERS {
            sum += height * smooth(mix(self.stream, 200 + layer), at, period);
            period *= 4;
            height *= 2.0;
        }
        sum
    }

    /// A random word of the company for a wall second.
    pub(super) fn word_at(&self, at: i64) -> u64 {
        mix(mix(self.stream, 9), at.cast_unsigned())
    }

    /// The shares that trade on a day.
    pub(super) fn day_volume(&self, date: NaiveDate) -> f64 {
        self.volume * (0.6 + 0.8 * unit(mix(self.word_at(midnight(date)), 5)))
    }

    /// How far a minute's high may be above its open and close, as a fraction of the price.
    pub(super) fn minute_range(&self) -> f64 {
        self.spread / 500.0
    }

    /// The same for a day.
    pub(super) fn day_range(&self) -> f64 {
        self.spread / 40.0
    }

    /// The splits and dividends that are known at a wall second, oldest first, one a day.
    pub(super) fn actions(&self, now: i64) -> Vec<Action> {
        let planted = self.events.iter().copied();
        let all = planted.chain(self.dividends(from_seconds(now).date()));
        Action::by_day(all.filter(|action| action.known <= now && action.date > self.listed))
    }

    fn dividends(&self, today: NaiveDate) -> impl Iterator<Item = Action> {
        let years = self.listed.year()..=today.year();
        years
            .flat_map(|year| (0..4_u32).map(move |quarter| (year, quarter)))
            .filter_map(|(year, quarter)| self.dividend(year, quarter))
    }

    fn dividend(&self, year: i32, quarter: u32) -> Option<Action> {
        let month = 1 + quarter * 3 + below(mix(self.stream, 10), 3);
        let index = u64::from(year.unsigned_abs()) * 4 + u64::from(quarter);
        let day = 4 + below(mix(mix(self.stream, 11), index), 20);
        let date = NaiveDate::from_ymd_opt(year, month, day)?;
        let date = self.calendar.day_from(date);
        let eve = self.days_back(self.listed, date.pred_opt()?).next()?;
        let price = self.price(self.session(eve)?.close);
        let dividend = nearest(float(price) * self.payout / 100.0) * 100;
        // A split on the same day would need the amount restated; such a quarter pays nothing.
        (dividend > 0 && self.events.iter().all(|event| event.date != date))
            .then(|| Action::dividend(date, dividend))
    }
}

fn first_day() -> NaiveDate {
    let (year, month, day) = FIRST_DAY;
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default()
}

/// Whether the market has a symbol: everything that can be one, except what begins with
/// `UNKNOWN` or `NOSUCH`.
pub(super) fn is_listed(symbol: &str) -> bool {
    let upper = symbol.to_ascii_uppercase();
    !symbol.is_empty()
        && symbol.len() <= MAX_SYMBOL_CHARS
        && symbol
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-^:&=_/".contains(&byte))
        && !upper.starts_with("UNKNOWN")
        && !upper.starts_with("NOSUCH")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn company(seed: u64, symbol: &str) -> Company {
        Company::new(seed, symbol, [].iter())
    }

    /// The first of some symbols that has what a test needs.
    fn found(needs: impl Fn(&Company) -> bool) -> Company {
        let companies = (0..50).map(|n| company(1, &format!("S{n}")));
        companies.into_iter().find(needs).unwrap()
    }

    #[test]
    fn listings_lie_between_1999_and_2015() {
        assert_eq!(company(7, "ibm").listed(), date("1999-11-01"));
        for n in 0..500 {
            let listed = company(7, &format!("S{n}")).listed();
            assert!((date("1999-11-01")..date("2015-01-01")).contains(&listed));
        }
    }

    #[test]
    fn a_split_divides_the_price() {
        let planted = What::Split {
            ratio: Ratio { new: 1, old: 10 },
            known: "2026-11-20T14:34:00Z".parse().unwrap(),
        };
        let reverse = Company::new(1, "IBM", [planted].iter());
        let jump = |company: &Company, day| {
            let price = |at| float(company.price(at));
            price(midnight(day) - 1) / price(midnight(day))
        };
        assert!((jump(&reverse, date("2026-11-20")) * 10.0 - 1.0).abs() < 0.02);
        let company = found(|company| !company.events.is_empty());
        let first = company.events[0];
        assert!((jump(&company, first.date) / first.split - 1.0).abs() < 0.02);
    }

    #[test]
    fn actions_know_only_the_past() {
        let company = found(|company| company.payout > 0.0);
        let today = date("2026-05-15");
        let actions = company.actions(midnight(today));
        assert!(actions.len() > 20);
        assert!(actions.iter().all(|action| action.date <= today));
        assert!(actions.is_sorted_by(|one, next| one.date < next.date));
    }

    #[test]
    fn a_planted_action_is_known_from_its_instant_and_acts_on_a_trading_day() {
        let known = "2026-11-21T15:00:00Z".parse().unwrap();
        let planted = [What::Dividend {
            amount: 6_000,
            known,
        }];
        let company = Company::new(1, "IBM", planted.iter());
        let at = wall_seconds(known);
        let monday = date("2026-11-23");
        let paid = |now| {
            let actions = company.actions(now);
            actions.into_iter().find(|action| action.date == monday)
        };
        assert_eq!(paid(at - 1), None);
        assert_eq!(paid(at).unwrap().dividend, 6_000);
    }
}
