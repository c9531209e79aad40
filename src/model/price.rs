//! Decimals with eight digits after the point, as the store keeps them.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

/// An amount in units of 10⁻⁸: a price, a dividend or a split coefficient.
///
/// PostgreSQL shows it as `numeric(20,8)`, SQLite stores the integer. Digits past the eighth are
/// rounded half-even when text is read, because providers leak binary floats
/// (`236.13099999999997`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(i64);

/// Why a text is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// Something other than digits with at most one point between them.
    #[error("is not a plain decimal number")]
    Grammar,
    /// 9 × 10¹⁰ or more.
    #[error("is 90,000,000,000 or more")]
    TooLarge,
}

impl Price {
    /// Digits kept after the point.
    pub const SCALE: u32 = 8;
    /// Units in 1.
    pub const ONE: i64 = 100_000_000;
    /// The first amount that is too large to store: 9 × 10¹⁰.
    const LIMIT: i64 = 90_000_000_000 * Self::ONE;

    /// The amount of this many 10⁻⁸.
    #[must_use]
    pub const fn from_units(units: i64) -> Self {
        Self(units)
    }

    /// The amount in 10⁻⁸.
    #[must_use]
    pub const fn units(self) -> i64 {
        self.0
    }

    /// Reads digits with an optional point between them and says whether rounding changed the value.
    ///
    /// No sign, exponent, grouping or white space is accepted.
    ///
    /// ```
    /// use pipeline_tui::model::Price;
    ///
    /// let (price, rounded) = Price::parse("236.13099999999997")?;
    /// assert_eq!((price.to_string().as_str(), rounded), ("236.1310", true));
    /// # Ok::<(), pipeline_tui::model::price::PriceError>(())
    /// ```
    pub fn parse(text: &str) -> Result<(Self, bool), PriceError> {
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return Err(PriceError::Grammar),
            None => (text, ""),
        };
        if whole.is_empty()
            || !(whole
                .bytes()
                .chain(fraction.bytes())
                .all(|b| b.is_ascii_digit()))
        {
            return Err(PriceError::Grammar);
        }
        let mut units = 0_i64;
        let kept = fraction
            .bytes()
            .chain(std::iter::repeat(b'0'))
            .take(Self::SCALE as usize);
        for digit in whole.bytes().chain(kept) {
            units = units
                .checked_mul(10)
                .and_then(|units| units.checked_add(i64::from(digit - b'0')))
                .ok_or(PriceError::TooLarge)?;
        }
        let mut rest = fraction.bytes().skip(Self::SCALE as usize);
        let first = rest.next().unwrap_or(b'0');
        let more = rest.any(|digit| digit != b'0');
        let up = first > b'5' || (first == b'5' && (more || units % 2 == 1));
        units = units
            .checked_add(i64::from(up))
            .ok_or(PriceError::TooLarge)?;
        if units >= Self::LIMIT {
            return Err(PriceError::TooLarge);
        }
        Ok((Self(units), first != b'0' || more))
    }

    /// The same amount as a [`Decimal`] with eight digits after the point.
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.0, Self::SCALE)
    }

    /// The amount of a decimal with at most eight digits after the point.
    #[must_use]
    pub fn from_decimal(value: Decimal) -> Option<Self> {
        let mut value = value;
        value.rescale(Self::SCALE);
        i64::try_from(value.mantissa())
            .ok()
            .filter(|units| *units < Self::LIMIT)
            .map(Self)
    }
}

/// Shows at least four digits after the point, more only where they are not zero.
impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / Self::ONE, (self.0 % Self::ONE).abs());
        let (high, low) = (fraction / 10_000, fraction % 10_000);
        let sign = if self.0 < 0 && whole == 0 { "-" } else { "" };
        let mut text = format!("{sign}{whole}.{high:04}");
        if low != 0 {
            text.push_str(format!("{low:04}").trim_end_matches('0'));
        }
        f.pad(&text)
    }
}

impl Serialize for Price {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::RoundingStrategy;

    use super::*;

    fn parse(text: &str) -> Result<(i64, bool), PriceError> {
        Price::parse(text).map(|(price, rounded)| (price.units(), rounded))
    }

    #[test]
    fn reads_what_the_provider_sends() {
        assert_eq!(parse("283.5699"), Ok((28_356_990_000, false)));
        assert_eq!(parse("236.13099999999997"), Ok((23_613_100_000, true)));
        assert_eq!(parse("600000"), Ok((60_000_000_000_000, false)));
        assert_eq!(parse("0.00000001"), Ok((1, false)));
        assert_eq!(
            parse("89999999999.99999999"),
            Ok((8_999_999_999_999_999_999, false))
        );
    }

    #[test]
    fn rounds_half_to_even_and_says_so() {
        assert_eq!(parse("1.000000005"), Ok((100_000_000, true)));
        assert_eq!(parse("1.000000015"), Ok((100_000_002, true)));
        assert_eq!(
            parse("1.0000000050000000000000000000000000001"),
            Ok((100_000_001, true))
        );
        assert_eq!(parse("1.000000000000"), Ok((100_000_000, false)));
    }

    #[test]
    fn refuses_every_other_grammar() {
        for text in [
            "", ".", "1.", ".5", "+5", "-1", "1e5", "1_000", "1,234.5", " 1", "NaN", "inf",
            "1.2.3", "١",
        ] {
            assert_eq!(parse(text), Err(PriceError::Grammar), "{text:?}");
        }
        for text in [
            "90000000000",
            "89999999999.999999999",
            "99999999999999999999999999999999",
        ] {
            assert_eq!(parse(text), Err(PriceError::TooLarge), "{text:?}");
        }
    }

    #[test]
    fn shows_four_digits_or_as_many_as_matter() {
        let shown = |units| Price::from_units(units).to_string();
        assert_eq!(shown(28_357_000_000), "283.5700");
        assert_eq!(shown(28_357_000_010), "283.5700001");
        assert_eq!(shown(1), "0.00000001");
    }

    proptest! {
        #[test]
        fn agrees_with_rust_decimal(whole in 0_u64..80_000_000_000, fraction in "[0-9]{0,16}") {
            let text = if fraction.is_empty() { whole.to_string() } else { format!("{whole}.{fraction}") };
            let exact: Decimal = text.parse().unwrap();
            let rounded = exact.round_dp_with_strategy(8, RoundingStrategy::MidpointNearestEven);
            let (price, was_rounded) = Price::parse(&text).unwrap();
            prop_assert_eq!(price.to_decimal(), rounded);
            prop_assert_eq!(was_rounded, rounded != exact);
            prop_assert_eq!(Price::from_decimal(rounded), Some(price));
        }
    }
}
