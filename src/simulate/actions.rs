//! Corporate actions: splits and dividends, and what they make of earlier prices and volumes.

use chrono::NaiveDate;

use super::calendar::midnight;
use super::candles::Ticks;
use super::noise::float;
use super::plant::Ratio;

/// What happened to a share before the first trade of a day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Action {
    /// The ex-date.
    pub date: NaiveDate,
    /// New shares for each old one; 1 without a split.
    pub split: f64,
    /// Paid out for each share, in ticks.
    pub dividend: Ticks,
    /// The wall second from which on the provider knows.
    pub known: i64,
}

impl Action {
    /// A split that is known from the beginning of its day.
    pub(super) fn split(date: NaiveDate, ratio: Ratio) -> Self {
        Self {
            split: ratio.coefficient(),
            ..Self::dividend(date, 0)
        }
    }

    /// A dividend that is known from the beginning of its day.
    pub(super) fn dividend(date: NaiveDate, dividend: Ticks) -> Self {
        Self {
            date,
            split: 1.0,
            dividend,
            known: midnight(date),
        }
    }

    /// Actions, oldest first, those of one day as one.
    pub(super) fn by_day(actions: impl Iterator<Item = Self>) -> Vec<Self> {
        let mut actions: Vec<Self> = actions.collect();
        actions.sort_by_key(|action| action.date);
        let mut days: Vec<Self> = Vec::with_capacity(actions.len());
        for action in actions {
            match days.last_mut() {
                Some(day) if day.date == action.date => {
                    day.split *= action.split;
                    day.dividend += action.dividend;
                    day.known = day.known.max(action.known);
                }
                _ => days.push(action),
            }
        }
        days
    }

    /// Whether shares were split.
    pub(super) fn is_split(&self) -> bool {
        (self.split - 1.0).abs() > f64::EPSILON
    }

    /// What is before it is multiplied by, where a dividend is taken out as C ÷ (C + D), C the raw
    /// close of the ex-date; a dividend counts once there is such a close.
    pub(super) fn factors_at_close(&self, close: Option<Ticks>) -> Factors {
        let close = close.filter(|_| self.dividend > 0).map(float);
        let paid = close.map_or(1.0, |close| close / (close + float(self.dividend)));
        Factors {
            price: paid / self.split,
            volume: self.split,
        }
    }

    /// The same where it is taken out as 1 − D ÷ C, C the raw close of the day before in shares of
    /// the ex-date.
    pub(super) fn factors_before(&self, close: Option<Ticks>) -> Factors {
        let close = close.filter(|_| self.dividend > 0).map(float);
        let paid = close.map_or(1.0, |close| 1.0 - float(self.dividend) * self.split / close);
        Factors {
            price: paid / self.split,
            volume: self.split,
        }
    }
}

/// What prices and volumes are multiplied by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Factors {
    pub price: f64,
    pub volume: f64,
}

impl Factors {
    pub(super) const NONE: Self = Self {
        price: 1.0,
        volume: 1.0,
    };
}

/// What a day's prices and volumes are multiplied by, for everything that happened after it.
#[derive(Debug)]
pub(super) struct Adjustment {
    /// For each action, oldest first: its date, and the factors of days before it.
    steps: Vec<(NaiveDate, Factors)>,
}

impl Adjustment {
    /// The adjustment for some actions, oldest first, with what each makes of what is before it.
    pub(super) fn new(actions: &[Action], of: impl Fn(&Action) -> Factors) -> Self {
        let mut factors = Factors::NONE;
        let mut steps: Vec<_> = actions
            .iter()
            .rev()
            .map(|action| {
                let step = of(action);
                factors.price *= step.price;
                factors.volume *= step.volume;
                (action.date, factors)
            })
            .collect();
        steps.reverse();
        Self { steps }
    }

    /// The factors of a day.
    pub(super) fn of(&self, date: NaiveDate) -> Factors {
        let later = self.steps.partition_point(|(step, _)| *step <= date);
        self.steps
            .get(later)
            .map_or(Factors::NONE, |(_, factors)| *factors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }

    #[test]
    fn dividends_are_taken_out_as_in_a_recorded_answer() {
        let days = [("2026-02-10", 16_800), ("2026-05-08", 16_900)];
        let actions = days.map(|(day, paid)| Action::dividend(date(day), paid));
        let close = |day: NaiveDate| match day.to_string().as_str() {
            "2026-02-10" => Some(2_917_600),
            "2026-05-08" => Some(2_297_600),
            _ => None,
        };
        let adjustment = Adjustment::new(&actions, |action| {
            action.factors_at_close(close(action.date))
        });
        for (day, raw, adjusted) in [
            ("2026-05-08", 229.76, 229.76),
            ("2026-05-07", 231.31, 229.621_022_251_026_12),
            ("2026-02-10", 291.76, 289.629_628_861_525_13),
            ("2026-02-09", 296.34, 292.491_971_840_322_9),
        ] {
            let factors = adjustment.of(date(day));
            assert!(near(raw * factors.price, adjusted), "{day}");
            assert!(near(factors.volume, 1.0), "{day}");
        }
    }

    #[test]
    fn splits_divide_prices_and_multiply_volumes() {
        let split = Action::split(date("2026-06-10"), Ratio { new: 4, old: 1 });
        let reverse = Action::split(date("2026-09-03"), Ratio { new: 1, old: 10 });
        let actions = Action::by_day([reverse, split].into_iter());
        let adjustment = Adjustment::new(&actions, |action| action.factors_at_close(None));
        for (day, price, volume) in [
            ("2026-09-03", 1.0, 1.0),
            ("2026-09-02", 10.0, 0.1),
            ("2026-06-10", 10.0, 0.1),
            ("2026-06-09", 2.5, 0.4),
        ] {
            let factors = adjustment.of(date(day));
            assert!(
                near(factors.price, price) && near(factors.volume, volume),
                "{day}"
            );
        }
    }

    #[test]
    fn actions_of_a_day_are_one_and_a_dividend_waits_for_its_close() {
        let day = date("2026-06-10");
        let split = Action::split(day, Ratio { new: 2, old: 1 });
        let both = Action::by_day([split, Action::dividend(day, 10_000)].into_iter());
        assert_eq!(both.len(), 1);
        let price = |close| {
            Adjustment::new(&both, |action| action.factors_at_close(close))
                .of(date("2026-06-09"))
                .price
        };
        assert!(near(price(None), 0.5));
        assert!(near(price(Some(990_000)), 0.495));
    }

    #[test]
    fn a_dividend_may_be_measured_by_the_close_before() {
        let mut action = Action::dividend(date("2026-06-10"), 10_000);
        assert!(near(action.factors_before(Some(1_000_000)).price, 0.99));
        assert!(near(action.factors_before(None).price, 1.0));
        action.split = 2.0;
        let factors = action.factors_before(Some(2_000_000));
        assert!(near(factors.price, 0.99 / 2.0) && near(factors.volume, 2.0));
    }
}
