//! Two series side by side: where their bars differ.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveTime, Utc};
use serde::Serialize;

use super::{Bar, Interval, Price, Volume};

/// A difference at one time. The first value is that of the first series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The time, as one of the series labels it.
    pub timestamp: DateTime<Utc>,
    /// The day.
    pub trading_date: NaiveDate,
    /// What differs.
    #[serde(flatten)]
    pub kind: DifferenceKind,
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "differs", rename_all = "snake_case")]
pub enum DifferenceKind {
    /// The closes.
    Close {
        /// Of the first series.
        first: Price,
        /// Of the second.
        second: Price,
    },
    /// The volumes.
    Volume {
        /// Of the first series.
        first: Volume,
        /// Of the second.
        second: Volume,
    },
    /// Only the first series has the bar.
    OnlyFirst,
    /// Only the second series has the bar.
    OnlySecond,
}

/// How two series compare.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Bars that both have.
    pub compared: u64,
    /// Bars left out because one of the series has them unfinished.
    pub unfinished: u64,
    /// Where they differ, oldest first.
    pub differences: Vec<Difference>,
}

impl Comparison {
    /// Whether they agree: there is something to compare, and it does not differ.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.compared > 0 && self.differences.is_empty()
    }
}

/// How two series are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// The interval of both.
    pub interval: Interval,
    /// Volumes may differ by so many per cent of the larger one.
    pub percent: u32,
    /// Whether bars before the first one of either are left out.
    pub from_common: bool,
    /// Whether bars after the last one of either are left out.
    pub to_common: bool,
}

/// Compares two series.
#[must_use]
pub fn compare(first: &[Bar], second: &[Bar], terms: Terms) -> Comparison {
    let placed = |bars: &[Bar]| -> BTreeMap<DateTime<Utc>, Bar> {
        let places = bars.iter().map(|bar| (place(bar, terms.interval), *bar));
        places.collect()
    };
    let (mut first, mut second) = (placed(first), placed(second));
    let begin = first.keys().next().max(second.keys().next()).copied();
    let end = first
        .keys()
        .next_back()
        .min(second.keys().next_back())
        .copied();
    for bars in [&mut first, &mut second] {
        bars.retain(|at, _| {
            (!terms.from_common || Some(*at) >= begin) && (!terms.to_common || Some(*at) <= end)
        });
    }
    let mut found = Comparison::default();
    let mut all: BTreeMap<_, _> = first
        .into_iter()
        .map(|(at, bar)| (at, (Some(bar), second.remove(&at))))
        .collect();
    all.extend(second.into_iter().map(|(at, bar)| (at, (None, Some(bar)))));
    for pair in all.into_values() {
        found.add(pair, terms.percent);
    }
    found
}

impl Comparison {
    fn add(&mut self, pair: (Option<Bar>, Option<Bar>), percent: u32) {
        let (Some(shown), bars) = (pair.0.or(pair.1), pair) else {
            return;
        };
        let is_unfinished = |bar: Option<Bar>| bar.is_some_and(|bar| !bar.is_final);
        if is_unfinished(bars.0) || is_unfinished(bars.1) {
            self.unfinished += 1;
            return;
        }
        let mut differ = |kind| {
            self.differences.push(Difference {
                timestamp: shown.timestamp,
                trading_date: shown.trading_date,
                kind,
            });
        };
        match bars {
            (Some(one), Some(other)) => {
                let (first, second) = (one.close, other.close);
                if !are_equal(first, second) {
                    differ(DifferenceKind::Close { first, second });
                }
                let (first, second) = (one.volume, other.volume);
                if !are_near(first, second, percent) {
                    differ(DifferenceKind::Volume { first, second });
                }
                self.compared += 1;
            }
            (Some(_), None) => differ(DifferenceKind::OnlyFirst),
            (None, _) => differ(DifferenceKind::OnlySecond),
        }
    }
}

/// Where a bar is compared. Sources date the bar of a week or month by different days of it, and
/// that of a day by different hours.
fn place(bar: &Bar, interval: Interval) -> DateTime<Utc> {
    let date = bar.trading_date;
    let day = match interval {
        Interval::Daily => date,
        Interval::Weekly => {
            let since_monday = date.weekday().num_days_from_monday();
            date - Days::new(since_monday.into())
        }
        Interval::Monthly => date.with_day(1).unwrap_or(date),
        _ => return bar.timestamp,
    };
    day.and_time(NaiveTime::MIN).and_utc()
}

/// Whether two closes are equal to the cent: they are at most half a cent apart. Of a price to which
/// a cent is much, at most one per cent.
fn are_equal(one: Price, other: Price) -> bool {
    let apart = one.units().abs_diff(other.units());
    let larger = one.units().max(other.units()).unsigned_abs();
    apart <= Price::ONE.unsigned_abs() / 200 && apart <= larger / 100
}

fn are_near(one: Volume, other: Volume, percent: u32) -> bool {
    let (one, other) = (one.units(), other.units());
    (one - other).abs() * 100 <= one.max(other) * i128::from(percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(at: &str, close: &str, volume: i64) -> Bar {
        let close = Price::parse(close).unwrap().0;
        let timestamp: DateTime<Utc> = at.parse().unwrap();
        Bar {
            timestamp,
            trading_date: timestamp.date_naive(),
            open: close,
            high: close,
            low: close,
            close,
            volume: Volume::new(volume, 0).unwrap(),
            is_final: true,
            adjusted_close: None,
            dividend_amount: None,
            split_coefficient: None,
        }
    }

    fn one(close: &str, volume: i64) -> [Bar; 1] {
        [bar("2026-05-15T13:30:00Z", close, volume)]
    }

    const fn terms(interval: Interval) -> Terms {
        Terms {
            interval,
            percent: 10,
            from_common: false,
            to_common: false,
        }
    }

    #[test]
    fn what_only_one_has_before_or_after_the_other_is_left_out_where_no_range_is_given() {
        let first = [
            bar("2026-05-13T04:00:00Z", "1", 1),
            bar("2026-05-14T04:00:00Z", "1", 1),
        ];
        let second = [
            bar("2026-05-14T00:00:00Z", "1", 1),
            bar("2026-05-15T00:00:00Z", "1", 1),
        ];
        let daily = terms(Interval::Daily);
        assert_eq!(compare(&first, &second, daily).differences.len(), 2);
        let common = Terms {
            from_common: true,
            to_common: true,
            ..daily
        };
        let compared = compare(&first, &second, common);
        assert!(compared.agrees() && compared.compared == 1, "{compared:?}");
        assert!(!compare(&first, &[], common).agrees());
    }

    #[test]
    fn closes_agree_to_the_cent_and_volumes_within_the_tolerance() {
        for (first, second, agrees) in [
            (one("283.25", 1_000), one("283.25", 1_000), true),
            (one("283.254", 1_000), one("283.2550", 1_000), true),
            (one("283.25", 1_000), one("283.26", 1_000), false),
            (one("0.00001000", 1_000), one("0.00001005", 1_000), true),
            (one("0.00001000", 1_000), one("0.00001500", 1_000), false),
            (one("283.25", 1_000), one("283.25", 900), true),
            (one("283.25", 1_000), one("283.25", 899), false),
            (one("283.25", 0), one("283.25", 0), true),
        ] {
            let compared = compare(&first, &second, terms(Interval::Min5));
            assert_eq!(compared.agrees(), agrees, "{compared:?}");
            let back = compare(&second, &first, terms(Interval::Min5));
            assert_eq!(back.agrees(), agrees, "{back:?}");
        }
        let exact = Terms {
            percent: 0,
            ..terms(Interval::Min5)
        };
        let exact = compare(&one("1", 1_000), &one("1", 999), exact);
        assert!(!exact.agrees());
    }

    #[test]
    fn bars_that_only_one_has_are_differences_and_unfinished_ones_are_not() {
        let open = Bar {
            is_final: false,
            ..bar("2026-05-15T13:45:00Z", "3", 1)
        };
        let first = [
            bar("2026-05-15T13:30:00Z", "1", 1),
            bar("2026-05-15T13:40:00Z", "2", 1),
            open,
        ];
        let second = [
            bar("2026-05-15T13:35:00Z", "1", 1),
            bar("2026-05-15T13:40:00Z", "2", 1),
            bar("2026-05-15T13:45:00Z", "9", 1),
        ];
        let compared = compare(&first, &second, terms(Interval::Min5));
        assert_eq!((compared.compared, compared.unfinished), (1, 1));
        let kinds: Vec<_> = compared
            .differences
            .iter()
            .map(|found| &found.kind)
            .collect();
        assert_eq!(
            kinds,
            [&DifferenceKind::OnlyFirst, &DifferenceKind::OnlySecond]
        );
        assert!(
            !compare(&[], &[], terms(Interval::Min5)).agrees(),
            "nothing"
        );
    }

    #[test]
    fn days_weeks_and_months_are_compared_whatever_hour_or_day_they_are_dated_by() {
        for (interval, one, other) in [
            (
                Interval::Daily,
                "2026-05-15T04:00:00Z",
                "2026-05-15T00:00:00Z",
            ),
            (
                Interval::Weekly,
                "2026-05-11T04:00:00Z",
                "2026-05-15T04:00:00Z",
            ),
            (
                Interval::Monthly,
                "2026-05-01T04:00:00Z",
                "2026-05-29T04:00:00Z",
            ),
        ] {
            let compared = compare(&[bar(one, "1", 1)], &[bar(other, "1", 1)], terms(interval));
            assert!(compared.agrees(), "{interval}: {compared:?}");
        }
    }
}
