//! The company behind a symbol: its price path, volume, splits and dividends.

use chrono::{Datelike, Days, NaiveDate};

use super::calendar::{Session, midnight, trading_day_from, trading_days_back};
use super::market::Ticks;
use super::noise::{below, float, mix, mix_text, nearest, smooth, unit};

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
    splits: Vec<(NaiveDate, u32)>,
}

/// What happened to a share before the opening of a day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Action {
    pub date: NaiveDate,
    /// New shares for each old one; 1 without a split.
    pub split: u32,
    /// Paid out for each share, in ticks.
    pub dividend: Ticks,
    /// What earlier prices are multiplied by to compare with later ones.
    factor: f64,
}

impl Company {
    /// The company behind a symbol; upper and lower case are the same.
    pub(super) fn new(seed: u64, symbol: &str) -> Self {
        let name = symbol.to_ascii_uppercase();
        let stream = mix_text(seed, &name);
        let draw = |index| unit(mix(stream, index));
        let large = LARGE.iter().find(|(large, _)| *large == name);
        let days = large.map_or_else(|| below(mix(stream, 1), LISTING_SPAN), |_| 0);
        let listed = trading_day_from(first_day() + Days::new(u64::from(days)));
        let mut splits: Vec<_> = (0..u64::from(below(mix(stream, 2), 3)))
            .map(|split| mix(stream, 100 + split))
            .map(|word| {
                let wait = Days::new(400 + u64::from(below(word, 7_000)));
                (trading_day_from(listed + wait), 2 + below(mix(word, 1), 3))
            })
            .collect();
        splits.sort_unstable();
        splits.dedup_by_key(|(date, _)| *date);
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
            splits,
        }
    }

    /// The first trading day.
    pub(super) const fn listed(&self) -> NaiveDate {
        self.listed
    }

    /// The price as traded at a wall second.
    pub(super) fn price(&self, at: i64) -> Ticks {
        let years = float(at - midnight(first_day())) / SECONDS_A_YEAR;
        let value = self.base * (self.drift * years + self.wander(at)).exp();
        let shares: u32 = self
            .splits
            .iter()
            .filter(|(date, _)| midnight(*date) <= at)
            .map(|(_, split)| split)
            .product();
        let price = value / f64::from(shares);
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

    /// The splits and dividends up to and including `today`, oldest first.
    pub(super) fn actions(&self, today: NaiveDate) -> Vec<Action> {
        let mut actions: Vec<Action> = self
            .splits
            .iter()
            .map(|&(date, split)| Action {
                date,
                split,
                dividend: 0,
                factor: 1.0 / f64::from(split),
            })
            .chain(self.dividends(today))
            .filter(|action| action.date <= today)
            .collect();
        actions.sort_by_key(|action| action.date);
        actions
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
        let date = trading_day_from(NaiveDate::from_ymd_opt(year, month, day)?);
        let eve = trading_days_back(self.listed, date.pred_opt()?).next()?;
        let price = self.price(Session::of(eve)?.close);
        let dividend = nearest(float(price) * self.payout / 100.0) * 100;
        // A split on the same day would need the amount restated; such a quarter pays nothing.
        (dividend > 0 && self.splits.iter().all(|(split, _)| *split != date)).then(|| Action {
            date,
            split: 1,
            dividend,
            factor: 1.0 - float(dividend) / float(price),
        })
    }
}

fn first_day() -> NaiveDate {
    let (year, month, day) = FIRST_DAY;
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default()
}

/// What prices and volumes of a day are multiplied by, for everything that happened after it.
#[derive(Debug)]
pub(super) struct Adjustment {
    /// For each action, oldest first: its date, and the factors of days before it.
    steps: Vec<(NaiveDate, f64, i64)>,
}

impl Adjustment {
    /// The adjustment for some actions, oldest first.
    pub(super) fn new(actions: &[Action]) -> Self {
        let (mut price, mut shares) = (1.0, 1);
        let mut steps: Vec<_> = actions
            .iter()
            .rev()
            .map(|action| {
                price *= action.factor;
                shares *= i64::from(action.split);
                (action.date, price, shares)
            })
            .collect();
        steps.reverse();
        Self { steps }
    }

    /// The factors for prices and for volumes of a day.
    pub(super) fn of(&self, date: NaiveDate) -> (f64, i64) {
        let later = self.steps.partition_point(|(step, ..)| *step <= date);
        self.steps
            .get(later)
            .map_or((1.0, 1), |(_, price, shares)| (*price, *shares))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn listings_lie_between_1999_and_2015() {
        assert_eq!(Company::new(7, "ibm").listed(), date("1999-11-01"));
        for n in 0..500 {
            let listed = Company::new(7, &format!("S{n}")).listed();
            assert!((date("1999-11-01")..date("2015-01-01")).contains(&listed));
        }
    }

    #[test]
    fn a_split_divides_the_price_and_the_adjustment_hides_it() {
        let today = date("2026-05-15");
        let company = (0..50)
            .map(|n| Company::new(1, &format!("S{n}")))
            .find(|company| company.splits.iter().any(|(date, _)| *date < today))
            .unwrap();
        let (day, split) = company.splits[0];
        let before = company.price(midnight(day) - 1);
        let after = company.price(midnight(day));
        let ratio = float(before) / float(after);
        assert!(
            (ratio / f64::from(split) - 1.0).abs() < 0.02,
            "{ratio} for {split}"
        );
        let actions = company.actions(today);
        let adjustment = Adjustment::new(&actions);
        let (price_before, shares_before) = adjustment.of(day.pred_opt().unwrap());
        let (price_after, shares_after) = adjustment.of(day);
        assert!((price_before * f64::from(split) - price_after).abs() < 1e-9);
        assert_eq!(shares_before, shares_after * i64::from(split));
    }

    #[test]
    fn adjustments_know_only_the_past() {
        let company = (0..50)
            .map(|n| Company::new(1, &format!("D{n}")))
            .find(|company| company.payout > 0.0)
            .unwrap();
        let today = date("2026-05-15");
        let actions = company.actions(today);
        assert!(actions.len() > 20);
        assert!(actions.iter().all(|action| action.date <= today));
        assert_eq!(Adjustment::new(&actions).of(today), (1.0, 1));
    }
}
