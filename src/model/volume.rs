//! How much was traded in a bar: a decimal, since tapes report fractions of shares.

use std::fmt;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Serialize, Serializer};

use super::text::thousands;

/// A whole number and a fraction of it in units of 10⁻⁸, as SQLite stores them.
///
/// Digits past the eighth are rounded half-even when text is read, as those of a
/// [`Price`](super::Price).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Volume {
    whole: i64,
    fraction: u32,
}

/// Why a text is not a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VolumeError {
    /// Something other than digits with at most one point between them.
    #[error("is not a plain decimal number")]
    Grammar,
    /// More than the store holds.
    #[error("is above {}", i64::MAX)]
    TooLarge,
}

impl Volume {
    /// Digits kept after the point.
    pub const SCALE: u32 = 8;
    /// Units of the fraction in 1.
    pub const ONE: u32 = 100_000_000;

    /// A volume of its two parts; `None` if one is out of range.
    #[must_use]
    pub const fn new(whole: i64, fraction: u32) -> Option<Self> {
        if whole >= 0 && fraction < Self::ONE {
            Some(Self { whole, fraction })
        } else {
            None
        }
    }

    /// The whole number.
    #[must_use]
    pub const fn whole(self) -> i64 {
        self.whole
    }

    /// What is above the whole number, in 10⁻⁸.
    #[must_use]
    pub const fn fraction(self) -> u32 {
        self.fraction
    }

    /// The volume in 10⁻⁸.
    #[must_use]
    pub fn units(self) -> i128 {
        i128::from(self.whole) * i128::from(Self::ONE) + i128::from(self.fraction)
    }

    /// The sum, or the greatest volume.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        let sum = self.fraction + other.fraction;
        let whole = self
            .whole
            .saturating_add(other.whole)
            .saturating_add((sum / Self::ONE) as i64);
        Self {
            whole,
            fraction: sum % Self::ONE,
        }
    }

    /// Reads digits with an optional point between them and says whether rounding changed the value.
    ///
    /// ```
    /// use pipeline_tui::model::Volume;
    ///
    /// let (volume, rounded) = Volume::parse("6321531.562155")?;
    /// assert_eq!((volume.to_string().as_str(), rounded), ("6321531.562155", false));
    /// assert_eq!(Volume::parse("300.0")?.0.to_string(), "300");
    /// # Ok::<(), pipeline_tui::model::volume::VolumeError>(())
    /// ```
    pub fn parse(text: &str) -> Result<(Self, bool), VolumeError> {
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return Err(VolumeError::Grammar),
            None => (text, ""),
        };
        let mut digits = whole.bytes().chain(fraction.bytes());
        if whole.is_empty() || !digits.all(|byte| byte.is_ascii_digit()) {
            return Err(VolumeError::Grammar);
        }
        let whole: i64 = whole.parse().map_err(|_| VolumeError::TooLarge)?;
        let kept = fraction
            .bytes()
            .chain(std::iter::repeat(b'0'))
            .take(Self::SCALE as usize)
            .fold(0, |units, digit| units * 10 + u32::from(digit - b'0'));
        let mut rest = fraction.bytes().skip(Self::SCALE as usize);
        let first = rest.next().unwrap_or(b'0');
        let more = rest.any(|digit| digit != b'0');
        let up = first > b'5' || (first == b'5' && (more || kept % 2 == 1));
        let kept = kept + u32::from(up);
        let carried = if kept == Self::ONE {
            whole.checked_add(1).map(|whole| (whole, 0))
        } else {
            Some((whole, kept))
        };
        let (whole, fraction) = carried.ok_or(VolumeError::TooLarge)?;
        Ok((Self { whole, fraction }, first != b'0' || more))
    }

    /// The volume as people read it, its thousands separated.
    #[must_use]
    pub fn grouped(self) -> String {
        let digits = self.to_string();
        let fraction = digits.trim_start_matches(|c: char| c.is_ascii_digit());
        format!("{}{fraction}", thousands(self.whole))
    }

    /// How many characters it has then.
    #[must_use]
    pub fn grouped_len(self) -> usize {
        let digits = 1 + self.whole.checked_ilog10().unwrap_or(0);
        let is_last = |digits: &u32| {
            self.fraction
                .is_multiple_of(10_u32.pow(Self::SCALE - digits))
        };
        let decimals = (0..=Self::SCALE).find(is_last).unwrap_or(0);
        let point = u32::from(decimals > 0);
        (digits + (digits - 1) / 3 + point + decimals) as usize
    }

    /// The same as a [`Decimal`] with no more digits after the point than it needs.
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        Decimal::from_i128_with_scale(self.units(), Self::SCALE).normalize()
    }

    /// The volume of a decimal with at most eight digits after the point.
    #[must_use]
    pub fn from_decimal(value: Decimal) -> Option<Self> {
        let whole = value.trunc();
        let mut fraction = value - whole;
        fraction.rescale(Self::SCALE);
        Self::new(whole.to_i64()?, u32::try_from(fraction.mantissa()).ok()?)
    }
}

impl From<u32> for Volume {
    fn from(whole: u32) -> Self {
        Self {
            whole: i64::from(whole),
            fraction: 0,
        }
    }
}

/// Shows a whole number without a point, and else no more digits than it has.
impl fmt::Display for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.fraction == 0 {
            return fmt::Display::fmt(&self.whole, f);
        }
        let digits = format!("{}.{:08}", self.whole, self.fraction);
        f.pad(digits.trim_end_matches('0'))
    }
}

/// A number with all its digits.
impl Serialize for Volume {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.fraction == 0 {
            return serializer.serialize_i64(self.whole);
        }
        serde_json::value::RawValue::from_string(self.to_string())
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::RoundingStrategy;

    use super::*;

    fn shown(text: &str) -> String {
        Volume::parse(text).unwrap().0.to_string()
    }

    #[test]
    fn whole_numbers_are_shown_whole_and_fractions_with_their_digits() {
        for (text, expected) in [
            ("0", "0"),
            ("300.0", "300"),
            ("300.000000001", "300"),
            ("6321531.562155", "6321531.562155"),
            ("0.00000001", "0.00000001"),
            ("9223372036854775807.5", "9223372036854775807.5"),
        ] {
            assert_eq!(shown(text), expected);
        }
        let volume = Volume::parse("6321531.562155").unwrap().0;
        assert_eq!(volume.grouped(), "6,321,531.562155");
        assert_eq!(Volume::from(1_000).grouped(), "1,000");
        for text in [
            "0",
            "7",
            "999",
            "1000",
            "123456",
            "9223372036854775807.5",
            "0.00000001",
            "12.05",
        ] {
            let volume = Volume::parse(text).unwrap().0;
            assert_eq!(volume.grouped_len(), volume.grouped().len(), "{text}");
        }
    }

    #[test]
    fn digits_past_the_eighth_are_rounded_half_to_even() {
        assert_eq!(shown("1.000000005"), "1");
        assert_eq!(shown("1.000000015"), "1.00000002");
        assert_eq!(shown("1.0000000050000001"), "1.00000001");
        assert_eq!(shown("0.999999995"), "1");
        assert!(Volume::parse("0.999999995").unwrap().1);
        assert!(!Volume::parse("0.500000000").unwrap().1);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "", ".", "1.", ".5", "-1", "+1", "1e3", "1,000", " 1", "NaN", "1.2.3", "١",
        ] {
            assert_eq!(Volume::parse(text), Err(VolumeError::Grammar), "{text:?}");
        }
        for text in ["9223372036854775808", "9223372036854775807.999999999"] {
            assert_eq!(Volume::parse(text), Err(VolumeError::TooLarge), "{text:?}");
        }
        assert_eq!(Volume::new(-1, 0), None);
        assert_eq!(Volume::new(1, Volume::ONE), None);
    }

    #[test]
    fn in_json_it_is_a_number_with_all_its_digits() {
        let json = |text: &str| serde_json::to_string(&Volume::parse(text).unwrap().0).unwrap();
        assert_eq!(json("1000"), "1000");
        assert_eq!(
            json("9007199254740993.00000001"),
            "9007199254740993.00000001"
        );
    }

    proptest! {
        #[test]
        fn agrees_with_rust_decimal(whole in 0..=i64::MAX >> 1, fraction in "[0-9]{1,9}") {
            let exact: Decimal = format!("{whole}.{fraction}").parse().unwrap();
            let rounded = exact.round_dp_with_strategy(8, RoundingStrategy::MidpointNearestEven);
            let (volume, was_rounded) = Volume::parse(&format!("{whole}.{fraction}")).unwrap();
            prop_assert_eq!(volume.to_decimal(), rounded);
            prop_assert_eq!(was_rounded, rounded != exact);
            prop_assert_eq!(Volume::from_decimal(rounded), Some(volume));
            prop_assert_eq!(volume.to_string(), volume.to_decimal().to_string());
        }

        #[test]
        fn sums_carry(one in 0..1_000_000_000_000_i64, other in 0..1_000_000_000_000_i64) {
            let of = |units: i64| {
                let fraction = u32::try_from(units % i64::from(Volume::ONE)).unwrap();
                Volume::new(units / i64::from(Volume::ONE), fraction).unwrap()
            };
            prop_assert_eq!(of(one).saturating_add(of(other)), of(one + other));
        }
    }
}
