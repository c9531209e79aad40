//! Prices to steps of the drawing, round numbers for the axes, and how both are written.

use super::Candle;
use crate::model::{Price, Volume};

/// Units in one cent: the coarsest last digit of an amount in full.
const CENT: i128 = (Price::ONE / 100) as i128;
/// From here on, cents mean nothing next to the price and only take room.
const NO_CENTS_FROM: i128 = 100_000 * Price::ONE as i128;

/// A range of prices over a number of steps, step 0 at the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    /// Lowest price, in 10⁻⁸.
    pub low: i128,
    /// Highest price, in 10⁻⁸; above `low`.
    pub high: i128,
    /// Steps from top to bottom.
    pub steps: u16,
}

impl Scale {
    /// The range of the candles; a single price gets a hundredth of itself above and below.
    #[must_use]
    pub fn of(candles: &[Candle], steps: u16) -> Option<Self> {
        // Bodies count too: the store's checks can let a body stick out of its wick.
        let lows = candles.iter().map(|c| c.low.min(c.body().1));
        let highs = candles.iter().map(|c| c.high.max(c.body().0));
        let low = i128::from(lows.min()?.units());
        let high = i128::from(highs.max()?.units());
        if low < high {
            return Some(Self { low, high, steps });
        }
        let pad = match low.abs() / 100 {
            0 if low == 0 => CENT,
            pad => pad.max(1),
        };
        Some(Self {
            low: low - pad,
            high: high + pad,
            steps,
        })
    }

    /// The step of a price; the nearest edge for prices outside.
    #[must_use]
    pub fn step(&self, price: i128) -> u16 {
        let last = self.steps.saturating_sub(1);
        let span = (self.high - self.low).max(1);
        let from_top = (self.high - price).clamp(0, span);
        u16::try_from((from_top * i128::from(last) * 2 + span) / (span * 2)).unwrap_or(last)
    }

    /// Multiples of 1, 2 or 5 × 10ⁿ in the range, highest first: as many as fit into `most`.
    #[must_use]
    pub fn labels(&self, most: u16) -> Labels {
        let most = i128::from(most.max(1));
        let step = round_steps()
            .find(|step| self.multiples(*step) <= most)
            .unwrap_or(i128::MAX);
        let first = self.low.div_euclid(step) + i128::from(self.low.rem_euclid(step) != 0);
        let count = self.multiples(step);
        let prices = (first..first + count).rev().map(|n| n * step).collect();
        Labels {
            prices,
            decimals: self.decimals(step),
        }
    }

    fn multiples(&self, step: i128) -> i128 {
        self.high.div_euclid(step) - (self.low - 1).div_euclid(step)
    }

    /// Digits that show the step, and cents where the price is small enough for cents to matter.
    fn decimals(&self, step: i128) -> usize {
        let mut needed = Price::SCALE as usize;
        let mut rest = step;
        while needed > 0 && rest % 10 == 0 {
            rest /= 10;
            needed -= 1;
        }
        needed.max(least_decimals(self.high))
    }
}

/// Digits after the point that a price has at any step: its cents, unless it is large.
#[must_use]
pub fn least_decimals(price: i128) -> usize {
    if price.abs() < NO_CENTS_FROM { 2 } else { 0 }
}

/// The prices written at an axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// In 10⁻⁸, highest first.
    pub prices: Vec<i128>,
    /// Digits after the point of every label.
    pub decimals: usize,
}

fn round_steps() -> impl Iterator<Item = i128> {
    std::iter::successors(Some(1_i128), |power| power.checked_mul(10))
        .flat_map(|power| [1, 2, 5].map(|digit| power.saturating_mul(digit)))
}

/// An amount of 10⁻⁸ with this many digits after the point, rounded half up, thousands separated.
#[must_use]
pub fn amount(units: i128, decimals: usize) -> String {
    let cut = u32::try_from((Price::SCALE as usize).saturating_sub(decimals)).unwrap_or(0);
    let unit = 10_i128.saturating_pow(cut);
    let rounded = units.abs().saturating_add(unit / 2) / unit;
    let one = 10_i128.saturating_pow(Price::SCALE.saturating_sub(cut));
    let sign = if units < 0 && rounded != 0 { "-" } else { "" };
    let whole = thousands(rounded / one);
    if one == 1 {
        return format!("{sign}{whole}");
    }
    format!("{sign}{whole}.{:0decimals$}", rounded % one)
}

fn thousands(whole: i128) -> String {
    let digits = whole.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The round number at the top of the volume's scale: the next 1, 2, 3, 4, 5, 6 or 8 × 10ⁿ.
#[must_use]
pub fn volume_top(most: Volume) -> i128 {
    let most = i128::from(most.whole()) + i128::from(most.fraction() > 0);
    if most == 0 {
        return 0;
    }
    std::iter::successors(Some(1_i128), |power| power.checked_mul(10))
        .flat_map(|power| [1, 2, 3, 4, 5, 6, 8].map(|digit| power.saturating_mul(digit)))
        .find(|top| *top >= most)
        .unwrap_or(most)
}

/// A round number in a few characters: `80k`, `2M`.
#[must_use]
pub fn short(number: i128) -> String {
    const UNITS: [(i128, &str); 4] = [
        (1_000_000_000_000, "T"),
        (1_000_000_000, "B"),
        (1_000_000, "M"),
        (1_000, "k"),
    ];
    UNITS
        .iter()
        .find(|(unit, _)| number >= *unit && number % unit == 0)
        .map_or_else(
            || thousands(number),
            |(unit, letter)| format!("{}{letter}", thousands(number / unit)),
        )
}
