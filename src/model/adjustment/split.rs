//! Splits that nobody reported: a price that jumps overnight by a usual ratio.

use std::fmt;
use std::str::FromStr;

use crate::model::Price;
use crate::model::words::UnknownWord;

/// A split's ratio: so many new shares for so many old ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio {
    /// New shares.
    pub new: u8,
    /// Old shares.
    pub old: u8,
}

/// The ratios of nearly all splits; each is also usual in reverse.
const USUAL: [(u8, u8); 8] = [
    (3, 2),
    (2, 1),
    (3, 1),
    (4, 1),
    (5, 1),
    (7, 1),
    (10, 1),
    (20, 1),
];

/// How far a share may move overnight beside its split, in parts of the new price. Wide, since a split
/// that is missed puts prices on two scales, and a false alarm only leaves them out; not so wide
/// that two ratios meet.
const PLAY: i128 = 10;
/// The same for 3:2 and its reverse, which shares come near without a split: AMZN opened a third
/// higher on 2001-04-09.
const LITTLE_PLAY: i128 = 20;

/// No jump by less than this factor looks like a split: 3:2 less its play.
pub const LEAST_JUMP: f64 = 1.3;

impl Ratio {
    /// Every usual ratio.
    fn usual() -> impl Iterator<Item = Self> {
        USUAL
            .into_iter()
            .flat_map(|(new, old)| [Self { new, old }, Self { new: old, old: new }])
    }

    /// The usual ratio by which a price jumped between a close and the next open.
    #[must_use]
    pub fn of_jump(close: Price, open: Price) -> Option<Self> {
        Self::usual().find(|ratio| {
            let before = i128::from(close.units()) * i128::from(ratio.old);
            let after = i128::from(open.units()) * i128::from(ratio.new);
            let is_small = ratio.new.max(ratio.old) < 2 * ratio.new.min(ratio.old);
            let play = if is_small { LITTLE_PLAY } else { PLAY };
            after > 0 && (before - after).abs() * play <= after
        })
    }

    /// New shares for one old one.
    #[must_use]
    pub fn split(self) -> Price {
        Price::from_units(Price::ONE * i64::from(self.new) / i64::from(self.old))
    }

    /// The usual ratio that gives so many new shares for one old one.
    #[must_use]
    pub fn of_split(split: Price) -> Option<Self> {
        Self::usual().find(|ratio| ratio.split() == split)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.new, self.old)
    }
}

impl FromStr for Ratio {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (new, old) = text.split_once(':').ok_or(UnknownWord)?;
        let number = |text: &str| text.parse().ok().filter(|n| *n > 0).ok_or(UnknownWord);
        Ok(Self {
            new: number(new)?,
            old: number(old)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn jump(close: &str, open: &str) -> Option<String> {
        let price = |text| Price::parse(text).unwrap().0;
        Ratio::of_jump(price(close), price(open)).map(|ratio| ratio.to_string())
    }

    #[test]
    fn real_splits_look_like_what_they_were() {
        for (close, open, ratio) in [
            ("499.23", "127.58", "4:1"),   // AAPL 2020-08-31
            ("645.57", "92.70", "7:1"),    // AAPL 2014-06-09
            ("2213.40", "444.61", "5:1"),  // TSLA 2020-08-31
            ("891.29", "302.36", "3:1"),   // TSLA 2022-08-25
            ("2447.00", "125.25", "20:1"), // AMZN 2022-06-06
            ("1208.88", "120.37", "10:1"), // NVDA 2024-06-10
            ("48.30", "31.50", "3:2"),
            ("4.10", "40.70", "1:10"),
            ("0.95", "1.99", "1:2"),
        ] {
            assert_eq!(jump(close, open).as_deref(), Some(ratio), "{close} {open}");
        }
    }

    #[test]
    fn crashes_and_gaps_that_are_near_no_ratio_do_not() {
        for (close, open) in [
            ("100", "100"),
            ("100", "75"),     // META 2022-02-03
            ("8.37", "11.40"), // AMZN 2001-04-09
            ("100", "83"),
            ("100", "130"),
            ("100", "43.5"),
            ("100", "59.9"),
            ("100", "168"),
            ("100", "0.01"),
            ("0.0001", "1000"),
        ] {
            assert_eq!(jump(close, open), None, "{close} {open}");
        }
    }

    #[test]
    fn a_ratio_is_read_as_it_is_written() {
        for ratio in Ratio::usual() {
            assert_eq!(ratio.to_string().parse(), Ok(ratio));
            assert_eq!(Ratio::of_split(ratio.split()), Some(ratio));
        }
        for text in ["", "4", "4:", "0:1", "4:1:1", "999:1", "a:b"] {
            assert!(text.parse::<Ratio>().is_err(), "{text}");
        }
        assert_eq!(Ratio::of_split(Price::from_units(Price::ONE)), None);
    }

    proptest! {
        #[test]
        fn what_looks_like_a_split_jumps_enough_to_be_looked_at(
            close in 1_i64..1 << 50, open in 1_i64..1 << 50
        ) {
            let found = Ratio::of_jump(Price::from_units(close), Price::from_units(open));
            #[expect(clippy::cast_precision_loss, reason = "a factor, compared with a wide margin")]
            let factor = close as f64 / open as f64;
            if found.is_some() {
                prop_assert!(!(1.0 / LEAST_JUMP..LEAST_JUMP).contains(&factor), "{factor}");
            }
        }
    }
}
