//! Restatement: a source that adjusts prices itself has adjusted them again, so that what is stored
//! and what is not in its answer are on two scales.

use std::cmp::Ordering;

use rust_decimal::Decimal;

use crate::model::{Bar, Price};

/// A series whose source multiplied its older prices again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restatement {
    /// New prices for old ones.
    pub ratio: Decimal,
    /// What it was for.
    pub kind: RestatementKind,
    /// Whether the newest bar that both have was multiplied: the event came after it.
    pub is_later: bool,
}

/// Why a series was restated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestatementKind {
    /// Volumes are unchanged.
    Dividend,
    /// Volumes were multiplied by the inverse.
    Split,
}

/// Fewer bars with one ratio are corrections.
const LEAST: usize = 5;

/// What rounding both prices to four digits after the point may add to their difference.
const PLAY: Decimal = Decimal::from_parts(2, 0, 0, false, 4);

/// Whether an answer restates what is held: the prices of at least five bars that both have, and of
/// most that changed, share one ratio other than 1. Both are oldest first. Bars after the event are
/// as they were.
#[must_use]
pub fn restated(held: &[Bar], came: &[Bar]) -> Option<Restatement> {
    let changed: Vec<Pair<'_>> = common(held, came)
        .filter(|pair| pair.prices().any(|(held, came)| held != came))
        .collect();
    let ratio = median(&changed)?;
    let shared: Vec<&Pair<'_>> = changed
        .iter()
        .filter(|pair| pair.is_multiplied(ratio))
        .collect();
    if shared.len() < LEAST || shared.len() * 2 <= changed.len() {
        return None;
    }
    let most = |is: &dyn Fn(&Pair<'_>) -> bool| {
        shared.iter().filter(|pair| is(pair)).count() * 2 > shared.len()
    };
    let kind = if most(&|pair| pair.held.volume == pair.came.volume) {
        RestatementKind::Dividend
    } else if most(&|pair| pair.has_inverse_volume(ratio)) {
        RestatementKind::Split
    } else {
        return None;
    };
    let newest = common(held, came).last();
    Some(Restatement {
        ratio,
        kind,
        is_later: newest.is_some_and(|pair| pair.is_multiplied(ratio)),
    })
}

/// A bar as it is held, and as it came.
#[derive(Clone, Copy)]
struct Pair<'a> {
    held: &'a Bar,
    came: &'a Bar,
}

impl Pair<'_> {
    /// What the source adjusts: its adjusted closes beside raw prices, or else all prices.
    fn prices(&self) -> impl Iterator<Item = (Price, Price)> {
        let beside = self.held.adjusted_close.zip(self.came.adjusted_close);
        let four = |bar: &Bar| [bar.close, bar.open, bar.high, bar.low];
        let all = four(self.held).into_iter().zip(four(self.came));
        let count = if beside.is_some() { 0 } else { 4 };
        beside.into_iter().chain(all.take(count))
    }

    /// Whether each price is the old one times the ratio, by more than rounding.
    fn is_multiplied(&self, ratio: Decimal) -> bool {
        let play = PLAY * ratio.max(Decimal::ONE);
        self.prices().all(|(held, came)| {
            let (held, came) = (held.to_decimal(), came.to_decimal());
            (held * ratio - came).abs() <= play && (held - came).abs() > play
        })
    }

    /// Whether as much money was traded, to a share.
    fn has_inverse_volume(&self, ratio: Decimal) -> bool {
        let came = self.came.volume.to_decimal().checked_mul(ratio);
        came.is_some_and(|came| {
            (came - self.held.volume.to_decimal()).abs() <= ratio.max(Decimal::ONE)
        })
    }
}

/// The bars that both have.
fn common<'a>(held: &'a [Bar], came: &'a [Bar]) -> impl Iterator<Item = Pair<'a>> {
    came.iter().filter_map(|came| {
        let place = held.binary_search_by_key(&came.timestamp, |held| held.timestamp);
        let held = held.get(place.ok()?)?;
        Some(Pair { held, came })
    })
}

/// The ratio in the middle of those of all closes, which are the first prices.
fn median(changed: &[Pair<'_>]) -> Option<Decimal> {
    let mut ratios: Vec<Decimal> = changed
        .iter()
        .filter_map(|pair| {
            let (held, came) = pair.prices().next()?;
            came.to_decimal().checked_div(held.to_decimal())
        })
        .collect();
    ratios.sort_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal));
    ratios.get(ratios.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Volume;
    use crate::model::adjustment::tests::bar;

    /// Bars of twenty days, whose prices and volumes differ.
    fn held() -> Vec<Bar> {
        (1..=20)
            .map(|day| {
                bar(
                    day,
                    &format!("{}.{day:02}", 180 + day * 7 % 11),
                    day * 1_000,
                )
            })
            .collect()
    }

    /// The bars before a day times a ratio, rounded to four digits as the source does.
    fn restated_before(day: usize, ratio: &str, volume: i64) -> Vec<Bar> {
        let ratio: Decimal = ratio.parse().unwrap();
        let times =
            |price: Price| Price::from_decimal((price.to_decimal() * ratio).round_dp(4)).unwrap();
        let mut bars = held();
        for bar in bars.iter_mut().take(day) {
            bar.open = times(bar.open);
            bar.high = times(bar.high);
            bar.low = times(bar.low);
            bar.close = times(bar.close);
            bar.volume = Volume::new(bar.volume.whole() * volume, 0).unwrap();
        }
        bars
    }

    fn found(came: &[Bar]) -> Option<(String, RestatementKind)> {
        let found = restated(&held(), came)?;
        Some((found.ratio.round_dp(4).normalize().to_string(), found.kind))
    }

    #[test]
    fn a_dividend_multiplies_prices_and_a_split_volumes_too() {
        let dividend = Some(("0.9933".to_owned(), RestatementKind::Dividend));
        assert_eq!(found(&restated_before(20, "0.9933", 1)), dividend);
        assert_eq!(
            found(&restated_before(12, "0.9933", 1)),
            dividend,
            "then the event"
        );
        assert_eq!(found(&restated_before(12, "0.9933", 1)[4..]), dividend);
        let split = Some(("0.25".to_owned(), RestatementKind::Split));
        assert_eq!(found(&restated_before(20, "0.25", 4)), split);
        assert_eq!(found(&restated_before(5, "0.25", 4)), split);
    }

    #[test]
    fn corrections_and_short_overlaps_are_none() {
        assert_eq!(found(&held()), None);
        assert_eq!(found(&[]), None);
        assert_eq!(found(&restated_before(4, "0.9933", 1)), None, "four bars");
        assert_eq!(found(&restated_before(20, "0.9933", 1)[16..]), None);
        assert_eq!(
            found(&restated_before(20, "0.9933", 3)),
            None,
            "other volumes"
        );
        let mut corrected = held();
        for (bar, cents) in corrected.iter_mut().zip([3, 5, 1, 8, 2, 9, 4, 6]) {
            bar.close = Price::from_units(bar.close.units() + cents * Price::ONE / 100);
        }
        assert_eq!(found(&corrected), None, "each by something else");
        let mut rounded = held();
        for bar in &mut rounded {
            for price in [&mut bar.open, &mut bar.high, &mut bar.low, &mut bar.close] {
                *price = Price::from_units(price.units() + Price::ONE / 10_000);
            }
        }
        assert_eq!(found(&rounded), None, "the last digit");
    }

    #[test]
    fn the_event_came_after_the_overlap_if_its_newest_bar_was_multiplied() {
        let is_later = |came: &[Bar]| restated(&held(), came).unwrap().is_later;
        assert!(is_later(&restated_before(20, "0.25", 4)));
        assert!(!is_later(&restated_before(19, "0.25", 4)));
    }

    #[test]
    fn adjusted_closes_beside_raw_prices_are_what_is_restated() {
        let with = |ratio: i64| {
            let mut bars = held();
            for bar in &mut bars {
                bar.adjusted_close = Some(Price::from_units(bar.close.units() / ratio));
            }
            bars
        };
        let found = restated(&with(1), &with(4)).unwrap();
        assert_eq!(found.ratio.round_dp(4).normalize().to_string(), "0.25");
        assert_eq!(restated(&with(4), &with(4)), None);
        assert_eq!(restated(&held(), &with(4)), None, "nothing to compare");
    }

    #[test]
    fn a_correction_beside_it_does_not_hide_a_restatement() {
        let mut came = restated_before(12, "0.9933", 1);
        came[3].volume = Volume::from(7);
        came[5].high = came[7].high;
        assert_eq!(
            found(&came),
            Some(("0.9933".to_owned(), RestatementKind::Dividend))
        );
    }
}
